"""A finished file gets its name: whole or not at all, and never over an existing one."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bailian.files.naming import last_refusal, refuses_name, shorter

WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
LAST_NUMBERS_MAX = 1000
_last_numbers: dict[Path, int] = {}
"""The last number that this process has tried of each name. Only speed: without it the numbers are tried from 2."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file and bring it to the disk; one that has no room leaves nothing behind."""
    (refused,) = write_many([(path, data)])
    if refused is not None:
        raise refused


def write_many(files: Sequence[tuple[Path, bytes]]) -> list[OSError | None]:
    """Write files and bring them to the disk, all of them first and then each: a fifth of the system's work.

    Returns:
        None for each that is whole on the disk, or what kept it from that; of such a one nothing is left behind.
    """
    handles: list[int | None] = []
    refused: list[OSError | None] = []
    for path, data in files:
        handle, error = None, None
        try:
            # Not `path.open`: that asks the system three more questions, ten thousand times in a batch.
            handle = os.open(path, WRITE_FLAGS, 0o666)
            _write(handle, data)
        except OSError as failed:
            error = failed
        handles.append(handle)
        refused.append(error)
    for at, handle in enumerate(handles):
        if handle is None:
            continue
        try:
            if refused[at] is None:
                os.fsync(handle)
        except OSError as failed:
            refused[at] = failed
        os.close(handle)
        if refused[at] is not None:
            files[at][0].unlink(missing_ok=True)
    return refused


def _write(handle: int, data: bytes) -> None:
    written = os.write(handle, data)
    while written < len(data):
        written += os.write(handle, data[written:])


def fallbacks(target: Path, plain_stem: Callable[[], str]) -> Iterator[Path]:
    """Yield the names that a file may get, best first. They follow from the first one: a later process finds them.

    Nearly all files get the first: the others are worked out for those that do not.
    """
    yield target
    short = target.with_name(shorter(target.stem) + target.suffix)
    if short != target:
        yield short
    plain_name = target.with_name(plain_stem() + target.suffix)
    if plain_name not in (target, short):
        yield plain_name


def publish_first(temp_path: Path, targets: Iterable[Path], *, sync: bool = True) -> Path:
    """Give the finished file the first of these names that is not refused (see `publish`); return the name it got.

    Raises:
        OSError: all are refused, or something else is wrong.
    """
    last: BaseException | None = None
    for target in targets:
        try:
            return publish(temp_path, target, sync=sync)
        except (OSError, UnicodeEncodeError) as error:  # noqa: PERF203 - three names at most
            if not refuses_name(error):
                raise
            last = error
    raise last_refusal(last)


def publish(temp_path: Path, target: Path, *, sync: bool = True) -> Path:
    """Give the finished file its final name, or the next free "name-2"; return the name it got.

    Without `sync` the caller brings the folder to the disk (`sync_folder`), for many files at once.

    The file appears whole or not at all, and no existing file is ever replaced: `os.link` refuses an
    existing name atomically. Where links are not possible the name is taken with O_EXCL first.
    """
    for candidate in _maybe_free(temp_path, target):
        try:
            os.link(temp_path, candidate)
        except FileExistsError:
            if not _same_file(temp_path, candidate):
                continue
        except OSError as error:
            if error.errno not in (
                errno.EPERM,
                errno.EOPNOTSUPP,
                errno.ENOTSUP,
                errno.EMLINK,
                errno.EACCES,
                errno.ENOSYS,
                errno.EINVAL,  # Windows: no links on exFAT
            ):
                raise
            if not _reserve_name(candidate):
                continue
            temp_path.replace(candidate)
            break
        temp_path.unlink()
        break
    if sync:
        sync_folder(candidate.parent)
    return candidate


def existing_names(target: Path) -> Iterator[Path]:
    """Yield the names of this series that exist: "name", "name-2" … up to the first free one."""
    yield from itertools.takewhile(os.path.exists, _candidates(target))


def is_numbered(path: Path, target: Path) -> bool:
    """Return whether a path is a name of this series: "name", "name-2" …"""
    if path is target:
        return True
    if path.parent != target.parent or not path.name.startswith(target.stem):
        return False
    number = path.name.removeprefix(target.stem).removesuffix(target.suffix)
    return not number or (number.startswith("-") and number[1:].isdecimal())


def _candidates(target: Path) -> Iterator[Path]:
    """Yield "name", "name-2", "name-3" … without end: a paid file always gets one."""
    yield target
    for number in itertools.count(2):
        yield _numbered(target, number)


def _numbered(target: Path, number: int) -> Path:
    return target.with_name(f"{target.stem}-{number}{target.suffix}")


def _maybe_free(temp_path: Path, target: Path) -> Iterator[Path]:
    """Yield the names that a file may get as `_candidates` does, but for those that this process has found taken.

    Prompts of a batch that begin alike make thousands of names alike: none is tried again for each of them. A file that
    has its name already (killed between link and unlink) has it among all.
    """
    yield target
    has_name = temp_path.stat().st_nlink > 1
    for number in itertools.count(2 if has_name else _last_numbers.get(target, 2)):
        if len(_last_numbers) >= LAST_NUMBERS_MAX:
            _last_numbers.clear()
        _last_numbers[target] = number
        yield _numbered(target, number)


def _same_file(one: Path, other: Path) -> bool:
    """Killed between link and unlink: the file already has its name."""
    try:
        return one.samefile(other)
    except FileNotFoundError:  # a link that leads nowhere has the name
        return False


def _reserve_name(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    if os.name == "nt":  # a folder cannot be opened for fsync there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
