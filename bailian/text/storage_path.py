"""A place in object storage, as a typed value: `s3://bucket/key`. Nothing here reads or writes, and nothing is imported for it.

It is no `os.PathLike`: who opens it as a file of this machine is found by the type checker, and refused at run time.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
"""Two letters at least: one is a drive of Windows."""
STORAGE_SCHEMES = (
    *("s3", "s3a", "oss", "gs", "gcs", "abfs", "abfss", "az", "adl", "obs", "cos", "cosn", "tos", "bos"),
    *("hdfs", "webhdfs", "memory"),
)
"""Of inputs: an address of any other scheme is a link that nobody here can follow."""
NOT_STORAGE = ("file", "http", "https", "data")
_WITH_PASSWORD = re.compile(r"[^/]*:[^/]*@")


@dataclass(frozen=True, order=True)
class StoragePath:
    """An object, or a prefix that stands for a folder. What it can do, a path of `pathlib` does by the same name."""

    scheme: str
    key: PurePosixPath
    """The bucket and what is below it."""

    @classmethod
    def parse(cls, word: str) -> StoragePath | None:
        """Return the place that a word names; None: it is a path of this machine, a link, or anything else."""
        found = _SCHEME.fullmatch(word)
        if found is None or found[1].lower() in NOT_STORAGE:
            return None
        return cls(found[1].lower(), PurePosixPath(found[2].lstrip("/")))

    def __str__(self) -> str:
        return f"{self.scheme}://{'' if self.key == PurePosixPath() else self.key}"

    def __truediv__(self, other: str | os.PathLike[str] | StoragePath) -> StoragePath:
        return other if isinstance(other, StoragePath) else StoragePath(self.scheme, self.key / Path(other).as_posix())

    def __rtruediv__(self, other: Path) -> StoragePath:
        return self

    @property
    def bucket(self) -> str:
        """Return the bucket's name; "" if there is none."""
        return next(iter(self.key.parts), "")

    @property
    def root(self) -> StoragePath:
        """Return the whole bucket."""
        return StoragePath(self.scheme, PurePosixPath(self.bucket))

    @property
    def name(self) -> str:
        return self.key.name

    @property
    def stem(self) -> str:
        return self.key.stem

    @property
    def suffix(self) -> str:
        return self.key.suffix

    @property
    def parent(self) -> StoragePath:
        return StoragePath(self.scheme, self.key.parent)

    @property
    def parents(self) -> tuple[StoragePath, ...]:
        return tuple(StoragePath(self.scheme, one) for one in self.key.parents)

    def with_name(self, name: str) -> StoragePath:
        return StoragePath(self.scheme, self.key.with_name(name))

    def with_suffix(self, suffix: str) -> StoragePath:
        return StoragePath(self.scheme, self.key.with_suffix(suffix))

    def absolute(self) -> StoragePath:
        """Return the same: it is always complete."""
        return self

    def as_uri(self) -> str:
        return str(self)


ResultPath: TypeAlias = Path | StoragePath
"""Where a result goes, or is: on this machine's disk, or in storage."""


def is_storage(word: str) -> bool:
    """Return whether a word is an address in storage that is known."""
    place = StoragePath.parse(word)
    return place is not None and place.scheme in STORAGE_SCHEMES


def holds_password(word: str) -> bool:
    """Return whether an address has credentials in it: `s3://user:password@…`."""
    found = _SCHEME.fullmatch(word)
    return found is not None and _WITH_PASSWORD.match(found[2]) is not None


def link_from(folder: ResultPath, path: ResultPath) -> str:
    """Return how a text in a folder names another file: relative where both are at one place."""
    if isinstance(folder, Path) and isinstance(path, Path):
        return Path(os.path.relpath(path, folder)).as_posix()
    if isinstance(folder, StoragePath) and isinstance(path, StoragePath) and folder.root == path.root:
        return posixpath.relpath(path.key, folder.key)
    return str(path)
