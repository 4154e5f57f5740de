"""What click writes help with, for terminals of any width, in Chinese too, in colour where a person looks."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence

import click

from bailian.cli.help.layout import columns_of, terminal_columns, wrapped
from bailian.i18n import tr

WIDEST = 100
"""Longer lines are hard to read."""
NARROW = 72
"""Below that a text stands under its option, not beside it."""
LEAST = 30
NAMES_MAX = 31
"""Names that are wider have a line of their own."""
STILL = "\b"
"""A paragraph that begins with this is kept as it is."""


class Formatter(click.HelpFormatter):
    """Writes help: one column of names for the whole page, and no word cut."""

    def __init__(self, columns: int | None, *, coloured: bool) -> None:
        super().__init__(width=max(LEAST, columns or min(WIDEST, terminal_columns() - 1)))
        self._coloured = coloured
        self._names_width = 0

    def align(self, rows: Iterable[tuple[str, str]]) -> None:
        """Make the column of names wide enough for all of these."""
        fitting = (columns_of(name) for name, _ in rows if columns_of(name) <= NAMES_MAX)
        self._names_width = max(self._names_width, *fitting, 0)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        head = prefix or tr("Usage:", "用法:")
        begin = f"{head} {prog} "
        indent = columns_of(begin) if columns_of(begin) + LEAST <= self.width else 4
        first, *rest = wrapped(f"{begin}{args}", self.width) or [begin]
        rest = wrapped(" ".join(rest), self.width - indent)
        self.write(f"{self._styled(head, bold=True)}{first[len(head) :]}\n")
        self.write("".join(f"{'':{indent}}{line}\n" for line in rest))

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':{self.current_indent}}{self._styled(f'{heading}:', bold=True)}\n")

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        blocks = []
        for paragraph in text.split("\n\n"):
            lines = paragraph.strip("\n").split("\n")
            still = lines[0].strip() == STILL
            kept = lines[1:] if still else wrapped(" ".join(lines), self.width - len(indent))
            blocks.append("\n".join(indent + line for line in kept))
        self.write("\n\n".join(blocks) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = NAMES_MAX, col_spacing: int = 2) -> None:
        rows = list(rows)
        self.align(rows)
        below = self.width < NARROW and any(columns_of(text) > self._room(col_spacing) for _, text in rows)
        for name, text in rows:
            self._write_row(name, text, below, col_spacing)

    def write_examples(self, lines: Sequence[str]) -> None:
        """Write command lines; one that is too long goes on behind a backslash, as a shell takes it."""
        for line in lines:
            room = self.width - self.current_indent - 4
            first, *rest = _at_spaces(line, room)
            parts = [first, *("  " + part for part in rest)]
            self.write(" \\\n".join(f"{'':{self.current_indent}}{part}" for part in parts) + "\n")

    def _room(self, spacing: int) -> int:
        return self.width - self.current_indent - self._names_width - spacing

    def _write_row(self, name: str, text: str, below: bool, spacing: int) -> None:
        indent = " " * self.current_indent
        beside = " " * (self.current_indent + self._names_width + spacing)
        shown = self._styled(name, fg="cyan")
        if below:
            margin = indent + " " * 8
            lines = [indent + shown, *(margin + line for line in wrapped(text, self.width - len(margin)))]
        else:
            first, *rest = wrapped(text, self._room(spacing)) or [""]
            gap = self._names_width + spacing - columns_of(name)
            head = [f"{indent}{shown}{'':{gap}}{first}"] if gap >= spacing else [indent + shown, beside + first]
            lines = [*head, *(beside + line for line in rest)]
        self.write("".join(f"{line.rstrip()}\n" for line in lines))

    def _styled(self, text: str, bold: bool | None = None, fg: str | None = None) -> str:
        return click.style(text, bold=bold, fg=fg) if self._coloured else text


def wants_colour(asked: bool | None) -> bool:
    """Return whether help is coloured: as `asked`, else on a terminal that shows colours, unless NO_COLOR is set."""
    if asked is not None:
        return asked
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and sys.stdout is not None and sys.stdout.isatty()


def _at_spaces(line: str, columns: int) -> list[str]:
    """Return a command line in parts; a text in quotation marks stays whole, and an option with its value."""
    parts = [""]
    for word in re.findall(r"""(?:-\S+ (?!-))?(?:[^\s"']|"[^"]*"|'[^']*')+""", line):
        longer = f"{parts[-1]} {word}".lstrip()
        if parts[-1] and columns_of(longer) > columns:
            parts.append(word)
        else:
            parts[-1] = longer
    return parts
