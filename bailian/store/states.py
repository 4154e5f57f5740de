"""The states of a job: which there are, which can follow each other, and the one function that writes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from functools import cache

from bailian.store.backends.database import Database


class Status(str, Enum):
    """Where a job is. The values stand in the journal and in `--json`."""

    WAITING = "waiting"
    """Intended, on disk, not sent."""
    SENDING = "sending"
    """About to be sent; or sent, and the process died before it read the answer."""
    UNSETTLED = "unsettled"
    """Sent, no answer: the account's task list is being asked whether the task exists."""
    SUBMITTED = "submitted"
    """The task id is known."""
    ENDED = "ended"
    """The service is done and its answer is here; files may still be missing."""
    DONE = "done"
    """Every file is on disk."""
    FAILED = "failed"
    """Refused, failed or gone."""
    HELD = "held"
    """Maybe paid, and cannot be proven; a person decides."""
    UNSENT = "unsent"
    """Certainly never executed."""

    def __str__(self) -> str:
        return self.value

    def __format__(self, spec: str) -> str:  # the same on every Python: 3.12 shows the member's name otherwise
        return format(self.value, spec)


TRANSITIONS: Mapping[Status, Collection[Status]] = {
    # A stopped process may still hear what became of a request that another one has taken back.
    Status.WAITING: (
        Status.WAITING,
        Status.SENDING,
        Status.UNSETTLED,
        Status.SUBMITTED,
        Status.ENDED,
        Status.FAILED,
        Status.HELD,
        Status.UNSENT,
    ),
    # To DONE: the answer came at once, and is all there is.
    Status.SENDING: (
        Status.WAITING,
        Status.UNSETTLED,
        Status.SUBMITTED,
        Status.ENDED,
        Status.DONE,
        Status.FAILED,
        Status.HELD,
        Status.UNSENT,
    ),
    Status.UNSETTLED: (
        Status.WAITING,
        Status.UNSETTLED,
        Status.SUBMITTED,
        Status.ENDED,
        Status.FAILED,
        Status.HELD,
        Status.UNSENT,
    ),
    # Back to UNSETTLED: the adopted task turned out to be another's.
    Status.SUBMITTED: (Status.UNSETTLED, Status.SUBMITTED, Status.ENDED, Status.FAILED, Status.HELD),
    Status.ENDED: (Status.UNSETTLED, Status.SUBMITTED, Status.ENDED, Status.DONE, Status.FAILED, Status.HELD),
    # Another look at a finished job: its files are gone, or a person asks again. Nothing is sent by it.
    Status.DONE: (Status.UNSETTLED, Status.SUBMITTED, Status.ENDED, Status.DONE),
    Status.FAILED: (Status.UNSETTLED, Status.SUBMITTED, Status.ENDED, Status.FAILED),
    Status.HELD: (Status.UNSETTLED, Status.SUBMITTED, Status.ENDED, Status.FAILED, Status.HELD),
    Status.UNSENT: (Status.UNSETTLED, Status.SUBMITTED, Status.ENDED, Status.UNSENT),
}
"""From each state to those that may follow it. A state that follows itself is written down again after a failed commit."""

OPEN_STATES = (Status.WAITING, Status.SENDING, Status.UNSETTLED, Status.SUBMITTED, Status.ENDED)
FINAL_STATES = (Status.DONE, Status.FAILED, Status.HELD, Status.UNSENT)
UNDER_WAY_STATES = OPEN_STATES[1:]
"""Sent, and not over."""


@cache
def sources(to: Status) -> tuple[Status, ...]:
    """Return the states that a job may come from."""
    return tuple(before for before, after in TRANSITIONS.items() if to in after)


def move(
    database: Database,
    to: Status,
    where: str,
    values: Sequence[object] = (),
    *,
    also: str = "",
    table: str = "",
    only_from: Collection[Status] | None = None,
) -> int:
    """Move jobs to a state, as one statement; return how many. No other statement writes a state.

    A job that is further than `to` stays where it is: what another process has written outranks a late word.

    Args:
        where: which jobs, as SQL.
        values: for the question marks in `also`, `table` and `where`, in this order.
        also: other columns to set, as SQL.
        table: a table to take their values from, as SQL.
        only_from: fewer states than `sources` allows.
    """
    allowed = sources(to)
    before = allowed if only_from is None else tuple(status for status in only_from if status in allowed)
    names = ", ".join(f"'{status}'" for status in before)
    columns = f", {also}" if also else ""
    source = f" FROM {table}" if table else ""
    # Without an index: nobody looks through all jobs in those states, of which a batch has a million. `where` names few.
    return database.execute(
        f"UPDATE jobs SET state = '{to}'{columns}{source} WHERE ({where}) AND {database.dialect.unindexed('jobs.state')} IN ({names})",  # noqa: S608
        values,
    )
