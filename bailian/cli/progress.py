"""One calm line on a terminal: status, time, and how long this model usually takes. Nothing when piped."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

from bailian.language import say

if TYPE_CHECKING:
    from bailian.engine.job import Job


class ProgressLine:
    """Shows the jobs under way. Loads rich only where a person looks."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown and sys.stderr.isatty()

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
            )
            self._bar.start()
            self._lines: dict[str, int] = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._bar.stop()

    def update(self, job: Job, status: str, elapsed_s: float) -> None:
        if not self._shown:
            return
        from bailian.cli.terminal import printable

        text = printable(f"{job.model}  {status}")
        if job.usual:
            text += say(f"  (usually {job.usual.median_s:.0f} s)", f"（通常 {job.usual.median_s:.0f} 秒）")
        elif job.typical_s:
            text += say(f"  (about {job.typical_s:.0f} s)", f"（约 {job.typical_s:.0f} 秒）")
        if job.id not in self._lines:
            self._lines[job.id] = int(self._bar.add_task(text, total=None))
        self._bar.update(self._lines[job.id], description=text)  # type: ignore[arg-type]
