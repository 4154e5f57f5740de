"""How jobs end in the journal: the answer, the files and their names, the final state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bailian.store.backends.database import Database
from bailian.store.backends.dialects import INTEGER, REAL, TEXT, packed
from bailian.store.paths import stored
from bailian.store.schema import FileRow, JobEnd, JobResult, dumped
from bailian.store.states import Status, move, sources
from bailian.text.storage_path import ResultPath

# What an answer sets in a job, and the table its values come from.
_ANSWERED = (
    "answer = new.answer, charged_cny = new.charged_cny, run_s = new.run_s, ended_at_s = ?,"
    " request_id = COALESCE(new.request_id, jobs.request_id)"
)
_ANSWER_COLUMNS = {"id": TEXT, "answer": TEXT, "charged_cny": REAL, "run_s": REAL, "request_id": TEXT}


def _stored(result: JobResult) -> tuple[Any, ...]:
    """Return the values of an answer, in the order of `_ANSWER_COLUMNS`."""
    return result.job_id, dumped(result.answer), result.charged_cny, result.run_s, result.request_id


LEAVING_TO_DONE = (Status.SENDING, Status.DONE)


class JobEnds:
    """What is written then; `jobs.Journal` is what writes it."""

    database: Database
    clock: Callable[[], float]

    def store_answers(self, results: Sequence[JobResult]) -> None:
        """The service is done with these jobs: keep its whole answers before anything is downloaded."""
        if not results:
            return
        values = [_stored(result) for result in results]
        move(
            self.database,
            Status.ENDED,
            "jobs.id = new.id",
            (self.clock(), packed(values)),
            also=_ANSWERED,
            table=self.database.dialect.listed(**_ANSWER_COLUMNS),
        )

    def end_with_answers(self, results: Sequence[JobResult], ends: Sequence[JobEnd]) -> None:
        """Keep answers that are all there is of their jobs, which are done: as `store_answers` and `finish`, in one step
        where nobody else has moved them meanwhile."""
        errors = {end.job_id: dumped(end.error) if end.error else None for end in ends}
        values = [(*_stored(result), errors[result.job_id]) for result in results]
        with self.database.transaction():
            ended = move(
                self.database,
                Status.DONE,
                "jobs.id = new.id",
                (self.clock(), packed(values)),
                also=f"{_ANSWERED}, error = new.error, owner = NULL",
                table=self.database.dialect.listed(**_ANSWER_COLUMNS, error=TEXT),
                only_from=(Status.SENDING,),
            )
            if ended != len(results):
                self.store_answers(results)
                self.finish(ends)

    def finish(self, ends: Sequence[JobEnd], files: Sequence[FileRow] = ()) -> None:
        """End jobs in final states; `files` have got their names since they were last written down."""
        self.database.again(lambda: self._finish(ends, files))

    def _finish(self, ends: Sequence[JobEnd], files: Sequence[FileRow]) -> None:
        with self.database.transaction():
            self.record_files(files)
            for state in dict.fromkeys(end.state for end in ends):
                errors = [(end.job_id, dumped(end.error) if end.error else None) for end in ends if end.state == state]
                move(
                    self.database,
                    state,
                    "jobs.id = new.id",
                    (self.clock(), packed(errors)),
                    also="error = new.error, owner = NULL, ended_at_s = COALESCE(jobs.ended_at_s, ?)",
                    table=self.database.dialect.listed(id=TEXT, error=TEXT),
                    # Whose request is leaving has no answer: only the step that keeps one ends it from there.
                    only_from=tuple(before for before in sources(state) if (before, state) != LEAVING_TO_DONE),
                )

    def record_files(self, files: Sequence[FileRow]) -> None:
        """Record what files will be (before they get their names), and that they have them (after)."""
        if not files:
            return
        # Of a file that is named twice the last word counts.
        named = {(file.job_id, file.item): (stored(file.path), file.sha256, int(file.placed)) for file in files}
        table = self.database.dialect.listed(job_id=TEXT, item=INTEGER, path=TEXT, sha256=TEXT, placed=INTEGER)
        self.database.execute(
            "INSERT INTO files (job_id, item, path, sha256, placed)"  # noqa: S608
            f" SELECT job_id, item, path, sha256, placed FROM {table} WHERE 1 = 1 ON CONFLICT (job_id, item)"
            " DO UPDATE SET path = excluded.path, sha256 = excluded.sha256, placed = excluded.placed",
            (packed((*key, *value) for key, value in named.items()),),
        )

    def claim_file(
        self, job_id: str, item: int, path: ResultPath, sha256: str, *, unless_under_way: bool = False
    ) -> bool:
        """Record that a finished file is this result's; False if it is another's.

        `unless_under_way`: it may also be that of a job with the same content, which has not written it down yet.
        """
        return self.database.again(lambda: self._claim_file(job_id, item, path, sha256, unless_under_way))

    def reserve_file(self, job_id: str, item: int, path: ResultPath, sha256: str) -> bool:
        """Record the name that a file is going to get; False if another result has it, or is going to."""
        return self.database.again(lambda: self._reserve_file(job_id, item, path, sha256))

    def _reserve_file(self, job_id: str, item: int, path: ResultPath, sha256: str) -> bool:
        with self.database.transaction(f"file:{stored(path)}") as db:
            others = db.execute(
                "SELECT 1 FROM files WHERE path = ? AND (job_id, item) != (?, ?) LIMIT 1", (stored(path), job_id, item)
            )
            if others.fetchone():
                return False
            self.record_files([FileRow(job_id, item, path, sha256)])
            return True

    def _claim_file(self, job_id: str, item: int, path: ResultPath, sha256: str, unless_under_way: bool) -> bool:
        with self.database.transaction(f"file:{stored(path)}") as db:
            others = db.execute(
                "SELECT 1 FROM files WHERE (path = ? AND placed = 1 OR placed = 0 AND sha256 = ?)"
                " AND (job_id, item) != (?, ?) LIMIT 1",
                (stored(path), sha256 if unless_under_way else "", job_id, item),
            )
            if others.fetchone():
                return False
            self.record_files([FileRow(job_id, item, path, sha256, placed=True)])
            return True
