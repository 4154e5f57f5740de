"""Calm lines on a terminal: each job's status and time, and how long its model usually takes. Nothing when piped.

With --verbose, a plain line for each change instead, piped or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bailian.cli.output.live import Lines, LiveArea, can_be_shown, canvas, drawn
from bailian.cli.output.terminal import print_err, printable
from bailian.i18n import tr

if TYPE_CHECKING:
    from typing_extensions import Self

    from bailian.engine.admission.call_capacity import CallCapacity
    from bailian.engine.job import Job

MOST_JOBS = 8
"""More lines than that are no calm sight."""


class LiveLines:
    """What is shown while jobs are under way. Lines are at the bottom of the terminal, and only where a person looks."""

    def __init__(self, shown: bool, verbose: bool = False) -> None:
        self._verbose = verbose
        self._quiet = not shown
        self._area: LiveArea | None = None
        self._stopped_told: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def show(self, lines: Lines) -> None:
        """Let these lines stand there from now on."""
        self._area = LiveArea(lines)
        self._area.start()

    def stop(self) -> None:
        """Take the lines away for good."""
        if self._area is not None:
            self._area.stop()
            self._area = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the lines away while several things are printed."""
        if self._area is None:
            yield
            return
        with self._area.hidden():
            yield

    def update(self, job: Job, status: str, elapsed_s: float) -> None:
        """Say once which stopped process others wait for."""
        pids = job.admission.stopped.partition(";")[0]
        if self._quiet or not pids or pids in self._stopped_told:
            return
        self._stopped_told.add(pids)
        with self.paused():
            print_err(
                tr(f"waiting for {job.model}: {job.admission.stopped}", f"等待 {job.model}：{job.admission.stopped}")
            )

    def on_sound(self, job: Job, data: bytes) -> None:
        pass

    def on_chunk(self, job: Job, text: str, thought: str) -> None:
        """Lines have no room for a piece of an answer."""

    def on_capacity(self, capacity: CallCapacity) -> None:
        """Say once why a batch is not as fast as the account allows."""
        if not self._quiet:
            with self.paused():
                print_err(tr("note: ", "提示：") + capacity.text)

    def on_shutdown(self, requests: int, seconds: float) -> None:
        """Say why a process that was told to end does not yet."""
        if self._quiet:
            return
        subject = "1 paid request is" if requests == 1 else f"{requests} paid requests are"
        print_err(
            tr(
                f"{subject} under way: waiting up to {seconds:.0f} s for their answers (Ctrl-C: do not wait)",
                f"{requests} 个已计费的请求正在进行：最多等待 {seconds:.0f} 秒以取得结果（按 Ctrl-C 则不再等待）",
            )
        )


class ProgressLine(LiveLines):
    """Shows the jobs under way. Loads rich only where a person looks."""

    def __init__(self, shown: bool, verbose: bool = False) -> None:
        super().__init__(shown, verbose)
        self._jobs: dict[str, Any] = {}
        self._last: dict[str, str] = {}

    def __enter__(self) -> Self:
        if not self._quiet and not self._verbose and can_be_shown():
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.table import Column

            text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
            # It is not started: it only knows what its lines look like.
            self._bars = Progress(SpinnerColumn(), text, TimeElapsedColumn(), console=canvas(), auto_refresh=False)
            self.show(self._lines)
        return self

    def ended(self, job: Job) -> None:
        """A job that is over has no line any more."""
        if job.id in self._jobs:
            self._bars.remove_task(self._jobs.pop(job.id))

    def update(self, job: Job, status: str, elapsed_s: float) -> None:
        super().update(job, status, elapsed_s)
        if self._verbose:
            self._say(job, status, elapsed_s)
        if self._area is None:
            return
        text = printable(f"{job.model}  {status}")
        if job.polling.duration_profile and status != "WAITING":
            text += tr(
                f"  (usually {job.polling.duration_profile.median_s:.0f} s)",
                f"（通常 {job.polling.duration_profile.median_s:.0f} 秒）",
            )
        elif status == "WAITING" and job.admission.waits_for:
            text += printable(f"  {job.admission.waits_for}")
        elif job.limits.typical_s:
            text += tr(f"  (about {job.limits.typical_s:.0f} s)", f"（约 {job.limits.typical_s:.0f} 秒）")
        if job.id not in self._jobs:
            self._jobs[job.id] = self._bars.add_task(text, total=None)
        self._bars.update(self._jobs[job.id], description=text)

    def _lines(self, columns: int, rows: int) -> list[str]:
        lines = drawn(self._bars.console, columns, self._bars.get_renderable()) if self._bars.tasks else []
        most = min(rows, MOST_JOBS)
        if len(lines) <= most:
            return lines
        more = len(lines) - (most - 1)
        return [*lines[: most - 1], tr(f"… and {more} more", f"… 还有 {more} 个")]

    def _say(self, job: Job, status: str, elapsed_s: float) -> None:
        if self._last.get(job.id) == status:
            return
        self._last[job.id] = status
        print_err(f"{elapsed_s:6.1f} s  {status}  {job.model}  {job.task_id or ''}".rstrip())
