"""The `bailian` command: each subcommand is loaded when it is used."""

from __future__ import annotations

from importlib import import_module

import click

from bailian import __version__
from bailian.i18n import tr

COMMANDS = {
    "batch": "bailian.cli.batch.command:batch",
    "tasks": "bailian.cli.commands.tasks:tasks",
    "models": "bailian.cli.commands.models:models",
    "show": "bailian.cli.commands.show:show",
    "cost": "bailian.cli.commands.cost:cost",
    "sandbox": "bailian.cli.commands.serve_sandbox:sandbox",
    "doctor": "bailian.cli.commands.doctor:doctor",
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.command(
    cls=LazyGroup,
    help=tr(
        "Alibaba Bailian from a shell: many requests at once, tasks, models, costs. One request: text2image.py, image_edit.py, "
        "wanx_edit.py, text2video.py, text2text.py, audio.py.",
        "在命令行使用阿里云百炼：批量任务、任务管理、模型与费用。单个请求：text2image.py、image_edit.py、wanx_edit.py、"
        "text2video.py、text2text.py、audio.py。",
    ),
)
@click.version_option(__version__, prog_name="bailian")
def bailian() -> None:
    pass
