"""Everything that is wrong with a batch, as one refusal; the same trouble in many rows is said once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bailian.errors import InvalidRequest, Problem
from bailian.i18n import tr

SHOWN_MAX = 50
_IN_JSON = re.compile(r"|request(#\d+)?|defaults.*|\w*\[\d+\](#\d+)?")
"""Places that a dot follows; other ones are words of people: a line, a file, a model."""


def placed(where: str, field: str = "") -> str:
    """Return a field with its row: "image_tasks[3].size", "line 12, size"."""
    if _IN_JSON.fullmatch(where):
        return f"{where}.{field}" if where and field else where or field
    line = tr(where, f"第 {where.removeprefix('line ')} 行") if where.startswith("line ") else where
    return f"{line}{tr(', ', ' ')}{field}" if field else line


@dataclass
class _Trouble:
    """One text about one field, and the rows it is true of."""

    where: str
    second: str = ""
    rows: int = 1


class Problems:
    """Gathers problems. Memory grows with the different ones, not with the rows."""

    def __init__(self, source: str = "") -> None:
        self._source = source
        self._troubles: dict[tuple[str, str], _Trouble] = {}
        self._models = False

    def add(self, where: str, field: str, message: str) -> None:
        """Note what is wrong with a field of a row; `where` is empty for the file itself."""
        known = self._troubles.get((field, message))
        if known is None:
            self._troubles[field, message] = _Trouble(where)
        else:
            known.rows += 1
            known.second = known.second or where

    def add_all(self, where: str, found: Iterable[Problem]) -> None:
        for problem in found:
            self.add(where, problem.field, problem.message)

    def add_of_model(self, where: str, error: InvalidRequest) -> None:
        """Note what a model does not take: the advice is then to look at the model."""
        self.add_all(where, error.problems)
        self._models = self._models or error.advice != ""

    def raise_if_any(self) -> None:
        """Raise everything noted.

        Raises:
            InvalidRequest: `problems` holds all, the message the first 50 and how many more there are.
        """
        if not self._troubles:
            return
        found = [
            Problem(placed(trouble.where, field), message + _elsewhere(trouble))
            for (field, message), trouble in self._troubles.items()
        ]
        error = InvalidRequest(found, advice=None if self._models else "")
        error.message = "\n".join([*self._head(len(found)), *_lines(found)])
        error.args = (error.message,)
        raise error

    def _head(self, count: int) -> list[str]:
        if not self._source:
            return []
        return [
            tr(
                f"{self._source}: nothing is sent, {count:,} {'problem' if count == 1 else 'problems'}",
                f"{self._source}：共 {count:,} 个问题，未发送任何请求",
            )
        ]


def _lines(found: list[Problem]) -> list[str]:
    shown = [f"{one.field}: {one.message}" if one.field else one.message for one in found[:SHOWN_MAX]]
    more = len(found) - SHOWN_MAX
    return [*shown, tr(f"… and {more:,} more", f"…… 另有 {more:,} 个")] if more > 0 else shown


def _elsewhere(trouble: _Trouble) -> str:
    """Return " (also in line 3, and 9,998 more rows)", or nothing for a single row."""
    if trouble.rows == 1:
        return ""
    second, more = placed(trouble.second), trouble.rows - 2
    if not more:
        return tr(f" (also in {second})", f"（{second}也一样）")
    rows = "row" if more == 1 else "rows"
    return tr(f" (also in {second}, and {more:,} more {rows})", f"（{second}等另外 {more + 1:,} 行也一样）")
