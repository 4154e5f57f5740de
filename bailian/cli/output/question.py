"""A question to who sits at a terminal, with yes or no for an answer."""

from __future__ import annotations

import sys
from contextlib import suppress

from bailian.cli.output.terminal import print_err, print_err_chunk
from bailian.i18n import tr

YES = ("y", "yes", "是", "好")


def confirmed(question: str) -> bool:
    """Return whether the answer is yes; Ctrl-C and the end of input are a no.

    It is talk, so it goes to stderr: `input` would write it into whatever stdout leads to.
    """
    answer = ""
    with suppress(KeyboardInterrupt, OSError, ValueError):  # ValueError: what was typed is no text
        print_err_chunk(question + tr(" [y/N] ", "[y/N] "))
        answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print_err("")
    return answer.strip().lower() in YES
