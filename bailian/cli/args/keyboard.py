"""The questions of a conversation as a person types or pastes them: a pasted text is one question, not one a line."""

from __future__ import annotations

import contextlib
import re
import sys

from bailian.cli.output.terminal import print_err
from bailian.i18n import tr

END_WORDS = ("/exit", "/quit", "/bye")
HELP = "/help"
# A terminal hands a pasted text over at once; nobody types a line in this time.
PASTE_S = 0.05
_COMMAND = re.compile(r"/[A-Za-z?][\w-]*(\s.*)?", re.ASCII | re.DOTALL)


class Keyboard:
    """Reads one question after the other."""

    def __init__(self) -> None:
        self._over = False
        with contextlib.suppress(ImportError):  # line editing and history, where the system has it
            import readline

            # Python switches it off. With it a terminal marks what is pasted, and Enter sends the whole.
            readline.parse_and_bind("set enable-bracketed-paste on")

    def ask(self) -> str | None:
        """Return what the person asks; None at the end. A command is obeyed, an unknown one is refused."""
        while not self._over:
            lines = self._lines()
            if lines and lines[-1].strip() in END_WORDS:
                self._over = True
                lines.pop()
            text = "\n".join(lines).rstrip()
            if _COMMAND.fullmatch(text):
                print_err(_commands(text.split()[0]))
            elif text.strip():
                return text.strip()
        return None

    def _lines(self) -> list[str]:
        """Return a typed line, or all those of a pasted text."""
        lines: list[str] = []
        try:
            lines += input("> ").split("\n")
            while lines[-1].strip() not in END_WORDS and _more_waits():
                lines += input().split("\n")
        except EOFError:
            self._over = True
        except KeyboardInterrupt:
            self._over, lines = True, []
        if self._over:
            print_err("")
        return lines


def _commands(word: str) -> str:
    listed = ", ".join((*END_WORDS, HELP))
    unknown = "" if word == HELP else tr(f"there is no command {word}; ", f"没有命令 {word}；")
    return unknown + tr(
        f"commands: {listed}. A question that begins with / has a space before it",
        f"可用命令：{listed}。以 / 开头的问题请在前面加一个空格",
    )


def _more_waits() -> bool:
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
