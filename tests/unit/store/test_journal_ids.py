"""Ids by how they begin: short, never another's, and never taken for one of several."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bailian.errors import InvalidRequest
from bailian.store.ids.short_ids import find_job, short_ids
from bailian.store.jobs import Journal
from bailian.types import StoredRequest
from tests.support.journals import place

TASKS = ["0a1b2c3d-1", "0a1b2c3d-2", "0a1bffff-3", "ffff0000-4"]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(place(tmp_path))) as journal:
        yield journal


def add(journal: Journal, task_id: str | None, account: str = "us") -> str:
    job_id = journal.intend(
        account=account, kind="image", model="m", wire_model="m", request={}, prepared=StoredRequest(), saving={}, estimate_cny=None,
        owner="o",
    )  # fmt: skip
    if task_id is not None:
        with journal.database.transaction() as db:
            db.execute("UPDATE jobs SET task_id = ? WHERE id = ?", (task_id, job_id))
    return job_id


def test_the_shortest_beginning_finds_its_own_job(journal: Journal) -> None:
    jobs = {task_id: add(journal, task_id) for task_id in TASKS}
    others = [add(journal, None) for _ in range(5)]
    short = short_ids(journal, "us", [*TASKS, *others])
    assert [short[task_id] for task_id in TASKS] == ["0a1b2c3d-1", "0a1b2c3d-2", "0a1bffff", "ffff0000"]
    for whole, beginning in short.items():
        row = find_job(journal, "us", beginning)
        assert row is not None
        assert row.id == jobs.get(whole, whole)
        assert find_job(journal, "us", whole) == row


@pytest.mark.parametrize("word", ["0a1b", "0a1b2c3d", "0a1b2c3d-"])
def test_a_beginning_of_several_is_refused_with_all_of_them(journal: Journal, word: str) -> None:
    for task_id in TASKS:
        add(journal, task_id)
    with pytest.raises(InvalidRequest, match=r"0a1b2c3d-1.*0a1b2c3d-2"):
        find_job(journal, "us", word)


@pytest.mark.parametrize("word", ["", "0", "0a1", "ffff1", "%", "____", "0a1b2c3d-11", "\U0010ffff" * 4])
def test_what_begins_nothing_or_is_too_short_finds_nothing(journal: Journal, word: str) -> None:
    for task_id in TASKS:
        add(journal, task_id)
    assert find_job(journal, "us", word) is None


def test_another_accounts_job_is_not_found(journal: Journal) -> None:
    add(journal, TASKS[0], account="them")
    assert find_job(journal, "us", TASKS[0][:8]) is None
