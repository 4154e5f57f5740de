"""A statement of the store as PostgreSQL's library takes it: other marks for its values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

# A text in quotes, or a mark: `?`, or `?2` for the second value wherever it stands.
_TOKENS = re.compile(r"('(?:[^']|'')*')|(\?)(\d*)|(%)")


@lru_cache(maxsize=2000)
def translated(sql: str) -> str:
    """Return the statement with `%s` for `?`, and `%(v2)s` for `?2`."""

    def mark(found: re.Match[str]) -> str:
        text, question, number, percent = found.groups()
        if text:
            return str(text).replace("%", "%%")
        if percent:
            return "%%"
        return f"%(v{number})s" if question and number else "%s"

    return _TOKENS.sub(mark, sql)


def marked(sql: str, values: Sequence[Any]) -> Sequence[Any] | dict[str, Any] | None:
    """Return the values for a translated statement."""
    if "%(v1)s" in sql:
        return {f"v{number + 1}": storable(value) for number, value in enumerate(values)}
    return [storable(value) for value in values] or None


def storable(value: Any) -> Any:
    """A text of PostgreSQL has no NUL in it; what others have sent may."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value
