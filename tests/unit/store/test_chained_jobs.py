"""What waits for other rows in the journal: written with its job, handed out once, kept from being sent before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bailian.errors import Skipped, TaskFailed, journalled
from bailian.store.batches import BatchStore
from bailian.store.chained_jobs import ChainStore
from bailian.store.jobs import COLUMNS, Journal
from bailian.store.schema import FileRow, JobEnd, dumped
from bailian.store.states import Status
from bailian.types import StoredRequest
from tests.support.journals import place
from tests.support.old_journals import old_journal

pytestmark = pytest.mark.unit

RUN = "batch:a"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(place(tmp_path))) as made:
        yield made


def values(job_id: str, *edges: tuple[str, str, int], **more: Any) -> tuple[Any, ...]:
    """Return a job as a batch writes it down, and behind it what it waits for."""
    waits = {"prompt": "x"} if edges else {}
    row = {
        "id": job_id, "account": "me", "kind": "image", "model": "m", "wire_model": "m", "state": "waiting", "owner": "o",
        "request": "{}", "prepared": dumped(StoredRequest(waits=waits).to_json()), "saving": "{}", "created_at_s": 1.0,
        "estimate_cny": 0.1, "run": RUN, "row_key": f"k-{job_id}", **more,
    }  # fmt: skip
    made = tuple(row[name] for name in COLUMNS)
    return (*made, [(job_id, word, key, item) for word, key, item in edges]) if edges else made


HERO, SECOND = ("result-of:hero/1", "k-hero", 0), ("result-of:hero/2", "k-hero", 1)


def sendable(journal: Journal) -> list[str]:
    return [row.id for row in BatchStore(journal, "me").waiting(RUN, "o", "m")]


def end(journal: Journal, job_id: str, state: Status, **more: Any) -> None:
    if state in (Status.DONE, Status.HELD, Status.FAILED):
        journal.record_intents([job_id], "o")
        journal.record_task(job_id, f"t-{job_id}", None)
    if state == Status.DONE:
        journal.store_answers([])
        journal.database.execute("UPDATE jobs SET state = 'ended' WHERE id = ?", (job_id,))
    journal.finish([JobEnd(job_id, state, **more)])


@pytest.mark.sqlite
def test_what_waits_for_another_row_is_not_handed_out_to_be_sent(journal: Journal) -> None:
    runs = BatchStore(journal, "me")
    assert runs.intend_all([values("hero"), values("edit", HERO), values("other")]) == 3
    assert sendable(journal) == ["hero", "other"]
    assert runs.waits_for_others(RUN) == {"image": 1}
    assert runs.queues(RUN, "o") == [("m", "m")]


@pytest.mark.sqlite
def test_the_saved_file_is_named_when_its_row_is_done(journal: Journal, tmp_path: Path) -> None:
    chains, path = ChainStore(journal.database, "me"), tmp_path / "a.png"
    BatchStore(journal, "me").intend_all([values("hero"), values("edit", HERO, SECOND)])
    assert [source.state for source in chains.sources("edit")] == [Status.WAITING] * 2
    journal.record_files([FileRow("hero", 0, path, "abc", placed=True)])
    end(journal, "hero", Status.DONE)
    first, second = chains.sources("edit")
    assert (first.path, first.sha256, first.task_id, second.path) == (path, "abc", "t-hero", None)
    assert chains.followers(RUN, "k-hero", "o") == [("edit", "m")]
    assert list(chains.of_run(RUN, "o")) == [("edit", "m", [Status.DONE, Status.DONE])]


def test_the_newest_try_of_a_row_counts(journal: Journal) -> None:
    runs, chains = BatchStore(journal, "me"), ChainStore(journal.database, "me")
    runs.intend_all([values("hero"), values("edit", HERO)])
    end(journal, "hero", Status.UNSENT, error=journalled(TaskFailed("no")))
    (source,) = chains.sources("edit")
    assert (source.state, source.reason) == (Status.UNSENT, "no")
    runs.intend_all([values("again", row_key="k-hero")])
    assert [source.state for source in chains.sources("edit")] == [Status.WAITING]
    runs.forget(RUN)
    assert [source.state for source in chains.sources("edit")] == [None]


@pytest.mark.sqlite
def test_a_complete_request_is_one_like_any_other(journal: Journal) -> None:
    chains = ChainStore(journal.database, "me")
    BatchStore(journal, "me").intend_all([values("hero"), values("edit", HERO)])
    assert not chains.complete("edit", "another", {}, StoredRequest(), 0.2), "it is not that process's"
    assert sendable(journal) == ["hero"]
    assert chains.complete("edit", "o", {"image": "file:///a.png"}, StoredRequest(body={"model": "m"}), 0.2)
    assert sendable(journal) == ["hero"], "it is handed out by itself, not a second time among the others"
    assert list(chains.of_run(RUN, "o")) == [("edit", "m", [Status.DONE])], "by the next process, too"
    assert (chains.waiting(RUN), chains.followers(RUN, "k-hero", "o")) == ({}, [])
    row = journal.job("edit")
    assert row is not None
    assert (row.request, row.estimate_cny, row.prepared.waits) == ({"image": "file:///a.png"}, 0.2, {})
    journal.record_intents(["edit"], "o")
    assert not chains.complete("edit", "o", {}, StoredRequest(), 0.2), "it was sent"


@pytest.mark.sqlite
def test_who_goes_through_the_others_does_not_meet_what_became_complete(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was handed out when its source was done: a second time, it would be sent twice."""
    monkeypatch.setattr("bailian.store.runs.row_claims.CHUNK_ROWS", 1)
    runs = BatchStore(journal, "me")
    runs.intend_all([values("hero"), values("other"), values("edit", HERO), values("last")])
    others = runs.waiting(RUN, "o", "m")
    assert next(others).id == "hero"
    assert ChainStore(journal.database, "me").complete("edit", "o", {}, StoredRequest(), 0.1)
    assert [row.id for row in others] == ["other", "last"]


def test_a_skipped_job_is_over_and_knows_why(journal: Journal) -> None:
    chains = ChainStore(journal.database, "me")
    BatchStore(journal, "me").intend_all([values("hero"), values("edit", HERO)])
    chains.skip(["edit", "hero-2"], journalled(Skipped("skipped: …")), 5.0)
    row = journal.job("edit")
    assert row is not None
    assert (row.state, row.owner, (row.error or {})["error"]["code"]) == (Status.UNSENT, None, "Skipped")
    assert list(chains.of_run(RUN, "o")) == []
    assert chains.followers(RUN, "k-hero", "o") == []


@pytest.mark.sqlite
def test_a_journal_of_the_version_before_takes_chains(tmp_path: Path) -> None:
    old_journal(tmp_path, 6)
    with closing(Journal(place(tmp_path))) as journal:
        BatchStore(journal, "me").intend_all([values("hero"), values("edit", HERO)])
        assert sendable(journal) == ["hero"]
