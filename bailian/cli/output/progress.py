"""Calm lines on a terminal: each job's status and time, and how long its model usually takes. Nothing when piped.

With --verbose, a plain line for each change instead, piped or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bailian.cli.output.live import LiveArea, can_be_shown, canvas, drawn
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.engine.job import Job

MOST_JOBS = 8
"""More lines than that are no calm sight."""


class StopNotice:
    """Says once which stopped process others wait for."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def is_new(self, job: Job) -> bool:
        pids = job.admission.stopped.partition(";")[0]
        return bool(job.admission.stopped) and pids not in self._said

    def tell(self, job: Job) -> None:
        from bailian.cli.output.terminal import print_err

        self._said.add(job.admission.stopped.partition(";")[0])
        print_err(tr(f"waiting for {job.model}: {job.admission.stopped}", f"等待 {job.model}：{job.admission.stopped}"))


class ProgressLine:
    """Shows the jobs under way. Loads rich only where a person looks."""

    def __init__(self, shown: bool, verbose: bool = False) -> None:
        self._verbose = verbose
        self._quiet = not shown
        self._wanted = shown and not verbose
        self._area: LiveArea | None = None
        self._jobs: dict[str, Any] = {}
        self._last: dict[str, str] = {}
        self._stops = StopNotice()

    def __enter__(self) -> ProgressLine:
        if self._wanted and can_be_shown():
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.table import Column

            text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
            # It is not started: it only knows what its lines look like.
            self._bars = Progress(SpinnerColumn(), text, TimeElapsedColumn(), console=canvas(), auto_refresh=False)
            self._area = LiveArea(self._lines)
            self._area.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the lines away for good."""
        if self._area is not None:
            self._area.stop()
            self._area = None

    def on_chunk(self, job: Job, text: str, thought: str) -> None:
        """Show a piece of a streamed answer; a line has no room for it."""

    def on_shutdown(self, requests: int, seconds: float) -> None:
        if not self._quiet:
            print_shutdown(requests, seconds)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the lines away while several things are printed."""
        if self._area is None:
            yield
            return
        with self._area.hidden():
            yield

    def ended(self, job: Job) -> None:
        """A job that is over has no line any more."""
        if job.id in self._jobs:
            self._bars.remove_task(self._jobs.pop(job.id))

    def update(self, job: Job, status: str, elapsed_s: float) -> None:
        if not self._quiet and self._stops.is_new(job):
            with self.paused():
                self._stops.tell(job)
        if self._verbose:
            self._say(job, status, elapsed_s)
        if self._area is None:
            return
        from bailian.cli.output.terminal import printable

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
        from bailian.cli.output.terminal import print_err

        self._last[job.id] = status
        print_err(f"{elapsed_s:6.1f} s  {status}  {job.model}  {job.task_id or ''}".rstrip())


def print_shutdown(requests: int, seconds: float) -> None:
    """Say why a process that was told to end does not yet."""
    from bailian.cli.output.terminal import print_err

    print_err(
        tr(
            f"{requests} paid requests are under way: waiting up to {seconds:.0f} s for their answers "
            "(Ctrl-C: do not wait)",
            f"{requests} 个已计费的请求正在进行：最多等待 {seconds:.0f} 秒以取得结果（按 Ctrl-C 则不再等待）",
        )
    )
