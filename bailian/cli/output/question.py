"""A question to who sits at a terminal, with yes or no for an answer."""

from __future__ import annotations

import sys
from contextlib import suppress

from bailian.cli.output.terminal import print_err, print_err_chunk
from bailian.i18n import tr

YES = ("y", "yes", "是", "好")
# Ctrl-C is heard after so long at the latest, whenever it was pressed.
LISTEN_S = 0.2


def confirmed(question: str) -> bool:
    """Return whether the answer is yes; Ctrl-C and the end of input are a no.

    It is talk, so it goes to stderr: `input` would write it into whatever stdout leads to.
    """
    answer = ""
    with suppress(KeyboardInterrupt, OSError, ValueError):  # ValueError: what was typed is no text
        print_err_chunk(question + tr(" [y/N] ", "[y/N] "))
        _wait_for_words()
        answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print_err("")
    return answer.strip().lower() in YES


def _wait_for_words() -> None:
    """Wait until something was typed.

    Reading alone would not do: a Ctrl-C that comes between the question and the reading is noted by Python, which
    raises it when the reading has ended, and that is when somebody presses Enter.
    """
    if sys.platform == "win32":  # its select takes sockets alone
        return
    import select

    try:
        stdin = sys.stdin.fileno()
    except (OSError, ValueError):  # something that stands for a terminal
        return
    while not select.select([stdin], [], [], LISTEN_S)[0]:
        pass
