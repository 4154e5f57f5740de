"""Sums that are kept beside the jobs say what adding the jobs up would, whatever happened, and cost as much at a
million jobs as at ten."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.store.batches import BatchStore
from bailian.store.budgets import Budget
from bailian.store.jobs import Journal, NotOurs
from bailian.store.schema import SCHEMA, JobEnd, JobResult
from bailian.store.states import Status
from bailian.store.sums import SUMS, sums_of
from bailian.types import StoredRequest
from tests.support.journals import place
from tests.support.setting import ROOT
from tests.support.sums import differences

NOW_S = 1_790_000_000.0
ACCOUNTS, RUNS = ("me", "you"), (None, "batch:/b.json", "chat:旅行")
STATES = ("waiting", "sending", "unsettled", "submitted", "ended", "done", "failed", "held", "unsent")
ANSWERS = ("{}", '{"usage": {"image_count": 2}}', '{"usage": {"duration": 3.5}}', '{"usage": NaN}', "no JSON")
money = st.sampled_from([None, 0.0, 0.1, 0.28, 7e-6, -1.0, float("inf"), 1e300, "many", 123456.789])
moments = st.sampled_from([None, NOW_S - 90_000, NOW_S - 900.5, NOW_S, NOW_S + 0.1])


@given(
    changes=st.lists(
        st.tuples(
            st.integers(0, 5),
            st.fixed_dictionaries(
                {},
                optional={
                    "account": st.sampled_from(ACCOUNTS), "run": st.sampled_from(RUNS), "state": st.sampled_from(STATES),
                    "model": st.sampled_from(["m", "n"]), "charged_cny": money, "estimate_cny": money,
                    "lost_cny": money.filter(lambda value: value is not None), "answer": st.sampled_from((None, *ANSWERS)),
                    "prepared": st.sampled_from(["{}", '{"units": 4}', '{"units": NaN}']), "sent_at_s": moments,
                    "sent_server_s": moments, "ended_at_s": moments, "owner": st.sampled_from([None, "o"]),
                },
            ),
        ),
        max_size=30,
    )
)  # fmt: skip
def test_any_change_of_any_column(changes: list[tuple[int, dict[str, Any]]]) -> None:
    """Also what no code of ours writes: an older version, or a person with a shell, may have."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(SCHEMA)
        for number, columns in changes:
            row = {
                **dict.fromkeys(("account", "kind", "model", "wire_model"), "m"), "state": "waiting", "request": "{}",
                "prepared": "{}", "saving": "{}", "created_at_s": NOW_S, **columns,
            }  # fmt: skip
            if not db.execute("SELECT 1 FROM jobs WHERE id = ?", (number,)).fetchone():
                marks = ", ".join("?" * (len(row) + 1))
                db.execute(f"INSERT INTO jobs (id, {', '.join(row)}) VALUES ({marks})", (str(number), *row.values()))
            elif columns:
                names = ", ".join(f"{name} = ?" for name in columns)
                db.execute(f"UPDATE jobs SET {names} WHERE id = ?", (*columns.values(), str(number)))
            else:
                db.execute("DELETE FROM jobs WHERE id = ?", (str(number),))
            assert differences(db.execute, SUMS) == []


def intend(journal: Journal, run: str | None = None) -> str:
    return journal.intend(
        account="me", kind="image", model="m", wire_model="m", request={}, prepared=StoredRequest(units=1), saving={},
        estimate_cny=0.28, owner="o", run=run, row_key=run and os.urandom(4).hex(),
    )  # fmt: skip


def live(journal: Journal, chance: random.Random, lives: int) -> None:
    """Let jobs live as the engine lets them."""
    runs = BatchStore(journal, "me")
    budgets = (Budget(1e6, "day"), Budget(1e6, "month"))
    for _ in range(lives):
        with suppress(NotOurs):  # another process has begun the batch anew
            _one_life(journal, runs, budgets, chance)


def _one_life(journal: Journal, runs: BatchStore, budgets: tuple[Budget, ...], chance: random.Random) -> None:
    ids = [intend(journal, chance.choice(RUNS)) for _ in range(2)]
    if chance.random() < 0.3:
        journal.record_intents(ids, "o")
    else:
        for job_id in ids:
            journal.record_intents([job_id], "o", budgets, server_s=chance.choice([None, NOW_S - 5_000]))
    journal.store_answers([JobResult(ids[0], {"usage": {"image_count": 1}}, 0.14, None, None)])
    way = chance.randrange(7)
    if way == 0:
        journal.requeue_maybe_billed(ids[1])
    elif way == 1:
        journal.requeue(ids[1])
    elif way == 2:
        journal.in_doubt(ids[1])
        journal.finish([JobEnd(ids[1], Status.HELD, {"error": {}})])
    elif way == 3:
        journal.record_task(ids[1], os.urandom(8).hex(), None)
        journal.record_cost(ids[1], 0.07)
    elif way == 4:
        journal.finish([JobEnd(ids[1], Status.FAILED, {"error": {}})])
    elif way == 5:
        runs.take_over(RUNS[1] or "", "o", [], ["image"])
    else:
        runs.forget(RUNS[1] or "")
    with suppress(Taken), journal.database.transaction():
        journal.finish([JobEnd(ids[0], Status.DONE)])
        if chance.random() < 0.2:
            raise Taken
    journal.finish([JobEnd(ids[0], Status.DONE)])


class Taken(Exception):
    """Everything of a pile is taken back."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_ways_of_a_job(tmp_path: Path, seed: int) -> None:
    """Every step of the journal and of its piles; some are taken back."""
    with closing(Journal(place(tmp_path), clock=lambda: NOW_S)) as journal:
        live(journal, random.Random(seed), 60)
        database = journal.database
        assert differences(database.read, sums_of(database.dialect)) == []
        assert database.read("SELECT COUNT(*) AS n FROM charged_sums")[0]["n"] > 0


ENDLESS = """
import random, sys
from contextlib import closing
from pathlib import Path
from bailian.store.jobs import Journal
from tests.unit.store.test_journal_sums import live
with closing(Journal(Path(sys.argv[1]))) as journal:
    print(flush=True)
    live(journal, random.Random(), 10**9)
"""


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
@pytest.mark.slow
def test_four_processes_are_killed_while_they_write(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    writers = [
        subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path)], env=env, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3", timeout=60)) as db:
        for number, writer in enumerate(writers):
            while db.execute("SELECT COUNT(*) FROM jobs").fetchone()[0] < 60 * (number + 1):
                assert writer.poll() is None, "it ended by itself"
                time.sleep(0.01)
            os.kill(writer.pid, signal.SIGKILL)
            writer.communicate()
        assert differences(db.execute, SUMS) == []


# ── as fast with a million as with ten ──

MANY = 10_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(place(tmp_path), clock=lambda: NOW_S)) as journal:
        yield journal


def steps(journal: Journal, *calls: Any) -> int:
    """Return how many hundreds of SQLite's own steps reading takes: rows that are looked at, more or less."""
    count = 0

    def counted() -> int:
        nonlocal count
        count += 1
        return 0

    connection = journal.database._connection
    connection.set_progress_handler(counted, 100)
    for call in calls:
        call()
    connection.set_progress_handler(None, 100)
    return count


@pytest.mark.slow
@pytest.mark.sqlite
def test_nothing_reads_every_job(journal: Journal) -> None:
    """What is done for each row sent, and what is asked of the whole journal, looks at a bounded number of rows."""
    day, month = Budget(1e6, "day"), Budget(1e6, "month")
    waiting = [intend(journal, "batch:/b.json") for _ in range(2)]
    asked = [
        *(lambda: journal.jobs("me", limit=20), lambda: journal.jobs("me", ("done",), 20)),
        *(lambda: journal.jobs("me", ("done", "ended", "held"), 20), lambda: journal.jobs("me", ("sending", "ended"))),
        *(lambda: journal.find("me", "no-such-id"), lambda: journal.known_tasks(["no-such-id"])),
        *(lambda: journal.claimants("me", "m", waiting[0]), lambda: journal.open_elsewhere("me")),
        *(lambda: journal.spent_cny("me"), lambda: journal.used("me"), lambda: journal.maybe_cny("me")),
        *(lambda: journal.lost_cny("me"), lambda: journal.reserved_cny("me", day)),
        *(lambda: journal.reserved_cny("me", month), lambda: journal.reserved_cny("me", Budget(9, "run", run="r"))),
    ]
    send = iter(waiting)
    sent = lambda: journal.record_intents([next(send)], "o", (day, month, Budget(1e6, "run", run="batch:/b.json")))  # noqa: E731
    few = [steps(journal, call) for call in (*asked, sent)]
    with journal.database.transaction() as db:
        db.execute(
            "INSERT INTO jobs (id, account, kind, model, wire_model, state, request, prepared, saving, created_at_s,"
            " sent_at_s, ended_at_s, task_id, request_id, charged_cny, estimate_cny, run, row_key)"
            " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
            " SELECT 'j' || i, 'me', 'image', 'm', 'm', 'done', '{}', '{\"units\": 1}', '{}', ?1 - i, ?1 - i / 100.0,"
            " ?1 - i / 100.0, 't' || i, 'r' || i, 0.14, 0.14, 'batch:/c.json', 'k' || i FROM n",
            (NOW_S,),
        )
    many = [steps(journal, call) for call in (*asked, sent)]
    assert [after - before for before, after in zip(few, many, strict=True) if after - before > 100] == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 3, 30])
def test_what_is_written_of_some_jobs_looks_at_those_alone(journal: Journal, size: int) -> None:
    """However many others of the batch wait, are being sent, or have ended."""

    def life(ids: list[str]) -> list[int]:
        return [
            steps(journal, lambda: journal.record_intents(ids, "o")),
            steps(journal, lambda: journal.store_answers([JobResult(one, {}, 0.1, None, None) for one in ids])),
            steps(journal, lambda: journal.finish([JobEnd(one, Status.DONE) for one in ids])),
            steps(journal, lambda: journal.release(ids, "o")),
        ]

    alone = life([intend(journal, "batch:/b.json") for _ in range(size)])
    ids = [intend(journal, "batch:/b.json") for _ in range(size)]
    for state in ("waiting", "sending", "ended"):
        journal.database.execute(
            "INSERT INTO jobs (id, account, kind, model, wire_model, state, owner, request, prepared, saving,"
            " created_at_s, run, row_key)"
            " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)"
            " SELECT ?1 || i, 'me', 'text', 'm', 'm', ?1, 'o', '{}', '{}', '{}', 1.0 + i, 'batch:/b.json', ?1 || i FROM n",
            (state, MANY),
        )
    among_many = life(ids)
    assert [after - before for before, after in zip(alone, among_many, strict=True) if after - before > 20] == []
