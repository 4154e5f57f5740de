"""What all jobs have cost together, kept beside them: a million jobs are not added up for one more.

Triggers keep the sums in the transaction that changes a job, whoever changes it: a killed process leaves both or
neither. Money is whole billionths of a CNY here, units are thousandths: what is added and taken away again is exact.

A charge is known, or it is not: NULL, and whatever an older version read out of an answer (-140,000, Infinity). An
unknown one is never nothing: what was sent, or has an answer, may be billed with its estimate.

Times are whole quarters of an hour since the epoch: every time zone's day begins with one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

QUARTER_S = 900
NANO = 1e9
MOST_CNY = 1e9
MOST_UNITS = 1e12
# States of a job whose cost counts against a budget: its real cost if known, else what it may be.
PAID_STATES = ("sending", "unsettled", "submitted", "ended", "done", "held")
_FIGURES = ("total_tokens", "characters", "image_count", "duration")

# SQL of one job's share. `{job}` is nothing, or which version of the row: `OLD.`, `NEW.`.
CHARGED_CNY = f"CASE WHEN {{job}}charged_cny BETWEEN 0 AND {MOST_CNY} THEN {{job}}charged_cny END"
"""What a job has cost, or NULL where that is not known."""
ESTIMATE_CNY = f"CASE WHEN {{job}}estimate_cny BETWEEN 0 AND {MOST_CNY} THEN {{job}}estimate_cny END"
LOST_CNY = f"CASE WHEN {{job}}lost_cny BETWEEN 0 AND {MOST_CNY} THEN {{job}}lost_cny ELSE 0 END"
_PAID = ", ".join(f"'{state}'" for state in PAID_STATES)
# A failed job with an answer was executed, and what came of it could not be used.
MAYBE_BILLED = f"(({CHARGED_CNY}) IS NULL AND ({{job}}state IN ({_PAID}) OR ({{job}}state = 'failed' AND {{job}}answer IS NOT NULL)))"
MAYBE_CNY = f"({LOST_CNY}) + CASE WHEN {MAYBE_BILLED} THEN COALESCE({ESTIMATE_CNY}, 0) ELSE 0 END"
"""What a job may have cost at most beside what is known."""
COUNTED_CNY = f"COALESCE({CHARGED_CNY}, 0) + {MAYBE_CNY}"
"""What counts against a budget: real costs, else estimates, and what lost answers may have cost."""
# An older version kept NaN as it came, which SQLite calls malformed. Text compares as more than any number.
_ANSWERED = ", ".join(
    f"CASE WHEN json_valid({{job}}answer) AND json_extract({{job}}answer, '$.usage.{name}') BETWEEN 0 AND {MOST_UNITS}"
    f" THEN json_extract({{job}}answer, '$.usage.{name}') END"
    for name in _FIGURES
)
_PLANNED = (
    f"CASE WHEN json_valid({{job}}prepared) AND json_extract({{job}}prepared, '$.units') BETWEEN 0 AND {MOST_UNITS}"
    " THEN json_extract({job}prepared, '$.units') END"
)
UNITS = f"CASE WHEN ({CHARGED_CNY}) > 0 THEN COALESCE({_ANSWERED}, {_PLANNED}, 0) ELSE 0 END"
"""How many units (pictures, seconds, characters, tokens) were billed."""
SENT_S = "COALESCE({job}sent_server_s, {job}sent_at_s)"
_PAID_FOR_S = "COALESCE({job}ended_at_s, {job}sent_at_s, {job}created_at_s)"


def nano(cny: str) -> str:
    """Return SQL for whole billionths of an amount."""
    return f"CAST(ROUND(({cny}) * {NANO}) AS INTEGER)"


def quarter(seconds: str) -> str:
    """Return SQL for the quarter of an hour a moment is in."""
    return f"CAST({seconds} / {QUARTER_S} AS INTEGER)"


class _Sum:
    """A table of sums: what tells its rows apart, what it adds up, which jobs count and which columns that is made of."""

    def __init__(self, table: str, keys: dict[str, str], sums: dict[str, str], where: str, columns: str) -> None:
        self.table = table
        self._keys, self.sums, self._where = keys, sums, where
        self._columns = columns.split()

    def statements(self) -> Iterator[str]:
        keys, sums = ", ".join(self._keys), ", ".join(f"{name} INTEGER NOT NULL" for name in self.sums)
        kinds = ", ".join(f"{key} {'INTEGER' if key == 'quarter' else 'TEXT'} NOT NULL" for key in self._keys)
        yield f"CREATE TABLE {self.table} ({kinds}, {sums}, PRIMARY KEY ({keys})) WITHOUT ROWID"
        differs = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in self._columns)
        for event, when, versions in (
            ("INSERT", "", (("NEW.", "+"),)),
            ("DELETE", "", (("OLD.", "-"),)),
            (f"UPDATE OF {', '.join(self._columns)}", f" WHEN {differs}", (("OLD.", "-"), ("NEW.", "+"))),
        ):
            changes = " ".join(self._change(job, sign) for job, sign in versions)
            name = f"{self.table}_{event.split()[0].lower()}"
            yield f"CREATE TRIGGER {name} AFTER {event} ON jobs{when} BEGIN {changes} END"

    def _change(self, job: str, sign: str) -> str:
        values = ", ".join([*self._keys.values(), *(f"{sign}({value})" for value in self.sums.values())])
        added = ", ".join(f"{name} = {name} + excluded.{name}" for name in self.sums)
        return (
            f"INSERT INTO {self.table} SELECT {values} WHERE {self._where}"
            f" ON CONFLICT ({', '.join(self._keys)}) DO UPDATE SET {added};"
        ).format(job=job)

    def added_up(self) -> str:
        """Return SQL that adds up the jobs that are there already."""
        values = ", ".join(
            [*self._keys.values(), *(f"CAST(TOTAL({value}) AS INTEGER)" for value in self.sums.values())]
        )
        groups = ", ".join(str(number + 1) for number in range(len(self._keys)))
        return f"SELECT {values} FROM jobs WHERE {self._where} GROUP BY {groups}".format(job="")  # noqa: S608


_RUN = "COALESCE({job}run, '')"
SUMS = (
    _Sum(
        "counted_sums",
        {"account": "{job}account", "quarter": quarter(SENT_S), "run": _RUN},
        {"nano_cny": nano(COUNTED_CNY)},
        f"{{job}}sent_at_s IS NOT NULL AND ({COUNTED_CNY}) > 0",
        "account run sent_at_s sent_server_s state charged_cny estimate_cny lost_cny answer",
    ),
    _Sum(
        "charged_sums",
        {"account": "{job}account", "quarter": quarter(_PAID_FOR_S), "model": "{job}model", "run": _RUN},
        {"nano_cny": nano(CHARGED_CNY), "milli_units": f"CAST(ROUND(({UNITS}) * 1000) AS INTEGER)"},
        f"({CHARGED_CNY}) > 0",
        "account run model ended_at_s sent_at_s created_at_s charged_cny answer prepared",
    ),
    _Sum(
        "maybe_sums",
        {"account": "{job}account"},
        {
            "lost_nano_cny": nano(LOST_CNY),
            "nano_cny": nano(MAYBE_CNY),
            "unpriced": f"{MAYBE_BILLED} AND ({ESTIMATE_CNY}) IS NULL",
        },
        f"({LOST_CNY}) > 0 OR {MAYBE_BILLED}",
        "account state charged_cny estimate_cny lost_cny answer",
    ),
)


def _script(statements: Iterable[str]) -> str:
    return "".join(f"{statement};\n" for statement in statements)


SUMS_SCHEMA = _script(
    [
        *(statement for each in SUMS for statement in each.statements()),
        "CREATE INDEX counted_sums_by_run ON counted_sums (account, run, nano_cny)",
    ]
)
ADD_UP = _script(f"INSERT INTO {each.table} {each.added_up()}" for each in SUMS)
