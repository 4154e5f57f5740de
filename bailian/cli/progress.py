"""One calm line on a terminal: status, time, and how long this model usually takes. Nothing when piped.

With --verbose, a plain line for each change instead, piped or not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from bailian.language import say

if TYPE_CHECKING:
    from bailian.engine.job import Job


class StopNotice:
    """Says once which stopped process others wait for."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def is_new(self, job: Job) -> bool:
        pids = job.stopped.partition(";")[0]
        return bool(job.stopped) and pids not in self._said

    def tell(self, job: Job) -> None:
        from bailian.cli.terminal import talk

        self._said.add(job.stopped.partition(";")[0])
        talk(say(f"waiting for {job.model}: {job.stopped}", f"等待 {job.model}：{job.stopped}"))


class ProgressLine:
    """Shows the jobs under way. Loads rich only where a person looks."""

    def __init__(self, shown: bool, verbose: bool = False) -> None:
        self._verbose = verbose
        self._quiet = not shown
        self._shown = shown and not verbose and sys.stderr.isatty()
        self._last: dict[str, str] = {}
        self._stops = StopNotice()

    def __enter__(self) -> ProgressLine:
        if self._shown:
            from rich.console import Console
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
                # stdout is data: rich must neither take it over nor wrap it.
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._bar.start()
            self._lines: dict[str, int] = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._bar.stop()

    def stop(self) -> None:
        """Take the line away for good."""
        if self._shown:
            self._bar.stop()
            self._shown = False

    def piece(self, job: Job, text: str, thought: str) -> None:
        """Show a piece of a streamed answer; a line has no room for it."""

    def leaving(self, requests: int, seconds: float) -> None:
        if not self._quiet:
            with self.paused():
                say_leaving(requests, seconds)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the line away while something is printed."""
        if self._shown:
            self._bar.stop()
        try:
            yield
        finally:
            if self._shown:
                self._bar.start()

    def update(self, job: Job, status: str, elapsed_s: float) -> None:
        if not self._quiet and self._stops.is_new(job):
            with self.paused():
                self._stops.tell(job)
        if self._verbose:
            self._say(job, status, elapsed_s)
        if not self._shown:
            return
        from bailian.cli.terminal import printable

        text = printable(f"{job.model}  {status}")
        if job.usual and status != "WAITING":
            text += say(f"  (usually {job.usual.median_s:.0f} s)", f"（通常 {job.usual.median_s:.0f} 秒）")
        elif status == "WAITING" and job.waits_for:
            text += printable(f"  {job.waits_for}")
        elif job.typical_s:
            text += say(f"  (about {job.typical_s:.0f} s)", f"（约 {job.typical_s:.0f} 秒）")
        if job.id not in self._lines:
            self._lines[job.id] = int(self._bar.add_task(text, total=None))
        self._bar.update(self._lines[job.id], description=text)  # type: ignore[arg-type]

    def _say(self, job: Job, status: str, elapsed_s: float) -> None:
        if self._last.get(job.id) == status:
            return
        from bailian.cli.terminal import talk

        self._last[job.id] = status
        talk(f"{elapsed_s:6.1f} s  {status}  {job.model}  {job.task_id or ''}".rstrip())


def say_leaving(requests: int, seconds: float) -> None:
    """Say why a process that was told to end does not yet."""
    from bailian.cli.terminal import talk

    talk(
        say(
            f"{requests} paid requests are under way: waiting up to {seconds:.0f} s for their answers "
            "(Ctrl-C: do not wait)",
            f"{requests} 个已计费的请求正在进行：最多等待 {seconds:.0f} 秒以取得结果（按 Ctrl-C 则不再等待）",
        )
    )
