"""The `bailian` command: each subcommand is loaded when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from bailian import __version__
from bailian.cli.help.help_command import HelpGroup
from bailian.i18n import tr

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# The short help stands here, so that `bailian --help` loads no command.
REQUEST_COMMANDS = {
    "text2image": ("bailian.cli.scripts.text2image:main", tr("Pictures from a text.", "根据文字生成图片。")),
    "image-edit": ("bailian.cli.scripts.image_edit:main", tr("Edit pictures by an instruction.", "按指令编辑图片。")),
    "wanx-edit": (
        "bailian.cli.scripts.wanx_edit:main",
        tr("Edit a picture by one of ten functions; masks.", "按十种功能编辑图片；制作 mask。"),
    ),
    "text2video": ("bailian.cli.scripts.text2video:main", tr("A film from a text.", "根据文字生成视频。")),
    "text2text": ("bailian.cli.scripts.text2text:main", tr("Answers and conversations.", "问答与对话。")),
    "audio": (
        "bailian.cli.scripts.audio:main",
        tr("Speak a text, write down a recording, list the voices.", "语音合成、语音识别、列出音色。"),
    ),
}
"""The same commands as the files in the clone."""
COMMANDS = {
    "batch": (
        "bailian.cli.batch.command:batch",
        tr("Many requests from one file, each run once.", "运行文件中的多个请求，每个只运行一次。"),
    ),
    "tasks": (
        "bailian.cli.commands.tasks:tasks",
        tr("What is running, was made, or can be fetched.", "查看、等待、取回、取消任务。"),
    ),
    "models": (
        "bailian.cli.commands.models:models",
        tr("The models with their limits and prices.", "列出模型及其限制与价格。"),
    ),
    "history": ("bailian.cli.commands.history:history", tr("What was made, to be searched.", "查找做过的请求。")),
    "gallery": (
        "bailian.cli.commands.history:gallery",
        tr("What was made, as a page with pictures.", "把做过的请求写成带图片的网页。"),
    ),
    "again": (
        "bailian.cli.commands.again:again",
        tr("Run a request once more, with changes.", "再次运行某个请求，可作更改。"),
    ),
    "show": (
        "bailian.cli.commands.show:show",
        tr("How a file was made, and the command that makes it again.", "文件的生成方式，以及重新生成它的命令。"),
    ),
    "cost": ("bailian.cli.commands.cost:cost", tr("What was charged, and what may be.", "已产生与可能产生的费用。")),
    "sandbox": (
        "bailian.cli.serving.serve_sandbox:sandbox",
        tr("A local service for trying and testing.", "用于试用与测试的本地服务。"),
    ),
    "login": ("bailian.cli.commands.login:login", tr("Keep an API key.", "保存 API Key。")),
    "completion": (
        "bailian.cli.commands.completion:completion",
        tr("What the shell completes at TAB.", "按 TAB 补全。"),
    ),
    "config": ("bailian.cli.commands.config:config", tr("What is set, and where.", "查看设置及其来源。")),
    "journal": (
        "bailian.cli.commands.journal:journal",
        tr("The journal, for one machine or several.", "日志：单机或多机共享。"),
    ),
    "mcp": (
        "bailian.cli.serving.serve_agents:mcp",
        tr("The same as tools of an agent (MCP).", "以 MCP 工具供智能体使用。"),
    ),
    "selftest": (
        "bailian.cli.commands.selftest:selftest",
        tr("Is the service as this toolkit expects it?", "检查服务是否与本工具的预期一致。"),
    ),
    "doctor": (
        "bailian.cli.commands.doctor:doctor",
        tr("Check key, host, folders and settings.", "检查密钥、服务地址、目录与设置。"),
    ),
}
SETTING_UP = ("login", "config", "doctor", "selftest", "completion", "sandbox", "journal", "mcp")
SECTIONS = {
    tr("One request", "单个请求"): REQUEST_COMMANDS,
    tr("Many requests, and what was made", "批量运行与结果管理"): {
        name: about for name, about in COMMANDS.items() if name not in SETTING_UP
    },
    tr("Key, settings, trying", "密钥、设置与试用"): {name: COMMANDS[name] for name in SETTING_UP},
}


class LazyGroup(HelpGroup):
    """A group that imports a command's module when the command is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*REQUEST_COMMANDS, *COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = {**REQUEST_COMMANDS, **COMMANDS}.get(cmd_name.replace("_", "-"))  # the files have underscores
        if found is None:
            return None
        module, _, name = found[0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the commands without loading them."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        commands = {**REQUEST_COMMANDS, **COMMANDS}
        return [CompletionItem(name, help=text) for name, (_, text) in commands.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, short_help) for name, (_, short_help) in commands.items()])


@click.command(
    cls=LazyGroup,
    examples=(
        ('text2image "a cat on a wall" --sandbox', 'text2image "墙上的猫" --sandbox'),
        ("history cat --since 7d", "history 猫 --since 7d"),
    ),
    help=tr(
        "Alibaba Bailian from a shell: pictures, edits, films, text, speech; many requests at once. With --sandbox a command "
        "needs no key and costs nothing.",
        "在命令行使用阿里云百炼：生成与编辑图片、视频、文本、语音，以及批量运行。加上 --sandbox 无需密钥，也不产生费用。",
    ),
)
@click.version_option(__version__, prog_name="bailian")
def bailian() -> None:
    pass
