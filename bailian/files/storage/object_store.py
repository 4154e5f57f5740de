"""Object storage through fsspec, which is loaded here and nowhere else, when the first address is met.

Only fsspec's generic interface is used. Credentials are the library's own (AWS_*, ~/.aws, FSSPEC_*): they are neither
read nor kept here, and what a library says in an error is shown without any.
"""

from __future__ import annotations

import errno
import hashlib
import inspect
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from bailian.errors import InvalidRequest
from bailian.files.storage.local_digests import Digests
from bailian.i18n import reason_of, tr
from bailian.instructions import how_to
from bailian.text.storage_path import StoragePath

IN_MEMORY_MAX_BYTES = 64 * 1024**2
"""Up to this size a file is put as one request, whose reply tells the checksum. A film above it goes in pieces."""
_MD5 = re.compile("[0-9a-f]{32}")
_CREDENTIALS = re.compile(r"//[^/@\s]*@")
_open: dict[str, Any] = {}
"""One file system a bucket, for all threads. fsspec itself would keep one a thread, each with connections of its own."""
_conditional: dict[str, bool] = {}
_opening = Lock()


class StorageError(OSError):
    """Storage did not do what it was asked to. `strerror` is the library's sentence."""

    def __init__(self, place: StoragePath, error: BaseException) -> None:
        self.passing = _may_pass(error)
        """It may go well when it is tried again."""
        self.missing = isinstance(error, FileNotFoundError)
        said = _CREDENTIALS.sub("//", str(getattr(error, "strerror", None) or error or "").strip())
        is_object = self.missing and (not said or place.name in said)
        if is_object:
            said = os.strerror(errno.ENOENT)
        super().__init__(errno.EIO, said or type(error).__name__, str(place))
        self.errno = errno.ENOENT if is_object else None  # the sentence is the library's, and no system's


@dataclass(frozen=True)
class Found:
    """What storage tells of an object."""

    size_bytes: int | None
    tag: str
    """Its ETag or MD5 in hexadecimal, where the backend tells one; of large or encrypted objects it is no MD5."""


def require_library(field: str, place: StoragePath) -> None:
    """Refuse an address whose library is not installed.

    Raises:
        InvalidRequest: with the line that installs it.
    """
    try:
        _file_system(place)
    except (ImportError, ValueError) as error:
        raise _missing_library(field, place, error) from None
    except Exception as error:  # noqa: BLE001 - what a library thinks of its own settings
        reason = reason_of(StorageError(place, error))
        raise InvalidRequest.one(field, tr(f"{place}: {reason}", f"{place}：{reason}"), advice="") from None


def _missing_library(field: str, place: StoragePath, error: Exception) -> InvalidRequest:
    library = ""
    with suppress(ImportError):
        from fsspec.registry import known_implementations

        library = str(known_implementations.get(place.scheme, {}).get("class", "")).partition(".")[0]
        if not library:
            text = tr(f"{place.scheme}:// is no storage that is known", f"未知的存储类型 {place.scheme}://")
            return InvalidRequest.one(field, text, advice="")
    library = "" if library == "fsspec" else library
    own = {"s3": "s3fs", "s3a": "s3fs", "oss": "ossfs", "gs": "gcsfs", "gcs": "gcsfs"}
    needed = library or own.get(place.scheme, "")
    text = tr(f"{place.scheme}:// needs a library that is missing: ", f"{place.scheme}:// 缺少所需的库：")
    return InvalidRequest.one(field, text + (needed or str(error)), advice=how_to().with_extra("cluster", needed))


def _file_system(place: StoragePath) -> Any:
    """Return the file system of a bucket.

    Raises:
        ImportError, ValueError: its library is not installed.
    """
    root = str(place.root)
    with _opening:
        if root not in _open:
            from fsspec.core import url_to_fs

            # Another machine may have put an object a moment ago: no list is remembered.
            _open[root], _ = url_to_fs(root, use_listings_cache=False, skip_instance_cache=True)
        return _open[root]


def let_go() -> None:
    """Forget all connections: the next call reads the libraries' settings anew."""
    with _opening:
        _open.clear()
        _conditional.clear()


@contextmanager
def _asking(place: StoragePath) -> Iterator[tuple[Any, str]]:
    """Give the file system and the path in it; whatever a library raises comes out as one kind of error."""
    try:
        system = _file_system(place)
        yield system, system._strip_protocol(str(place))
    except StorageError:
        raise
    except Exception as error:
        raise StorageError(place, error) from error


def _may_pass(error: BaseException) -> bool:
    """Return whether it is worth trying again: not without a bucket, a right, or credentials that hold."""
    lasting = isinstance(error, PermissionError | FileNotFoundError | ImportError | NotADirectoryError)
    return not lasting and "credential" not in type(error).__name__.lower()


def found_at(place: StoragePath) -> Found | None:
    """Return what storage tells of an object; None: there is none, a prefix is none.

    Raises:
        StorageError: storage cannot be asked.
    """
    with _asking(place) as (system, path):
        try:
            told = system.info(path)
        except FileNotFoundError:
            return None
        if told.get("type") == "directory":
            return None
        size = told.get("size")
        return Found(size if isinstance(size, int) else None, _tag(told))


def _tag(told: object) -> str:
    words = [told.get(name) for name in ("ETag", "etag", "md5")] if isinstance(told, Mapping) else []
    return next((word.strip('"').lower() for word in words if isinstance(word, str)), "")


def is_there(place: StoragePath) -> bool:
    """Return whether there is an object of this name; may raise as `found_at` does."""
    return found_at(place) is not None


def holds(place: StoragePath, sha256: str, local: Digests | None = None) -> bool:
    """Return whether an object is there and has this content: by its checksum, else it is read back.

    Raises:
        StorageError: storage cannot be asked.
    """
    found = found_at(place)
    if found is None or (local is not None and found.size_bytes not in (None, local.size_bytes)):
        return False
    if local is not None and found.tag == local.md5:
        return True
    return digest_at(place) == sha256


def digest_at(place: StoragePath) -> str:
    """Read an object back; return its SHA-256.

    Raises:
        StorageError: it cannot be read.
    """
    digest = hashlib.sha256()
    with _asking(place) as (system, path), system.open(path, "rb", cache_type="none") as file:
        while piece := file.read(IN_MEMORY_MAX_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def create(source: Path, place: StoragePath, local: Digests) -> bool:
    """Put a file under a name that is free, and check it there; False: the name is taken, by whomever.

    A put whose reply is lost may have arrived: then the name is taken, and `holds` says by what.

    Raises:
        StorageError: it is not there.
    """
    with _asking(place) as (system, path):
        try:
            tag = _put(system, source, path, local, conditional=refuses_taken_names(place))
        except FileExistsError:
            return False
        except Exception as error:
            with suppress(StorageError):
                if not isinstance(error, PermissionError) and is_there(place):
                    return False
            raise
        if tag == local.md5 or holds(place, local.sha256, local):
            return True
        with suppress(Exception):  # it is ours, and not whole
            system.rm_file(path)
        raise StorageError(place, OSError(errno.EIO, tr("what was put is not whole there", "上传后的内容不完整")))


def _put(system: Any, source: Path, path: str, local: Digests, *, conditional: bool) -> str:
    """Put a file unless the name is taken; return the checksum that the reply tells, if it tells one."""
    how = {"mode": "create"} if conditional else {}
    if not how and system.exists(path):
        raise FileExistsError(path)
    if local.size_bytes <= IN_MEMORY_MAX_BYTES:
        return _tag(system.pipe_file(path, source.read_bytes(), **how))
    system.put_file(str(source), path, **how)
    return ""


def refuses_taken_names(place: StoragePath) -> bool:
    """Return whether the store itself refuses a put where the name is taken.

    Raises:
        StorageError: its library cannot be loaded.
    """
    root = str(place.root)
    if root not in _conditional:
        with _asking(place) as (system, _):
            # A library that does not know of it may swallow the word.
            ways = [getattr(system, f"_{name}", None) or getattr(system, name) for name in ("pipe_file", "put_file")]
            _conditional[root] = all("mode" in inspect.signature(way).parameters for way in ways)
    return _conditional[root]


def replace(source: Path, place: StoragePath) -> None:
    """Put one of our own files in the place of an older one, e.g. a page. Its name tells the backend its type.

    Raises:
        StorageError: it is not there.
    """
    with _asking(place) as (system, path):
        system.put_file(str(source), path)


def remove(place: StoragePath) -> None:
    """Remove one of our own objects; one that is not there is well.

    Raises:
        StorageError: it is still there.
    """
    with _asking(place) as (system, path), suppress(FileNotFoundError):
        system.rm_file(path)


def read_text(place: StoragePath, most_bytes: int) -> str:
    """Return a small text; "" where there is none.

    Raises:
        StorageError: it cannot be read.
    """
    if not is_there(place):
        return ""
    with _asking(place) as (system, path):
        data: bytes = system.cat_file(path, start=0, end=most_bytes)
        return data.decode("utf-8", "replace")


def names_below(place: StoragePath) -> set[str]:
    """Return the names of the objects right below a prefix.

    Raises:
        StorageError: it cannot be listed.
    """
    with _asking(place) as (system, path):
        try:
            return {str(name).rpartition("/")[2] for name in system.ls(path, detail=False)}
        except FileNotFoundError:
            return set()


def fetch(place: StoragePath, target: Path, most_bytes: int) -> bool:
    """Copy an object into a file of this machine; False: it has more than `most_bytes`, and what is there is part of it.

    Raises:
        StorageError: it is not there (`missing`), or cannot be read.
    """
    count = 0
    with (
        _asking(place) as (system, path),
        system.open(path, "rb", cache_type="none") as source,
        target.open("wb") as file,
    ):
        while count <= most_bytes and (piece := source.read(min(IN_MEMORY_MAX_BYTES, most_bytes + 1 - count))):
            file.write(piece)
            count += len(piece)
    return count <= most_bytes
