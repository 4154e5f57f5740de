"""Fetch every result and give it its name: whole, once, with what made it written inside."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from bailian.engine.evidence import failed_category, failure
from bailian.engine.job import Job, Outcome, Ports, Then
from bailian.engine.rhythm import backoff_s
from bailian.errors import BailianError, ServiceError, SomeFailed, TaskFailed, TransportError, journalled
from bailian.journal import BegunFile
from bailian.language import say
from bailian.media import kinds, naming, png, recipe
from bailian.media.digests import has_digest, sha256_of
from bailian.modalities import of
from bailian.modalities.shapes import Item, Notice
from bailian.wire.download import LinkExpired, save_error

SAVE_TRIES = 5


class NotAFile(TransportError):
    """The link leads to something that is no result: an error page, an empty or damaged file."""


def save(job: Job, ports: Ports) -> Then | Outcome:
    """Save what the answer holds; a broken download is tried again, an expired link refreshed once."""
    items = of(job.kind).items(job.answer or {}, job.prepared)
    paths: dict[int, Path] = {}
    bad: BailianError | None = None
    for item in items:
        if item.url:
            try:
                paths[item.index] = _save_item(job, ports, item)
            except TransportError as error:  # one bad link must not keep the others from being saved
                bad = bad or error
    if bad is None:
        return _finish(job, ports, items, paths)
    if isinstance(bad, LinkExpired | NotAFile):
        return _refresh(job, ports, bad)
    return _again(job, ports, bad)


def _again(job: Job, ports: Ports, error: BailianError) -> Then:
    job.failures_in_a_row += 1
    if job.failures_in_a_row < SAVE_TRIES:
        return Then("save", backoff_s(job.failures_in_a_row - 1, jitter=ports.jitter()))
    raise still_at_service(job, error) from None


def _finish(job: Job, ports: Ports, items: list[Item], paths: dict[int, Path]) -> Outcome:
    failed = [item for item in items if not item.url]
    expected = int(job.prepared.get("count") or len(items))
    if not paths:
        first = failed[0] if failed else None
        error: BailianError = TaskFailed(
            (first.message or first.code) if first else say("the answer holds no result", "应答中没有结果"),
            code=failed_category(first.code, first.message) if first else None,
            wire_code=first.code if first else None,
            request_id=job.request_id,
            task_id=job.task_id,
        )
        ports.journal.finish(job.id, "failed", journalled(error))
        return Outcome(job, "failed", error=error)
    if failed or len(paths) < expected:
        reasons = "; ".join(dict.fromkeys(f"{item.code}: {item.message}" for item in failed))
        error = SomeFailed(
            say(f"{len(paths)} of {expected} pictures were made", f"{expected} 张中完成 {len(paths)} 张")
            + (say(f"; failed: {reasons}", f"；失败：{reasons}") if reasons else ""),
            advice=say("failed pictures are not billed", "失败的图片不计费"),
            wire_code=failed[0].code if failed else None,
            request_id=job.request_id,
            task_id=job.task_id,
        )
        ports.journal.finish(job.id, "done", journalled(error))
        return Outcome(job, "done", paths, error)
    ports.journal.finish(job.id, "done")
    return Outcome(job, "done", paths)


def _refresh(job: Job, ports: Ports, error: BailianError) -> Then | Outcome:
    """One more query gives fresh links, while the task is known (24 hours)."""
    if job.refreshed or not job.task_id:
        raise still_at_service(job, error) from None
    ports.query_turn(job.poll_per_s)
    try:
        answer = ports.service.task(job.task_id)
    except (TransportError, ServiceError) as failed:
        return _again(job, ports, failed)
    job.refreshed = True
    output = answer.get("output")
    status = str(output.get("task_status")) if isinstance(output, dict) else ""
    if status in ("UNKNOWN", "FAILED", "CANCELED"):
        # The link is gone and the service no longer knows the result: the job has come to its end.
        gone = failure(output if isinstance(output, dict) else {}, status, job.task_id, answer.get("request_id"))
        ports.journal.finish(job.id, "failed", journalled(gone))
        return Outcome(job, "failed", error=gone)
    if status == "SUCCEEDED":
        job.answer = answer
        ports.journal.refreshed(job.id, answer)
    return Then("save")


def still_at_service(job: Job, error: BailianError) -> BailianError:
    """Return the same failure, saying that the result is not lost and how to get it."""
    error.task_id = error.task_id or job.task_id
    error.request_id = error.request_id or job.request_id
    command = f"{job.resume} {job.task_id or job.id}"
    error.advice = say(
        f"the result is paid and kept for 24 hours; fetch it with: {command} (-o DIR for another folder)",
        f"结果已计费并保留 24 小时；请用以下命令取回：{command}（-o 可指定其他目录）",
    )
    return error


def _save_item(job: Job, ports: Ports, item: Item) -> Path:
    begun = ports.journal.file_path(job.id, item.index)
    if begun and begun.sha256 and (found := _placed_before(begun)):
        ports.journal.file(job.id, item.index, found, sha256=begun.sha256, placed=True)
        return found
    stem = _stem(job, item) if begun is None else begun.path.with_suffix("") if begun.sha256 else begun.path
    part = stem.with_name(f".{stem.name}.{job.id[-6:]}.part")
    whole = part.with_suffix(".whole")
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        if begun and has_digest(whole, begun.sha256):
            return _place(job, ports, item, begun.path, whole, begun.sha256 or "")
        if not begun:
            ports.journal.file(job.id, item.index, stem)
        ports.progress.update(job, "DOWNLOADING", 0.0)
        ports.downloader.fetch(item.url or "", part)
        target, digest = _complete(job, item, stem, part, whole)
        ports.journal.file(job.id, item.index, target, sha256=digest)
        final = _place(job, ports, item, target, whole, digest)
        if job.saving.sidecar:
            _write_sidecar(final, recipe.recipe(job, item, _share_cny(job)))
        return final
    except OSError as error:
        raise still_at_service(job, save_error(stem, error)) from None


def _placed_before(begun: BegunFile) -> Path | None:
    """Return where the finished file is, if it is: it may have become "name-2" just before a kill, and a name alone
    proves nothing, since another job may have it by now."""
    for candidate in naming.taken(begun.path):
        if has_digest(candidate, begun.sha256):
            return candidate
    return None


def _stem(job: Job, item: Item) -> Path:
    local = time.localtime(job.created_at_s)
    count = int(job.prepared.get("count") or 1)
    values = {
        "date": time.strftime("%Y%m%d", local),
        "time": time.strftime("%H%M%S", local),
        "model": job.model,
        "prompt": job.request.get("prompt"),
        "seed": item.wire.get("seed"),
        "n": count,
        "task_id": job.task_id,
        "index": item.index + 1 if count > 1 else None,
    }
    return job.saving.folder / naming.render(job.saving.template, values)


def _complete(job: Job, item: Item, stem: Path, part: Path, whole: Path) -> tuple[Path, str]:
    """Check the download and write its recipe into it; return the final name and the SHA-256."""
    with part.open("rb") as file:
        suffix = kinds.suffix_of(file.read(kinds.HEAD_BYTES))
    if suffix not in of(job.kind).RESULT_SUFFIXES or not kinds.is_whole(part, suffix):
        raise _not_a_file(job, part)
    if suffix == "png":
        data = part.read_bytes()
        if not png.is_whole(data):
            raise _not_a_file(job, part)
        _note_size(job, data)
        data = png.with_text(data, recipe.png_texts(recipe.recipe(job, item, _share_cny(job))))
        with whole.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.unlink()
    else:
        part.replace(whole)  # fsynced by the download; a video is not read into memory
    return stem.with_name(f"{stem.name}.{suffix}"), sha256_of(whole)


def _not_a_file(job: Job, part: Path) -> NotAFile:
    part.unlink()
    return NotAFile(
        say("the result link gave something that is not a whole file", "结果链接返回的不是完整的文件"),
        request_id=job.request_id,
        task_id=job.task_id,
    )


def _share_cny(job: Job) -> float | None:
    """Return what one of the job's results cost."""
    good = sum(1 for item in of(job.kind).items(job.answer or {}, job.prepared) if item.url)
    return None if job.charged_cny is None else round(job.charged_cny / max(1, good), 6)


def _place(job: Job, ports: Ports, item: Item, target: Path, whole: Path, digest: str) -> Path:
    final = naming.place(whole, target)
    ports.journal.file(job.id, item.index, final, sha256=digest, placed=True)
    return final


def _note_size(job: Job, data: bytes) -> None:
    asked = job.prepared.get("body", {}).get("parameters", {}).get("size")
    size = png.size_px(data)
    if asked and size and asked != f"{size[0]}*{size[1]}":
        text = say(
            f"asked for {asked}, the service made {size[0]}*{size[1]}",
            f"要求 {asked}，服务端生成了 {size[0]}*{size[1]}",
        )
        if not any(notice.message == text for notice in job.notices):
            job.notices.append(Notice("size_differs", text))


def _write_sidecar(path: Path, made: dict[str, Any]) -> None:
    """Write NAME.json beside the file, as carefully as the file: whole, and over nothing."""
    sidecar = path.with_name(f"{path.name}.json")
    temporary = path.with_name(f".{path.name}.json.whole")
    temporary.write_text(json.dumps(made, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    naming.place(temporary, sidecar)
