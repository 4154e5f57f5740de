"""Earlier responses, for `previous_response_id`: what was said and answered so far. SQLite."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from bailian.sandbox.database import Database

LIFE_S = 7 * 24 * 3600.0
"""RESP: seven days."""

_SCHEMA = "CREATE TABLE IF NOT EXISTS responses (response_id TEXT PRIMARY KEY, at REAL NOT NULL, items TEXT NOT NULL)"


class ResponseStore:
    """Conversations by their last response's id."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._database = database
        database.create(_SCHEMA)

    def add(self, response_id: str, items: Sequence[Any]) -> None:
        row = (response_id, self._clock(), json.dumps(list(items), ensure_ascii=False))
        self._database.change("INSERT OR REPLACE INTO responses VALUES (?, ?, ?)", row)

    def items(self, response_id: str) -> list[Any] | None:
        """Return the conversation; None: there is none of that id any more."""
        row = self._database.row("SELECT at, items FROM responses WHERE response_id = ?", (response_id,))
        if row is None or row["at"] + LIFE_S < self._clock():
            return None
        items: list[Any] = json.loads(row["items"])
        return items
