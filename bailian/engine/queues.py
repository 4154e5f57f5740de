"""Which job comes next: one lane a model, so that pictures do not wait behind texts, and one job at a time at its door.

A lane takes its next job only when the one before has had its turn. So a process holds one place a model, ten
thousand rows need no more memory than ten, and a batch that is killed blocks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from bailian.engine.job import Job

# Jobs at the door of a fast lane: as many as have their turn within this time.
DOOR_S = 0.05
# Synchronous calls hold a thread each.
CALLS_MAX = 40


@dataclass
class Lane:
    """The jobs of one model (or of one queue of the service) that are still to be sent."""

    queue: str
    supply: Iterator[Job]
    per_s: float | None = None
    at_door: set[str] = field(default_factory=set)
    over: bool = False

    @property
    def door_width(self) -> int:
        return CALLS_MAX if not self.per_s else max(1, int(self.per_s * DOOR_S))


class Lanes:
    """All lanes of a run. Used by the scheduler's own thread only."""

    def __init__(self, lanes: list[Lane]) -> None:
        self._lanes: dict[str, Lane] = {}
        for lane in lanes:
            same = self._lanes.setdefault(lane.queue, lane)
            if same is not lane:
                same.supply = chain(same.supply, lane.supply)
        self._calling: set[str] = set()

    @property
    def open(self) -> bool:
        return any(not lane.over for lane in self._lanes.values())

    def next_jobs(self) -> Iterator[Job]:
        """Yield the jobs that may come to the door now."""
        for lane in self._lanes.values():
            while not lane.over and len(lane.at_door) < lane.door_width and len(self._calling) < CALLS_MAX:
                job = next(lane.supply, None)
                if job is None:
                    lane.over = True
                    break
                lane.at_door.add(job.id)
                if job.prepared["mode"] != "task":
                    self._calling.add(job.id)
                yield job

    def sending(self, job: Job) -> None:
        """The job is being sent: the next one may come to the door."""
        lane = self._lanes.get(job.wire_model)
        if lane is not None:
            lane.at_door.discard(job.id)

    def left(self, job: Job) -> None:
        """The job is over, or has been sent."""
        self.sending(job)
        self._calling.discard(job.id)

    def stop(self, queue: str | None = None) -> None:
        """Let no more jobs in: of one lane, or of all."""
        for lane in self._lanes.values():
            if queue in (None, lane.queue):
                lane.over = True
