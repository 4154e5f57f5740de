"""Who shares a journal is alive by a lease: nothing leaves near its end, nor what was written down before it was over."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from bailian.clock import SYSTEM_CLOCK
from bailian.store.backends import server_leases
from bailian.store.backends.journal_place import JournalPlace
from bailian.store.backends.server_leases import LEASE_S, MARGIN_S, ServerLease
from bailian.store.jobs import Journal, NotOurs
from bailian.store.service_batches import Offer, ServiceBatch, ServiceBatchStore, Stage
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


def test_who_was_taken_for_dead_brings_no_service_batch_further(
    journal_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The paid call follows the writing down of its step: who cannot write it does not make it."""
    place = JournalPlace(tmp_path_factory.mktemp("home"), journal_server.new_database())
    with closing(Journal(place)) as journal, closing(Journal(place)) as other:
        job = journal.intend(
            account="me", kind="text", model="m", wire_model="m", request={}, prepared=StoredRequest(), saving={},
            estimate_cny=None, owner="a", run="batch:shop",
        )  # fmt: skip
        mine, theirs = ServiceBatchStore(journal, "me", "a"), ServiceBatchStore(other, "me", "b")
        kept, _ = mine.reserve(ServiceBatch("bailian-1", "me", "batch:shop"), [job], Offer(1.0, same, same), (), 1.0)
        mine.put(replace(kept, step=Stage.UPLOADED, file_id="f"))
        assert theirs.take_over(kept.name, lambda owner: owner == "a")
        theirs.put(replace(kept, step=Stage.CREATING, file_id="g"))
        with pytest.raises(NotOurs):
            mine.put(replace(kept, step=Stage.CREATING, file_id="f"))
        assert [(one.step, one.file_id) for one in theirs.of_run("batch:shop")] == [(Stage.CREATING, "g")]


def same(prepared: StoredRequest) -> StoredRequest:
    return prepared
