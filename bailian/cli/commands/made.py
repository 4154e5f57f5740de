"""A word on the command line → the job it means: a file that was made, or the beginning of an id."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bailian.config.settings import journal_place
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.paths import leads_to_file
from bailian.text.storage_path import ResultPath

if TYPE_CHECKING:
    from bailian.history.entries import Entry


def entry_of(file: ResultPath) -> Entry | None:
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
    return entry_of_file(journal_place(), digest, file)


def file_of(word: str) -> ResultPath | None:
    """Return the file that a word names, here or in storage; None: there is none here.

    Raises:
        InvalidRequest: storage cannot be asked.
    """
    from bailian.inputs.stored_inputs import stored_input

    place = stored_input(word)
    if place is None:
        return Path(word) if leads_to_file(Path(word)) else None
    from bailian.files.outputs import refuse_bad_address
    from bailian.files.storage.object_store import require_library

    refuse_bad_address("file", word)
    require_library("file", place)
    return place


def entry_of_word(word: str) -> Entry | None:
    """Return the job whose file this is, or whose id begins so; None for a file that no job here has made.

    Raises:
        InvalidRequest: neither, or several ids begin so; the text says where to look.
    """
    from bailian.history.entries import entry_of_id
    from bailian.store.ids.short_ids import MIN_CHARS

    file = file_of(word)
    if file is not None:
        return entry_of(file)
    found = entry_of_id(journal_place(), word)
    if found is not None:
        return found
    short = len(word) < MIN_CHARS
    raise InvalidRequest.one(
        "id",
        tr(f"{word!r} is no file here, and ", f"{word!r} 既不是此处的文件，")
        + (
            tr(f"too short for an id: write {MIN_CHARS} characters of it", f"作为 ID 也太短：至少写 {MIN_CHARS} 个字符")
            if short
            else tr("no id of this machine begins so", "本机也没有以此开头的 ID")
        ),
        advice=how_to().command("history"),
    )
