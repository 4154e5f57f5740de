"""The states of a job: one table, one function that writes them, nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bailian.store.jobs import Journal
from bailian.store.states import FINAL_STATES, OPEN_STATES, TRANSITIONS, Status, move, sources
from bailian.types import StoredRequest
from tests.support.journals import place
from tests.support.setting import ROOT

WRITES_A_STATE = re.compile(r"\bSET\b(?:(?!\bWHERE\b).)*\bstate\s*=", re.IGNORECASE | re.DOTALL)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(place(tmp_path))) as journal:
        yield journal


def job_in(journal: Journal, state: Status) -> str:
    job_id = journal.intend(
        account="a", kind="text", model="m", wire_model="m", request={}, prepared=StoredRequest(), saving={}, estimate_cny=None,
        owner="o",
    )  # fmt: skip
    journal.database.execute("UPDATE jobs SET state = ? WHERE id = ?", (state, job_id))
    return job_id


def test_every_state_has_its_place() -> None:
    """Each state is either open or final, and the table knows what may follow it."""
    assert set(TRANSITIONS) == set(Status) == {*OPEN_STATES, *FINAL_STATES}
    assert not set(OPEN_STATES) & set(FINAL_STATES)


def test_the_table_is_what_happens(journal: Journal) -> None:
    """A job goes where the table says, and stays where it is otherwise."""
    wrong = []
    for before in Status:
        for after in Status:
            job_id = job_in(journal, before)
            moved = move(journal.database, after, "id = ?", (job_id,))
            row = journal.job(job_id)
            assert row is not None
            allowed = after in TRANSITIONS[before]
            if (moved, row.state) != ((1, after) if allowed else (0, before)):
                wrong.append((before, after))
    assert wrong == []


def test_a_request_leaves_once() -> None:
    """Only what waits is sent: whatever was sent, or may have been, never goes straight to another sending."""
    assert sources(Status.SENDING) == (Status.WAITING,)


def test_what_is_over_never_waits_again() -> None:
    """No job with a task, an answer or a verdict is put among those to be sent."""
    assert set(sources(Status.WAITING)) == {Status.WAITING, Status.SENDING, Status.UNSETTLED}


def test_a_paid_task_is_never_turned_away() -> None:
    """The service's own word that a task exists is written down in every state: it is paid."""
    assert set(sources(Status.SUBMITTED)) == set(Status)


@pytest.mark.slow
def test_nothing_else_writes_a_state() -> None:
    """No statement but the one of `move` sets a state, in any module."""
    writers = []
    for path in (ROOT / "bailian").rglob("*.py"):
        if "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "?" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            if WRITES_A_STATE.search(text):
                writers.append(path.name)
    assert set(writers) == {"states.py"}


def test_a_state_reads_as_its_word() -> None:
    """In texts, JSON and SQL a state is its value, on every Python."""
    assert f"{Status.DONE}" == str(Status.DONE) == "done"
    assert f"{Status.DONE:>6}" == "  done"
