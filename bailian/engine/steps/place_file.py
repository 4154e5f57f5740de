"""A finished file gets its place: a name in a folder, or an object in storage; never over an existing one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.engine.steps import file_names
from bailian.errors import SaveError, TransportError
from bailian.files import formats, png, publishing
from bailian.files.digests import has_digest, sha256_of
from bailian.files.storage.local_digests import digests_of
from bailian.files.under_way import under_way
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import modality_of
from bailian.service.download import save_error
from bailian.store.private import private_folder
from bailian.text.storage_path import ResultPath, StoragePath
from bailian.types import Item


class StorageAway(TransportError):
    """Storage took no result: it is whole on this machine, and goes there later."""

    def __init__(self, place: ResultPath, error: OSError) -> None:
        super().__init__(save_error(place, error).message)
        self.passing = bool(getattr(error, "passing", False))


def temp_path(job: Job, services: Services, item: Item, stem: ResultPath, end: str) -> Path:
    """Return where a result ("part", "whole") or its "recipe" is until it has its name: beside it, or in the home if it
    goes to storage. Named by the job: whoever goes on with it finds it, whatever name the result gets."""
    name = temp_name(job, item, end)
    return stem.with_name(name) if isinstance(stem, Path) else _staging(services.journal.folder) / name[1:]


def temp_name(job: Job, item: Item, end: str) -> str:
    """Return what a result is called beside the name that it is to get."""
    return f".{job.id}.{item.index}.{end}"


@lru_cache(maxsize=4)
def _staging(home: Path) -> Path:
    """Return where files wait for storage. The folder is made once."""
    return private_folder(under_way(home))


def place_file(
    job: Job,
    services: Services,
    item: Item,
    whole: Path,
    target: ResultPath,
    sha256: str,
    *,
    sync: bool = True,
    resumed: bool = False,
) -> ResultPath:
    """Give a finished file the name it is to get, or the next best one that is not refused.

    `resumed`: an earlier process may have given it its name.
    """
    if isinstance(target, StoragePath):
        final: ResultPath = _put(job, services, item, whole, target, sha256, resumed=resumed)
    else:
        final = publishing.publish_first(whole, possible_names(job, item, target), sync=sync)
        if not publishing.is_numbered(final, target):
            file_names.note_other_name(job, target, final)
            return final
    if final is not target and final != target and job.saving.suffix is not None:
        file_names.note_taken_name(job, target, final)
    return final


def _put(
    job: Job, services: Services, item: Item, whole: Path, target: StoragePath, sha256: str, *, resumed: bool
) -> StoragePath:
    from bailian.files.storage.put_results import put_first

    def claim(place: StoragePath) -> bool:
        return services.journal.claim_file(job.id, item.index, place, sha256, unless_under_way=not resumed)

    def reserve(place: StoragePath) -> bool:
        return services.journal.reserve_file(job.id, item.index, place, sha256)

    final = put_first(whole, target, digests_of(whole), claim, reserve=reserve, resumed=resumed)
    with suppress(OSError):  # it is there, whatever becomes of the copy
        whole.unlink()
    return final


def possible_names(job: Job, item: Item, target: Path) -> Iterator[Path]:
    """Yield the names that a file may get on a disk, best first."""
    return publishing.fallbacks(target, lambda: file_names.plain_stem(job, item))


def placed_before(job: Job, services: Services, item: Item, target: ResultPath, sha256: str) -> ResultPath | None:
    """Return where the finished file is, if it is, and record that: it may have become "name-2" just before a kill.
    Neither its name nor what is in it proves that it is this job's: two jobs may have answered alike."""

    def claim(place: ResultPath) -> bool:
        return services.journal.claim_file(job.id, item.index, place, sha256)

    if isinstance(target, StoragePath):
        from bailian.files.storage.put_results import put_before

        return put_before(target, sha256, claim)
    for name in possible_names(job, item, target):
        for candidate in publishing.existing_names(name):
            if has_digest(candidate, sha256) and claim(candidate):
                return candidate
    return None


def staged_for_storage(job: Job, services: Services, index: int) -> Path:
    """Return where a result is that waits for storage, whole, wherever it goes in the end."""
    return under_way(services.journal.folder) / f"{job.id}.{index}.whole"


def not_in_storage(job: Job, services: Services, error: StorageAway) -> SaveError:
    """Return the report on results that storage did not take: they are paid, and whole on this machine."""
    home, command = services.journal.folder, how_to().fetch(job.account_flags, job.task_id or job.id)
    again = tr("run the same command again", "再次运行同一命令") if job.row_key else command
    failed = SaveError(
        error.message,
        advice=tr(
            f"the result is paid and kept in {home} without a time limit; to put it there when storage answers: {again}"
            "; nothing is paid again (-o DIR saves it elsewhere)",
            f"结果已计费并保存在 {home}，没有期限；存储恢复后，{again} 即可上传，不会重复计费（-o 可指定其他位置）",
        ),
        task_id=job.task_id,
        request_id=job.request_id,
    )
    failed.stops_all = True
    return failed


def kept_download(job: Job, item: Item, stem: ResultPath, kept: Path, whole: Path) -> tuple[ResultPath, str] | None:
    """Take a download that waited for storage, which may have no link any more: it goes there, or somewhere else now."""
    if item.url is None or not kept.is_file():
        return None
    kept.with_suffix(".part").unlink(missing_ok=True)  # killed before it went
    suffix = result_suffix(job, kept)
    if suffix is None:  # killed while it was written
        kept.unlink()
        return None
    if kept != whole:
        _copy(kept, whole)
    return stem.with_name(f"{stem.name}.{file_names.suffix_for(job, suffix)}"), sha256_of(whole)


def result_suffix(job: Job, path: Path) -> str | None:
    """Return what a download is; None: no whole file of a kind that such a job makes."""
    with path.open("rb") as file:
        suffix = formats.suffix_of(file.read(formats.HEAD_BYTES))
    if suffix not in modality_of(job.kind).RESULT_SUFFIXES or not formats.is_complete(path, suffix):
        return None
    return suffix if suffix != "png" or png.is_complete(path.read_bytes()) else None


def _copy(source: Path, target: Path) -> None:
    """Copy a file of any length, and bring it to the disk."""
    shutil.copyfile(source, target)
    with target.open("r+b") as file:
        os.fsync(file.fileno())
