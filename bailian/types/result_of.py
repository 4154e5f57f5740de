"""A row's input that is another row's result, as one word among links and paths: `result-of:ID#NUMBER`.

People write it as `{"result_of": "hero", "index": 2}`, and as `@hero:2` in the cell of a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

PREFIX = "result-of:"
_WORD = re.compile(re.escape(PREFIX) + r"(.+)#([1-9][0-9]{0,6})", re.DOTALL)


class ResultOf(NamedTuple):
    """One result of a row: the row's `id`, and which of its results, from 1."""

    label: str
    number: int = 1

    @property
    def word(self) -> str:
        return f"{PREFIX}{self.label}#{self.number}"

    def to_json(self) -> dict[str, Any]:
        """Return it as a row of a file has it."""
        return {"result_of": self.label, **({"index": self.number} if self.number > 1 else {})}


def result_of(word: object) -> ResultOf | None:
    """Return which result a word stands for; None: it is a link, a path, or no text at all."""
    if not isinstance(word, str) or not word.startswith(PREFIX):
        return None
    found = _WORD.fullmatch(word)
    return ResultOf(found[1], int(found[2])) if found else None


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
