"""`{"matrix": {"prompt": ["a", "b"], "seed": [1, 2, 3]}, …}`: one row of a file becomes six."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from bailian.errors import InvalidRequest, Problem
from bailian.i18n import tr

NAME = "matrix"


def size_of(row: Mapping[str, Any]) -> int:
    """Return how many rows a row stands for: 1 without a matrix.

    Raises:
        InvalidRequest: the matrix is not an object of lists, or names a field that stands beside it too.
    """
    if NAME not in row:
        return 1
    lists = row[NAME]
    if not isinstance(lists, dict) or not lists:
        raise InvalidRequest.one(
            NAME,
            tr('must be an object of lists: {"seed": [1, 2, 3]}', '应为由列表组成的对象，例如 {"seed": [1, 2, 3]}'),
        )
    problems = [problem for name, values in lists.items() for problem in _problems(name, values, row)]
    if problems:
        raise InvalidRequest(problems)
    return math.prod(len(values) for values in lists.values())


def _problems(name: str, values: object, row: Mapping[str, Any]) -> Iterator[Problem]:
    if not isinstance(values, list) or not values:
        yield Problem(f"{NAME}.{name}", tr("must be a list with at least one value", "应为至少含一个值的列表"))
    if name in row or name == NAME:
        yield Problem(f"{NAME}.{name}", tr("is given twice", "重复出现"))


def expand(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a row that `size_of` has accepted; the last field of the matrix varies fastest."""
    rest = {name: value for name, value in row.items() if name != NAME}
    lists = row.get(NAME, {})
    for values in itertools.product(*lists.values()):
        yield {**rest, **dict(zip(lists, values, strict=True))}
