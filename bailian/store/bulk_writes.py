"""What many jobs have come to at once: one statement for all of them, where one each would be ten thousand.

Values travel as one JSON list. `UPDATE … FROM` needs SQLite 3.33 (2020-08).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bailian.store.jobs import Journal, NotOurs
from bailian.store.paths import stored
from bailian.store.schema import JobResult, dumped
from bailian.store.states import Status, move


class FileRow(NamedTuple):
    """A file of a job and its name: the one it is to get, or has (`placed`)."""

    job_id: str
    item: int
    path: Path
    sha256: str


def record_intents(journal: Journal, job_ids: Sequence[str], owner: str, *, server_s: float | None = None) -> float:
    """Commit that these requests leave now, see `Journal.record_intent`; return that moment.

    Raises:
        NotOurs: one of them may not be sent; nothing is written.
    """
    now_s = journal.clock()
    with journal.database.transaction():
        changed = move(
            journal.database,
            Status.SENDING,
            "id IN (SELECT value FROM json_each(?)) AND owner = ?",
            (now_s, server_s, json.dumps(job_ids), owner),
            also="sent_at_s = ?, sent_server_s = ?",
            only_from=(Status.WAITING,),
        )
        if changed != len(job_ids):
            raise NotOurs
    return float(now_s)


def store_answers(journal: Journal, jobs: Sequence[JobResult]) -> None:
    """Keep whole answers, see `Journal.store_answer`."""
    values = [(job.job_id, dumped(job.answer), job.charged_cny, job.run_s, job.request_id) for job in jobs]
    move(
        journal.database,
        Status.ENDED,
        "jobs.id = new.id",
        (journal.clock(), json.dumps(values)),
        also="answer = new.answer, charged_cny = new.charged_cny, run_s = new.run_s, ended_at_s = ?,"
        " request_id = COALESCE(new.request_id, jobs.request_id)",
        table="(SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS answer,"
        " json_extract(value, '$[2]') AS charged_cny, json_extract(value, '$[3]') AS run_s,"
        " json_extract(value, '$[4]') AS request_id FROM json_each(?)) AS new",
    )


def record_files(journal: Journal, names: Sequence[FileRow], *, placed: bool) -> None:
    """Record files, see `Journal.record_file`."""
    values = [(name.job_id, name.item, stored(name.path), name.sha256) for name in names]
    journal.database.execute(
        "INSERT OR REPLACE INTO files (job_id, item, path, sha256, placed)"
        " SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),"
        " json_extract(value, '$[3]'), ? FROM json_each(?)",
        (int(placed), json.dumps(values)),
    )


def finish_jobs(journal: Journal, job_ids: Sequence[str]) -> None:
    """End jobs that have all their files, see `Journal.finish`."""
    move(
        journal.database,
        Status.DONE,
        "id IN (SELECT value FROM json_each(?))",
        (journal.clock(), json.dumps(job_ids)),
        also="error = NULL, owner = NULL, ended_at_s = COALESCE(ended_at_s, ?)",
    )
