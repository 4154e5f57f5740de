"""Who shares a journal is alive by a lease: nothing leaves near its end, nor what was written down before it was over."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from bailian.clock import SYSTEM_CLOCK
from bailian.store.backends import server_leases
from bailian.store.backends.journal_place import JournalPlace
from bailian.store.backends.server_leases import LEASE_S, MARGIN_S, ServerLease
from bailian.store.jobs import Journal
from bailian.store.states import Status
from bailian.types import StoredRequest
from tests.support.clocks import Clock
from tests.support.postgresql import PostgresServer
from tests.support.processes import until


def test_what_was_written_down_before_a_lease_was_over_leaves_no_more(
    journal_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that stood still, or was cut off, goes on under a new term."""
    monkeypatch.setattr(server_leases, "RENEW_S", 3600.0)
    steady = Clock(1000.0)
    url = journal_server.new_database()
    with ServerLease(url, replace(SYSTEM_CLOCK, monotonic=steady)) as lease:
        first = lease.term
        assert lease.may_send(first)
        steady.now_s += LEASE_S - MARGIN_S - 0.1
        assert lease.may_send(first)
        steady.now_s += 0.2
        assert not lease.may_send(first)
        assert lease.term == first, "it is not over yet: a renewal saves it"
    monkeypatch.setattr(server_leases, "RENEW_S", 0.01)
    with ServerLease(url, replace(SYSTEM_CLOCK, monotonic=steady)) as lease:
        first = lease.term
        steady.now_s += LEASE_S + 1
        until(lambda: lease.term != first)
        assert not lease.may_send(first)
        assert lease.may_send(lease.term)


def test_who_was_taken_for_dead_takes_no_job_back(
    journal_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = JournalPlace(tmp_path_factory.mktemp("home"), journal_server.new_database())
    with closing(Journal(place)) as journal, closing(Journal(place)) as other:
        journal.owner, other.owner = "a", "b"
        job = journal.intend(
            account="me", kind="image", model="m", wire_model="m", request={}, prepared=StoredRequest(), saving={},
            estimate_cny=None, owner="a",
        )  # fmt: skip
        journal.record_intents([job], "a")
        assert other.claim(job, "b", "a")
        assert not journal.requeue(job), "it did not leave, and is another's to send"
        row = other.job(job)
        assert row is not None
        assert (row.state, row.owner) == (Status.UNSETTLED, "b")
        assert other.requeue(job)
