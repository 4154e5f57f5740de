"""A finished file goes to storage: whole or not at all, and never over an existing object."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from bailian.errors import InvalidRequest
from bailian.files.storage import object_store
from bailian.files.storage.local_digests import Digests, digests_of
from bailian.files.storage.object_store import StorageError
from bailian.i18n import reason_of, tr
from bailian.text.storage_path import StoragePath

LAST_NUMBERS_MAX = 1000
_last_numbers: dict[StoragePath, int] = {}
"""The last number that this process has tried of each name: prompts of a batch that begin alike make names alike."""
RESERVED_MAX = 10_000
_reserved: dict[StoragePath, None] = {}
"""Names that this process is putting, or has put: a result that is not in the journal yet is nobody else's."""
Claim = Callable[[StoragePath], bool]
"""Writes down that an object is this result's; False: it is another's."""


def put_first(
    source: Path,
    target: StoragePath,
    local: Digests,
    claim: Claim,
    *,
    reserve: Claim = lambda _place: True,
    resumed: bool = False,
) -> StoragePath:
    """Put a finished file under a name, or the next free "name-2"; return the name it got. The file stays here.

    An object of the same content under such a name may be our own: a put whose reply was lost, or a process that was
    killed behind it. `claim` decides, since two jobs may have answered alike. `resumed`: an earlier process may have
    put it already, so that no name is left out. `reserve`: keeps a name from others, where the store itself would not.

    Raises:
        StorageError: it is not there.
    """
    for candidate in _candidates(target, resumed=resumed):
        if candidate in _reserved or not (object_store.refuses_taken_names(candidate) or reserve(candidate)):
            continue
        if _created(source, candidate, local):
            return candidate
        if object_store.holds(candidate, local.sha256, local) and claim(candidate):
            return candidate
    raise AssertionError(target)


def _created(source: Path, candidate: StoragePath, local: Digests) -> bool:
    """Put a file as `create` does; its name is kept from the other threads if it got it."""
    while len(_reserved) >= RESERVED_MAX:  # the oldest have been written down long ago
        with suppress(KeyError):
            del _reserved[next(iter(_reserved))]
    _reserved[candidate] = None
    created = False
    try:
        created = object_store.create(source, candidate, local)
    finally:
        if not created:
            _reserved.pop(candidate, None)
    return created


def put_before(target: StoragePath, sha256: str, claim: Claim) -> StoragePath | None:
    """Return where an earlier process has put a file that is not here any more; None: nowhere under these names.

    Raises:
        StorageError: storage cannot be asked.
    """
    for candidate in itertools.takewhile(object_store.is_there, numbered(target)):
        if object_store.holds(candidate, sha256) and claim(candidate):
            return candidate
    return None


def numbered(target: StoragePath, first: int = 2) -> Iterator[StoragePath]:
    """Yield "name", "name-2", "name-3" … without end: a paid file always gets one."""
    yield target
    yield from (target.with_name(f"{target.stem}-{number}{target.suffix}") for number in itertools.count(first))


def _candidates(target: StoragePath, *, resumed: bool) -> Iterator[StoragePath]:
    """Yield the names that a file may get, but for those that this process has found taken."""
    first = 2 if resumed else _last_numbers.get(target, 0)
    names = numbered(target, max(first, 2))
    unnumbered = next(names)
    if resumed or not first:
        yield unnumbered
    for number, name in enumerate(names, max(first, 2)):
        if len(_last_numbers) >= LAST_NUMBERS_MAX:
            _last_numbers.clear()
        _last_numbers[target] = number
        yield name


def check_prefix(field: str, prefix: StoragePath) -> None:
    """Refuse before paying what could not be saved afterwards: a small object is put below a prefix, and removed.

    Raises:
        InvalidRequest: the library is missing, the bucket is not there, or nothing may be written.
    """
    object_store.require_library(field, prefix)
    probe = prefix / f".bailian-probe-{uuid4().hex}"
    try:
        with TemporaryDirectory(prefix="bailian-probe-") as folder:
            file = Path(folder) / "probe"
            file.write_bytes(b"a probe of the Bailian toolkit: it may be removed\n")
            object_store.create(file, probe, digests_of(file))
        with suppress(StorageError):  # who may write and not remove can save results all the same
            object_store.remove(probe)
    except StorageError as error:
        reason = reason_of(error)
        raise InvalidRequest.one(
            field,
            tr(f"cannot write into {prefix}: {reason}", f"无法写入 {prefix}：{reason}"),
            advice=tr(
                "check the bucket and its credentials, or choose a folder with -o DIR",
                "请检查存储桶及其凭证，或用 -o 指定目录",
            ),
        ) from None
