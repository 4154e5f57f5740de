"""Rows of a run whose inputs are other rows' results: handed out when these are there, ended when they cannot come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from bailian.engine.admission.queues import ModelQueue
from bailian.engine.engine import Engine
from bailian.engine.job import Job
from bailian.engine.step import Outcome
from bailian.engine.steps.take_results import why_skipped
from bailian.errors import Skipped, journalled
from bailian.store.chained_jobs import ChainStore
from bailian.store.states import FINAL_STATES, Status

# From these a result still comes, or has come.
_HOPEFUL = (Status.WAITING, Status.SENDING, Status.UNSETTLED, Status.SUBMITTED, Status.ENDED, Status.DONE)


class ReadyJobs:
    """The jobs of one queue whose sources are done, by their ids; more may come after the last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ids: deque[str] = deque()

    def add(self, job_id: str) -> None:
        self._ids.append(job_id)

    def __iter__(self) -> Iterator[Job]:
        return self

    def __next__(self) -> Job:
        while self._ids:
            job_id, journal = self._ids.popleft(), self._engine.journal
            if journal.place.splits_rows and not journal.claim(job_id, self._engine.services.lease.id, None):
                continue  # another process was faster
            row = journal.job(job_id)
            if row is not None and row.state == Status.WAITING and row.owner == self._engine.services.lease.id:
                return self._engine.resumed(row)
        raise StopIteration


class ChainedRows:
    """What waits for other rows in one run of a batch. Nothing of a row is in memory but the id of one that is ready."""

    def __init__(self, engine: Engine, run: str) -> None:
        self._engine = engine
        self._run = run
        self._owner = engine.services.lease.id
        self._store = ChainStore(engine.journal.database, engine.services.account)
        self._ready: dict[str, ReadyJobs] = {}
        self._queues: dict[str, ModelQueue] = {}
        self._any = False
        self._handed_out: set[str] = set()
        """Jobs with several sources: the last two may be done before the first of them is heard of."""

    def late_jobs(self, wire_model: str) -> ReadyJobs:
        """Return the jobs of a queue that become ready while the batch runs."""
        return self._ready.setdefault(wire_model, ReadyJobs(self._engine))

    def begin(self, queues: list[ModelQueue]) -> Iterator[Outcome]:
        """Hand out what is ready before the first request; yield the rows whose sources cannot come."""
        self._queues = {queue.queue: queue for queue in queues}
        for job_id, wire_model, states in self._store.of_run(self._run, self._owner):
            self._any = True
            if all(state == Status.DONE for state in states):
                self.late_jobs(wire_model).add(job_id)
            elif not all(state in _HOPEFUL for state in states):
                yield from self._skip(job_id)

    def follow(self, outcome: Outcome) -> Iterator[Outcome]:
        """Hand out what has waited for this row, or yield it as skipped if the row was not done."""
        key = outcome.job.row_key
        if not self._any or key is None or outcome.state not in FINAL_STATES:
            return
        for job_id, wire_model in self._store.followers(self._run, key, self._owner):
            sources = self._store.sources(job_id)
            if all(source.state == Status.DONE for source in sources):
                if len(sources) > 1:
                    if job_id in self._handed_out:
                        continue
                    self._handed_out.add(job_id)
                self.late_jobs(wire_model).add(job_id)
                if wire_model in self._queues:
                    self._queues[wire_model].wake()
            elif any(why_skipped(source) for source in sources):
                yield from self._skip(job_id)

    def _skip(self, job_id: str) -> Iterator[Outcome]:
        """End a job, and what waits for it, and so on."""
        reason = next((one for source in self._store.sources(job_id) if (one := why_skipped(source))), None)
        ends = deque([job_id] if reason else [])
        while ends:
            job = self._ended(ends.popleft(), reason or Skipped(""))
            if job is not None:
                yield Outcome(job, Status.UNSENT, error=reason)
                followers = self._store.followers(self._run, job.row_key or "", self._owner)
                ends.extend(follower for follower, _ in followers)

    def _ended(self, job_id: str, reason: Skipped) -> Job | None:
        row = self._engine.journal.job(job_id)
        if row is None or row.state != Status.WAITING:
            return None
        self._store.skip([job_id], journalled(reason), self._engine.clock.wall())
        return self._engine.continued(row)
