"""The single writer thread: steps that only write to the journal, many jobs in one commit.

A commit waits for the disk, and every change of thread costs CPU. So one thread takes all that has come meanwhile and
commits it at once (group commit): ten thousand rows need a few thousand waits for the disk. The threads that wait for
the network are disturbed less.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.engine.step import Next, Step, StepResult
from bailian.engine.steps.record_reply import unrecorded
from bailian.engine.steps.step_table import BULK_STEPS
from bailian.engine.text_files import write_texts
from bailian.errors import JournalError
from bailian.files.publishing import sync_folder
from bailian.service.download import save_error
from bailian.store.backends.database import JournalAway

# So many steps share one commit at most.
MAX_BATCH = 100
# Where more jobs than this are under way, each commit waits a moment for more to come: a third of the commits, and of
# the changes of thread. One picture waits for nobody.
GATHER_FROM_JOBS = 8
GATHER_S = 0.01
# With so many a moment more is nothing beside what they wait for, and each commit is of more of them.
CROWD_JOBS, CROWD_GATHER_S = 64, 0.04


class DbWriter:
    """Runs the writing steps of all jobs, one batch after the other, in a thread of its own."""

    def __init__(
        self,
        run_step: Callable[[Job, Step], StepResult],
        services: Services,
        *,
        under_way: Callable[[], int],
        on_results: Callable[[list[tuple[Job, StepResult]]], None],
    ) -> None:
        """`under_way` tells how many jobs have a step running; `on_results` gets what each batch came to."""
        self._run_step = run_step
        self._services = services
        self._under_way = under_way
        self._on_results = on_results
        self._steps: queue.SimpleQueue[tuple[Job, Step] | None] = queue.SimpleQueue()
        self._started = False
        self.leaving = False
        """No step may follow another in the same batch any more: the process is about to end."""

    def put(self, job: Job, step: Step) -> None:
        """Let a step be done with the next batch. Any thread."""
        self._steps.put((job, step))

    def start(self) -> None:
        """Start the thread with its first work. The scheduler's thread only."""
        if not self._started:
            self._started = True
            # A daemon: a request that nobody waits for any more must not keep the process alive.
            threading.Thread(target=self._write_batches, name="bailian-db-writer", daemon=True).start()

    def close(self) -> None:
        """End the thread after the batch that it is at."""
        self._steps.put(None)

    def _write_batches(self) -> None:
        unpublished: list[tuple[Job, Step]] = []
        while batch := self._gather(unpublished):
            try:
                results = self.write(batch)
            except BaseException as error:  # noqa: BLE001 - if the writer died here, every waiting job would hang
                results = [(job, error) for job, _ in batch]
            # Texts whose answers are committed get their names with the next batch: nothing paid waits for that.
            unpublished = [(job, Step.PUBLISH) for job, result in results if result == Next(Step.PUBLISH)]
            self._on_results([(job, result) for job, result in results if result != Next(Step.PUBLISH)])

    def _gather(self, batch: list[tuple[Job, Step]]) -> list[tuple[Job, Step]]:
        """Return this and what has come meanwhile; wait if there is nothing; an empty list is the end."""
        under_way = self._under_way()
        if under_way > GATHER_FROM_JOBS:
            self._services.clock.sleep(GATHER_S if under_way <= CROWD_JOBS else CROWD_GATHER_S)
        with contextlib.suppress(queue.Empty):
            while len(batch) < MAX_BATCH:
                step = self._steps.get(block=not batch)
                if step is None:  # the end, after this batch
                    self._steps.put(None)
                    break
                batch.append(step)
        return batch

    def write(self, batch: Sequence[tuple[Job, Step]]) -> list[tuple[Job, StepResult]]:
        """Run the steps; return what each came to."""
        write_texts([job for job, step in batch if step == Step.PUBLISH])  # the journal is nobody's meanwhile
        results: list[tuple[Job, StepResult]] = []
        writing: list[tuple[Job, Step]] = []
        for job, step in batch:
            admitted = self._run_step(job, step) if step == Step.ADMIT else None  # it writes nothing into the journal
            if admitted is None:
                writing.append((job, step))
            elif admitted == Next(Step.RECORD_INTENT) and not self.leaving:  # it need not wait: one batch for both
                writing.append((job, Step.RECORD_INTENT))
            else:
                results.append((job, admitted))
        return results + self._commit(writing) if writing else results

    def _commit(self, batch: Sequence[tuple[Job, Step]]) -> list[tuple[Job, StepResult]]:
        """Run steps in one commit. If that fails it is taken back whole, and each job tries, and speaks, for itself."""
        try:
            results = self._services.journal.database.again(lambda: self._in_one(batch))
        except JournalAway as error:  # it was waited for, and for all of them
            self._services.run_state.dirty_dirs.clear()
            return [(job, _unwritten(job, step, error)) for job, step in batch]
        except Exception:  # noqa: BLE001 - each step alone meets the same error, and says what it means for its job
            self._services.run_state.dirty_dirs.clear()
            return [(job, self._run_alone(job, step)) for job, step in batch]
        return results

    def _in_one(self, batch: Sequence[tuple[Job, Step]]) -> list[tuple[Job, StepResult]]:
        with self._services.journal.database.transaction():
            results = self._run_batch(batch)
            self._sync_folders()
        return results

    def _run_batch(self, batch: Sequence[tuple[Job, Step]]) -> list[tuple[Job, StepResult]]:
        results: list[tuple[Job, StepResult]] = []
        by_step: dict[Step, list[Job]] = {}
        for job, step in batch:
            by_step.setdefault(step, []).append(job)
        for step, jobs in by_step.items():
            known = BULK_STEPS[step](jobs, self._services) if step in BULK_STEPS and len(jobs) > 1 else {}
            results += [(job, known.get(job.id) or self._run_step(job, step)) for job in jobs]
        return results

    def _run_alone(self, job: Job, step: Step) -> StepResult:
        try:
            (_, result) = self._services.journal.database.again(lambda: self._in_one([(job, step)]))[0]
        except JournalError as error:  # of the commit: the step itself has seen nothing of it
            return _unwritten(job, step, error)
        except OSError as error:
            self._services.run_state.dirty_dirs.clear()
            return save_error(job.saving.folder or Path(), error)
        return result

    def _sync_folders(self) -> None:
        for folder in tuple(self._services.run_state.dirty_dirs):
            with contextlib.suppress(FileNotFoundError):  # the folder is gone, and what was in it
                sync_folder(folder)
            self._services.run_state.dirty_dirs.discard(folder)


def _unwritten(job: Job, step: Step, error: JournalError) -> StepResult:
    return unrecorded(job, error) if step == Step.RECORD_REPLY else error
