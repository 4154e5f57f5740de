"""A job in the engine is a row of the journal and the state of its steps, each in its own part."""

from __future__ import annotations

import dataclasses

import pytest

from bailian.engine.job import AdmitState, Job, Limits, PollState, ReconcileState, RowCopy, SaveState, SendState
from bailian.store.schema import JobRow

OWN = {field.name for field in dataclasses.fields(Job)} - {field.name for field in dataclasses.fields(RowCopy)}


def test_the_copy_of_a_row_has_nothing_that_the_journal_has_not() -> None:
    assert {field.name for field in dataclasses.fields(RowCopy)} <= {*JobRow._fields}


def test_a_new_state_of_a_step_goes_into_its_part() -> None:
    assert len(OWN) <= 11


@pytest.mark.parametrize("part", [Limits, AdmitState, SendState, ReconcileState, PollState, SaveState])
def test_a_part_is_small_and_new_for_each_job(part: type) -> None:
    assert len(dataclasses.fields(part)) <= 8
    assert part() == part()
    assert not hasattr(part(), "__dict__"), "a job of a large batch is light"
