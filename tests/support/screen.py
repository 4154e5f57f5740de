"""A terminal in memory: a process runs in it, and what a person would see of it is read back."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence

import pyte

# Makes stdin the terminal that Ctrl-C, a new size and hanging up come from.
LOGIN = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class Terminal:
    """A pseudo-terminal of so many columns and rows, with all that has scrolled out of it."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=100_000, ratio=0.5)
        self._stream = pyte.ByteStream(self.screen)
        self.master, self._slave = os.openpty()
        self.raw = b""
        self._say_size(columns, rows)

    def _say_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def start(
        self, words: Sequence[str], env: Mapping[str, str], *, stdout: int | None = None, stderr: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process with this as its controlling terminal; `stdout` or `stderr` may lead elsewhere."""
        slave = self._slave
        process = subprocess.Popen(
            [sys.executable, "-c", LOGIN, *words],
            env=env,
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave if stderr is None else stderr,
            start_new_session=True,
        )
        os.close(slave)
        return process

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as who drags a window does: the process is told, what stands there is cut."""
        self._say_size(columns, rows)
        self.screen.resize(rows, columns)

    def read(self, mark: str = "", after: str = "") -> bool:
        """Take in what is printed, up to the mark or to the end; return whether it goes on.

        Args:
            mark: absent: to the end.
            after: the mark has to stand somewhere behind this.
        """
        while not mark or mark not in self._printed(after):
            try:
                data = os.read(self.master, 65536)
            except OSError:  # nobody has the other end any more
                data = b""
            if not data:
                return False
            self.raw += data
            self._stream.feed(data)
        return True

    def _printed(self, after: str) -> str:
        told = self.raw.decode("utf-8", "replace")
        return told.partition(after)[2] if after else told

    def close(self) -> None:
        """Close the window; a second time is none."""
        if self.master >= 0:
            os.close(self.master)
        self.master = -1

    @property
    def rows(self) -> list[str]:
        """Return all rows as they stand there, those that scrolled out too."""
        cut = [*self.screen.history.top, *(self.screen.buffer[row] for row in range(self.screen.lines))]
        return ["".join(row[column].data for column in range(self.screen.columns)).rstrip() for row in cut]

    @property
    def lines(self) -> list[str]:
        """Return all lines, those that scrolled out too; one that the terminal has wrapped is one."""
        columns = self.screen.columns
        lines: list[str] = []
        goes_on = False
        for row in self.rows:
            if goes_on:
                lines[-1] += row
            else:
                lines.append(row)
            goes_on = len(row) == columns
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def text(self) -> str:
        return "\n".join(self.lines)
