"""A batch on a cluster, seen from the command: its rows as they end in the journal, and what its workers tell."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress

from bailian.batch.run import runs_of
from bailian.batch.sync import BatchSpec
from bailian.cluster.dask_shares import Shares
from bailian.cluster.roster import Roster, Say
from bailian.cluster.share import Share
from bailian.engine.engine import Engine
from bailian.engine.job import Job
from bailian.engine.signals import ShutdownSignals
from bailian.engine.step import Outcome
from bailian.errors import (
    BailianError,
    CutShort,
    DoesNotFit,
    FileElsewhere,
    Interrupted,
    UnreadableJob,
    from_journal,
)
from bailian.i18n import tr
from bailian.modalities import answer_notices
from bailian.store.runs.ended_rows import EndedRows
from bailian.store.schema import JobRow
from bailian.store.states import Status

# How often the journal is asked. Of a million rows that takes a while: most of the time is left to those who work.
LOOK_S, LOOKS_PART, LOOK_MAX_S = 1.0, 5.0, 30.0
# What the shell shows differently from other errors.
_KINDS: Mapping[str, type[BailianError]] = {one.code: one for one in (CutShort, DoesNotFit, FileElsewhere)}


def run_on_cluster(
    engine: Engine, spec: BatchSpec, shares: Shares, share: Callable[[], Share], say: Say
) -> Generator[Outcome, None, None]:
    """Let the workers bring a batch to its end; yield each row as it ends, whichever worker has it.

    Args:
        engine: it sends nothing; its lease shows the workers whose journal this is.
        spec: of rows that are in the journal.
        shares: of this command; they have not begun.
        share: what a worker that joins now is to do.
        say: tells a person what happens to the workers.

    Raises:
        Interrupted: Ctrl-C; what was under way is brought in, unless it was pressed twice.
        SetupError: every worker was refused.
        TransportError: no worker is left, or the scheduler stays away.
    """
    watch = _Watch(engine, spec, shares, say)
    with ShutdownSignals(lambda: shares.events.put(None)) as signals:
        engine.watch_signals(signals)
        # What earlier runs have left under way is a worker's from now on.
        runs_of(engine, spec).let_go(spec.run, engine.services.lease.id)
        shares.begin(engine.services.lease.id, share)
        try:
            yield from watch.outcomes(signals)
        except KeyboardInterrupt:
            if not watch.nobody_works:
                shares.let_go()
            raise _interrupted(spec) from None


class _Watch:
    def __init__(self, engine: Engine, spec: BatchSpec, shares: Shares, say: Say) -> None:
        self._engine, self._spec, self._shares, self._say = engine, spec, shares, say
        self._rows = EndedRows(engine.journal, engine.services.account, spec.run, spec.kind)
        self._roster = Roster(engine.clock, say)
        self._leaving = False
        self._told_stopped = False

    @property
    def nobody_works(self) -> bool:
        return self._roster.nobody_works

    def outcomes(self, signals: ShutdownSignals) -> Generator[Outcome, None, None]:
        while True:
            began_s = self._engine.clock.monotonic()
            yield from self._offered(self._ended())
            if signals.pressed and not self._leaving:
                self._leave()
            if self._is_over():
                break
            took_s = self._engine.clock.monotonic() - began_s
            self._hear(min(LOOK_MAX_S, max(LOOK_S, took_s * LOOKS_PART)))
        yield from self._ended()
        yield from self._elsewhere()
        if self._leaving:
            raise KeyboardInterrupt

    def _offered(self, outcomes: Iterator[Outcome]) -> Generator[Outcome, None, None]:
        """Yield them; an interrupt that is thrown in here lets the workers end, and those are still yielded."""
        for outcome in outcomes:
            try:
                yield outcome
            except KeyboardInterrupt:  # noqa: PERF203 - the output takes no more, or Ctrl-C for the second time
                if self._leaving:
                    raise
                self._leave()

    def _is_over(self) -> bool:
        """Return whether there is nothing to wait for.

        Raises:
            SetupError: every worker was refused.
            TransportError: no worker is left, or the scheduler stays away.
        """
        if not self._rows.any_open():
            return True
        if self._leaving and self._roster.nobody_works:
            return True
        return self._roster.is_over(can_grow=self._shares.can_grow, again=self._spec.same_command)

    def _leave(self) -> None:
        self._leaving = True
        self._shares.stop()
        self._say(
            tr(
                "stopping the workers: what is under way is brought in (Ctrl-C: do not wait)",
                "正在停止各工作进程：先取回进行中的结果（按 Ctrl-C 则不再等待）",
            ),
            True,
        )

    def _hear(self, wait_s: float) -> None:
        """Wait for news, and take in what there is."""
        with suppress(queue.Empty):
            event = self._shares.events.get(timeout=wait_s)
            while True:
                if event is not None:
                    self._roster.note(event)
                event = self._shares.events.get_nowait()
        if self._roster.stopped is not None and not self._told_stopped:
            self._shares.stop()  # the others would meet the same

    def _ended(self) -> Iterator[Outcome]:
        if self._roster.stopped is not None and not self._told_stopped:
            self._told_stopped = True
            error, job_id = self._roster.stopped
            yield from self._left(job_id, error)
        for row in self._rows.look():
            with suppress(UnreadableJob):  # it is in the results, as far as it can be read
                yield self._outcome(row)

    def _elsewhere(self) -> Iterator[Outcome]:
        """Yield the rows that wait for a machine that has their files."""
        for job_id, message in self._roster.elsewhere.items():
            advice = tr("run the same command where it is", "请在有该文件的机器上运行同一命令")
            yield from self._left(job_id, FileElsewhere(message, advice=advice))

    def _left(self, job_id: str, error: BailianError) -> Iterator[Outcome]:
        """Yield a row that waits still, with the reason."""
        row = self._engine.journal.job(job_id)
        if row is not None and not (isinstance(error, FileElsewhere) and row.state != Status.WAITING):
            yield Outcome(Job.of_row(row), Status.WAITING, error=error)

    def _outcome(self, row: JobRow) -> Outcome:
        job = Job.of_row(row)
        job.notices += [
            notice
            for notice in answer_notices(job.kind, job.answer or {}, job.prepared, job.account_flags)
            if notice not in job.notices
        ]
        error = _of_its_kind(from_journal(row.error)) if row.error else None
        return Outcome(job, row.state, self._engine.journal.files(row.id), error)


def _of_its_kind(error: BailianError) -> BailianError:
    """Return an error of the journal as the class that it was, where that is shown differently."""
    kind = _KINDS.get(error.code)
    if kind is None:
        return error
    same = kind(error.message, advice=error.advice, wire_code=error.wire_code, http_status=error.http_status)
    same.exit_code = error.exit_code
    return same


def _interrupted(spec: BatchSpec) -> Interrupted:
    return Interrupted(
        tr("interrupted; what runs goes on at the service", "已中断；已提交的任务在服务端继续运行"),
        advice=tr(f"{spec.same_command} to go on", f"{spec.same_command}即可继续"),
    )
