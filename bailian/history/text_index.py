"""Words → the jobs of a journal whose texts have them, by SQLite's FTS5.

Its tokenizers take a Chinese sentence for one word. So a space is put around every letter that is not ASCII, and a word
that is looked for is a phrase of such letters: one or two characters inside a sentence are found.

The index is a file of its own beside the journal, made from it when somebody asks: writing a job costs nothing more,
and whoever deletes it loses nothing.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from bailian.files import naming
from bailian.store.backends.database import Row
from bailian.store.jobs import Journal
from bailian.store.private import private_file

FILE_NAME = "history.sqlite3"
BUSY_TIMEOUT_S = 30.0
CHUNK_ROWS = 2000
TEXT_FIELDS = ("prompt", "text", "system")
_NOT_ASCII = re.compile(r"([^\x00-\x7f])")
_SCHEMA = """
CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5(text, content='', tokenize='unicode61 remove_diacritics 2');
CREATE TABLE IF NOT EXISTS until (number INTEGER NOT NULL, id TEXT NOT NULL);
"""


def segmented(text: str) -> str:
    """Return a text in which every letter that is not ASCII is a word."""
    return _NOT_ASCII.sub(r" \1 ", text)


def texts_of(request: Mapping[str, Any]) -> str:
    """Return what a person has written in a request: prompts, texts to speak, the turns of a conversation."""
    found = []
    for name in TEXT_FIELDS:
        value = request.get(name)
        found += [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []
    turns = request.get("messages")
    for turn in turns if isinstance(turns, list) else []:
        content = turn.get("content") if isinstance(turn, dict) else None
        found += [content] if isinstance(content, str) else []
    return "\n".join(found)


def about(request: Mapping[str, Any]) -> str:
    """Return what a request is found by: its texts, or the names of what went in."""
    return texts_of(request) or naming.about(request)


def numbers_of(journal: Journal, words: Sequence[str]) -> list[int] | None:
    """Return the row numbers of jobs whose texts have words that begin so; None: the words have no letters.

    Raises:
        sqlite3.Error: the index cannot be used, or SQLite has no FTS5.
    """
    phrases = [f'"{segmented(word)}"*' for word in (_plain(one) for one in words) if word]
    if not phrases:
        return None
    path = journal.folder / FILE_NAME
    try:
        return _found(journal, path, " ".join(phrases))
    except sqlite3.DatabaseError:  # damaged, or of something else: it is made anew
        path.unlink(missing_ok=True)
        return _found(journal, path, " ".join(phrases))


def _plain(word: str) -> str:
    """Return a word without what FTS5 takes for its own syntax, or for nothing."""
    return " ".join(re.findall(r"\w+", word))


def _found(journal: Journal, path: Path, query: str) -> list[int]:
    private_file(path)
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as index:
        index.executescript(_SCHEMA)
        _bring_up_to_date(journal, index)
        return [number for (number,) in index.execute("SELECT rowid FROM texts WHERE texts MATCH ?", (query,))]


def _bring_up_to_date(journal: Journal, index: sqlite3.Connection) -> None:
    """Add the jobs that were written since; all of them where the journal is another one than before."""
    with index:
        index.execute("BEGIN IMMEDIATE")
        (number, job_id) = index.execute("SELECT number, id FROM until").fetchone() or (0, "")
        same = journal.database.read("SELECT 1 FROM jobs WHERE rowid = ? AND id = ?", (number, job_id))
        if not same:
            index.execute("INSERT INTO texts (texts) VALUES ('delete-all')")
            number = 0
        for rows in _chunks(journal, number):
            index.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", _texts(rows))
            number, job_id = rows[-1]["number"], rows[-1]["id"]
        index.execute("DELETE FROM until")
        if number:
            index.execute("INSERT INTO until VALUES (?, ?)", (number, job_id))


def _chunks(journal: Journal, after: int) -> Iterator[list[Row]]:
    while rows := journal.database.read(
        "SELECT rowid AS number, id, request FROM jobs WHERE rowid > ? ORDER BY rowid LIMIT ?", (after, CHUNK_ROWS)
    ):
        yield rows
        after = rows[-1]["number"]


def _texts(rows: Iterable[Row]) -> Iterator[tuple[int, str]]:
    for row in rows:
        with suppress(ValueError, RecursionError):
            request = json.loads(row["request"])
            if isinstance(request, dict) and (text := about(request)):
                yield row["number"], segmented(text)
