"""Calm lines on a terminal: each job's status, and its time against the usual one. Nothing when piped.

With --verbose, a plain line for each change instead, piped or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from bailian.cli.output.live import Lines, LiveArea, can_be_shown
from bailian.cli.output.terminal import print_err
from bailian.i18n import tr

if TYPE_CHECKING:
    from typing_extensions import Self

    from bailian.cli.output.job_lines import JobLines
    from bailian.engine.admission.call_capacity import CallCapacity
    from bailian.engine.job import Job

MOST_JOBS = 8
"""More lines than that are no calm sight."""


def print_journal_pause(why: str) -> None:
    """Say why a run waits for the journal's server; empty: that it goes on."""
    if why:
        print_err(tr(f"{why}; waiting for it (Ctrl-C: do not wait)", f"{why}；正在等待（按 Ctrl-C 则不再等待）"))
    else:
        print_err(tr("the journal answers again, going on", "日志服务器已恢复，继续运行"))


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

    def on_journal(self, why: str) -> None:
        """Say that a run waits for the journal's server; not how often it asks."""
        with self.paused():
            print_journal_pause(why)

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
        self._jobs: JobLines | None = None
        self._last: dict[str, str] = {}

    def __enter__(self) -> Self:
        if not self._quiet and not self._verbose and can_be_shown():
            from bailian.cli.output.job_lines import JobLines

            self._jobs = JobLines()
            self.show(self._lines)
        return self

    def ended(self, job: Job) -> None:
        """A job that is over has no line any more."""
        if self._jobs is not None:
            self._jobs.remove(job)

    def update(self, job: Job, status: str, elapsed_s: float) -> None:
        super().update(job, status, elapsed_s)
        if self._verbose:
            self._say(job, status, elapsed_s)
        if self._jobs is not None:
            self._jobs.update(job, status)

    def _lines(self, columns: int, rows: int) -> Sequence[str]:
        lines = self._jobs.drawn(columns) if self._jobs is not None else []
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
