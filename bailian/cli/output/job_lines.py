"""A line a job: what it does, a bar against its usual duration, and the time. The bar is the first to give way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bailian.cli.output.live import canvas, drawn
from bailian.cli.output.terminal import printable
from bailian.clock import current_clock
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.engine.job import Job

LEAST_BAR_COLUMNS = 8
# A bar that is full says that it is done, and nobody knows that before it is.
FULLEST = 0.97
GAPS_COLUMNS = 3


@dataclass
class _Line:
    text: str
    begun_s: float
    """When the time begins to count: its request was sent, or it was first seen (wall clock)."""
    usual_s: float | None = None
    """None: it is not known, or it was not sent yet."""
    is_measured: bool = False
    """By earlier jobs of this machine; else it is the catalog's figure."""


class JobLines:
    """The jobs under way."""

    def __init__(self) -> None:
        from rich.spinner import Spinner

        self._console = canvas()
        self._spinner = Spinner("dots")
        self._lines: dict[str, _Line] = {}

    def remove(self, job: Job) -> None:
        self._lines.pop(job.id, None)

    def update(self, job: Job, status: str) -> None:
        line = self._lines.setdefault(job.id, _Line("", current_clock().wall()))
        line.text = printable(f"{job.model}  {status}")
        if status == "WAITING":
            line.text += printable(f"  {job.admission.waits_for}") if job.admission.waits_for else ""
            return
        profile = job.polling.duration_profile
        line.begun_s = job.sent_at_s or line.begun_s
        line.is_measured = profile is not None
        line.usual_s = profile.median_s if profile else job.limits.typical_s

    def drawn(self, columns: int) -> Sequence[str]:
        """Return the lines as they are now."""
        from rich.cells import cell_len
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if not self._lines:
            return []
        now_s = current_clock().wall()
        lines = [(line, _time(line, now_s)) for line in list(self._lines.values())]
        bar_columns = columns - GAPS_COLUMNS - 1 - max(cell_len(line.text + time) for line, time in lines)
        if bar_columns < 0:
            lines = [(line, _clock(now_s - line.begun_s)) for line, _ in lines]
        has_bars = bar_columns >= LEAST_BAR_COLUMNS and any(line.usual_s for line, _ in lines)
        table = Table.grid(padding=(0, 1))
        for number in range(4 if has_bars else 3):
            table.add_column(no_wrap=True, overflow="ellipsis" if number == 1 else "crop")
        for line, time in lines:
            bar = ProgressBar(1.0, _share(line, now_s), width=bar_columns) if line.usual_s else ""
            cells = [self._spinner, Text(line.text), *([bar] if has_bars else []), Text(time)]
            table.add_row(*cells)
        return drawn(self._console, columns, table)


def _share(line: _Line, now_s: float) -> float:
    """Return how much of the bar is full."""
    return min(max(0.0, now_s - line.begun_s) / line.usual_s, FULLEST) if line.usual_s else 0.0


def _time(line: _Line, now_s: float) -> str:
    """Return how long it takes already, and how long that usually is."""
    took_s = now_s - line.begun_s
    took = _clock(took_s)
    if line.usual_s is None:
        return took
    usual = _clock(line.usual_s)
    if took_s > line.usual_s:
        return tr(f"overdue: {took} of {usual}", f"超时：{took} / {usual}")
    if line.is_measured:
        return tr(f"{took} of usually {usual}", f"{took} / 通常 {usual}")
    return tr(f"{took} of about {usual}", f"{took} / 约 {usual}")


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(max(0, int(time_s)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
