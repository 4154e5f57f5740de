"""Two processes that use one journal at the same moment: on a server their transactions overlap, on a file they cannot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bailian.errors import BudgetExceeded
from bailian.store.budgets import Budget
from bailian.store.jobs import COLUMNS, Journal
from bailian.store.leases import exclusive, lease_at
from bailian.store.pace.limits import SharedLimits
from bailian.store.schema import FileRow, JobEnd, JobResult
from bailian.store.service_batches import Offer, ServiceBatch, ServiceBatchStore
from bailian.store.states import Status
from tests.support.journals import ON_SERVER, database_class, place

WAIT_S = 0.3
"""As long as it takes another to come to where it waits, or to be done with what it should have waited for."""
OFFER = Offer(1.0, lambda prepared: prepared, lambda prepared: prepared)
JOBS = {"a-1": "a", "a-2": "a", "b-1": "b", "b-2": "b"}


@dataclass(frozen=True)
class Two:
    """Two connections to one journal, and a thread for what the second does meanwhile."""

    a: Journal
    b: Journal
    meanwhile: Callable[..., Future[Any]]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with ExitStack() as stack:
        a, b = (stack.enter_context(closing(Journal(place(tmp_path)))) for _ in range(2))
        pool = stack.enter_context(ThreadPoolExecutor(1))
        row = {
            "account": "me", "kind": "text", "model": "m", "wire_model": "m", "state": "waiting", "request": "{}",
            "prepared": '{"mode": "sync", "body": {}}', "saving": "{}", "created_at_s": time.time(), "estimate_cny": 1.0,
            "run": "batch:甲", "row_key": "键",
        }  # fmt: skip
        a.insert(
            [tuple({**row, "id": job_id, "owner": owner}[name] for name in COLUMNS) for job_id, owner in JOBS.items()]
        )

        def meanwhile(*words: Any, **more: Any) -> Future[Any]:
            future = pool.submit(*words, **more)
            time.sleep(WAIT_S)
            return future

        yield Two(a, b, meanwhile)


def state(journal: Journal, job_id: str) -> str:
    row = journal.job(job_id)
    assert row is not None
    return row.state


def test_a_saved_file_keeps_nobody_from_sending(two: Two) -> None:
    """One saves and sends by one commit, the other sends: neither waits for what the other waits for."""
    two.a.record_intents(["a-1"], "a")
    two.a.store_answers([JobResult("a-1", {"output": {}}, 0.5, None, "r")])
    with two.a.database.transaction():
        two.a.finish([JobEnd("a-1", Status.DONE)], [FileRow("a-1", 0, Path("a.txt").absolute(), "s", placed=True)])
        sent = two.meanwhile(two.b.record_intents, ["b-1"], "b")
        two.a.record_intents(["a-2"], "a")
    assert sent.result(20)
    assert [state(two.a, job_id) for job_id in ("a-1", "a-2", "b-1")] == ["done", "sending", "sending"]


def test_a_batch_of_the_service_does_not_get_money_that_another_reserves_just_now(two: Two) -> None:
    store, budget = ServiceBatchStore(two.b, "me", "b"), Budget(1.5, "day")
    with two.a.database.transaction():
        two.a.record_intents(["a-1"], "a", [budget])
        reserved = two.meanwhile(
            store.reserve, ServiceBatch("one", "me", "batch:甲"), ["b-1"], OFFER, [budget], time.time()
        )
    batch, refusal = reserved.result(20)
    assert batch.jobs == 0
    assert isinstance(refusal, BudgetExceeded)
    assert state(two.a, "b-1") == "waiting"


def test_money_that_a_batch_of_the_service_reserves_is_nobody_elses(two: Two) -> None:
    store, budget = ServiceBatchStore(two.a, "me", "a"), Budget(1.5, "day")
    with two.a.database.transaction():
        store.reserve(ServiceBatch("one", "me", "batch:甲"), ["a-1"], OFFER, [budget], time.time())
        sent = two.meanwhile(two.b.record_intents, ["b-1"], "b", [budget])
    with pytest.raises(BudgetExceeded):
        sent.result(20)
    assert state(two.a, "b-1") == "waiting"


def test_one_of_two_takes_over_a_batch_of_the_service(two: Two) -> None:
    """Its owner is dead, and both see it: the second sees that the first was faster."""
    dead = ServiceBatchStore(two.a, "me", "a")
    dead.reserve(ServiceBatch("one", "me", "batch:甲"), ["a-1", "a-2"], OFFER, [], time.time())
    one, other = ServiceBatchStore(two.a, "me", "c"), ServiceBatchStore(two.b, "me", "d")
    with two.a.database.transaction():
        assert one.take_over("one", lambda owner: owner == "a")
        too_late = two.meanwhile(other.take_over, "one", lambda owner: owner == "a")
    assert too_late.result(20) is False
    assert {row.owner for row in two.a.jobs("me", ["sending"])} == {"c"}


def test_one_of_two_claims_a_file(two: Two) -> None:
    path = Path("a.txt").absolute()
    with two.a.database.transaction():
        assert two.a.claim_file("a-1", 0, path, "s")
        too_late = two.meanwhile(two.b.claim_file, "b-1", 0, path, "s")
    assert too_late.result(20) is False


def test_what_was_held_alone_is_free_when_it_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next command may begin before a server has heard that the connection is closed."""
    where, unheard = place(tmp_path), list[Any]()
    lease_at(where)  # makes the folder of a home
    if ON_SERVER:
        monkeypatch.setattr(database_class(), "close", lambda self: unheard.append(self))
    for _ in range(2):
        with exclusive(where, "batch") as alone:
            assert alone
            with exclusive(where, "batch", "text") as too_late:
                assert not too_late
        with exclusive(where, "batch", "text") as one, exclusive(where, "batch", "image") as other:
            assert (one, other) == (True, True)


@pytest.mark.sqlite
def test_the_slots_of_the_dead_are_freed_from_two_queues_at_once(tmp_path: Path) -> None:
    """Both dead have slots of both: whoever frees them goes by the same order."""
    with ExitStack() as stack:
        one, other = (stack.enter_context(closing(SharedLimits(place(tmp_path)))).slots for _ in range(2))
        pool = stack.enter_context(ThreadPoolExecutor(2))
        for number in range(20):
            owners = [f"{number}-{name}" for name in ("x", "y")]
            for queue, order in (("p", owners), ("q", owners[::-1])):
                for owner in order:
                    one.adopt(queue, f"{queue}-{owner}", owner)
            taken = [
                pool.submit(slots.acquire, queue, 1, f"job-{queue}-{number}", "me", lambda owner: owner != "me")
                for slots, queue in ((one, "p"), (other, "q"))
            ]
            assert [future.result(20) for future in taken] == [True, True]
            one.release(f"job-p-{number}")
            other.release(f"job-q-{number}")
