"""What the journal knows about a batch, and whether a budget has room. A real file, a clock of our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bailian.errors import BudgetExceeded
from bailian.history.entries import entry_of_id
from bailian.store import batches
from bailian.store.batches import BatchStore
from bailian.store.budgets import Budget
from bailian.store.jobs import COLUMNS, Journal, NotOurs
from bailian.store.runs import row_claims
from bailian.store.runs.unfinished_rows import UnfinishedRows
from bailian.store.schema import FileRow, JobEnd, JobResult, LastAttempt
from bailian.store.states import Status
from tests.support.clocks import Clock
from tests.support.journals import place

RUN = "batch:甲.json"
NOON_S = datetime(2026, 3, 15, 12).timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON_S)


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Iterator[Journal]:
    with closing(Journal(place(tmp_path), clock=clock)) as opened:
        yield opened


@pytest.fixture
def runs(journal: Journal, clock: Clock) -> BatchStore:
    return BatchStore(journal, "me", clock=clock)


def values(job_id: str, key: str, **changed: Any) -> tuple[Any, ...]:
    row = {
        "id": job_id, "account": "me", "kind": "image", "model": "猫", "wire_model": "猫", "state": "waiting", "owner": "p",
        "request": "{}", "prepared": "{}", "saving": "{}", "created_at_s": NOON_S, "estimate_cny": 1.0, "run": RUN,
        "row_key": key, **changed,
    }  # fmt: skip
    return tuple(row[column] for column in COLUMNS)


def state(journal: Journal, job_id: str) -> tuple[str, str | None]:
    row = journal.job(job_id)
    assert row is not None
    return row.state, row.owner


# ── tries ──


def tried(runs: BatchStore) -> dict[str, LastAttempt]:
    return runs.tried(RUN, keys=[key for keys in runs.keys(RUN) for key in keys])


def test_the_newest_try_counts(journal: Journal, runs: BatchStore) -> None:
    runs.intend_all([values("a1", "a"), values("b1", "b")])
    journal.finish([JobEnd("a1", Status.FAILED, {"error": {"code": "TaskFailed"}, "exit_code": 4})])
    assert tried(runs)["a"].exit_code == 4
    runs.intend_all([values("a2", "a")])
    assert {key: (one.job_id, one.state) for key, one in tried(runs).items()} == {
        "a": ("a2", "waiting"), "b": ("b1", "waiting"),
    }  # fmt: skip
    assert [row.id for row in runs.newest(RUN)] == ["b1", "a2"]


@pytest.mark.sqlite
def test_other_batches_and_accounts_are_not_seen(journal: Journal, runs: BatchStore) -> None:
    runs.intend_all([values("a", "k"), values("b", "k", run="batch:乙.json"), values("c", "k", account="you")])
    assert [one.job_id for one in tried(runs).values()] == ["a"]
    runs.take_over(RUN, "q", ["p"])
    assert [state(journal, job)[1] for job in "abc"] == ["q", "p", "p"]


@pytest.mark.sqlite
def test_many_rows_come_in_their_order(monkeypatch: pytest.MonkeyPatch, runs: BatchStore) -> None:
    """More than one reading holds, and none twice where states change meanwhile."""
    monkeypatch.setattr(batches, "CHUNK_ROWS", 4)
    monkeypatch.setattr(row_claims, "CHUNK_ROWS", 4)
    assert runs.intend_all(values(f"j{i:02}", f"k{i}") for i in range(11)) == 11
    assert [row.id for row in runs.newest(RUN)] == [f"j{i:02}" for i in range(11)]
    assert [row.id for row in runs.waiting(RUN, "p", "猫")] == [f"j{i:02}" for i in range(11)]


@pytest.mark.sqlite
def test_waiting_rows_are_read_as_they_are_needed(
    monkeypatch: pytest.MonkeyPatch, journal: Journal, runs: BatchStore
) -> None:
    monkeypatch.setattr(row_claims, "CHUNK_ROWS", 2)
    runs.intend_all(values(f"j{i}", f"k{i}") for i in range(5))
    coming = runs.waiting(RUN, "p", "猫")
    assert next(coming).id == "j0"
    journal.finish([JobEnd("j3", Status.UNSENT)])
    assert [row.id for row in coming] == ["j1", "j2", "j4"]


@pytest.mark.sqlite
def test_queues_are_the_models_that_this_process_sends(runs: BatchStore) -> None:
    runs.intend_all([
        values("a", "1", wire_model="wanx2.1", model="wan2.1"), values("b", "2"), values("c", "3"),
        values("d", "4", wire_model="别人的", owner="q"), values("e", "5", wire_model="旧的", state="done"),
    ])  # fmt: skip
    assert runs.queues(RUN, "p") == [("wanx2.1", "wan2.1"), ("猫", "猫")]


# ── whose they are ──


@pytest.mark.sqlite
def test_open_jobs_of_the_dead_are_taken_and_lost_answers_are_unsettled(journal: Journal, runs: BatchStore) -> None:
    runs.intend_all(
        values(name, name, state=name, owner=owner)
        for name, owner in (
            ("waiting", "dead"),
            ("sending", "dead"),
            ("submitted", None),
            ("ended", "alive"),
            ("done", None),
        )
    )
    assert sorted(runs.owners(RUN)) == ["alive", "dead"]
    runs.take_over(RUN, "p", ["dead"])
    assert {row.id: (row.state, row.owner) for row in runs.newest(RUN)} == {
        "waiting": ("waiting", "p"), "sending": ("unsettled", "p"), "submitted": ("submitted", "p"),
        "ended": ("ended", "alive"), "done": ("done", None),
    }  # fmt: skip
    assert [row.id for row in runs.under_way(RUN, "p")] == ["sending", "submitted"]


@pytest.mark.sqlite
def test_nobody_is_gone_and_only_what_is_free_is_taken(journal: Journal, runs: BatchStore) -> None:
    runs.intend_all([values("a", "1", owner=None), values("b", "2", owner="alive")])
    runs.take_over(RUN, "p", [])
    assert (state(journal, "a"), state(journal, "b")) == (("waiting", "p"), ("waiting", "alive"))


def test_what_a_process_had_to_leave_is_taken_by_the_next_run_alone(journal: Journal, runs: BatchStore) -> None:
    """It has said why. Who is at the same batch leaves it; what the dead have left nobody has tried to its end."""
    jobs = (("a", None), ("b", "dead"), ("c", None))
    runs.intend_all([values(name, name, kind="text", state="sending", owner=owner) for name, owner in jobs])
    for name in "ab":
        journal.note(name, {"error": {"message": "could not be recorded"}})
    runs.take_over(RUN, "p", ["dead"], ["text"], left=False)
    assert state(journal, "a") == ("sending", None)
    assert [state(journal, name)[0] for name in "bc"] == ["waiting", "waiting"]
    runs.take_over(RUN, "p", ["dead"], ["text"])
    assert state(journal, "a")[0] == "waiting"


def test_a_batch_that_begins_anew_forgets_what_was_there_when_it_began(journal: Journal, runs: BatchStore) -> None:
    runs.intend_all([values("a", "1")])
    since = runs.newest_number(RUN)
    runs.intend_all([values("b", "1"), values("c", "2")])
    runs.forget(RUN, upto=since)
    assert [row.id for row in runs.newest(RUN)] == ["b", "c"]
    runs.forget(RUN)
    assert not runs.has_rows(RUN)


@pytest.mark.sqlite
def test_a_job_that_was_let_go_is_sent_by_its_new_owner_only(journal: Journal, runs: BatchStore) -> None:
    runs.intend_all([values("a", "1")])
    runs.let_go(RUN, "p")
    runs.take_over(RUN, "q", [])
    with pytest.raises(NotOurs):
        journal.record_intents(["a"], "p")
    journal.record_intents(["a"], "q")


def test_only_what_waits_is_given_up(journal: Journal, runs: BatchStore) -> None:
    runs.intend_all([values("a", "1"), values("b", "2", state="submitted")])
    runs.give_up(["a", "b"], {"error": {"code": "ConnectionFailed"}, "exit_code": 5})
    assert (state(journal, "a"), state(journal, "b")) == (("unsent", None), ("submitted", "p"))


# ── sums ──


def test_counts_are_of_newest_tries(journal: Journal, runs: BatchStore) -> None:
    runs.intend_all([values("a1", "a"), values("b1", "b"), values("c1", "c", kind="text", estimate_cny=None)])
    journal.finish([JobEnd("a1", Status.FAILED, {"error": {"code": "TaskFailed"}})])
    journal.store_answers([JobResult("b1", {}, 0.5, None, None)])
    journal.finish([JobEnd("b1", Status.DONE)])
    told = {(c.kind, c.state, c.error_code): (c.jobs, c.charged_cny) for c in runs.counts(RUN)}
    assert told == {
        ("image", "failed", "TaskFailed"): (1, 0.0), ("image", "done", None): (1, 0.5), ("text", "waiting", None): (1, 0.0),
    }  # fmt: skip
    runs.intend_all([values("a2", "a")])
    assert ("image", "waiting", None) in {(c.kind, c.state, c.error_code) for c in runs.counts(RUN)}
    assert sum(count.jobs for count in runs.counts(RUN)) == 3


def test_an_error_with_a_nul_in_it_can_be_read(journal: Journal, runs: BatchStore) -> None:
    """A service, or what stands before it, may say anything."""
    runs.intend_all([values("a", "1")])
    journal.finish([JobEnd("a", Status.FAILED, {"error": {"code": "Odd", "message": "no\0way"}, "exit_code": 4})])
    unfinished = UnfinishedRows(journal, "me", RUN)
    (error,) = unfinished.errors()
    assert (error.code, error.rows) == ("Odd", 1)
    assert (error.message or "").startswith("no")
    assert tried(runs)["1"].error_code == "Odd"
    assert journal.find("me", "no\0way") is None
    assert entry_of_id(journal.place, "no\0way") is None


def test_files_are_in_the_order_of_results_and_finished(journal: Journal, runs: BatchStore) -> None:
    runs.intend_all([values("a", "1"), values("b", "2")])
    journal.record_files(
        [
            FileRow("a", 1, Path("二.png"), "x", placed=True),
            FileRow("a", 0, Path("一.png"), "x", placed=True),
            FileRow("b", 0, Path("半.png"), "x"),
        ]
    )
    assert runs.files(["a", "b"]) == {"a": ["一.png", "二.png"], "b": []}


def test_a_finished_batch_is_remembered_until_it_is_forgotten(journal: Journal, runs: BatchStore) -> None:
    assert runs.summaries.finished(RUN) is None
    runs.intend_all([values("a", "1")])
    runs.summaries.finish(RUN, "d1", 1, {"done": 1})
    runs.summaries.finish(RUN, "d2", 2, {"done": 2})
    assert runs.summaries.finished(RUN) == ("d2", {"done": 2})
    runs.forget(RUN)
    assert (runs.summaries.finished(RUN), tried(runs)) == (None, {})
    assert journal.job("a") is not None, "its job is still known"


# ── budgets ──


def sent(journal: Journal, job_id: str, *budgets: Budget, **changed: Any) -> float:
    BatchStore(journal, changed.get("account", "me")).intend_all([values(job_id, job_id, **changed)])
    return journal.record_intents([job_id], "p", budgets)


def refused(journal: Journal, job_id: str, *budgets: Budget, **changed: Any) -> str:
    with pytest.raises(BudgetExceeded) as told:
        sent(journal, job_id, *budgets, **changed)
    assert state(journal, job_id)[0] == "waiting", "nothing is reserved for what is not sent"
    return told.value.message


def test_a_budget_has_room_for_exactly_what_fits(journal: Journal) -> None:
    budget = Budget(0.3, "day")
    for i in range(3):
        sent(journal, f"j{i}", budget, estimate_cny=0.1)
    assert "0.3 CNY" in refused(journal, "j3", budget, estimate_cny=0.1)
    sent(journal, "free", budget, estimate_cny=0.0)


def test_what_was_charged_replaces_what_was_reserved(journal: Journal) -> None:
    budget = Budget(1.0, "day")
    sent(journal, "a", budget, estimate_cny=0.9)
    refused(journal, "b", budget, estimate_cny=0.5)
    journal.store_answers([JobResult("a", {}, 0.4, None, None)])
    sent(journal, "c", budget, estimate_cny=0.6)
    refused(journal, "d", budget, estimate_cny=0.1)


@pytest.mark.parametrize(("ending", "free"), [("failed", True), ("unsent", True), ("held", False), ("done", False)])
def test_what_failed_costs_nothing_and_what_may_be_paid_counts(journal: Journal, ending: str, free: bool) -> None:
    budget = Budget(1.0, "day")
    sent(journal, "a", budget)
    journal.finish([JobEnd("a", ending)])
    if free:
        sent(journal, "b", budget)
    else:
        refused(journal, "b", budget)


def test_what_failed_after_it_was_charged_in_part_counts(journal: Journal) -> None:
    budget = Budget(1.0, "day")
    sent(journal, "a", budget)
    journal.store_answers([JobResult("a", {}, 0.6, None, None)])
    journal.finish([JobEnd("a", Status.FAILED)])
    refused(journal, "b", budget, estimate_cny=0.5)
    sent(journal, "c", budget, estimate_cny=0.4)


def test_a_request_refused_unexecuted_gives_its_money_back(journal: Journal) -> None:
    budget = Budget(1.0, "day")
    sent(journal, "a", budget)
    journal.requeue("a")
    sent(journal, "b", budget)


def test_a_job_does_not_count_against_itself(journal: Journal) -> None:
    """Sent again after a 429: its own reservation of before is not in its way."""
    sent(journal, "a", Budget(1.0, "day"))
    journal.requeue("a")
    journal.record_intents(["a"], "p", [Budget(1.0, "day")])


def test_an_unknown_price_cannot_be_kept_within(journal: Journal) -> None:
    assert "not known" in refused(journal, "a", Budget(1000.0, "day"), estimate_cny=None)
    sent(journal, "b", estimate_cny=None)


@pytest.mark.parametrize(("name", "later"), [("day", datetime(2026, 3, 16)), ("month", datetime(2026, 4, 1))])
def test_a_budget_begins_anew_at_its_border(journal: Journal, clock: Clock, name: str, later: datetime) -> None:
    budget = Budget(1.0, name)
    sent(journal, "a", budget)
    clock.now_s = later.timestamp() - 1
    refused(journal, "b", budget)
    clock.now_s = later.timestamp()
    sent(journal, "c", budget)


def test_what_was_sent_before_the_border_and_charged_after_it_is_yesterdays(journal: Journal, clock: Clock) -> None:
    clock.now_s = datetime(2026, 3, 15, 23, 59).timestamp()
    sent(journal, "a", Budget(1.0, "day"))
    clock.now_s = datetime(2026, 3, 16, 0, 1).timestamp()
    journal.store_answers([JobResult("a", {}, 1.0, None, None)])
    sent(journal, "b", Budget(1.0, "day"))
    refused(journal, "c", Budget(2.5, "month"))


def test_the_budget_of_a_run_is_its_own(journal: Journal) -> None:
    budget = Budget(1.0, "run", RUN)
    sent(journal, "a", budget)
    sent(journal, "b", run="batch:乙.json")
    refused(journal, "c", budget)
    sent(journal, "d", Budget(1.0, "run", "batch:丙.json"), run="batch:丙.json")


def test_another_account_has_its_own_money(journal: Journal) -> None:
    sent(journal, "a", Budget(1.0, "day"))
    sent(journal, "b", Budget(1.0, "day"), account="you")


def test_all_budgets_must_have_room(journal: Journal) -> None:
    assert "month" in refused(journal, "a", Budget(5.0, "day"), Budget(0.5, "month"))


# ── lost answers ──


def test_a_lost_answer_counts_against_the_budget(journal: Journal, runs: BatchStore) -> None:
    """It may have been billed: three rows of 1 CNY, one of them asked for twice, do not fit into 3 CNY."""
    runs.intend_all([values(name, name) for name in "abc"])
    day = [Budget(3.0, "day")]
    journal.record_intents(["a"], "p", day)
    journal.requeue_maybe_billed("a")
    journal.record_intents(["a"], "p", day)
    journal.record_intents(["b"], "p", day)
    with pytest.raises(BudgetExceeded):
        journal.record_intents(["c"], "p", day)
    assert journal.lost_cny("me") == 1.0
    assert journal.reserved_cny("me", day[0]) == 3.0


def test_a_rows_own_lost_answer_counts_when_it_is_asked_for_again(journal: Journal, runs: BatchStore) -> None:
    runs.intend_all([values("a", "a")])
    journal.record_intents(["a"], "p", [Budget(1.5, "day")])
    journal.requeue_maybe_billed("a")
    with pytest.raises(BudgetExceeded):
        journal.record_intents(["a"], "p", [Budget(1.5, "day")])


def test_what_a_dead_process_was_asking_for_may_be_billed(journal: Journal, runs: BatchStore) -> None:
    runs.intend_all([values("a", "a", kind="text"), values("b", "b", kind="text"), values("c", "c")])
    journal.record_intents(["a"], "p")
    journal.record_intents(["c"], "p")
    runs.take_over(RUN, "next", ["p"], ["text"])
    assert [state(journal, name)[0] for name in "abc"] == ["waiting", "waiting", "unsettled"]
    assert journal.lost_cny("me") == 1.0
