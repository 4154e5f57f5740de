"""`bailian completion`: the script that makes a shell complete `bailian`, and where its line goes."""

from __future__ import annotations

import click

from bailian.cli.args.options import argument
from bailian.cli.completion.shells import SHELLS
from bailian.cli.help.help_command import HelpCommand
from bailian.i18n import tr


@click.command(
    cls=HelpCommand,
    examples=(("", ""), ("bash", "bash")),
    help=tr(
        "Print the script with which a shell completes commands, options, models, sizes, voices and files at TAB. Without "
        "SHELL: the line for each shell's start file.",
        "输出补全脚本：按 TAB 补全命令、选项、模型、尺寸、音色与文件。省略 SHELL 时，列出各 Shell 的启动文件中应添加的一行。",
    ),
)
@argument("shell [SHELL]", required=False, type=click.Choice([*SHELLS]))
def completion(shell: str | None) -> None:
    from bailian.cli.output.terminal import print_data, print_err

    if shell is not None:
        print_data(SHELLS[shell].text.rstrip("\n"))
        return
    print_err(
        tr(
            "Put the line of your shell into the file that it reads at its start:",
            "把对应的一行加入 Shell 的启动文件：",
        )
    )
    for one in SHELLS.values():
        print_data(f"{one.name:11} {one.start_file:27} {one.line}")
