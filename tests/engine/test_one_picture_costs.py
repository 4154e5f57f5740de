"""What one picture costs beside the service's time: commits that wait for the disk, and jobs handed between threads."""

from __future__ import annotations

import queue
from pathlib import Path
from typing import Any

import pytest

from bailian.clock import Clock, timed_by
from bailian.engine import scheduler
from bailian.engine.job import OutputSpec
from bailian.engine.threads import db_writer
from bailian.sandbox import Sandbox
from tests.support.engines import new_engine, prepared
from tests.support.journals import before_commits
from tests.support.setting import SEED_DAY

# Inserted, intended, its task known, its answer, its file whole, its end.
COMMITS_MAX = 6
HAND_OVERS_MAX = 10


class CountingQueue:
    """A queue that counts how often a job, or what has become of one, is put into any of them."""

    handed_over: list[Any] = []  # noqa: RUF012 - of all queues, emptied by the test

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.get = self._queue.get

    def put(self, item: Any) -> None:
        if item:
            self.handed_over += item if isinstance(item, list) else [item]
        self._queue.put(item)


class _Queues:
    SimpleQueue = CountingQueue
    Empty = queue.Empty


@pytest.mark.usefixtures("bailian")
def test_one_picture_is_few_commits_and_hand_overs(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its insertion to its file, by a new engine, which asks the service for its time first."""
    box.settings.change({"task_s": 0.0})  # asked for once: how often depends on how long a task takes
    monkeypatch.setattr(CountingQueue, "handed_over", [])
    for module in (scheduler, db_writer):
        monkeypatch.setattr(module, "queue", _Queues)
    commits: list[object] = []
    before_commits(monkeypatch, commits.append)
    # Its place among the queries, after the question for the time, has come by then.
    with timed_by(Clock(pause_scale=0.2, today=SEED_DAY)), new_engine() as engine:
        commits.clear()
        job = engine.intend(prepared(), OutputSpec(Path("outputs").absolute(), "{prompt}"))
        (outcome,) = engine.run([job])
        assert [path.name for path in outcome.files] == ["猫.png"]
    assert 0 < len(commits) <= COMMITS_MAX
    told = [(type(one).__name__, step) for one, step in CountingQueue.handed_over]
    assert len(told) <= HAND_OVERS_MAX, told
