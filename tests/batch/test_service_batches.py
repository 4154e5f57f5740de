"""Text rows by the service's batch inference: half the price, once, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bailian.batch.input.reader import read_rows
from bailian.batch.run import PreparedBatch, prepare_batch
from bailian.batch.service_batches.line_format import LINES_MAX
from bailian.batch.service_batches.runner import batches_under_way, run_service_batches
from bailian.batch.sync import BatchSpec
from bailian.catalog import catalog
from bailian.clock import Clock, current_clock
from bailian.config.settings import home_folder, read_settings
from bailian.engine.engine import Engine
from bailian.engine.step import Outcome
from bailian.errors import Interrupted, InvalidRequest
from bailian.files.under_way import under_way
from bailian.sandbox import Fault, Sandbox
from bailian.store.batches import BatchStore
from bailian.store.leases import ProcessLease
from bailian.store.runs.file_rows import FileRows
from bailian.types import TextContext
from tests.support.journals import opened
from tests.support.processes import posix_only
from tests.support.setting import KEY, ROOT


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(task_s=0.05) as box:
        monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", box.base_url)
        yield box


def wish_for(rows: list[Any], name: str = "题.json") -> BatchSpec:
    path = Path(name).absolute()
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return BatchSpec(path, f"batch:{path}", Path("outputs").absolute())


def new_engine(clock: Clock | None = None) -> Engine:
    return Engine(read_settings(), catalog.load(home_folder()), clock=clock)


def ready(engine: Engine, spec: BatchSpec) -> PreparedBatch:
    file_rows = FileRows()
    rows = read_rows(spec.source, None, models=engine.catalog, over={}, file_rows=file_rows)
    return prepare_batch(engine, spec, rows, file_rows)


def run(spec: BatchSpec, **how: Any) -> list[Outcome]:
    with new_engine() as engine:
        ready(engine, spec)
        with closing(run_service_batches(engine, spec, **{"poll_s": 1.0, **how})) as outcomes:
            return list(outcomes)


def states(spec: BatchSpec) -> dict[str, int]:
    with new_engine() as engine:
        found: dict[str, int] = {}
        for row in BatchStore(engine.journal, engine.services.account).newest(spec.run):
            found[row.state] = found.get(row.state, 0) + 1
        return found


def charged_cny(spec: BatchSpec) -> float:
    with new_engine() as engine:
        return sum(count.charged_cny for count in BatchStore(engine.journal, engine.services.account).counts(spec.run))


def count(box: Sandbox, kind: str) -> int:
    return len([request for request in box.requests if request.kind == kind])


def batches(box: Sandbox) -> list[dict[str, Any]]:
    """Return every batch that the service has."""
    from bailian.service.batch_api import BatchApi

    with closing(BatchApi(read_settings())) as api:
        answer = api._http.send("GET", "/batches", params={"limit": 100}, read_timeout_s=30)
    return (answer.data or {}).get("data") or []


def questions(count: int) -> list[dict[str, Any]]:
    return [{"kind": "text", "prompt": f"第{i}题", "max_tokens": 60} for i in range(count)]


def texts() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in Path("outputs").rglob("*.txt")]


def nothing_left_behind() -> bool:
    return not list(under_way(home_folder()).glob("*")) and not left_in_the_journal()


def left_in_the_journal() -> list[str]:
    with closing(opened(home_folder())) as db:
        return [name for (name,) in db.execute("SELECT name FROM service_batches")]


def test_each_row_is_answered_saved_and_costs_half(box: Sandbox) -> None:
    spec = wish_for(questions(5))
    outcomes = run(spec)
    assert [outcome.state for outcome in outcomes] == ["done"] * 5
    assert all(outcome.files[0].is_file() for outcome in outcomes)
    answered = {outcome.job.request["prompt"]: outcome.files[0].read_text(encoding="utf-8") for outcome in outcomes}
    assert all(prompt in text for prompt, text in answered.items()), "each row has the answer to its own question"
    usage = [(outcome.job.answer or {})["usage"] for outcome in outcomes]
    whole = sum(u["input_tokens"] * 0.0008 + u["output_tokens"] * 0.002 for u in usage) / 1000
    assert charged_cny(spec) == pytest.approx(whole / 2, abs=1e-5)
    assert len(batches(box)) == 1
    assert count(box, "text") == 0
    assert nothing_left_behind()


def test_the_lines_are_what_the_native_call_would_have_sent(box: Sandbox) -> None:
    run(wish_for([{"kind": "text", "prompt": "题", "seed": 7, "temperature": 0.5, "system": "答"}]))
    (sent,) = [r for r in box.requests if r.kind == "batch_upload"]
    line = json.loads(sent.body.split("\r\n\r\n")[2].split("\r\n")[0])
    assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
    assert line["body"]["messages"] == [{"role": "system", "content": "答"}, {"role": "user", "content": "题"}]
    assert (line["body"]["seed"], line["body"]["temperature"], line["body"]["max_tokens"]) == (7, 0.5, 1500)
    assert "result_format" not in line["body"]
    assert sent.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.slow
def test_a_model_has_a_batch_of_its_own(box: Sandbox) -> None:
    rows = [{"kind": "text", "prompt": f"第{i}题", "model": ["qwen-plus", "qwen-flash"][i % 2]} for i in range(6)]
    spec = wish_for(rows)
    run(spec)
    assert sorted(batch["request_counts"]["total"] for batch in batches(box)) == [3, 3]
    assert states(spec) == {"done": 6}


@pytest.mark.slow
def test_a_file_thinks_or_it_does_not(box: Sandbox) -> None:
    rows = [{"kind": "text", "prompt": f"第{i}题", "thinking": i % 2 == 0} for i in range(5)]
    spec = wish_for(rows)
    run(spec)
    assert sorted(batch["request_counts"]["total"] for batch in batches(box)) == [2, 3]
    assert states(spec) == {"done": 5}


@pytest.mark.slow
def test_rows_of_other_kinds_are_left_alone(box: Sandbox) -> None:
    spec = wish_for([*questions(2), {"kind": "image", "prompt": "猫"}])
    run(spec)
    assert states(spec) == {"done": 2, "waiting": 1}


def test_a_second_run_pays_nothing(box: Sandbox) -> None:
    spec = wish_for(questions(3))
    run(spec)
    assert run(spec) == []
    assert len(batches(box)) == 1


@pytest.mark.slow
def test_a_file_holds_no_more_than_the_service_takes(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bailian.batch.service_batches.line_format.LINES_MAX", 2)
    spec = wish_for(questions(5))
    run(spec)
    assert LINES_MAX == 50_000
    assert sorted(batch["request_counts"]["total"] for batch in batches(box)) == [1, 2, 2]
    assert states(spec) == {"done": 5}


def test_a_row_too_long_for_a_line_is_not_sent(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bailian.batch.service_batches.line_format.LINE_BYTES_MAX", 400)
    spec = wish_for([{"kind": "text", "prompt": "长" * 300}, {"kind": "text", "prompt": "短"}])
    by_state = {outcome.state: outcome for outcome in run(spec)}
    assert set(by_state) == {"unsent", "done"}
    assert "400" in str(by_state["unsent"].error)


def test_failed_lines_are_failed_rows_and_are_not_billed(box: Sandbox) -> None:
    spec = wish_for([*questions(2), {"kind": "text", "prompt": "[sandbox:refuse] 坏"}])
    (bad,) = [outcome for outcome in run(spec) if outcome.state != "done"]
    assert bad.state == "failed"
    assert bad.error is not None
    assert (bad.error.code, bad.error.wire_code, bad.error.http_status) == (
        "DataInspectionFailed",
        "data_inspection_failed",
        400,
    )
    assert bad.job.charged_cny is None
    assert states(spec) == {"done": 2, "failed": 1}


# What is left to a later run.


def test_what_is_not_over_in_time_is_fetched_by_the_next_run(box: Sandbox) -> None:
    box.settings.task_s = 3600
    spec = wish_for(questions(3))
    outcomes = run(spec, timeout_s=0.3, poll_s=1.0)
    assert {outcome.error.code for outcome in outcomes if outcome.error} == {"StillRunning"}
    assert len(outcomes) == 3
    box.faults.add(Fault("batch_poll", "expired"))
    assert {outcome.state for outcome in run(spec)} == {"failed"}
    box.settings.task_s = 0.05
    assert {outcome.state for outcome in run(spec)} == {"done"}
    assert len(batches(box)) == 2


def test_no_wait_creates_and_leaves(box: Sandbox) -> None:
    spec = wish_for(questions(3))
    assert run(spec, wait=False) == []
    with new_engine() as engine:
        (under_way,) = batches_under_way(engine, spec)
    assert (under_way.jobs, under_way.step) == (3, "created")
    assert under_way.batch_id == batches(box)[0]["id"]
    assert [outcome.state for outcome in run(spec)] == ["done"] * 3
    assert len(batches(box)) == 1


@pytest.mark.slow
def test_new_rows_go_into_a_batch_of_their_own(box: Sandbox) -> None:
    run(wish_for(questions(2)), wait=False)
    spec = wish_for(questions(4))
    assert len(run(spec)) == 4
    assert sorted(batch["request_counts"]["total"] for batch in batches(box)) == [2, 2]


@pytest.mark.slow
def test_old_batches_are_fetched_without_sending_new_rows(box: Sandbox) -> None:
    run(wish_for(questions(2)), wait=False)
    spec = wish_for(questions(4))
    assert [outcome.state for outcome in run(spec, new_rows=False)] == ["done"] * 2
    assert states(spec) == {"done": 2, "waiting": 2}
    assert len(batches(box)) == 1


@pytest.mark.slow
def test_a_batch_of_a_run_begun_anew_is_fetched_too(box: Sandbox) -> None:
    """It is paid, so its results are saved, beside those of the new rows."""
    spec = wish_for(questions(2))
    run(spec, wait=False)
    with new_engine() as engine:
        BatchStore(engine.journal, engine.services.account).forget(spec.run)
    assert [outcome.state for outcome in run(spec)] == ["done"] * 4
    assert states(spec) == {"done": 2}
    assert nothing_left_behind()


def test_ctrl_c_leaves_the_batch_to_the_next_run(box: Sandbox) -> None:
    box.settings.task_s = 0.5

    def interrupted(pause_s: float) -> None:
        raise KeyboardInterrupt

    spec = wish_for(questions(2))
    with new_engine(replace(current_clock(), sleep=interrupted)) as engine:
        ready(engine, spec)
        with pytest.raises(Interrupted, match="go on at the service"):
            list(run_service_batches(engine, spec))
    assert [outcome.state for outcome in run(spec)] == ["done"] * 2
    assert len(batches(box)) == 1


def test_rows_of_a_living_process_are_not_touched(box: Sandbox) -> None:
    spec = wish_for(questions(2))
    with new_engine() as engine:
        ready(engine, spec)
        outcomes = run_service_batches(engine, spec, poll_s=1)
        first = next(outcomes)
        with new_engine() as other:
            assert list(run_service_batches(other, spec, poll_s=1)) == []
        assert [first.state, *(outcome.state for outcome in outcomes)] == ["done"] * 2
    assert len(batches(box)) == 1


def test_a_batch_whose_id_is_lost_is_found_by_its_name(box: Sandbox) -> None:
    spec = wish_for(questions(2))
    run(spec, wait=False)
    with closing(opened(home_folder())) as db:
        db.execute("UPDATE service_batches SET step = 'creating', batch_id = ''")
        db.commit()
    assert [outcome.state for outcome in run(spec)] == ["done"] * 2
    assert len(batches(box)) == 1


# A bad line.


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["reset_after", "silence", "garbage", "cut", "html", "status", "reset_before"])
def test_a_batch_whose_creation_is_not_answered_is_never_created_twice(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("bailian.service.batch_api.QUERY_TIMEOUT_S", 0.5)
    box.faults.add(Fault("batch_create", kind))
    spec = wish_for(questions(3))
    assert [outcome.state for outcome in run(spec)] == ["done"] * 3
    assert len(batches(box)) == 1


@pytest.mark.parametrize("on", ["batch_upload", "batch_create", "batch_poll", "batch_content", "batch_list"])
@pytest.mark.parametrize("kind", ["throttle", "status", "reset_after", "cut", "garbage"])
@pytest.mark.few(1)
def test_one_bad_answer_costs_time_and_no_row(box: Sandbox, on: str, kind: str) -> None:
    if on == "batch_list":
        box.faults.add(Fault("batch_create", "reset_after"))
    box.faults.add(Fault(on, kind))
    spec = wish_for(questions(3))
    assert [outcome.state for outcome in run(spec)] == ["done"] * 3
    assert len(batches(box)) == 1
    assert box.faults.armed == []


@pytest.mark.slow
def test_while_the_list_is_silent_nothing_is_sent_again(box: Sandbox) -> None:
    box.faults.add(Fault("batch_create", "reset_after"), Fault("batch_list", "status", times=None))
    spec = wish_for(questions(2))
    outcomes = run(spec)
    assert {outcome.error.code for outcome in outcomes if outcome.error} == {"MaybeSent"}
    assert count(box, "batch_create") == 1
    box.faults.clear()
    assert [outcome.state for outcome in run(spec)] == ["done"] * 2
    assert count(box, "batch_create") == 1


@pytest.mark.slow
def test_an_upload_that_never_succeeds_leaves_rows_unsent(box: Sandbox) -> None:
    box.faults.add(Fault("batch_upload", "status", status=503, code="ModelUnavailable", times=None))
    spec = wish_for(questions(2))
    assert {outcome.state for outcome in run(spec)} == {"unsent"}
    box.faults.clear()
    assert {outcome.state for outcome in run(spec)} == {"done"}
    assert charged_cny(spec) > 0


@pytest.mark.slow
def test_an_overdue_account_lets_the_rows_wait_at_the_whole_price(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = wish_for(questions(2))
    box.faults.add(Fault("batch_create", "status", status=400, code="Arrearage"))
    (outcome,) = run(spec)
    assert (outcome.state, getattr(outcome.error, "code", "")) == ("waiting", "QuotaExceeded")
    with new_engine() as engine:
        (first, _) = BatchStore(engine.journal, engine.services.account).newest(spec.run)
        assert first.state == "waiting"
        assert first.service_batch is None
        assert TextContext.of(first.prepared.context).prices[0].input == pytest.approx(0.0008)
    assert {outcome.state for outcome in run(spec)} == {"done"}


# Batches that do not come to a good end.


def test_a_refused_batch_fails_the_bad_row_and_leaves_the_others_unsent(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service refuses a file as a whole and names the line."""
    from bailian.batch.service_batches import create
    from bailian.batch.service_batches.line_format import line_of

    def damaged(job_id: str, body: Any) -> bytes:
        line = line_of(job_id, body)
        return line.replace(b"/v1/chat/completions", b"/v1/chat/completion") if "坏".encode() in line else line

    monkeypatch.setattr(create, "line_of", damaged)
    spec = wish_for([{"kind": "text", "prompt": "好"}, {"kind": "text", "prompt": "坏"}])
    outcomes = {outcome.job.request["prompt"]: outcome for outcome in run(spec)}
    assert (outcomes["坏"].state, outcomes["好"].state) == ("failed", "unsent")
    assert getattr(outcomes["坏"].error, "wire_code", "") == "url_not_found"
    assert charged_cny(spec) == 0


def test_a_batch_refused_without_a_line_fails_every_row(box: Sandbox) -> None:
    box.faults.add(Fault("batch_create", "failed", code="model_not_found", message="no such model"))
    outcomes = run(wish_for(questions(2)))
    assert [(outcome.state, getattr(outcome.error, "code", "")) for outcome in outcomes] == [
        ("failed", "ModelNotFound")
    ] * 2


@pytest.mark.few(1)
@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_rows_that_were_not_reached_are_failed_and_run_again(box: Sandbox, status: str) -> None:
    box.settings.task_s = 20.0  # it runs when it is first asked for, however late that is
    box.faults.add(Fault("batch_poll", status))
    spec = wish_for(questions(4))
    outcomes = run(spec, poll_s=5)
    assert {outcome.state for outcome in outcomes} == {"failed"}
    assert {getattr(outcome.error, "wire_code", "") for outcome in outcomes} == {f"batch_{status}"}
    box.settings.task_s = 0.05
    assert [outcome.state for outcome in run(spec)] == ["done"] * 4


@pytest.mark.slow
def test_a_batch_the_service_has_forgotten_ends_its_rows(box: Sandbox) -> None:
    box.faults.add(Fault("batch_poll", "status", status=404, code="NotFound", times=3))
    outcomes = run(wish_for(questions(2)))
    assert {(outcome.state, getattr(outcome.error, "code", "")) for outcome in outcomes} == {
        ("failed", "ResourceNotFound")
    }


# Money.


def test_the_budget_of_the_run_counts_half_prices(box: Sandbox) -> None:
    spec = wish_for(questions(6))
    with new_engine() as engine:
        ready(engine, spec)
        (row, *_) = BatchStore(engine.journal, engine.services.account).newest(spec.run)
        assert row.estimate_cny is not None
        engine.limit_run(spec.run, row.estimate_cny * 2)
        outcomes = list(run_service_batches(engine, spec, poll_s=1))
    assert [outcome.state for outcome in outcomes].count("done") == 4
    assert [getattr(o.error, "code", "") for o in outcomes if o.state == "waiting"] == ["BudgetExceeded"]
    assert states(spec) == {"done": 4, "waiting": 2}


def test_a_region_without_batch_inference_is_refused(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_REGION", "us-east-1")
    spec = wish_for(questions(1))
    with new_engine() as engine, pytest.raises(InvalidRequest, match="virginia"):
        list(run_service_batches(engine, spec))
    assert box.requests == []


# Processes that are killed.

KILLED = """
import os, signal, sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from bailian.catalog import catalog
from bailian.batch.service_batches import collect, create, runner
from bailian.batch.sync import BatchSpec
from bailian.batch.input.reader import read_rows
from bailian.batch.run import prepare_batch
from bailian.clock import Clock
from bailian.engine.engine import Engine
from bailian.store.jobs import Journal
from bailian.store.runs.file_rows import FileRows
from bailian.store.service_batches import ServiceBatchStore
from bailian.config.settings import home_folder, read_settings
from bailian.service.batch_api import BatchApi

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def after(owner, name, times=1):
    real, left = getattr(owner, name), [times]
    def wrapped(*args, **kwargs):
        value = real(*args, **kwargs)
        left[0] -= 1
        if not left[0]:
            die()
        return value
    setattr(owner, name, wrapped)

def in_content(self, file_id, target):
    target.with_name(target.name + ".part").write_text('{"id":"half a li')
    die()

source = Path(sys.argv[1])
WHERE
with Engine(read_settings(), catalog.load(home_folder()), clock=Clock(pause_scale=0.02)) as engine:
    spec = BatchSpec(source, f"batch:{source}", Path("outputs").absolute())
    rows = FileRows()
    prepare_batch(engine, spec, read_rows(source, None, models=engine.catalog, over={}, file_rows=rows), rows)
    with closing(runner.run_service_batches(engine, spec, poll_s=1.0)) as outcomes:
        for outcome in outcomes:
            print(outcome.state)
"""
PLACES = {
    "before the jobs are reserved": "ServiceBatchStore.reserve = die",
    "when the batch is noted, uncommitted": "after(ServiceBatchStore, 'put')",
    "after the jobs are reserved": "after(ServiceBatchStore, 'reserve')",
    "while the lines are written": "after(create, 'line_of', 7)",
    "after the lines are written": "after(create, '_write_lines')",
    "before the upload": "BatchApi.upload = die",
    "after the upload": "after(BatchApi, 'upload')",
    "when the upload is noted": "after(ServiceBatchStore, 'put', 2)",
    "before the paid call": "BatchApi.create = die",
    "after the paid call": "after(BatchApi, 'create')",
    "when the batch is noted": "after(ServiceBatchStore, 'put', 4)",
    "while it is asked for": "after(BatchApi, 'batch')",
    "in the download": "BatchApi.content = in_content",
    "after the download": "after(BatchApi, 'content')",
    "after an answer is noted": "after(Journal, 'store_answers', 2)",
    "before a file has its name": "after(Journal, 'record_files', 3)",
    "after a row is done": "after(Journal, 'finish', 2)",
    "after a row has failed": "after(collect, 'finish')",
    "after every row": "create.forget_files = die",
    "after the files are gone": "ServiceBatchStore.forget = die",
}


@pytest.mark.slow
@posix_only
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.few(2)
def test_a_killed_run_goes_on_where_it_was(box: Sandbox, place: str) -> None:
    """Every row is done once, and the service has one batch."""
    spec = wish_for([*questions(4), {"kind": "text", "prompt": "[sandbox:refuse] 坏"}])
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = KILLED.replace("WHERE", PLACES[place])
    ran = subprocess.run([sys.executable, "-c", code, str(spec.source)], env=env, capture_output=True, text=True)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    run(BatchSpec(spec.source, spec.run, spec.folder, retry_failed=False))
    assert states(spec) == {"done": 4, "failed": 1}
    assert len(batches(box)) == 1
    assert len(texts()) == 4
    assert nothing_left_behind()


@posix_only
@pytest.mark.slow
def test_two_runs_killed_in_a_row_still_make_one_batch(box: Sandbox) -> None:
    spec = wish_for(questions(3))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for place in ("before the paid call", "after the paid call", "while it is asked for", "in the download"):
        code = KILLED.replace("WHERE", PLACES[place])
        ran = subprocess.run([sys.executable, "-c", code, str(spec.source)], env=env, capture_output=True, text=True)
        assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert [outcome.state for outcome in run(spec)] == ["done"] * 3
    assert len(batches(box)) == 1


@pytest.mark.slow
def test_two_thousand_rows(box: Sandbox) -> None:
    spec = wish_for(questions(2000))
    outcomes = run(spec)
    assert len(outcomes) == 2000
    assert states(spec) == {"done": 2000}
    assert len(texts()) == 2000
    assert len(box.requests) < 12


@pytest.mark.sqlite
def test_a_machine_that_may_be_taken_for_dead_creates_no_batch(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look at the lease comes at the first byte of the paid call. When the machine may send again it does, once."""
    answers = iter([False, True])
    monkeypatch.setattr(ProcessLease, "may_send", lambda _self, _term: next(answers))
    spec = wish_for([{"kind": "text", "prompt": "甲"}])
    assert [outcome.state for outcome in run(spec)] == ["done"]
    assert list(answers) == []
    assert len([entry for entry in box.requests if entry.method == "POST" and entry.path.endswith("/batches")]) == 1
