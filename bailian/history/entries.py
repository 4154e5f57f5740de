"""The jobs of this machine, newest first, as a person asks for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bailian.history.text_index import about, numbers_of, texts_of
from bailian.store.backends.database import Row
from bailian.store.backends.dialects import packed
from bailian.store.backends.journal_place import JournalPlace
from bailian.store.ids.short_ids import LISTED, MIN_CHARS, several_begin_so
from bailian.store.job_rows import job_row
from bailian.store.jobs import Journal
from bailian.store.paths import restored
from bailian.store.schema import TABLES, JobRow
from bailian.store.states import Status
from bailian.text.storage_path import ResultPath

SANDBOX_FOLDER = "sandbox"
CHUNK_ROWS = 500
SLICE_ROWS = 20_000
SAME_BYTES = 100
"""So many jobs with the same bytes are looked at; short texts are often the same."""
FAILED_STATES = (Status.FAILED, Status.HELD, Status.UNSENT)


@dataclass(frozen=True)
class Question:
    """What is looked for. Nothing given: everything."""

    text: str = ""
    """Words, all of which a job's texts, files or model must have."""
    since_s: float | None = None
    """Seconds since the epoch."""
    kind: str | None = None
    model: str | None = None
    failed: bool = False

    @property
    def words(self) -> list[str]:
        return self.text.lower().split()


@dataclass(frozen=True)
class Entry:
    """One job and its files."""

    row: JobRow
    files: tuple[ResultPath, ...]
    sandbox: bool

    @property
    def about(self) -> str:
        """Return what it was about: its texts, or the names of what went in."""
        return about(self.row.request)

    @property
    def shown(self) -> str:
        """Return what was asked: of a conversation the last question. All its turns are searched, not shown."""
        asked = {name: value for name, value in self.row.request.items() if name != "messages"}
        return str(asked.get("prompt") or "") or texts_of(asked) or self.about


def entries(place: JournalPlace, question: Question, limit: int) -> list[Entry]:
    """Return jobs under every key and of the sandbox, newest first."""
    found = [entry for sandbox, one in _places(place) for entry in _of_journal(one, question, limit, sandbox=sandbox)]
    return sorted(found, key=lambda entry: entry.row.created_at_s, reverse=True)[:limit]


def _places(place: JournalPlace) -> Iterator[tuple[bool, JournalPlace]]:
    """Yield the journals that there are: the account's, and the sandbox's, which is this machine's alone."""
    for sandbox, one in ((False, place), (True, JournalPlace(place.home / SANDBOX_FOLDER))):
        if one.exists(TABLES):
            yield sandbox, one


def _of_journal(place: JournalPlace, question: Question, limit: int, *, sandbox: bool) -> list[Entry]:
    with closing(Journal(place)) as journal:
        matching = (one for one in _candidates(journal, question, sandbox=sandbox) if _matches(one, question))
        return list(islice(matching, limit))


def _candidates(journal: Journal, question: Question, *, sandbox: bool) -> Iterator[Entry]:
    for numbers in _slices(_numbers(journal, question)):
        yield from _among(journal, question, numbers, sandbox=sandbox)


def _slices(numbers: list[int] | None) -> Iterator[list[int] | None]:
    """Cut what may match into pieces: a word of a hundred thousand prompts costs no more than the rows that are shown."""
    if numbers is None:
        yield None
        return
    for start in range(0, len(numbers), SLICE_ROWS):
        yield numbers[start : start + SLICE_ROWS]


def _among(journal: Journal, question: Question, numbers: list[int] | None, *, sandbox: bool) -> Iterator[Entry]:
    after: int | None = None
    while rows := _read(journal, question, numbers, after):
        after = rows[-1]["number"]
        files = _files(journal, [row["id"] for row in rows])
        for row in rows:
            yield Entry(job_row(row), tuple(files.get(row["id"], ())), sandbox)


def _read(journal: Journal, question: Question, numbers: Sequence[int] | None, before: int | None) -> list[Row]:
    """Return the next rows, the newest of those that were not read yet."""
    where, values = ["1 = 1"], list[object]()
    if numbers is not None:
        where.append(f"rowid IN ({journal.database.dialect.chosen_numbers})")
        values.append(packed(numbers))
    for clause, value in (
        ("rowid < ?", before),
        ("created_at_s >= ?", question.since_s),
        ("kind = ?", question.kind),
    ):
        if value is not None:
            where.append(clause)
            values.append(value)
    if question.model is not None:
        where.append("(model = ? OR wire_model = ?)")
        values += [question.model, question.model]
    if question.failed:
        where.append(f"state IN ({', '.join('?' * len(FAILED_STATES))})")
        values += FAILED_STATES
    sql = f"SELECT rowid AS number, * FROM jobs WHERE {' AND '.join(where)} ORDER BY rowid DESC LIMIT {CHUNK_ROWS}"  # noqa: S608
    return list(journal.database.read(sql, tuple(values)))


def _numbers(journal: Journal, question: Question) -> list[int] | None:
    """Return the rows that may have the words, newest first; None: all of them have to be looked at."""
    if not question.words:
        return None
    if journal.place.is_shared:
        return None  # an index of this machine's own would miss what others have written meanwhile
    try:
        by_text = numbers_of(journal, question.words)
    except sqlite3.Error:  # a SQLite without FTS5: slower, and no less
        return None
    if by_text is None:
        return None
    marks = " OR ".join("path LIKE ? ESCAPE '\\'" for _ in question.words)
    likes = tuple(f"%{_escaped(word)}%" for word in question.words)
    named = journal.database.read(
        f"SELECT DISTINCT jobs.rowid AS number FROM files JOIN jobs ON jobs.id = job_id WHERE {marks}",  # noqa: S608
        likes,
    )
    models = " OR ".join("model LIKE ? ESCAPE '\\'" for _ in question.words)
    of_model = journal.database.read(f"SELECT rowid AS number FROM jobs WHERE {models}", likes)  # noqa: S608
    return sorted({*by_text, *(row["number"] for row in (*named, *of_model))}, reverse=True)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _matches(entry: Entry, question: Question) -> bool:
    if not question.words:
        return True
    names = " ".join(path.name for path in entry.files)
    text = f"{entry.about}\n{names}\n{entry.row.model}".lower()
    return all(word in text for word in question.words)


def _files(journal: Journal, ids: Sequence[str]) -> dict[str, list[ResultPath]]:
    rows = journal.database.read(
        "SELECT job_id, path FROM files WHERE placed = 1 AND job_id IN"  # noqa: S608
        f" ({journal.database.dialect.chosen}) ORDER BY job_id, item",
        (packed(ids),),
    )
    found: dict[str, list[ResultPath]] = {}
    for row in rows:
        found.setdefault(row["job_id"], []).append(restored(row["path"]))
    return found


def entry_of_file(place: JournalPlace, digest: str, path: ResultPath) -> Entry | None:
    """Return the job that has made a file of these bytes: where several have, the one that put it there, else the newest."""
    made = _read_all(
        place,
        "SELECT * FROM jobs WHERE id IN (SELECT job_id FROM files WHERE sha256 = ?) ORDER BY rowid DESC LIMIT ?",
        (digest, SAME_BYTES),
    )
    newest_first = sorted(made, key=lambda entry: entry.row.created_at_s, reverse=True)
    here = path.absolute()
    return next((entry for entry in newest_first if here in entry.files), next(iter(newest_first), None))


def entry_of_id(place: JournalPlace, word: str) -> Entry | None:
    """Return the job whose id, task id or request id this is, or begins so.

    Raises:
        InvalidRequest: several begin so.
    """
    if len(word) < MIN_CHARS:
        return None
    high = word[:-1] + chr(min(ord(word[-1]) + 1, 0x10FFFF))
    by = " OR ".join(f"{column} >= ?1 AND {column} < ?2" for column in ("id", "task_id", "request_id"))
    found = _read_all(place, f"SELECT * FROM jobs WHERE {by} ORDER BY rowid DESC LIMIT ?3", (word, high, LISTED + 1))  # noqa: S608
    whole = [entry for entry in found if word in (entry.row.id, entry.row.task_id, entry.row.request_id)]
    if len(found) > 1 and len(whole) != 1:
        raise several_begin_so(word, [entry.row.id for entry in found])
    return next(iter(whole or found), None)


def _read_all(place: JournalPlace, sql: str, values: tuple[Any, ...]) -> list[Entry]:
    """Return the jobs of both journals."""
    found: list[Entry] = []
    for sandbox, one in _places(place):
        with closing(Journal(one)) as journal:
            rows = [job_row(row) for row in journal.database.read(sql, values)]
            files = _files(journal, [row.id for row in rows])
            found += [Entry(row, tuple(files.get(row.id, ())), sandbox) for row in rows]
    return found
