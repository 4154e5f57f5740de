"""One result becomes one file: fetched or written aside, checked, and given its name when it is whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bailian.engine import text_files
from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.engine.reports import still_at_service
from bailian.engine.speaking.spoken_parts import fetch_sounds, sound_parts
from bailian.engine.steps import file_names
from bailian.engine.steps.place_file import (
    StorageAway,
    kept_download,
    place_file,
    placed_before,
    possible_names,
    result_suffix,
    staged_for_storage,
    temp_path,
)
from bailian.errors import BailianError, TaskFailed, TransportError, journalled
from bailian.files import naming, png, publishing, recipe
from bailian.files.audio import finish_sound
from bailian.files.digests import has_digest, sha256_of
from bailian.files.storage.local_digests import digests_of
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import modality_of
from bailian.service.download import MOST_PICTURE_BYTES, save_error
from bailian.store.private import private_file
from bailian.store.schema import FileRecord, FileRow, JobEnd
from bailian.store.states import Status
from bailian.text.storage_path import ResultPath, StoragePath, link_from
from bailian.types import Item, Notice


class NotAFile(TransportError):
    """The link leads to something that is no result: an error page, an empty or damaged file."""


def _kept_here(job: Job, services: Services, error: BailianError) -> BailianError:
    """Return the same failure of a text or sound that came at once: what is kept of it is kept for good."""
    error.request_id = error.request_id or job.request_id
    home = services.journal.folder
    command = how_to().fetch(job.account_flags, job.id, elsewhere=True)
    error.advice = tr(
        f"the result is paid and kept in {home} without a time limit; save it elsewhere with: {command}",
        f"结果已计费并保存在 {home}，没有期限；可用以下命令保存到其他目录：{command}",
    )
    return error


def published_files(job: Job) -> list[FileRow]:
    """Return the files that have their names, for the journal, which learns of them with the end of the job."""
    return [FileRow(job.id, item, path, sha256, placed=True) for item, (path, sha256) in job.results.published.items()]


def _publish_text(job: Job, services: Services, item: Item) -> ResultPath:
    """Give a text its name."""
    text = job.results.staged[item.index]
    if item.index not in job.results.published:
        if not text.is_written:
            publishing.write_whole(text.whole, text.data)
        final = place_file(job, services, item, text.whole, text.target, text.sha256, sync=False)
        job.results.published[item.index] = (final, text.sha256)
    services.run_state.dirty_dirs.add(text.folder)
    return job.results.published[item.index][0]


def save_item(job: Job, services: Services, item: Item) -> ResultPath:
    """Give a result its file. What it is, and the name it is to get, are on disk before it has that name.

    Raises:
        StorageAway: it is whole here, and storage did not take it.
    """
    stem: ResultPath = job.saving.folder or Path()
    try:
        if item.index in job.results.staged:
            final = _publish_text(job, services, item)
        elif item.index in job.results.published:
            final = job.results.published[item.index][0]
        else:
            begun = services.journal.file_path(job.id, item.index)
            stem = file_names.stem_of(job, item) if begun is None else _begun_stem(begun)
            final = _made_before(job, services, item, begun, stem) or _made_now(job, services, item, stem)
        if job.saving.sidecar:
            _write_sidecar(job, services, item, final)
        return final
    except OSError as error:
        if isinstance(stem, StoragePath) and (
            hasattr(error, "passing") or staged_for_storage(job, services, item.index).is_file()
        ):
            raise StorageAway(stem, error) from None
        failed = save_error(stem, error)
        here = not job.task_id and item.url is None
        raise (_kept_here(job, services, failed) if here else still_at_service(job, failed)) from None


def with_links(job: Job, item: Item, paths: Mapping[int, ResultPath]) -> Item:
    """Return a text that links the other results, whose names are known now; any other result as it is."""
    if not item.links:
        return item
    folder = file_names.stem_of(job, item).parent
    names = {index: link_from(folder, path) for index, path in paths.items()}
    linked_text = modality_of(job.kind).linked_text  # type: ignore[attr-defined]
    return replace(item, text=linked_text(job.answer or {}, names))


def _begun_stem(begun: FileRecord) -> ResultPath:
    return begun.path.with_suffix("") if begun.sha256 else begun.path


def _made_now(job: Job, services: Services, item: Item, stem: ResultPath) -> ResultPath:
    if isinstance(stem, Path):
        stem = naming.made_folder(stem.parent) / stem.name
    part, whole = (temp_path(job, services, item, stem, end) for end in ("part", "whole"))
    services.progress.update(job, "DOWNLOADING", 0.0)
    kept = staged_for_storage(job, services, item.index)
    target, digest = kept_download(job, item, stem, kept, whole) or _staged(job, services, item, stem, part, whole)
    services.journal.record_files([*published_files(job), FileRow(job.id, item.index, target, digest)])
    final = place_file(job, services, item, whole, target, digest)
    if isinstance(final, Path) and services.journal.folder in final.parents:  # on its way to stdout
        private_file(final)
    if kept != whole:
        kept.unlink(missing_ok=True)
    job.results.published[item.index] = (final, digest)
    return final


def _made_before(
    job: Job, services: Services, item: Item, begun: FileRecord | None, stem: ResultPath
) -> ResultPath | None:
    """Return the file that an earlier process had finished; it was killed before, or just after, naming it."""
    if not begun or not begun.sha256:
        return None
    whole = temp_path(job, services, item, stem, "whole")
    # While it stands beside its name it has none, or just got it: only without it a name is looked for.
    if has_digest(whole, begun.sha256):
        final = place_file(job, services, item, whole, begun.path, begun.sha256, resumed=True)
        job.results.published[item.index] = (final, begun.sha256)
        return final
    found = placed_before(job, services, item, begun.path, begun.sha256)
    if found is not None:
        whole.unlink(missing_ok=True)
    return found


def _staged(
    job: Job, services: Services, item: Item, stem: ResultPath, part: Path, whole: Path
) -> tuple[ResultPath, str]:
    """Make the whole file beside its final name; return that name and the SHA-256."""
    if item.sound:
        _write_sound(job, services, whole, item.suffix)
    elif item.text is not None:
        publishing.write_whole(whole, text_files.text_bytes(item))
    else:
        is_picture = "png" in modality_of(job.kind).RESULT_SUFFIXES
        services.downloader.fetch(item.url or "", part, MOST_PICTURE_BYTES if is_picture else None)
        return _checked_download(job, item, stem, part, whole)
    return text_files.named(job, item, stem), sha256_of(whole)


def _write_sound(job: Job, services: Services, whole: Path, suffix: str) -> None:
    from bailian.modalities.audio.speech_answers import sound_form

    rate_hz = sound_form(job.prepared.body).sample_rate_hz
    parts = sound_parts(job, services)
    fetch_sounds(job, services)
    try:
        finish_sound(parts, whole, suffix, sample_rate_hz=rate_hz)
    except FileNotFoundError:
        if all(part.is_file() for part in parts):
            raise
        text = tr("the sound is not on this machine any more", "音频已不在本机")
        advice = tr(
            "the service keeps no sounds: run the command again, which is billed again",
            "服务端不保存音频：请重新运行，会再次计费",
        )
    except ValueError as error:
        text = tr(f"the service sent no valid {suffix}: {error}", f"服务返回的不是有效的 {suffix}：{error}")
        advice = tr("what came is kept in ", "已收到的内容保存在 ") + str(parts[0].parent)
    else:
        return
    bad = TaskFailed(text, advice=advice, request_id=job.request_id)
    services.journal.finish([JobEnd(job.id, Status.FAILED, journalled(bad))])
    raise bad


def _checked_download(job: Job, item: Item, stem: ResultPath, part: Path, whole: Path) -> tuple[ResultPath, str]:
    """Check the download and write its recipe into it; return the final name and the SHA-256."""
    suffix = result_suffix(job, part)
    if suffix is None:
        raise _not_a_file(job, part)
    if suffix == "png":
        data = part.read_bytes()
        _note_size(job, data)
        publishing.write_whole(
            whole, data if job.saving.recipe == "off" else png.with_text(data, recipe.png_texts(_recipe(job, item)))
        )
        part.unlink()
    else:
        part.replace(whole)  # fsynced by the download; a video is not read into memory
    return stem.with_name(f"{stem.name}.{file_names.suffix_for(job, suffix)}"), sha256_of(whole)


def _not_a_file(job: Job, part: Path) -> NotAFile:
    part.unlink()
    return NotAFile(
        tr("the result link gave something that is not a whole file", "结果链接返回的不是完整的文件"),
        request_id=job.request_id,
        task_id=job.task_id,
    )


def _recipe(job: Job, item: Item) -> dict[str, Any]:
    """Return what is written into a picture or beside a file."""
    return recipe.recipe(job, item, None if job.saving.recipe == "no-price" else _share_cny(job))


def _share_cny(job: Job) -> float | None:
    """Return what one of the job's results cost."""
    good = sum(1 for item in modality_of(job.kind).items(job.answer or {}, job.prepared) if item.good)
    return None if job.charged_cny is None else round(job.charged_cny / max(1, good), 6)


def _note_size(job: Job, data: bytes) -> None:
    asked, size = job.prepared.size, png.size_px(data)
    by_sides = asked is not None and "*" in asked  # "2K" says an area, and the service the sides
    if by_sides and size and asked != f"{size[0]}*{size[1]}":
        text = tr(
            f"asked for {asked}, the service made {size[0]}*{size[1]}",
            f"要求 {asked}，服务端生成了 {size[0]}*{size[1]}",
        )
        if not any(notice.message == text for notice in job.notices):
            job.notices.append(Notice("size_differs", text))


def _write_sidecar(job: Job, services: Services, item: Item, path: ResultPath) -> None:
    """Write NAME.json beside the file, as carefully as the file: whole, once, and over nothing."""
    aside = temp_path(job, services, item, path, "recipe")
    publishing.write_whole(aside, (json.dumps(_recipe(job, item), ensure_ascii=False, indent=2) + "\n").encode("utf-8"))
    digest = sha256_of(aside)
    if isinstance(path, StoragePath):
        from bailian.files.storage.object_store import holds
        from bailian.files.storage.put_results import put_first

        target, local = path.with_name(f"{path.name}.json"), digests_of(aside)
        if not holds(target, digest, local):  # else it was put before
            put_first(aside, target, local, lambda _place: True)
        aside.unlink()
        return
    sidecars = [name.with_name(f"{name.name}.json") for name in possible_names(job, item, path)]
    if any(has_digest(sidecar, digest) for sidecar in sidecars):
        aside.unlink()  # written before, by a process that was killed
    else:
        publishing.publish_first(aside, sidecars)
