"""The folder of a batch: whose results it holds, and nothing half made in it."""

from __future__ import annotations

from bailian.batch.output.gallery import sweep
from bailian.batch.output.records import FAILED, RESULTS, unwritten
from bailian.batch.sync import Wish
from bailian.errors import InvalidRequest
from bailian.i18n import say

# Says whose results a folder holds.
MARK = ".bailian-batch"


def check_owner(wish: Wish) -> None:
    """Refuse a folder that is not for this batch. Nothing is made or written.

    A folder holds the results of one batch, or of one kind of it: another's are not overwritten.

    Raises:
        InvalidRequest: the folder is another batch's, or the source is one of its files.
    """
    mark = wish.folder / MARK
    owner = mark.read_text(encoding="utf-8") if mark.is_file() else ""
    inside = wish.source.resolve() in ((wish.folder / name).resolve() for name in (RESULTS, FAILED))
    if inside or owner not in ("", wish.part):
        raise InvalidRequest.one(
            "output",
            say(f"{wish.folder} holds the results of another batch", f"{wish.folder} 中已有另一批次的结果"),
            advice=say("choose another folder with -o DIR", "请用 -o 指定其他目录"),
        )


def claim(wish: Wish) -> None:
    """Mark the folder, and clear away what a killed run of the same batch has left half written.

    Raises:
        InvalidRequest: the folder is not for this batch.
        SaveError: the mark cannot be written.
    """
    check_owner(wish)
    mark = wish.folder / MARK
    try:
        mark.write_text(wish.part, encoding="utf-8")
    except OSError as error:
        raise unwritten(mark, error) from None
    sweep(wish.folder)
