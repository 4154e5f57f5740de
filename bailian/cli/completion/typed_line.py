"""A command line that is still being typed, up to the cursor, as the shell's own words."""

from __future__ import annotations

import shlex
from typing import NamedTuple

_CURSOR = "\x00"


class Typed(NamedTuple):
    """What stands there. `quote` is the mark that the last word has opened and not closed, or nothing."""

    words: list[str]
    begun: str
    quote: str


def typed(line: str, escape: str = "\\") -> Typed:
    """Take a line apart; `escape` is the shell's own sign for that. Nothing in it is wrong: it is not finished."""
    lexer = shlex.shlex(line.replace(_CURSOR, "") + _CURSOR, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", escape
    words: list[str] = []
    quote = ""
    try:
        words.extend(lexer)
    except ValueError:  # a quotation mark is open
        words.append(lexer.token)
        state = str(getattr(lexer, "state", ""))
        quote = state if state in lexer.quotes else ""
    begun = words.pop() if words else ""
    return Typed(words, begun.replace(_CURSOR, ""), quote)
