"""Fetch every result and give it its name: whole, once, with what made it written inside."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.engine.reports import KEPT_S, gone, still_at_service, unreadable
from bailian.engine.speaking.spoken_parts import forget_lost_parts, forget_sound
from bailian.engine.step import Next, Outcome, Step
from bailian.engine.steps.place_file import StorageAway, not_in_storage
from bailian.engine.steps.publish import NotAFile, published_files, save_item, with_links
from bailian.engine.task_identity import failed_category, failure
from bailian.engine.timing import backoff_s
from bailian.errors import BailianError, ServiceError, SomeFailed, TaskFailed, TransportError, journalled
from bailian.files.under_way import forget_files, under_way
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import answer_error, answer_notices, modality_of
from bailian.service.download import LinkExpired, NotTaken, save_error
from bailian.service.json_reader import read_json
from bailian.service.transport.packed import MOST_ANSWER_BYTES
from bailian.store.private import private_file
from bailian.store.schema import JobEnd
from bailian.store.states import Status
from bailian.text.storage_path import ResultPath
from bailian.types import Item

SAVE_TRIES = 5


def save(job: Job, services: Services) -> Next | Outcome:
    """Save what the answer holds, and end the job."""
    end = _saved(job, services)
    if isinstance(end, Outcome):
        _finish([end], services)
    return end


def publish(jobs: Sequence[Job], services: Services) -> dict[str, Next | Outcome]:
    """Give the texts of many jobs, which are written already, their names, and end their jobs (writer)."""
    ends: dict[str, Next | Outcome] = {}
    for job in jobs:
        with suppress(BailianError):  # its own step tries again, and says what it means
            ends[job.id] = _saved(job, services)
    _finish([end for end in ends.values() if isinstance(end, Outcome)], services)
    return ends


def _saved(job: Job, services: Services) -> Next | Outcome:
    """Give each result its file; a broken download is tried again, an expired link refreshed once."""
    try:
        _fetch_document(job, services)
        items = job.items_of(job.answer or {})
        paths, bad = _save_items(job, services, items)
    except TransportError as error:
        bad = error
    except BailianError:
        services.journal.record_files(published_files(job))
        raise
    if bad is None:
        return verdict(job, items, paths)
    services.journal.record_files(published_files(job))
    if isinstance(bad, StorageAway) and not (bad.passing and job.results.failures_in_a_row + 1 < SAVE_TRIES):
        raise not_in_storage(job, services, bad)
    return _refresh(job, services, bad) if isinstance(bad, LinkExpired | NotAFile) else _again(job, services, bad)


def _save_items(
    job: Job, services: Services, items: Sequence[Item]
) -> tuple[dict[int, ResultPath], TransportError | None]:
    """Return the files, and what kept one from being fetched: a bad link must not keep the others from being saved."""
    paths: dict[int, ResultPath] = {}
    bad: TransportError | None = None
    for item in items if job.saving.folder is not None else ():
        if item.good and not item.vector and not (item.links and bad):  # what links the others waits for all of them
            try:
                paths[item.index] = save_item(job, services, with_links(job, item, paths))
            except TransportError as error:
                bad = bad or error
    return paths, bad


def _fetch_document(job: Job, services: Services) -> None:
    """Put the document that an answer links to (a transcript) into the answer; the journal keeps the link only."""
    modality = modality_of(job.kind)
    document_url = getattr(modality, "document_url", None)
    url = document_url(job.answer or {}) if document_url else None
    if not url or job.results.document:
        return
    part = under_way(services.journal.folder) / f"{job.id}.part"
    try:
        services.downloader.fetch(url, private_file(part), MOST_ANSWER_BYTES)
        document = read_json(part.read_bytes())
    except ValueError:
        document = None
    except OSError as error:
        raise still_at_service(job, save_error(part, error)) from None
    if not isinstance(document, dict):
        part.unlink(missing_ok=True)
        raise NotAFile(tr("the result link gave something that is not a transcript", "结果链接返回的不是识别结果"))
    part.unlink()
    job.answer = modality.with_document(job.answer or {}, document)  # type: ignore[attr-defined]
    job.results.document = True


def _again(job: Job, services: Services, error: BailianError) -> Next:
    job.results.failures_in_a_row += 1
    if job.results.failures_in_a_row < SAVE_TRIES:
        return Next(Step.SAVE, backoff_s(job.results.failures_in_a_row - 1, jitter=services.jitter()))
    raise still_at_service(job, error) from None


def _finish(ends: Sequence[Outcome], services: Services) -> None:
    services.journal.finish(
        [job_end(end) for end in ends],
        [file for end in ends for file in published_files(end.job)],
    )
    for end in ends:
        if end.error is None and end.job.kind == "speech" and end.placed:
            forget_sound(end.job, services)


def job_end(end: Outcome) -> JobEnd:
    """Return how a job has ended, as the journal takes it."""
    return JobEnd(end.job.id, end.state, journalled(end.error) if end.error else None)


def verdict(job: Job, items: list[Item], paths: dict[int, ResultPath]) -> Outcome:
    """Return how a job has ended whose results are saved."""
    told = answer_notices(job.kind, job.answer or {}, job.prepared, job.account_flags)
    job.notices += [notice for notice in told if notice not in job.notices]
    failed = [item for item in items if not item.good]
    made = len(items) if job.prepared.open_count else 0  # as many as the service thought fit
    expected = made or job.prepared.count or len(items)
    no_files = job.saving.folder is None or all(item.vector for item in items)
    if no_files and not failed and items:
        return Outcome(job, Status.DONE, error=answer_error(job.kind, job.answer or {}, job.prepared))
    if not paths:
        proven = bool(failed) and all(item.code not in ("", "unknown") for item in failed)
        if proven:
            return Outcome(job, Status.FAILED, error=_no_result(job, failed[0]))
        return Outcome(job, Status.HELD, error=unreadable(job))
    if failed or len(paths) < expected:
        reasons = "; ".join(dict.fromkeys(f"{item.code}: {item.message}" for item in failed))
        error = SomeFailed(
            tr(f"{len(paths)} of {expected} results were made", f"{expected} 个结果中完成 {len(paths)} 个")
            + (tr(f"; failed: {reasons}", f"；失败：{reasons}") if reasons else ""),
            advice=_paid_all_the_same(job) or tr("failed ones are not billed", "失败的不计费"),
            wire_code=failed[0].code if failed else None,
            request_id=job.request_id,
            task_id=job.task_id,
        )
        return Outcome(job, Status.DONE, paths, error)
    return Outcome(job, Status.DONE, paths, answer_error(job.kind, job.answer or {}, job.prepared))


def _paid_all_the_same(job: Job) -> str:
    """A sound is paid by its text, whether it came with times or not."""
    if job.kind != "speech":
        return ""
    asr = how_to().script("transcription")
    return tr(
        f"the sound is whole, and paid; `{asr} FILE -f srt` writes subtitles of it, for what that costs",
        f"音频完整，已计费；可用 `{asr} FILE -f srt` 为其生成字幕（另行计费）",
    )


def _no_result(job: Job, first: Item) -> TaskFailed:
    return TaskFailed(
        first.message or first.code,
        code=failed_category(first.code, first.message),
        wire_code=first.code,
        request_id=job.request_id,
        task_id=job.task_id,
    )


def _is_over(job: Job, services: Services, error: BailianError) -> bool:
    """Return whether a refused link has come to its own end; before that a refusal is somebody's mood.

    By the service's clock: a link that does not tell its end lives 24 hours (docs/wire.md "Results and links").
    """
    if not isinstance(error, LinkExpired):
        return False
    now_s = services.service.clock.now_s() or error.server_time_s
    ends_s = error.expires_s
    if ends_s is None and job.sent_server_s is not None:
        ends_s = job.sent_server_s + KEPT_S
    return now_s is not None and ends_s is not None and now_s > ends_s


def _gone(job: Job, services: Services, error: BailianError) -> Outcome:
    forget_files(services.journal.folder, job.id)  # half a document
    here = forget_lost_parts(job, services)
    if here:
        error.message += tr(
            f" ({here} other parts of the text are here, and not paid again)",
            f"（文本的其他 {here} 段已在本机，不会再次计费）",
        )
    return gone(job, services, error)


def _refresh(job: Job, services: Services, error: BailianError) -> Next | Outcome:
    """One more query gives fresh links, while the task is known (24 hours). A synchronous answer has the only ones."""
    if job.results.refreshed or not job.task_id:
        job.results.refreshed = False  # the next refusal asks for a fresh link again
        if _is_over(job, services, error):
            return _gone(job, services, error)
        if isinstance(error, NotTaken):  # what it leads to does not change by asking again
            raise still_at_service(job, error)
        return _again(job, services, error)
    services.query_turn(job.limits.poll_per_s)
    try:
        answer = services.service.task(job.task_id)
    except (TransportError, ServiceError) as failed:
        return _again(job, services, failed)
    job.results.refreshed = True
    output = answer.get("output")
    status = str(output.get("task_status")) if isinstance(output, dict) else ""
    if status in ("FAILED", "CANCELED") or (status != "SUCCEEDED" and _is_over(job, services, error)):
        # It had a result before, so it may be billed.
        return _gone(job, services, failure(output if isinstance(output, dict) else {}, status, job.task_id, None))
    if status == "SUCCEEDED" and modality_of(job.kind).items(answer, job.prepared):
        job.answer = answer
        services.journal.replace_answer(job.id, answer)
    return Next(Step.SAVE)
