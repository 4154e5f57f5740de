"""Nothing paid is lost and no verdict is changed: late answers, a broken journal, and jobs that change hands."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bailian.engine import shutdown
from bailian.engine.job import Job
from bailian.engine.scheduler import Scheduler
from bailian.engine.step import Step, StepResult
from bailian.engine.threads.db_writer import DbWriter
from bailian.files import png
from bailian.sandbox import Fault, Sandbox
from bailian.service.client import Service
from bailian.service.download import Downloader, LinkExpired
from bailian.service.error_codes import service_error
from bailian.service.server_clock import ServerClock
from bailian.store.backends.sqlite import unusable
from bailian.store.jobs import Journal
from bailian.store.schema import JobResult
from tests.support.clocks import SOON_S, deadline_comes_when
from tests.support.commands import Run
from tests.support.engines import SYNC, job_of, jobs, new_engine, prepared, saving
from tests.support.processes import end, posix_only, start_bailian, start_script, until


def broken(*_: object, **__: object) -> None:
    """Stand in for a method of the journal when its disk is gone."""
    raise unusable(Path("journal.sqlite3"), OSError("disk I/O error"))


# Answers that come late, or cannot be written down.


@pytest.mark.slow
def test_a_synchronous_answer_after_the_deadline_is_kept(
    text2image: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The paid answer is waited for, and its picture saved."""
    box.settings.change({"task_s": 600})
    leave = Scheduler.leave

    def answered_as_it_leaves(self: Scheduler) -> Any:
        box.advance(600)
        return leave(self)

    monkeypatch.setattr(Scheduler, "leave", answered_as_it_leaves)
    with deadline_comes_when(lambda: box.sync_calls):
        ran = text2image(*SYNC, "--timeout", str(SOON_S))
    (job,) = jobs()
    assert job.state == "done"
    assert png.is_complete(ran.paths[0].read_bytes())
    assert bailian("tasks", "wait", job.id).paths == ran.paths
    assert len(box.sync_calls) == 1


@posix_only
def test_a_synchronous_answer_survives_an_interrupt(bailian: Run, box: Sandbox) -> None:
    """Ctrl-C while the paid call is under way: its answer is read, and its picture is saved."""
    box.faults.add(Fault(on="sync", kind="slow", delay_s=1.0))
    process = start_script(box, *SYNC)
    until(lambda: box.faults.fired)
    process.send_signal(signal.SIGINT)
    ended = end(process)
    assert ended.code == 130
    assert "what was under way is done and saved" in ended.err
    assert len(ended.paths) == 1
    assert ended.paths[0].is_file()
    (job,) = jobs()
    assert job.state == "done"
    assert bailian("tasks", "wait", "--all").paths == []


@pytest.mark.slow
def test_a_synchronous_answer_with_a_full_journal_shows_the_link(
    text2image: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is the only trace of the paid picture, so it is printed."""
    monkeypatch.setattr(Journal, "store_answers", broken)
    assert "/results/" in text2image(*SYNC, exits=5).err


@pytest.mark.slow
def test_an_error_after_the_deadline_is_reported(
    text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes after --timeout and the journal is full: the paid task's id is printed all the same."""
    leave, create_task, leaves = Scheduler.leave, Service.create_task, threading.Event()

    def leave_and_say_so(self: Scheduler) -> Any:
        leaves.set()
        return leave(self)

    def created_late(self: Service, *words: Any, **more: Any) -> Any:
        answer = create_task(self, *words, **more)
        assert leaves.wait(60)
        return answer

    monkeypatch.setattr(Scheduler, "leave", leave_and_say_so)
    monkeypatch.setattr(Service, "create_task", created_late)
    monkeypatch.setattr(Journal, "record_task", broken)
    with deadline_comes_when(lambda: box.tasks):
        ran = text2image("猫", "--timeout", str(SOON_S), exits=5)
    assert box.tasks[0].task_id in ran.err


def test_a_journal_that_cannot_be_read_either_does_not_hide_the_id(
    text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Journal, "record_task", broken)
    monkeypatch.setattr(Journal, "job", broken)
    ran = text2image("猫", exits=5)
    assert box.tasks[0].task_id in ran.err


# Links that fail.


def test_the_second_picture_is_saved_though_the_first_link_is_bad(
    text2image: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = Downloader.fetch

    def fetch_all_but_the_first(self: Downloader, url: str, part_path: Path, most_bytes: int | None = None) -> int:
        if part_path.suffixes[0] == ".0":
            raise LinkExpired("refused")
        return fetch(self, url, part_path, most_bytes)

    monkeypatch.setattr(Downloader, "fetch", fetch_all_but_the_first)
    text2image("猫", "--n", "2", "--name", "p_{index}", exits=5)
    assert [path.name for path in Path("outputs").glob("*.png")] == ["p_2.png"]


@pytest.mark.slow
def test_a_429_while_a_link_is_refreshed_is_survived(
    text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first question after the task is over asks for a fresh link; that it is throttled costs time only."""
    task = Service.task
    finished: list[str] = []

    def throttled_once_after_the_end(self: Service, task_id: str) -> dict[str, Any]:
        if len(finished) == 1:
            finished.append("throttled")
            raise service_error("Throttling.RateQuota", "slow down", 429)
        answer = task(self, task_id)
        if answer["output"]["task_status"] == "SUCCEEDED":
            finished.append("answered")
        return answer

    monkeypatch.setattr(Service, "task", throttled_once_after_the_end)
    box.faults.add(Fault(on="download", kind="expired"))
    (path,) = text2image("猫").paths
    assert png.is_complete(path.read_bytes())
    assert finished == ["answered", "throttled", "answered"]


@pytest.mark.slow
def test_a_refused_link_of_an_unknown_task_is_kept_open(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """Within 24 hours neither a refusal nor UNKNOWN proves that a paid result is gone: it comes when both are over."""
    box.faults.add(Fault(on="download", kind="expired", times=None))
    text2image("猫", exits=5)
    box.faults.add(Fault(on="poll", kind="unknown", times=None))
    bailian("tasks", "wait", "--all", exits=5)
    assert [job.state for job in jobs()] == ["ended"]
    box.faults.clear()
    assert len(bailian("tasks", "wait", "--all").paths) == 1
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_a_job_whose_link_and_task_are_gone_is_held(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """After 24 hours by the service's clock nothing is left to fetch: it is paid, so it is held, not failed."""
    box.faults.add(Fault(on="download", kind="expired", times=None))
    text2image("猫", exits=5)
    box.faults.add(Fault(on="poll", kind="unknown", times=None))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ServerClock, "now_s", lambda _self: time.time() + 8 * 24 * 3600)
        error = bailian("tasks", "wait", "--all", "--json", exits=4).json["error"]
    assert error["code"] == "ResourceNotFound"
    assert [job.state for job in jobs()] == ["held"]


# `tasks wait ID` of a job that has its verdict.


@pytest.mark.few(1)
@pytest.mark.parametrize(("on", "words"), [("submit", ["猫"]), ("sync", SYNC)], ids=["task", "synchronous"])
def test_waiting_for_a_refused_job_repeats_its_verdict(
    text2image: Run, bailian: Run, box: Sandbox, on: str, words: list[str]
) -> None:
    """A refusal stays one: it does not become "maybe paid", and nothing is sent again."""
    box.faults.add(Fault(on=on, kind="status", status=400, code="DataInspectionFailed", message="no"))
    text2image(*words, exits=4)
    (job,) = jobs()
    error = bailian("tasks", "wait", job.id, "--json", exits=4).json["error"]
    assert error["code"] == "DataInspectionFailed"
    assert sum(entry.method == "POST" for entry in box.requests) == 1


@pytest.mark.slow
def test_waiting_for_a_synchronous_job_whose_file_is_gone_fetches_it_again(
    text2image: Run, bailian: Run, box: Sandbox
) -> None:
    (path,) = text2image(*SYNC).paths
    path.unlink()
    (job,) = jobs()
    bailian("tasks", "wait", job.id)
    assert png.is_complete(path.read_bytes())
    assert len(box.sync_calls) == 1


@pytest.mark.slow
def test_waiting_reports_the_failure_that_another_process_saw(box: Sandbox) -> None:
    box.faults.add(Fault(on="submit", kind="failed", code="DataInspectionFailed", message="bad", task_s=2.5))
    first = start_script(box, "猫")
    until(lambda: any(box.tasks and box.tasks[0].task_id in entry.path for entry in box.requests))
    second = start_bailian(box, "tasks", "wait", box.tasks[0].task_id, "--json")
    assert end(first).code == 4
    ran = end(second)
    assert ran.code == 4
    assert ran.json["error"]["code"] == "DataInspectionFailed"


@pytest.mark.slow
def test_waiting_for_a_partly_failed_task_says_so_again(text2image: Run, bailian: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="submit", kind="partial"))
    text2image("猫", "--n", "2", exits=7)
    assert "1 of 2" in bailian("tasks", "wait", box.tasks[0].task_id, exits=7).err


# Jobs that change hands.


@pytest.mark.slow
@pytest.mark.usefixtures("bailian", "box")
@pytest.mark.parametrize("reached", ["submitted", "ended"])
def test_a_job_is_taken_over_as_it_is_now(reached: str) -> None:
    """Its owner got further after the row was read, then died: the job goes on from there."""
    with new_engine() as dying, new_engine() as heir:
        request = prepared()
        job = dying.intend(request, saving())
        dying.journal.record_intents([job.id], dying.services.lease.id)
        stale = job_of(heir.journal, job.id)
        service = dying.services.service
        task_id = service.create_task(request.model.route, request.body)["output"]["task_id"]
        dying.journal.record_task(job.id, task_id, "r")
        if reached == "ended":
            until(lambda: service.task(task_id)["output"]["task_status"] == "SUCCEEDED")
            dying.journal.store_answers([JobResult(job.id, service.task(task_id), 1.0, 1.0, "r")])
        dying.services.lease.__exit__()
        taken = heir.take_over(stale)
        assert taken is not None
        (outcome,) = heir.run([taken], timeout_s=10)
    assert (outcome.state, outcome.error) == ("done", None)


@pytest.mark.usefixtures("bailian")
def test_a_run_lets_go_of_its_own_jobs_only(box: Sandbox) -> None:
    """What another process has taken meanwhile stays that process's, or a third one could take it as well."""
    box.faults.add(Fault(on="submit", kind="status", status=400, code="InvalidParameter", message="no"))
    with new_engine() as first, new_engine() as second:
        job = first.intend(prepared(), saving())
        run = first.run([job], timeout_s=20)
        assert next(run).state == "failed"
        assert second.journal.reopen(job.id, "unsettled", "failed")
        assert second.take_over(job_of(second.journal, job.id)) is not None
        assert list(run) == []
        assert job_of(second.journal, job.id).owner == second.services.lease.id


@pytest.mark.usefixtures("bailian")
def test_a_job_reported_unsent_is_never_sent_later(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal is busy when the deadline comes; the thread that waited for it must not send any more."""
    monkeypatch.setattr(shutdown, "GRACE_S", 0.2)
    begun, free, tried = threading.Event(), threading.Event(), threading.Event()
    commit = DbWriter._commit

    def commit_when_free(self: DbWriter, batch: Sequence[tuple[Job, Step]]) -> list[tuple[Job, StepResult]]:
        begun.set()
        free.wait(60)
        try:
            return commit(self, batch)
        finally:
            tried.set()

    monkeypatch.setattr(DbWriter, "_commit", commit_when_free)
    with deadline_comes_when(begun.is_set), new_engine() as engine:
        job = engine.intend(prepared(), saving())
        (outcome,) = engine.run([job], timeout_s=SOON_S)
        assert outcome.state == "unsent"
        free.set()
        assert tried.wait(60)
        assert job_of(engine.journal, job.id).state == "unsent"
    assert box.tasks == []


@pytest.mark.slow
def test_an_adopted_task_answers_the_job_that_lost_it(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """No second job is left behind that would later claim that nothing was billed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Journal, "record_task", broken)
        said = text2image("猫", exits=5).err
    command = f"bailian tasks adopt {box.tasks[0].task_id} --job {jobs()[0].id}"
    assert command in said
    assert len(bailian(*command.split()[1:]).paths) == 1
    assert [(job.state, job.task_id) for job in jobs()] == [("done", box.tasks[0].task_id)]
    assert bailian("tasks", "wait", "--all").out == ""


def test_jobs_of_a_replaced_key_are_announced(
    text2image: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another key may be another account: its open jobs are not fetched, but not passed over in silence either."""
    box.faults.add(Fault(on="poll", kind="status", status=401, code="InvalidApiKey", message="x"))
    text2image("猫", exits=3)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test-rotated-0123456789")
    ran = bailian("tasks", "wait", "--all")
    assert ran.out == ""
    assert "belong to another key or host" in ran.err
