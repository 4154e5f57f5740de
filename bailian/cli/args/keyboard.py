"""The questions of a conversation as a person types or pastes them: a pasted text is one question, not one a line."""

from __future__ import annotations

import contextlib
import re
import sys
from typing import NamedTuple

from bailian.cli.output.terminal import print_err
from bailian.i18n import tr

END_WORDS = ("/exit", "/quit", "/bye")
QUOTES = '"""'
# A terminal hands a pasted text over at once; nobody types a line in this time.
PASTE_S = 0.05
# A second / in the first word makes it a path, hence a question.
_COMMAND = re.compile(r"(/[A-Za-z?][\w-]*)(?:\s+(.*))?", re.ASCII | re.DOTALL)


class Command(NamedTuple):
    """What is said to the program, not to the model: "/save", and what stands behind it."""

    word: str
    rest: str


class Keyboard:
    """Reads one question after the other."""

    def __init__(self) -> None:
        self._over = False
        self._dropped = False
        """Ctrl-C came instead of the line before."""
        with contextlib.suppress(ImportError):  # line editing and history, where the system has it
            import readline

            # Python switches it off. With it a terminal marks what is pasted, and Enter sends the whole.
            readline.parse_and_bind("set enable-bracketed-paste on")

    def ask(self) -> str | Command | None:
        """Return what the person asks, or a command; None at the end."""
        while not self._over:
            lines = self._lines()
            if lines and lines[-1].rstrip() in END_WORDS:
                self._over = True
                lines.pop()
            typed = self._read(lines)
            if typed:
                return typed
        return None

    def _read(self, lines: list[str]) -> str | Command | None:
        """Return what typed lines mean; None: nothing."""
        text = "\n".join(lines).rstrip()
        if text.startswith(QUOTES):
            begun = len(lines) == 1 or lines[0].strip() == QUOTES  # a pasted program may begin with a docstring
            if begun and not _is_quoted(text):
                return self._quoted(text)
            return text[len(QUOTES) : -len(QUOTES)].strip() if _is_quoted(text) else text
        found = _COMMAND.fullmatch(text)
        if found:
            return Command(found[1], (found[2] or "").strip())
        return text.removeprefix("/").strip() if text.startswith("//") else text.strip()

    def _quoted(self, first: str) -> str | None:
        """Read on to the line that ends with three quote marks; return what stands between, None if it is given up."""
        lines = first[len(QUOTES) :].split("\n")
        try:
            while not lines[-1].rstrip().endswith(QUOTES):
                lines += input("... ").split("\n")
        except EOFError:
            self._over = True
        except KeyboardInterrupt:
            pass
        else:
            return "\n".join(lines).rstrip()[: -len(QUOTES)].strip()
        print_err("")
        print_err(tr("the question was not finished: it is not sent", "提问未输入完，未发送"))
        return None

    def _lines(self) -> list[str]:
        """Return a typed line, or all those of a pasted text."""
        lines: list[str] = []
        try:
            lines += input("> ").split("\n")
            while lines[-1].rstrip() not in END_WORDS and more_waits():
                lines += input().split("\n")
        except EOFError:
            self._over = True
        except KeyboardInterrupt:
            self._over, self._dropped = self._dropped, True
            print_err("")
            if not self._over:
                print_err(
                    tr("dropped; Ctrl-C once more, or Ctrl-D, ends", "已放弃本行；再按一次 Ctrl-C 或按 Ctrl-D 结束")
                )
            return []
        self._dropped = False
        if self._over:
            print_err("")
        return lines


def _is_quoted(text: str) -> bool:
    return len(text) >= 2 * len(QUOTES) and text.startswith(QUOTES) and text.endswith(QUOTES)


def more_waits() -> bool:
    """Return whether more has come already, be it half a line."""
    try:
        import termios
    except ImportError:  # Windows
        import msvcrt

        return bool(msvcrt.kbhit())  # type: ignore[attr-defined,unused-ignore]
    import select

    try:
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
    except (OSError, ValueError, termios.error):
        return False
    # As long as a terminal gathers lines, it does not show that half of one has come.
    by_letter = [*before[:3], before[3] & ~termios.ICANON, *before[4:]]
    termios.tcsetattr(terminal, termios.TCSANOW, by_letter)
    try:
        return bool(select.select([terminal], [], [], PASTE_S)[0])
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
