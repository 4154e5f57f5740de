"""Several processes at one batch, of one machine or of many: each claims rows as it needs them, and goes on with those of
one that died."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bailian.batch.sync import BatchSpec
from bailian.engine.engine import Engine
from bailian.engine.job import Job
from bailian.engine.step import Outcome
from bailian.engine.steps.attach import files_in
from bailian.errors import FileElsewhere, InvalidRequest
from bailian.files.digests import sha256_of
from bailian.i18n import tr
from bailian.modalities import MODULES, modality_of
from bailian.store.batches import BatchStore
from bailian.store.leases import exclusive
from bailian.store.paths import leads_to_file, path_of
from bailian.store.schema import JobRow
from bailian.store.states import UNDER_WAY_STATES, Status

# How often a machine that has nothing to do looks whether another one has left something.
LOOK_S = 2.0
TURN_S = 0.2


@contextmanager
def planning(engine: Engine, spec: BatchSpec) -> Iterator[BatchSpec]:
    """Let one machine at a time compare the file with the journal, and write down what is new; tell what it may do.

    Where a journal is one machine's, one process runs a batch, and nobody need wait. Who joins a batch that others are
    at takes part in what is written down: what has failed there was tried in this run.

    Raises:
        InvalidRequest: others are at another file under this name, or at what is to be begun anew.
    """
    place = engine.journal.place
    while place.is_shared:
        with exclusive(place, f"plan\n{engine.services.account}\n{spec.run}") as alone:
            if alone:
                yield _joined(engine, spec)
                return
        engine.clock.sleep(TURN_S)
    yield spec


def _joined(engine: Engine, spec: BatchSpec) -> BatchSpec:
    digest = sha256_of(spec.source) if leads_to_file(spec.source) else ""
    alike, others = engine.services.lease.join(f"{engine.services.account}\n{spec.run}", digest)
    name = spec.run.removeprefix("batch:")
    if others:
        hosts = ", ".join(others)
        raise InvalidRequest.one(
            "run",
            tr(f"{hosts} runs another file as {name}", f"{hosts} 正以 {name} 之名运行另一个文件"),
            advice=tr("--run ANOTHER_NAME, or the same file", "使用 --run 其他名称，或使用相同的文件"),
        )
    if alike and (spec.fresh or spec.retry_held):  # what is sent now would be paid once more
        hosts, flag = ", ".join(alike), "--fresh" if spec.fresh else "--retry-held"
        raise InvalidRequest.one(
            flag.removeprefix("--"),
            tr(f"{hosts} is at {name} now, and pays for its rows", f"{hosts} 正在运行 {name}，各行正在计费"),
            advice=tr(
                f"join it without {flag}; a machine that died counts for half a minute",
                f"去掉 {flag} 即可加入；已宕机的机器会再计入半分钟",
            ),
        )
    return replace(spec, retry_failed=False) if alike else spec


def take_over(engine: Engine, spec: BatchSpec, runs: BatchStore, *, left: bool = True) -> None:
    """Take over the rows of dead processes, and of nobody; see `BatchStore.take_over`."""
    lease = engine.services.lease
    gone = [other for other in runs.owners(spec.run) if lease.is_dead(other)]
    repeatable = [kind for kind in MODULES if modality_of(kind).RETRY_SAFE]
    runs.take_over(spec.run, lease.id, gone, repeatable, left=left)


class SharedRows:
    """The rows of a batch that this machine sends."""

    def __init__(self, engine: Engine, spec: BatchSpec, runs: BatchStore) -> None:
        self._engine, self._spec, self._runs = engine, spec, runs
        self._elsewhere: dict[str, tuple[Job, Path]] = {}
        self._handed_out = 0
        self._tried_alone = False
        self._stopped = False
        self._left: set[str] = set()
        """Rows that this machine had to leave, and that are paid, or may be: whoever is at the batch leaves them, too."""

    def note(self, outcome: Outcome) -> None:
        """Hear how a row ended: what stops all stops this machine."""
        self._stopped = self._stopped or (outcome.error is not None and outcome.error.stops_all)
        split = self._engine.journal.place.splits_rows  # elsewhere a row is not handed out twice in a run
        if split and outcome.state in UNDER_WAY_STATES and self._is_own(outcome.job.id):
            self._left.add(outcome.job.id)

    def _is_own(self, job_id: str) -> bool:
        """Return whether a row is still this machine's: who was taken for dead has lost it to another one."""
        row = self._engine.journal.job(job_id)
        return row is not None and row.owner == self._engine.services.lease.id

    def under_way(self) -> list[JobRow]:
        """Return the rows of this machine that were sent and are to go on: what it had to leave once is the next run's."""
        rows = self._runs.under_way(self._spec.run, self._engine.services.lease.id)
        return [row for row in rows if row.id not in self._left]

    def jobs(self, wire_model: str) -> Iterator[Job]:
        """Yield the jobs of one queue. Where several machines are at them, one whose files are not here goes back."""
        split = self._engine.journal.place.splits_rows
        for row in self._runs.waiting(self._spec.run, self._engine.services.lease.id, wire_model):
            if row.id in self._left:
                self._engine.journal.release([row.id], self._engine.services.lease.id)
                continue
            job = self._engine.resumed(row)
            fetched = {path_of(url) for url in job.prepared.origins}  # storage has those for every machine
            files = [path for path in files_in(job.prepared.body) if path not in fetched] if split else []
            missing = next((path for path in files if not path.exists()), None)
            if missing is None:
                self._handed_out += 1
                yield job
            else:
                self._elsewhere[job.id] = (job, missing)
                self._engine.journal.release([job.id], self._engine.services.lease.id)

    def more(self, until_s: float | None) -> bool:
        """Return whether there is more to do for this machine; wait for it while others are at the batch."""
        engine, runs, run = self._engine, self._runs, self._spec.run
        if self._stopped or not engine.journal.place.splits_rows:
            return False
        own = engine.services.lease.id
        look_again, self._handed_out = self._handed_out > 0, 0
        self._tried_alone = self._tried_alone and not look_again
        while not engine.interrupted and (until_s is None or engine.clock.monotonic() < until_s):
            take_over(engine, self._spec, runs, left=False)
            waiting = bool(runs.queues(run, own))
            if self.under_way() or (waiting and look_again):
                return True
            if self._left:  # what it holds is the next run's, and others may wait for it
                return False
            if all(owner == own for owner in runs.owners(run)):  # what is left waits for this machine, or for none
                alone_before, self._tried_alone = self._tried_alone, True
                return waiting and not alone_before
            self._rest()
            look_again = True  # others have ended rows meanwhile, or given some back
        return False

    def _rest(self) -> None:
        """Wait until it is time to look again; who is told to end need not wait."""
        for _ in range(round(LOOK_S / TURN_S)):
            if not self._engine.interrupted:
                self._engine.clock.sleep(TURN_S)

    def left_elsewhere(self) -> Iterator[Outcome]:
        """Yield the rows that wait for a machine that has their files."""
        for job_id, (job, path) in self._elsewhere.items():
            row = self._engine.journal.job(job_id)
            if row is not None and row.state == Status.WAITING and row.owner is None:
                error = FileElsewhere(
                    tr(f"{path} is not on this machine; the row waits", f"本机没有 {path}；该行仍在等待"),
                    advice=tr("run the same command where it is", "请在有该文件的机器上运行同一命令"),
                )
                yield Outcome(job, Status.WAITING, error=error)
