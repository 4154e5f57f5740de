"""A bar a kind of work, with its rate and expected end, where a person looks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bailian.catalog import script_of
from bailian.cli.progress import StopNotice, say_leaving

if TYPE_CHECKING:
    from bailian.engine.job import Job, Outcome
    from bailian.journal_runs import Count


class BatchProgress:
    """Counts what has ended. Loads rich only where a person looks."""

    def __init__(self, shown: bool, verbose: bool = False) -> None:
        self._verbose = verbose
        self._quiet = not shown
        self._shown = shown and sys.stderr.isatty()
        self._bars: dict[str, Any] = {}
        self._progress: Any = None
        self._stops = StopNotice()

    def __enter__(self) -> BatchProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def begin(self, counts: Iterable[Count]) -> None:
        """Show the bars; what earlier runs have finished is filled in."""
        if not self._shown:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description:16}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=Console(stderr=True),
            redirect_stdout=False,
            redirect_stderr=False,
        )
        total: dict[str, int] = {}
        done: dict[str, int] = {}
        for count in counts:
            total[count.kind] = total.get(count.kind, 0) + count.jobs
            over = count.jobs if count.state in ("done", "failed", "held", "unsent") else 0
            done[count.kind] = done.get(count.kind, 0) + over
        for kind, rows in total.items():
            name = script_of(kind).replace(".py", "")
            self._bars[kind] = self._progress.add_task(name, total=rows, completed=done[kind], rate="")
        self._progress.start()

    def ended(self, outcome: Outcome) -> None:
        """Count a job that is over."""
        kind = outcome.job.kind
        if (
            self._progress is None
            or kind not in self._bars
            or outcome.state not in ("done", "failed", "held", "unsent")
        ):
            return
        task = self._progress.tasks[self._bars[kind]]
        rate = f"{task.speed:.1f}/s" if task.speed else ""
        self._progress.update(self._bars[kind], advance=1, rate=rate)

    def update(self, job: Job, status: str, elapsed_s: float) -> None:
        if not self._quiet and self._stops.is_new(job):
            with self.paused():
                self._stops.tell(job)
        if self._verbose:
            from bailian.batch.problems import placed
            from bailian.cli.terminal import talk

            where = placed((job.prepared.get("row") or {}).get("where") or job.id)
            talk(f"{elapsed_s:6.1f} s  {status}  {where}  {job.model}  {job.task_id or ''}".rstrip())

    def piece(self, job: Job, text: str, thought: str) -> None:
        """A batch shows no pieces."""

    def leaving(self, requests: int, seconds: float) -> None:
        if not self._quiet:
            with self.paused():
                say_leaving(requests, seconds)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bars away while something is printed."""
        if self._progress is None:
            yield
            return
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()
