"""Files of jobs and batches under way: one folder in the home. Each is removed when what it belongs to is over."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from bailian.store.private import private_folder

FOLDER = "under-way"
EARLIER_FOLDERS = ("sounds", "documents")


def under_way(home: Path) -> Path:
    """Return the folder; who writes into it makes it."""
    return home / FOLDER


def forget_files(home: Path, name: str) -> None:
    """Remove the files of what is over: `NAME.…`."""
    for path in under_way(home).glob(f"{name}.*"):
        with suppress(OSError):  # Windows: a thread writes there still
            path.unlink()


def take_in(home: Path) -> None:
    """Take in what an earlier version kept in folders of its own, under the same names."""
    for folder in (home / name for name in EARLIER_FOLDERS):
        if not folder.is_dir():
            continue
        with suppress(OSError):  # another process is faster
            for path in folder.iterdir():
                path.replace(private_folder(under_way(home)) / path.name)
            folder.rmdir()
    with suppress(OSError):  # not empty: a job that is told to write there still may
        (home / "stdout").rmdir()
