"""A bar a kind of work, with its rate and expected end, where a person looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bailian.cli.output.live import can_be_shown, canvas, drawn
from bailian.cli.output.progress import LiveLines
from bailian.cli.output.shell_words import SCRIPTS
from bailian.cli.output.terminal import print_err
from bailian.i18n import tr
from bailian.store.states import Status

if TYPE_CHECKING:
    from rich.progress import Progress

    from bailian.engine.job import Job
    from bailian.engine.step import Outcome
    from bailian.store.schema import Count

OVER = (Status.DONE, Status.FAILED, Status.HELD, Status.UNSENT)


class BatchProgress(LiveLines):
    """Counts what has ended. Loads rich only where a person looks."""

    def __init__(self, shown: bool, verbose: bool = False) -> None:
        super().__init__(shown, verbose)
        self._bars: dict[str, Any] = {}

    def begin(self, counts: Iterable[Count], waits: Mapping[str, int]) -> None:
        """Show the bars; what earlier runs have finished is filled in. `waits`: rows that wait for others, by kind."""
        if self._quiet or not can_be_shown():
            return
        self._progress = _bars()
        total: dict[str, int] = {}
        done: dict[str, int] = {}
        for count in counts:
            total[count.kind] = total.get(count.kind, 0) + count.jobs
            done[count.kind] = done.get(count.kind, 0) + (count.jobs if count.state in OVER else 0)
        for kind, rows in total.items():
            name = SCRIPTS.get(kind, kind).replace(".py", "")
            self._bars[kind] = self._progress.add_task(
                name, total=rows, completed=done[kind], rate=_waits(waits.get(kind, 0))
            )
        self._all = self._progress.add_task(
            tr("all", "全部"), total=sum(total.values()), completed=sum(done.values()), rate="", visible=False
        )
        self.show(self._lines)

    def _lines(self, columns: int, rows: int) -> list[str]:
        """Return a bar a kind; where they would fill the terminal, one for all."""
        folded = len(self._bars) > max(1, rows // 2)
        for bar in self._bars.values():
            self._progress.update(bar, visible=not folded)
        self._progress.update(self._all, visible=folded)
        return drawn(self._progress.console, columns, self._progress.get_renderable())[:rows]

    def ended(self, outcome: Outcome) -> None:
        """Count a job that is over."""
        if self._area is None or outcome.state not in OVER or outcome.job.kind not in self._bars:
            return
        for bar in (self._bars[outcome.job.kind], self._all):
            self._progress.advance(bar)
            speed = self._progress.tasks[bar].speed
            self._progress.update(bar, rate=f"{speed:.1f}/s" if speed else "")

    def update(self, job: Job, status: str, elapsed_s: float) -> None:
        super().update(job, status, elapsed_s)
        if self._verbose:
            from bailian.batch.input.problems import placed

            where = placed(job.prepared.where or job.id)
            print_err(f"{elapsed_s:6.1f} s  {status}  {where}  {job.model}  {job.task_id or ''}".rstrip())


def _waits(rows: int) -> str:
    """Return what stands behind a bar until one of its rows is over."""
    return tr(f"{rows} wait for others", f"{rows} 行等待其他行") if rows else ""


def _bars() -> Progress:
    """Return what knows how the bars look. It is not started: where they stand is not its business."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    return Progress(
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=None),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[rate]}", table_column=Column(no_wrap=True)),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True, table_column=Column(no_wrap=True)),
        console=canvas(),
        auto_refresh=False,
        expand=True,
    )
