"""`bailian show FILE|ID`: how a file was made, and the command that makes it again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from bailian.cli.args.options import argument, flag, json_option
from bailian.cli.help.help_command import HelpCommand
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.text.storage_path import ResultPath

if TYPE_CHECKING:
    from bailian.errors import InvalidRequest
    from bailian.history.entries import Entry


LABEL_CELLS = 16
PICTURES = ("image", "image_edit", "wanx_edit")


@click.command(
    cls=HelpCommand,
    examples=(
        ("cat.png", "cat.png"),
        ("film.mp4 --json", "film.mp4 --json"),
    ),
    help=tr(
        "Show how a FILE was made and the command that makes it again: a picture by what is written in it, any file by its "
        "bytes, if it was made on this machine. Or what a job was: the beginning of its ID, see `bailian history`.",
        "显示文件的生成方式，以及重新生成它的命令：图片依据其中写入的信息，其他文件依据内容（须在本机生成）。"
        "也可给出任务 ID 的开头（见 `bailian history`）。",
    ),
)
@argument("word FILE|ID")
@flag("--preview", "Show it in the terminal, too (extra [preview]).", "同时在终端中显示（可选部分 [preview]）。")
@json_option
def show(word: str, preview: bool, as_json: bool) -> None:
    from bailian.cli.commands.made import entry_of_word, file_of
    from bailian.cli.output.preview import require_extra, show_files
    from bailian.cli.output.terminal import print_data, print_json
    from bailian.text.characters import wide_count

    if preview:
        require_extra()
    file = file_of(word)
    made = None if file is None else _written_in(file)
    entry = entry_of_word(word)
    if entry is not None:
        made = _made(entry) if made is None else {**made, "job": entry.row.id}
    if made is None:
        raise no_recipe(word)
    if preview:
        show_files([file] if file is not None else entry.files if entry else [])
    command = _command(made, entry)
    if as_json:
        print_json({**made, "command": command})
        return
    shown = {name.removesuffix("_at_s"): _shown(name, value) for name, value in made.items()}
    shown[tr("again", "重新生成")] = command
    for name, text in shown.items():
        if text:
            print_data(f"{name}{' ' * (LABEL_CELLS - len(name) - wide_count(name))} {text}")


def _shown(name: str, value: Any) -> str:
    """Return a value as people read it."""
    if name == "created_at_s":
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value))
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _written_in(file: ResultPath) -> dict[str, Any] | None:
    """Return what a picture says of itself; None for another file, or none.

    Raises:
        InvalidRequest: it cannot be read.
    """
    from bailian.errors import InvalidRequest
    from bailian.files import recipe
    from bailian.files.storage.local_copies import local_copy

    try:
        with local_copy(file) as copy:
            return recipe.read(copy)
    except OSError as error:
        raise InvalidRequest.unreadable("file", file, error) from None


def _command(made: dict[str, Any], entry: Entry | None) -> str:
    """Return the line that makes it again: with all that went in, where this machine still knows it."""
    from bailian.files import recipe
    from bailian.modalities import modality_of

    kind = str(made["kind"])
    if entry is None:
        return recipe.command(made, how_to().script(kind))
    if kind not in PICTURES:  # whose fields are more than flags can say
        return how_to().command("again", entry.row.id)
    inputs = {name: entry.row.request[name] for name in modality_of(kind).INPUT_FIELDS if name in entry.row.request}
    return recipe.command({**made, **inputs}, how_to().script(kind))


def _made(entry: Entry) -> dict[str, Any]:
    """Return what the journal knows of a file that says nothing itself."""
    row = entry.row
    known = {
        "kind": row.kind,
        **row.request,
        "wire_model": row.wire_model,
        "task_id": row.task_id,
        "request_id": row.request_id,
        "cost_cny": row.charged_cny,
        "created_at_s": row.created_at_s,
        "sandbox": entry.sandbox or None,
        "job": row.id,
        "state": row.state,
        "files": [str(path) for path in entry.files],
    }
    return {name: value for name, value in known.items() if value is not None}


def no_recipe(file: str) -> InvalidRequest:
    from bailian.errors import InvalidRequest

    return InvalidRequest.one(
        "file",
        tr(f"{file} does not say how it was made", f"{file} 中没有生成信息"),
        advice=tr(
            "only files made by this toolkit do; some editors remove it, and this machine's journal does not know its bytes",
            "只有本工具生成的文件才有；部分编辑器会将其删除，本机日志中也没有相同内容的文件",
        ),
    )
