"""The results of other rows go into a request: the very files that were saved, or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.engine.step import Next, Outcome, Step
from bailian.engine.steps.record_reply import give_up
from bailian.errors import InvalidRequest, NotSent, Skipped
from bailian.files.digests import changed
from bailian.files.storage.local_copies import MOST_BYTES
from bailian.i18n import tr
from bailian.inputs.stored_inputs import fetched_input
from bailian.instructions import how_to
from bailian.store.chained_jobs import ChainStore, SourceFile
from bailian.store.states import Status
from bailian.text.storage_path import StoragePath
from bailian.types import Notice, Prepared, StoredRequest
from bailian.types.result_of import ResultOf, replaced, result_of

# What is said of a model was said when the row was first checked.
OF_THE_MODEL = ("successor_sent", "default_model", "model_retired", "unknown_name", "name_in_region")


def take_results(job: Job, services: Services) -> Next | Outcome:
    """Put the saved files in, check the request again, write down what will be sent (worker): waiting → waiting, unsent.

    One commit changes the request and ends its waiting: whoever goes on after a crash sends the same body.
    """
    chains = ChainStore(services.journal.database, services.account)
    sources = chains.sources(job.id)
    try:
        urls = {source.word: _saved_file(job, source, services.journal.folder) for source in sources}
        origins = {urls[one.word]: str(one.path) for one in sources if isinstance(one.path, StoragePath)}
        prepared = services.check_again(job.kind, replaced(job.prepared.waits, lambda word: urls.get(word, word)))
        stored = _stored(job, prepared, {urls[source.word]: source.sha256 for source in sources}, origins)
        new = [notice for notice in stored.notices if notice not in job.prepared.notices]
        if new and services.run_state.strict:
            raise InvalidRequest.one("", "\n".join(notice.message for notice in new), advice=how_to().allow_adapting())
    except (InvalidRequest, Skipped) as error:
        return give_up(job, services, error)
    if not chains.complete(job.id, services.lease.id, prepared.request, stored, prepared.estimate_cny):
        given_up = tr("the job was given up before it was sent", "任务在发送前已放弃")
        return Outcome(job, Status.UNSENT, error=NotSent(given_up))
    job.request, job.prepared, job.estimate_cny = prepared.request, stored, prepared.estimate_cny
    job.notices = [*job.notices, *new]
    return Next(Step.ADMIT)


def _stored(job: Job, prepared: Prepared, digests: dict[str, str], origins: dict[str, str]) -> StoredRequest:
    """Return what is kept of the request: what was said of it first, and where its row stands, stay."""
    before = job.prepared
    told = {notice.message for notice in before.notices}
    new: list[Notice] = [
        notice for notice in prepared.notices if notice.code not in OF_THE_MODEL and notice.message not in told
    ]
    return replace(
        prepared.stored(),
        row=before.row,
        upload=before.upload or prepared.upload,
        notices=(*before.notices, *new),
        digests=digests,
        origins={**prepared.origins, **origins},
    )


def why_skipped(source: SourceFile) -> Skipped | None:
    """Return why a row is skipped whose source has not made a result; None where it has, or still may."""
    wanted = result_of(source.word) or ResultOf(source.word)
    name, reason = wanted.label, source.reason
    if source.reason_code == Skipped.code:  # further up the chain
        return Skipped(reason)
    if source.state is None:
        text = tr(f"row {name} is not in the file any more", f"行 {name} 已不在文件中")
    elif source.state == Status.FAILED:
        text = tr(f"row {name} failed: {reason}", f"行 {name} 失败：{reason}")
    elif source.state == Status.UNSENT:
        text = tr(f"row {name} was not sent: {reason}", f"行 {name} 未发送：{reason}")
    elif source.state == Status.HELD:
        text = tr(f"row {name} is held, it may be paid: {reason}", f"行 {name} 待核对，可能已计费：{reason}")
    elif source.state == Status.DONE and source.path is None:
        text = tr(f"row {name} made no result {wanted.number}", f"行 {name} 没有生成第 {wanted.number} 个结果")
    else:
        return None
    return Skipped(tr(f"skipped: {text}", f"已跳过：{text}"))


def _saved_file(job: Job, source: SourceFile, home: Path) -> str:
    """Return the URL of a source's file.

    Raises:
        Skipped: there is none, or not the one that was saved.
        InvalidRequest: storage cannot be read.
    """
    skipped = why_skipped(source)
    if skipped is not None:
        raise skipped
    assert source.path is not None, source  # noqa: S101 - a job is handed out when its sources are done
    path = source.path
    if isinstance(path, StoragePath):  # the service cannot read it there: a copy goes in
        place = path
        path = fetched_input("", place, home, MOST_BYTES)
        trouble = changed(path, source.sha256).replace(str(path), str(place))
    else:
        trouble = changed(path, source.sha256)
    if trouble:
        raise Skipped(tr(f"skipped: {trouble}", f"已跳过：{trouble}"), advice=_put_back(job, source))
    return path.absolute().as_uri()


def _put_back(job: Job, source: SourceFile) -> str:
    name = (result_of(source.word) or ResultOf(source.word)).label
    fetch = how_to().fetch(job.account_flags, source.task_id or source.job_id)
    return tr(
        f"put the file back, or remove it and fetch it anew within 24 hours: {fetch}; then run the same command again "
        f"(another id for row {name} makes, and pays, it anew)",
        f"请恢复该文件，或删除后在 24 小时内重新取回：{fetch}；然后再次运行同一命令（给行 {name} 换一个 id 会重新生成并计费）",
    )
