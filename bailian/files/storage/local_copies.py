"""What stands in storage, for a moment on this machine: to be looked at, and gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bailian.store.paths import leads_to_file
from bailian.text.storage_path import ResultPath

MOST_BYTES = 2 * 1024**3
"""No result is larger."""


@contextmanager
def local_copy(path: ResultPath) -> Iterator[Path]:
    """Give a file of this machine: itself, or a copy that goes again.

    Raises:
        OSError: it cannot be fetched.
    """
    if isinstance(path, Path):
        yield path
        return
    from bailian.files.storage.object_store import fetch

    with TemporaryDirectory(prefix="bailian-") as folder:
        copy = Path(folder) / path.name
        fetch(path, copy, MOST_BYTES)
        yield copy


def is_file(path: ResultPath) -> bool:
    """Return whether a file is there. Of storage that cannot be asked nothing is there."""
    if isinstance(path, Path):
        return leads_to_file(path)
    from bailian.files.storage.object_store import StorageError, is_there

    try:
        return is_there(path)
    except StorageError:
        return False
