"""Fetch every result and give it its name: whole, once, with what made it written inside."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from bailian.engine.evidence import failed_category
from bailian.engine.job import Job, Outcome, Ports, Then
from bailian.engine.rhythm import backoff_s
from bailian.errors import BailianError, SomeFailed, TaskFailed, TransportError
from bailian.language import say
from bailian.media import kinds, naming, png, recipe
from bailian.modalities import of
from bailian.modalities.shapes import Item, Notice
from bailian.wire.download import LinkExpired, save_error

SAVE_TRIES = 5


class NotAFile(TransportError):
    """The link leads to something that is no result: an error page, an empty or damaged file."""


def save(job: Job, ports: Ports) -> Then | Outcome:
    """Save what the answer holds; a broken download is tried again, an expired link refreshed once."""
    items = of(job.kind).items(job.answer or {}, job.prepared)
    good = [item for item in items if item.url]
    try:
        paths = [_save_item(job, ports, item) for item in good]
    except (LinkExpired, NotAFile) as error:
        return _refresh(job, ports, error)
    except TransportError as error:
        job.failures_in_a_row += 1
        if job.failures_in_a_row < SAVE_TRIES:
            return Then("save", backoff_s(job.failures_in_a_row - 1, jitter=ports.jitter()))
        raise still_at_service(job, error) from None
    return _finish(job, ports, items, paths)


def _finish(job: Job, ports: Ports, items: list[Item], paths: list[Path]) -> Outcome:
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
        ports.journal.finish(job.id, "failed", error.to_json())
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
        ports.journal.finish(job.id, "done", error.to_json())
        return Outcome(job, "done", tuple(paths), error)
    ports.journal.finish(job.id, "done")
    return Outcome(job, "done", tuple(paths))


def _refresh(job: Job, ports: Ports, error: BailianError) -> Then | Outcome:
    """One more query gives fresh links, while the task is known (24 hours)."""
    if job.refreshed or not job.task_id:
        raise still_at_service(job, error) from None
    job.refreshed = True
    ports.query_turn(job.poll_per_s)
    answer = ports.service.task(job.task_id)
    output = answer.get("output")
    if isinstance(output, dict) and output.get("task_status") == "SUCCEEDED":
        job.answer = answer
        ports.journal.refreshed(job.id, answer)
    return Then("save")


def still_at_service(job: Job, error: BailianError) -> BailianError:
    """Return the same failure, saying that the result is not lost and how to get it."""
    error.task_id = error.task_id or job.task_id
    error.request_id = error.request_id or job.request_id
    error.advice = say(
        f"the result is paid and kept for 24 hours; fetch it with: {job.resume} {job.task_id or job.id}",
        f"结果已计费并保留 24 小时；请用以下命令取回：{job.resume} {job.task_id or job.id}",
    )
    return error


def _save_item(job: Job, ports: Ports, item: Item) -> Path:
    begun = ports.journal.file_path(job.id, item.index)
    if begun and (begun.path.is_file() if begun.placed else _is_file_with(begun.path, begun.sha256)):
        ports.journal.file(job.id, item.index, begun.path, sha256=begun.sha256, placed=True)
        return begun.path
    stem = _stem(job, item) if begun is None else begun.path.with_suffix("") if begun.sha256 else begun.path
    part = stem.with_name(f".{stem.name}.{job.id[-6:]}.part")
    whole = part.with_suffix(".whole")
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        if begun and _is_file_with(whole, begun.sha256):
            return _place(job, ports, item, begun.path, whole, begun.sha256 or "")
        if not begun:
            ports.journal.file(job.id, item.index, stem)
        ports.progress.update(job, "DOWNLOADING", 0.0)
        ports.downloader.fetch(item.url or "", part)
        target, digest = _complete(job, item, stem, part, whole)
        ports.journal.file(job.id, item.index, target, sha256=digest)
        final = _place(job, ports, item, target, whole, digest)
        part.unlink()
        if job.saving.sidecar:
            _write_sidecar(final, recipe.recipe(job, item))
        return final
    except OSError as error:
        raise still_at_service(job, save_error(stem, error)) from None


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
    """Check the download and write its recipe into a second file; return the final name and the SHA-256."""
    data = part.read_bytes()
    suffix = kinds.suffix_of(data[: kinds.HEAD_BYTES])
    if suffix is None or (suffix == "png" and not png.is_whole(data)):
        part.unlink()
        raise NotAFile(
            say("the result link gave something that is not a whole picture", "结果链接返回的不是完整的图片"),
            request_id=job.request_id,
            task_id=job.task_id,
        )
    if suffix == "png":
        _note_size(job, data)
        data = png.with_text(data, recipe.png_texts(recipe.recipe(job, item)))
    with whole.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return stem.with_name(f"{stem.name}.{suffix}"), hashlib.sha256(data).hexdigest()


def _place(job: Job, ports: Ports, item: Item, target: Path, whole: Path, digest: str) -> Path:
    final = naming.place(whole, target)
    ports.journal.file(job.id, item.index, final, sha256=digest, placed=True)
    return final


def _is_file_with(path: Path, sha256: str | None) -> bool:
    """Return whether a process killed between naming the file and saying so had finished it."""
    try:
        return sha256 is not None and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


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
    sidecar = path.with_suffix(path.suffix + ".json")
    sidecar.write_text(json.dumps(made, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
