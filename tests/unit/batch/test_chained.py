"""What waits for several rows is handed out once, whichever of them is heard of first."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bailian.batch.chained import ChainedRows
from bailian.engine.admission.queues import ModelQueue, ModelQueues
from bailian.store.batches import BatchStore
from bailian.store.jobs import COLUMNS, Journal
from bailian.store.schema import dumped
from bailian.store.states import Status
from bailian.types import StoredRequest
from tests.support.journals import place

pytestmark = pytest.mark.unit

RUN = "batch:a"


def values(job_id: str, *sources: str) -> tuple[Any, ...]:
    row = {
        "id": job_id, "account": "me", "kind": "image", "model": "m", "wire_model": "m", "state": "waiting", "owner": "o",
        "request": "{}", "prepared": dumped(StoredRequest(waits={"prompt": "x"}).to_json()), "saving": "{}",
        "created_at_s": 1.0, "estimate_cny": 0.1, "run": RUN, "row_key": f"k-{job_id}",
    }  # fmt: skip
    edges = [(job_id, f"result-of:{one}/1", f"k-{one}", 0) for one in sources]
    return (*(row[name] for name in COLUMNS), edges)


def made(journal: Journal, job_id: str) -> Any:
    """Return the outcome of a job that is done, as the engine tells of it."""
    return SimpleNamespace(job=SimpleNamespace(id=job_id, row_key=f"k-{job_id}"), state=Status.DONE)


def test_a_job_with_two_sources_is_handed_out_once(tmp_path: Path) -> None:
    with closing(Journal(place(tmp_path))) as journal:
        services = SimpleNamespace(lease=SimpleNamespace(id="o"), account="me")
        engine: Any = SimpleNamespace(journal=journal, services=services, resumed=lambda row: row)
        BatchStore(journal, "me").intend_all([values("a"), values("b"), values("both", "a", "b")])
        chained = ChainedRows(engine, RUN)
        queue = ModelQueue("m", iter(()), late=chained.late_jobs("m"))
        queues = ModelQueues([queue], monotonic=lambda: 0.0)
        assert list(chained.begin([queue])) == []
        assert list(queues.next_jobs()) == []
        assert not queues.open
        # Both are written down as done before the first of them is told.
        journal.database.execute("UPDATE jobs SET state = 'done' WHERE id IN ('a', 'b')")
        journal.database.execute("INSERT INTO files VALUES ('a', 0, 'a.png', 'x', 1), ('b', 0, 'b.png', 'x', 1)")
        for job_id in ("a", "b"):
            assert list(chained.follow(made(journal, job_id))) == []
        assert queues.open
        handed_out = [queue.next_job(), queue.next_job()]
        assert [job and job.id for job in handed_out] == ["both", None]


def test_a_stopped_queue_is_not_woken(tmp_path: Path) -> None:
    """A spent budget stops what waits for other rows, too."""
    queue = ModelQueue("m", iter(()))
    queues = ModelQueues([queue], monotonic=lambda: 0.0)
    queues.stop("m")
    queue.wake()
    assert not queues.open
