"""A word on the command line → the job it means: a file that was made, or the beginning of an id."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bailian.config.home import home_folder
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.instructions import how_to

if TYPE_CHECKING:
    from bailian.history.entries import Entry


def entry_of(file: Path) -> Entry | None:
    """Return the job that has made this file, by the file's bytes: whatever it is called now.

    Raises:
        InvalidRequest: it cannot be read.
    """
    from bailian.files.digests import sha256_of
    from bailian.history.entries import entry_of_file

    try:
        digest = sha256_of(file)
    except OSError as error:
        raise InvalidRequest.unreadable("file", file, error) from None
    return entry_of_file(home_folder(), digest)


def entry_of_word(word: str) -> Entry | None:
    """Return the job that an id begins, or whose file this is.

    Raises:
        InvalidRequest: neither; the text says where to look.
    """
    from bailian.history.entries import entry_of_id

    found = entry_of_id(home_folder(), word)
    if found is not None:
        return found
    if Path(word).is_file():
        return entry_of(Path(word))
    raise InvalidRequest.one(
        "id",
        tr(
            f"{word!r} is no file here, and begins no id, or several",
            f"{word!r} 既不是此处的文件，也不是（唯一的）ID 开头",
        ),
        advice=how_to().command("history"),
    )
