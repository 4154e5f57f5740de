"""The voices that were made: cloned from a recording, or designed from words. One account has them all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass

from bailian.sandbox.database import Database

_SCHEMA = "CREATE TABLE IF NOT EXISTS own_voices (voice_id TEXT PRIMARY KEY, number INTEGER, content TEXT NOT NULL)"


@dataclass(frozen=True)
class OwnVoice:
    """One of them."""

    voice_id: str
    target_model: str
    prefix: str
    language: str
    female: bool
    source: str
    """The recording's address; empty: it was designed."""
    created: float
    modified: float
    ready_at: float
    """Until then it is deployed."""
    undeployed: bool = False
    """It was found unfit."""

    def is_ready(self, now: float) -> bool:
        return now >= self.ready_at and not self.undeployed


class OwnVoices:
    """The table."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        database.create(_SCHEMA)

    def put(self, voice: OwnVoice) -> None:
        """Add a voice, or change it."""
        with self._database.transaction():
            row = self._database.row("SELECT number FROM own_voices WHERE voice_id = ?", (voice.voice_id,))
            last = self._database.rows("SELECT coalesce(max(number), 0) AS last FROM own_voices")[0]["last"]
            values = (voice.voice_id, row["number"] if row else last + 1, json.dumps(asdict(voice)))
            self._database.change("INSERT OR REPLACE INTO own_voices VALUES (?, ?, ?)", values)

    def get(self, voice_id: str) -> OwnVoice | None:
        row = self._database.row("SELECT content FROM own_voices WHERE voice_id = ?", (voice_id,))
        return _voice(row) if row else None

    def ready(self, voice_id: str, model: str) -> OwnVoice | None:
        """Return a voice that this model may speak with now."""
        voice = self.get(voice_id)
        fits = voice is not None and voice.target_model == model and voice.is_ready(self._clock())
        return voice if fits else None

    def all(self, prefix: str) -> list[OwnVoice]:
        """Return those whose name begins so, newest first."""
        rows = self._database.rows("SELECT content FROM own_voices ORDER BY number DESC")
        return [voice for voice in map(_voice, rows) if voice.prefix.startswith(prefix)]

    def delete(self, voice_id: str) -> bool:
        return self._database.change("DELETE FROM own_voices WHERE voice_id = ?", (voice_id,)) > 0


def _voice(row: sqlite3.Row) -> OwnVoice:
    return OwnVoice(**json.loads(row["content"]))
