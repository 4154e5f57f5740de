"""What the file of a result is called: as the template says, else shorter, else in ASCII."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path

from bailian.engine.job import Job
from bailian.files import naming
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.text.storage_path import ResultPath, StoragePath
from bailian.types import Item, Notice


def stem_of(job: Job, item: Item) -> ResultPath:
    """Return where a result goes, without suffix. A folder on a disk is made; storage has none, and takes every name.

    Raises:
        OSError: the folder cannot be made.
    """
    folder = job.saving.folder or Path()
    if isinstance(folder, StoragePath):
        return folder / _rendered(job, job.saving.template, item)
    made, stem = place_on_disk(job, item, folder)
    return made / stem


def place_on_disk(job: Job, item: Item, below: Path) -> tuple[Path, str]:
    """Return the folder of this machine that a result goes to, which is made, and its name there without suffix.

    Raises:
        OSError: the folder cannot be made.
    """
    inner, _, wanted = _rendered(job, job.saving.template, item).rpartition("/")
    parent = below / inner if inner else below
    folder, name = _folder(parent), wanted
    if not naming.fits(folder, name):
        name = naming.shorter(name)
        if not naming.fits(folder, name):
            name = plain_stem(job, item)
    if name != wanted or folder != parent:
        note_other_name(job, parent / wanted, folder / name)
    return folder, name


def plain_stem(job: Job, item: Item) -> str:
    """Return an ASCII name that every system takes: what is ASCII of the wanted one, with date, model, seed, index."""
    wanted = _rendered(job, job.saving.template, item).rpartition("/")[2]
    return naming.plain(wanted, naming.plain(_rendered(job, naming.PLAIN_TEMPLATE, item, own_stem=False)))


def with_suffix(job: Job, item: Item, name: str) -> str:
    """Return the file's name with the suffix asked for, else the format's own."""
    asked = job.saving.suffix if item.index == 0 else None
    suffix = item.suffix if asked is None else asked
    return f"{name}.{suffix}" if suffix else name


def note_other_name(job: Job, wanted: ResultPath, given: ResultPath) -> None:
    """Say that a file is not called what it was to be called."""
    same_folder = given.parent == wanted.parent
    before, now = (wanted.name, given.name) if same_folder else (str(wanted), str(given))
    _note(
        job, tr(f"the name {before} is not possible here, it became {now}", f"此处无法使用名称 {before}，已改为 {now}")
    )


def note_taken_name(job: Job, wanted: ResultPath, given: ResultPath) -> None:
    """Say that somebody else has made a file of the name that the user gave."""
    before, now = wanted.name, given.name
    _note(job, tr(f"{before} exists already: the result is {now}", f"{before} 已存在：结果保存为 {now}"))


def suffix_for(job: Job, suffix: str) -> str:
    """Return the suffix as it was typed where the result is of that format, else its own, with a notice."""
    asked = job.saving.suffix
    if asked is None or asked.lower() == suffix:
        return asked or suffix
    _note(
        job,
        tr(
            f"the service made {suffix}, not {asked}: the file ends in .{suffix}",
            f"服务返回的是 {suffix} 而不是 {asked}：文件后缀为 .{suffix}",
        ),
    )
    return suffix


def _note(job: Job, text: str) -> None:
    if not any(notice.message == text for notice in job.notices):
        job.notices.append(Notice("other_name", text))


@lru_cache(maxsize=64)
def _folder(wanted: Path) -> Path:
    """Rows of a batch go to the same folder; one that is removed meanwhile is made again by who misses it."""
    return naming.made_folder(wanted)


@lru_cache(maxsize=64)
def _date_time(at_s: float) -> tuple[str, str]:
    """Rows of a batch are written down at the same moment."""
    local = time.localtime(at_s)
    return time.strftime("%Y%m%d", local), time.strftime("%H%M%S", local)


def _rendered(job: Job, template: str, item: Item, *, own_stem: bool = True) -> str:
    """Return a name below the output folder, without suffix."""
    # Files of one job that differ in their suffix (a sound and its subtitles) share a name.
    count = 1 if item.suffix else (job.prepared.count or 1)
    if own_stem and job.saving.stem is not None:
        return job.saving.stem if count == 1 else f"{job.saving.stem}_{item.index + 1}"
    day, moment = _date_time(job.created_at_s)
    values = {
        "date": day,
        "time": moment,
        "model": job.model,
        "prompt": job.request.get("prompt") or (naming.about(job.request) if job.kind == "video" else None),
        "seed": item.wire.get("seed"),
        "n": count,
        "task_id": job.task_id,
        "index": item.index + 1 if count > 1 else None,
    }
    return naming.render(naming.without_suffix(template, (*modality_of(job.kind).FILE_SUFFIXES, item.suffix)), values)
