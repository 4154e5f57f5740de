"""A row's input that is another row's result, as one word among links and paths: `result-of:ID/NUMBER`.

When it is known which row makes it, the word ends in a suffix, as a link does (`result-of:hero/1.png`): it tells what it is.

People write it as `{"result_of": "hero", "index": 2}`, and as `@hero:2` in the cell of a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

PREFIX = "result-of:"
# What begins another part of a link: an id may have it.
_OF_A_LINK = "%#?"
_QUOTED = re.compile("%(25|23|3F)")
_WORD = re.compile(re.escape(PREFIX) + r"(.+)/([1-9][0-9]{0,6})(?:\.([a-z0-9]{2,5}))?", re.DOTALL)


class ResultOf(NamedTuple):
    """One result of a row: the row's `id`, and which of its results, from 1."""

    label: str
    number: int = 1
    suffix: str = ""
    """Of the file that it will be; "": not known yet."""

    @property
    def word(self) -> str:
        label = "".join(f"%{ord(char):02X}" if char in _OF_A_LINK else char for char in self.label)
        return f"{PREFIX}{label}/{self.number}" + (f".{self.suffix}" if self.suffix else "")

    def to_json(self) -> dict[str, Any]:
        """Return it as a row of a file has it."""
        return {"result_of": self.label, **({"index": self.number} if self.number > 1 else {})}


def result_of(word: object) -> ResultOf | None:
    """Return which result a word stands for; None: it is a link, a path, or no text at all."""
    if not isinstance(word, str) or not word.startswith(PREFIX):
        return None
    found = _WORD.fullmatch(word)
    if found is None:
        return None
    label = _QUOTED.sub(lambda one: chr(int(one[1], 16)), found[1])
    return ResultOf(label, int(found[2]), found[3] or "")


def is_result(word: object) -> bool:
    """Return whether a word stands for another row's result."""
    return isinstance(word, str) and word.startswith(PREFIX)


def replaced(value: Any, replacement: Callable[[str], Any]) -> Any:
    """Return a value with every such word in it replaced, however deep it stands."""
    if isinstance(value, Mapping):
        return {name: replaced(inner, replacement) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [replaced(inner, replacement) for inner in value]
    return replacement(value) if is_result(value) else value
