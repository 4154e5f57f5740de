"""The ledger never says less than was billed or may be billed, whatever an answer, or an older version, left in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bailian.store.budgets import Budget
from bailian.store.jobs import Journal
from bailian.types import StoredRequest
from tests.support.journals import place

NOW_S = 1_790_000_000.0
DAY = Budget(100.0, "day")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(place(tmp_path), clock=lambda: NOW_S)) as journal:
        yield journal


def put(journal: Journal, **columns: Any) -> str:
    """Write down a job of 2 CNY at most, then set what an older version or another process may have set."""
    job_id = journal.intend(
        account="me",
        kind="image",
        model="m",
        wire_model="m",
        request={},
        prepared=StoredRequest(units=4),
        saving={},
        estimate_cny=2.0,
        owner="o",
    )
    columns = {"sent_at_s": NOW_S, "ended_at_s": NOW_S, **columns}
    names = ", ".join(f"{name} = ?" for name in columns)
    journal.database.execute(f"UPDATE jobs SET {names} WHERE id = ?", (*columns.values(), job_id))
    return job_id


def spent_cny(journal: Journal) -> float:
    return sum(cny for *_, cny in journal.spent_cny("me"))


@pytest.mark.parametrize("state", ["sending", "unsettled", "submitted", "ended", "done", "held"])
def test_what_was_sent_and_has_no_bill_may_have_cost_its_estimate(journal: Journal, state: str) -> None:
    """A figure that cannot be is no bill, and neither is silence."""
    put(journal, state=state)
    assert journal.maybe_cny("me") == (2.0, 0)
    assert journal.reserved_cny("me", DAY) == 2.0
    assert spent_cny(journal) == 0


@pytest.mark.parametrize("state", ["waiting", "unsent", "failed"])
def test_what_was_not_executed_costs_nothing(journal: Journal, state: str) -> None:
    """Not sent, or refused; failed tasks are not billed."""
    put(journal, state=state)
    assert journal.maybe_cny("me") == (0.0, 0)
    assert journal.reserved_cny("me", DAY) == 0


def test_a_failed_job_with_an_answer_was_executed(journal: Journal) -> None:
    """A stream that broke off, results that could not be read: billed perhaps, though there is no file."""
    put(journal, state="failed", answer="{}")
    assert journal.maybe_cny("me") == (2.0, 0)
    assert journal.reserved_cny("me", DAY) == 2.0


@pytest.mark.parametrize(
    "charged_cny", [-140_000.0, float("inf"), float("-inf"), 1e300, pytest.param("many", marks=pytest.mark.sqlite)]
)
def test_a_charge_that_cannot_be_is_unknown(journal: Journal, charged_cny: object) -> None:
    """An older version recorded it: it must not free a budget, nor fill it for ever."""
    put(journal, state="done", charged_cny=charged_cny)
    put(journal, state="done", charged_cny=0.5)
    assert spent_cny(journal) == 0.5
    assert journal.maybe_cny("me") == (2.0, 0)
    assert journal.reserved_cny("me", DAY) == 2.5


def test_a_known_charge_leaves_nothing_open(journal: Journal) -> None:
    """Also one of nothing: the service said so."""
    put(journal, state="done", charged_cny=0.7)
    put(journal, state="failed", charged_cny=0.2, answer="{}")
    put(journal, state="done", charged_cny=0.0)
    assert journal.maybe_cny("me") == (0.0, 0)
    assert spent_cny(journal) == pytest.approx(0.9)
    assert journal.reserved_cny("me", DAY) == pytest.approx(0.9)


def test_lost_answers_are_a_part_of_it(journal: Journal) -> None:
    """Asked for again: the second answer's cost is known, the first one's is not."""
    put(journal, state="done", charged_cny=0.3, lost_cny=2.0)
    put(journal, state="waiting", lost_cny=4.0)
    assert journal.lost_cny("me") == 6.0
    assert journal.maybe_cny("me") == (6.0, 0)
    assert journal.reserved_cny("me", DAY) == pytest.approx(6.3)


@pytest.mark.parametrize("estimate_cny", [None, float("inf"), -1.0])
def test_an_unknown_price_is_counted_not_dropped(journal: Journal, estimate_cny: float | None) -> None:
    """Nobody knows what it may have cost, so that is said; what is lost beside it is in the sum all the same."""
    put(journal, state="submitted", estimate_cny=estimate_cny, lost_cny=1.0)
    put(journal, state="done", estimate_cny=estimate_cny, charged_cny=0.1)
    assert journal.maybe_cny("me") == (1.0, 1)
    assert journal.reserved_cny("me", DAY) == pytest.approx(1.1)


def test_another_accounts_jobs_do_not_count(journal: Journal) -> None:
    """The key of a customer, say."""
    put(journal, state="held", account="you")
    assert journal.maybe_cny("me") == (0.0, 0)


@pytest.mark.few(4)
@pytest.mark.parametrize(
    "answer, units",
    [
        ('{"usage": {"image_count": 2}}', 2),
        ('{"usage": {"image_count": NaN}}', 4),
        ('{"usage": {"image_count": Infinity}}', 4),
        ('{"usage": {"image_count": 1' + "0" * 400 + "}}", 4),
        ('{"usage": {"image_count": 1e400}}', 4),
        ('{"usage": {"image_count": -1000}}', 4),
        ('{"usage": {"image_count": "many"}}', 4),
        ('{"usage": {"image_count": [1]}}', 4),
        ('{"usage": true}', 4),
        ('{"usage": {"total_tokens": null, "characters": -1, "image_count": {}, "duration": 3.5}}', 3.5),
        ("no JSON", 4),
        (None, 4),
    ],
)
def test_units_used_survive_whatever_an_answer_held(journal: Journal, answer: str | None, units: float) -> None:
    """One NaN in one answer was "malformed JSON" for good, and exit 5 of every `bailian cost`."""
    put(journal, state="done", charged_cny=1.0, answer=answer)
    assert journal.used("me") == {"m": units}


def test_units_of_a_request_that_cannot_be_read_are_none(journal: Journal) -> None:
    """A price of NaN in the user's catalog was written into it."""
    put(journal, state="done", charged_cny=1.0, prepared='{"unit_cny": NaN, "units": 4}')
    assert journal.used("me") == {"m": 0.0}


def test_an_old_answer_is_shown_as_json(journal: Journal) -> None:
    """What an older version kept is printed by `tasks show --json`, which must be JSON."""
    row = journal.job(put(journal, state="done", answer='{"usage": {"image_count": NaN, "a": [Infinity]}}'))
    assert row is not None
    assert row.answer == {"usage": {"image_count": None, "a": [None]}}
