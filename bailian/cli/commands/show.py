"""`bailian show FILE`: how a picture was made, and the command that makes it again."""

from __future__ import annotations

from pathlib import Path

import click

from bailian.cli.args.options import json_option
from bailian.i18n import tr
from bailian.instructions import how_to


@click.command(
    help=tr("Show how FILE was made and the command that makes it again.", "显示文件的生成方式，以及重新生成它的命令。")
)
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def show(file: Path, as_json: bool) -> None:
    from bailian.cli.output.terminal import print_data, print_json
    from bailian.errors import InvalidRequest
    from bailian.files import recipe

    try:
        made = recipe.read(file)
    except OSError as error:
        raise InvalidRequest.unreadable("file", file, error) from None
    if made is None:
        raise InvalidRequest.one(
            "file",
            tr(f"{file} does not say how it was made", f"{file} 中没有生成信息"),
            advice=tr(
                "only files made by this toolkit do, and some editors remove it",
                "只有本工具生成的文件才有，部分编辑器会将其删除",
            ),
        )
    command = recipe.command(made, how_to().script(str(made["kind"])))
    if as_json:
        print_json({**made, "command": command})
        return
    for name, value in made.items():
        print_data(f"{name:16} {value}")
    print_data(f"{tr('again', '重新生成'):16} {command}")
