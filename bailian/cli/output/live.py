"""Lines at the bottom of the terminal, which make way for everything that is printed.

`rich.live` stops a thread for every line that is printed above it, cuts what is wider than the terminal, and knows
nothing of data that goes to stdout. rich draws the bars here; where they stand is ours.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from bailian.errors import SaveError

if TYPE_CHECKING:
    from rich.console import Console

REDRAW_S = 0.1
# Terminals that are made narrower wrap the lines that stand there: no line is so long that it matters often.
MOST_COLUMNS = 60
_FALLBACK = os.terminal_size((80, 24))
# Go to the line's start and clear it; the same for each line above.
_CLEAR, _CLEAR_ABOVE = "\r\x1b[2K", "\x1b[1A\x1b[2K"

Lines = Callable[[int, int], Sequence[str]]
"""Columns and rows there are → what to show."""

_shown: LiveArea | None = None


class LiveArea:
    """What is drawn, from `start` to `stop`. Any thread may print meanwhile (`above`)."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="live area", daemon=True)
        self._printing = 0
        self._text: list[str] = []
        self._height = 0
        """How many lines stand on the screen now."""

    def start(self) -> None:
        global _shown
        _shown = self
        self._draw()
        self._thread.start()

    def stop(self) -> None:
        """Take the lines away for good."""
        global _shown
        with self._lock:
            _shown = None
            self._over.set()
            self._erase()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the lines away while something is printed."""
        with self._lock:
            self._printing += 1
            self._erase()
            try:
                yield
            finally:
                self._printing -= 1
                self._put()

    def _tick(self) -> None:
        while not self._over.wait(REDRAW_S):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        """Show what is to be shown now. Bars are drawn anew ten times a second at most, however much is printed."""
        columns, rows = _size()
        before, self._text = self._text, list(self._lines(min(columns - 1, MOST_COLUMNS), max(1, rows - 1)))
        if self._text != before or self._height != len(self._text):
            self._put()

    def _put(self) -> None:
        if self._printing or self._over.is_set():
            return
        text = "\n".join(self._text)
        _write(self._erasing() + text)
        self._height = len(self._text)

    def _erase(self) -> None:
        if self._height:
            _write(self._erasing())

    def _erasing(self) -> str:
        """Return what clears the lines. Forgotten first: interrupted here, a line too many is left, none of a result."""
        height, self._height = self._height, 0
        return _CLEAR + _CLEAR_ABOVE * (height - 1) if height else ""


@contextmanager
def above(stream: Any) -> Iterator[None]:
    """Print to this stream what shall stand above the lines; in a file or a pipe nothing is in its way."""
    area = _shown
    if area is None or not stream.isatty():
        yield
        return
    with area.hidden():
        yield


def can_be_shown() -> bool:
    """Return whether stderr is a terminal that takes lines away again."""
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return False
    return not canvas().legacy_windows


def canvas() -> Console:
    """Return what draws lines in the colours that this terminal has; it prints nothing itself."""
    from rich.console import Console

    return Console(stderr=True)


def drawn(console: Console, columns: int, what: Any) -> list[str]:
    """Return something of rich's as lines."""
    console.width = max(1, columns)
    with console.capture() as captured:
        console.print(what)
    return captured.get().splitlines()


def _size() -> os.terminal_size:
    """Return the terminal's size; some say that they have no columns."""
    with suppress(OSError, ValueError):
        size = os.get_terminal_size(sys.stderr.fileno())
        if size.columns > 1 and size.lines > 1:
            return size
    return _FALLBACK


def _write(text: str) -> None:
    """Write to the terminal. That it has gone must not end a paid run."""
    encoding = sys.stderr.encoding or "utf-8"
    with suppress(OSError, ValueError, SaveError):
        sys.stderr.write(text.encode(encoding, "replace").decode(encoding))
        sys.stderr.flush()
