"""A batch's own files (results, page, mark) where its folder is: on a disk in place; for storage written aside, then put.

They are derived from the journal, so each may take its older self's place. A result never does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bailian.batch.output.records import FAILED, RESULTS, unwritten
from bailian.store.paths import leads_to_file
from bailian.text.storage_path import ResultPath, StoragePath

MARK_MAX_BYTES = 64 * 1024


@contextmanager
def written_aside(folder: ResultPath) -> Iterator[Path]:
    """Give a folder of this machine to write in. What is in it at the end, and was written, goes where it belongs.

    Raises:
        SaveError: storage takes it not; what stood there before still does.
    """
    if isinstance(folder, Path):
        yield folder
        return
    from bailian.files.storage.object_store import remove, replace

    with TemporaryDirectory(prefix="bailian-") as temporary:
        here = Path(temporary)
        yield here
        files = sorted(path for path in here.rglob("*") if path.is_file() and not is_fetched(path))
        place: StoragePath = folder
        try:
            for path in files:
                place = folder / path.relative_to(here)
                replace(path, place)
            if (here / RESULTS) in files and (here / FAILED) not in files:
                place = folder / FAILED
                remove(place)
        except OSError as error:
            raise unwritten(place, error) from None


def fetched(path: Path) -> None:
    """Mark a file as one that has come from there, so that it is not put again."""
    path.chmod(0o400)


def is_fetched(path: Path) -> bool:
    return not path.stat().st_mode & 0o200


def mark_of(mark: ResultPath) -> str:
    """Return what a mark says; "" where there is none.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(mark, Path):
        return mark.read_text(encoding="utf-8") if leads_to_file(mark) else ""
    from bailian.files.storage.object_store import read_text

    return read_text(mark, MARK_MAX_BYTES)


def write_mark(mark: ResultPath, text: str) -> None:
    """Write whose folder it is.

    Raises:
        OSError: it cannot be written.
    """
    if isinstance(mark, Path):
        mark.write_text(text, encoding="utf-8")
        return
    from bailian.files.storage.object_store import replace

    with TemporaryDirectory(prefix="bailian-") as temporary:
        file = Path(temporary) / "mark.txt"
        file.write_text(text, encoding="utf-8")
        replace(file, mark)
