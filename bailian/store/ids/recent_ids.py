"""The ids of what was asked for last, for a shell that completes them: only read, and nothing is waited for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

OFFERED = 20
SHOWN_CHARS = 50
WAIT_S = 0.1
_NEWEST = "SELECT {columns} FROM jobs ORDER BY rowid DESC LIMIT {count}"
_BEGUN = """
SELECT {columns} FROM jobs WHERE task_id >= :low AND task_id < :high
UNION SELECT {columns} FROM jobs WHERE task_id IS NULL AND id >= :low AND id < :high LIMIT {count}
"""
_COLUMNS = """
COALESCE(task_id, id), state, model,
CASE WHEN json_valid(request) THEN COALESCE(json_extract(request, '$.prompt'), json_extract(request, '$.text'), '') ELSE '' END
"""


def recent_ids(home: Path, begun: str = "") -> Iterator[tuple[str, str]]:
    """Yield ids that begin so, each with its state, its model and what it is about."""
    path = home / "journal.sqlite3"
    if not path.exists():
        return
    query = (_BEGUN if begun else _NEWEST).format(columns=_COLUMNS, count=OFFERED)
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_S)) as journal:
        rows = journal.execute(query, {"low": begun, "high": begun + "\U0010ffff"} if begun else {}).fetchall()
    for found, state, model, prompt in rows:
        yield str(found), " ".join(f"{state} {model} {prompt}".split())[:SHOWN_CHARS]
