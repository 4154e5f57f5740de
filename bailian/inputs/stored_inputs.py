"""Inputs in object storage: fetched once into the home, named by what they hold, and then files of this machine.

A request is checked now and sent later: both see the same bytes, whatever becomes of the object meanwhile.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bailian.errors import InvalidRequest, Problem
from bailian.files.digests import sha256_of
from bailian.files.outputs import SERVICE_BUCKET, refuse_bad_address
from bailian.files.storage.object_store import StorageError, fetch, require_library
from bailian.i18n import tr
from bailian.store.backends.sqlite import unusable
from bailian.store.private import private_folder
from bailian.text.storage_path import STORAGE_SCHEMES, StoragePath

DIGEST_CHARS = 24


def stored_input(word: str) -> StoragePath | None:
    """Return the place in storage that a word names; None: it is a path, a link, or the service's own temporary link."""
    place = StoragePath.parse(word)
    if place is None or place.scheme not in STORAGE_SCHEMES:
        return None
    return None if place.scheme == "oss" and place.bucket.startswith(SERVICE_BUCKET) else place


def fetched_input(field: str, place: StoragePath, home: Path, most_bytes: int) -> Path:
    """Copy an object into the home; return the file.

    Raises:
        InvalidRequest: it is not there, cannot be read, or is larger than `most_bytes`.
        JournalError: the home cannot be written.
    """
    refuse_bad_address(field, str(place))
    require_library(field, place)
    folder = (home / "inputs").absolute()
    try:
        private_folder(folder)
        handle, name = tempfile.mkstemp(prefix=".", dir=folder)
        os.close(handle)
    except OSError as error:
        raise unusable(home, error) from None
    aside = Path(name)
    try:
        if not fetch(place, aside, most_bytes):
            size = f"{most_bytes // 1024**2:,} MB"
            raise InvalidRequest.one(field, tr(f"{place} has more than {size}", f"{place} 超过 {size}"), advice="")
        path = folder / f"{sha256_of(aside)[:DIGEST_CHARS]}{place.suffix.lower()}"
        aside.replace(path)
        return path
    except StorageError as error:
        reason: Exception = FileNotFoundError(2, os.strerror(2)) if error.missing else error
        raise InvalidRequest.unreadable(field, place, reason) from None
    finally:
        aside.unlink(missing_ok=True)


def named_as_given(error: InvalidRequest, copy: Path, place: StoragePath) -> InvalidRequest:
    """Return a refusal of a copy in words of what the user named."""
    problems = [Problem(one.field, one.message.replace(str(copy), str(place))) for one in error.problems]
    return InvalidRequest(problems, advice=error.advice)
