"""Fetch every result and give it its name: whole, once, with what made it written inside."""

from __future__ import annotations

from pathlib import Path

from bailian.engine.job import Job, Outcome, Ports, Then
from bailian.engine.reports import KEPT_S, gone, still_at_service, unreadable
from bailian.engine.steps.publish import NotAFile, save_item
from bailian.engine.steps.speak import forget_sound
from bailian.engine.task_identity import failed_category, failure
from bailian.engine.timing import backoff_s
from bailian.errors import BailianError, ServiceError, SomeFailed, TaskFailed, TransportError, journalled
from bailian.i18n import say
from bailian.modalities import of, remarks
from bailian.service.download import LinkExpired, NotTaken, save_error
from bailian.service.json_reader import read_json
from bailian.service.transport.packed import MOST_ANSWER_BYTES
from bailian.store.private import private_file
from bailian.types import Item

SAVE_TRIES = 5


def save(job: Job, ports: Ports) -> Then | Outcome:
    """Save what the answer holds; a broken download is tried again, an expired link refreshed once."""
    try:
        _fetch_document(job, ports)
    except TransportError as error:
        return _refresh(job, ports, error) if isinstance(error, LinkExpired | NotAFile) else _again(job, ports, error)
    items = of(job.kind).items(job.answer or {}, job.prepared)
    paths: dict[int, Path] = {}
    bad: BailianError | None = None
    for item in items if job.saving.folder is not None else ():
        if item.good:
            try:
                paths[item.index] = save_item(job, ports, item)
            except TransportError as error:  # one bad link must not keep the others from being saved
                bad = bad or error
    if bad is None:
        return _finish(job, ports, items, paths)
    if isinstance(bad, LinkExpired | NotAFile):
        return _refresh(job, ports, bad)
    return _again(job, ports, bad)


def _fetch_document(job: Job, ports: Ports) -> None:
    """Put the document that an answer links to (a transcript) into the answer; the journal keeps the link only."""
    modality = of(job.kind)
    document_url = getattr(modality, "document_url", None)
    url = document_url(job.answer or {}) if document_url else None
    if not url or job.document:
        return
    part = ports.journal.folder / "documents" / f"{job.id}.part"
    try:
        ports.downloader.fetch(url, private_file(part), MOST_ANSWER_BYTES)
        document = read_json(part.read_bytes())
    except ValueError:
        document = None
    except OSError as error:
        raise still_at_service(job, save_error(part, error)) from None
    if not isinstance(document, dict):
        part.unlink(missing_ok=True)
        raise NotAFile(say("the result link gave something that is not a transcript", "结果链接返回的不是识别结果"))
    part.unlink()
    job.answer = modality.with_document(job.answer or {}, document)  # type: ignore[attr-defined]
    job.document = True


def _again(job: Job, ports: Ports, error: BailianError) -> Then:
    job.failures_in_a_row += 1
    if job.failures_in_a_row < SAVE_TRIES:
        return Then("save", backoff_s(job.failures_in_a_row - 1, jitter=ports.jitter()))
    raise still_at_service(job, error) from None


def _finish(job: Job, ports: Ports, items: list[Item], paths: dict[int, Path]) -> Outcome:
    outcome = verdict(job, items, paths)
    error = journalled(outcome.error) if outcome.error else None
    ports.journal.finish(job.id, outcome.state, error, placed=job.unrecorded)
    if error is None and job.prepared["mode"] == "socket" and paths:
        forget_sound(job, ports)
    return outcome


def verdict(job: Job, items: list[Item], paths: dict[int, Path]) -> Outcome:
    """Return how a job has ended whose results are saved."""
    job.notices += [n for n in remarks(job.kind, job.answer or {}, job.prepared) if n not in job.notices]
    failed = [item for item in items if not item.good]
    expected = int(job.prepared.get("count") or len(items))
    if job.saving.folder is None and not failed and items:
        return Outcome(job, "done")
    if not paths:
        proven = bool(failed) and all(item.code not in ("", "unknown") for item in failed)
        if proven:
            return Outcome(job, "failed", error=_no_result(job, failed[0]))
        return Outcome(job, "held", error=unreadable(job))
    if failed or len(paths) < expected:
        reasons = "; ".join(dict.fromkeys(f"{item.code}: {item.message}" for item in failed))
        error = SomeFailed(
            say(f"{len(paths)} of {expected} results were made", f"{expected} 个结果中完成 {len(paths)} 个")
            + (say(f"; failed: {reasons}", f"；失败：{reasons}") if reasons else ""),
            advice=say("failed ones are not billed", "失败的不计费"),
            wire_code=failed[0].code if failed else None,
            request_id=job.request_id,
            task_id=job.task_id,
        )
        return Outcome(job, "done", paths, error)
    return Outcome(job, "done", paths)


def _no_result(job: Job, first: Item) -> TaskFailed:
    return TaskFailed(
        first.message or first.code,
        code=failed_category(first.code, first.message),
        wire_code=first.code,
        request_id=job.request_id,
        task_id=job.task_id,
    )


def _is_over(job: Job, ports: Ports, error: BailianError) -> bool:
    """Return whether a refused link has come to its own end; before that a refusal is somebody's mood.

    By the service's clock: a link that does not tell its end lives 24 hours (docs/wire.md "Results and links").
    """
    if not isinstance(error, LinkExpired):
        return False
    now_s = ports.service.clock.now_s() or error.server_time_s
    ends_s = error.expires_s
    if ends_s is None and job.sent_server_s is not None:
        ends_s = job.sent_server_s + KEPT_S
    return now_s is not None and ends_s is not None and now_s > ends_s


def _refresh(job: Job, ports: Ports, error: BailianError) -> Then | Outcome:
    """One more query gives fresh links, while the task is known (24 hours). A synchronous answer has the only ones."""
    if job.refreshed or not job.task_id:
        job.refreshed = False  # the next refusal asks for a fresh link again
        if _is_over(job, ports, error):
            return gone(job, ports, error)
        if isinstance(error, NotTaken):  # what it leads to does not change by asking again
            raise still_at_service(job, error)
        return _again(job, ports, error)
    ports.query_turn(job.poll_per_s)
    try:
        answer = ports.service.task(job.task_id)
    except (TransportError, ServiceError) as failed:
        return _again(job, ports, failed)
    job.refreshed = True
    output = answer.get("output")
    status = str(output.get("task_status")) if isinstance(output, dict) else ""
    if status in ("FAILED", "CANCELED") or (status != "SUCCEEDED" and _is_over(job, ports, error)):
        # It had a result before, so it may be billed.
        return gone(job, ports, failure(output if isinstance(output, dict) else {}, status, job.task_id, None))
    if status == "SUCCEEDED" and of(job.kind).items(answer, job.prepared):
        job.answer = answer
        ports.journal.refreshed(job.id, answer)
    return Then("save")
