"""What all jobs have cost together, kept beside them: a million jobs are not added up for one more.

Triggers keep the sums in the transaction that changes a job, whoever changes it: a killed process leaves both or
neither. Money is whole billionths of a CNY here, units are thousandths: what is added and taken away again is exact.

A charge is known, or it is not: NULL, and whatever an older version read out of an answer (-140,000, Infinity). An
unknown one is never nothing: what was sent, or has an answer, may be billed with its estimate.

Times are whole quarters of an hour since the epoch: every time zone's day begins with one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bailian.store.backends.dialects import SQLITE, Dialect

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
SENT_S = "COALESCE({job}sent_server_s, {job}sent_at_s)"
_PAID_FOR_S = "COALESCE({job}ended_at_s, {job}sent_at_s, {job}created_at_s)"


def nano(cny: str, dialect: Dialect = SQLITE) -> str:
    """Return SQL for whole billionths of an amount."""
    return dialect.rounded(f"({cny}) * {NANO}")


def quarter(seconds: str, dialect: Dialect = SQLITE) -> str:
    """Return SQL for the quarter of an hour a moment is in."""
    return dialect.truncated(f"{seconds} / {QUARTER_S}")


def units(dialect: Dialect = SQLITE) -> str:
    """Return SQL for how many units (pictures, seconds, characters, tokens) were billed."""
    answered = ", ".join(dialect.json_number("{job}answer", "usage", name, most=MOST_UNITS) for name in _FIGURES)
    planned = dialect.json_number("{job}prepared", "units", most=MOST_UNITS)
    return f"CASE WHEN ({CHARGED_CNY}) > 0 THEN COALESCE({answered}, {planned}, 0) ELSE 0 END"


@dataclass(frozen=True)
class Sum:
    """A table of sums: what tells its rows apart, what it adds up, which jobs count and which columns that is made of.

    In the values `{job}` is nothing, or which version of a job's row: `OLD.`, `NEW.`.
    """

    table: str
    keys: Mapping[str, str]
    sums: Mapping[str, str]
    where: str
    columns: tuple[str, ...]
    dialect: Dialect

    def added_up(self) -> str:
        """Return SQL that adds up the jobs that are there already."""
        totals = (self.dialect.truncated(f"TOTAL({value})") for value in self.sums.values())
        values = ", ".join([*self.keys.values(), *totals])
        groups = ", ".join(str(number + 1) for number in range(len(self.keys)))
        return f"SELECT {values} FROM jobs WHERE {self.where} GROUP BY {groups}".format(job="")  # noqa: S608


_RUN = "COALESCE({job}run, '')"


def sums_of(dialect: Dialect) -> tuple[Sum, ...]:
    """Return the tables of sums that a journal has."""
    return (
        Sum(
            "counted_sums",
            {"account": "{job}account", "quarter": quarter(SENT_S, dialect), "run": _RUN},
            {"nano_cny": nano(COUNTED_CNY, dialect)},
            f"{{job}}sent_at_s IS NOT NULL AND ({COUNTED_CNY}) > 0",
            (
                "account",
                "run",
                "sent_at_s",
                "sent_server_s",
                "state",
                "charged_cny",
                "estimate_cny",
                "lost_cny",
                "answer",
            ),
            dialect,
        ),
        Sum(
            "charged_sums",
            {"account": "{job}account", "quarter": quarter(_PAID_FOR_S, dialect), "model": "{job}model", "run": _RUN},
            {"nano_cny": nano(CHARGED_CNY, dialect), "milli_units": dialect.rounded(f"({units(dialect)}) * 1000")},
            f"({CHARGED_CNY}) > 0",
            ("account", "run", "model", "ended_at_s", "sent_at_s", "created_at_s", "charged_cny", "answer", "prepared"),
            dialect,
        ),
        Sum(
            "maybe_sums",
            {"account": "{job}account"},
            {
                "lost_nano_cny": nano(LOST_CNY, dialect),
                "nano_cny": nano(MAYBE_CNY, dialect),
                "unpriced": f"CASE WHEN {MAYBE_BILLED} AND ({ESTIMATE_CNY}) IS NULL THEN 1 ELSE 0 END",
            },
            f"({LOST_CNY}) > 0 OR {MAYBE_BILLED}",
            ("account", "state", "charged_cny", "estimate_cny", "lost_cny", "answer"),
            dialect,
        ),
    )


SUMS = sums_of(SQLITE)


def _statements(each: Sum) -> Iterator[str]:
    """Yield what makes a table of sums in SQLite, and keeps it."""
    keys, sums = ", ".join(each.keys), ", ".join(f"{name} INTEGER NOT NULL" for name in each.sums)
    kinds = ", ".join(f"{key} {'INTEGER' if key == 'quarter' else 'TEXT'} NOT NULL" for key in each.keys)
    yield f"CREATE TABLE {each.table} ({kinds}, {sums}, PRIMARY KEY ({keys})) WITHOUT ROWID"
    differs = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in each.columns)
    for event, when, versions in (
        ("INSERT", "", (("NEW.", "+"),)),
        ("DELETE", "", (("OLD.", "-"),)),
        (f"UPDATE OF {', '.join(each.columns)}", f" WHEN {differs}", (("OLD.", "-"), ("NEW.", "+"))),
    ):
        changes = " ".join(_change(each, job, sign) for job, sign in versions)
        name = f"{each.table}_{event.split()[0].lower()}"
        yield f"CREATE TRIGGER {name} AFTER {event} ON jobs{when} BEGIN {changes} END"


def _change(each: Sum, job: str, sign: str) -> str:
    values = ", ".join([*each.keys.values(), *(f"{sign}({value})" for value in each.sums.values())])
    added = ", ".join(f"{name} = {name} + excluded.{name}" for name in each.sums)
    return (
        f"INSERT INTO {each.table} SELECT {values} WHERE {each.where}"
        f" ON CONFLICT ({', '.join(each.keys)}) DO UPDATE SET {added};"
    ).format(job=job)


def _script(statements: Iterable[str]) -> str:
    return "".join(f"{statement};\n" for statement in statements)


SUMS_SCHEMA = _script(
    [
        *(statement for each in SUMS for statement in _statements(each)),
        "CREATE INDEX counted_sums_by_run ON counted_sums (account, run, nano_cny)",
    ]
)
ADD_UP = _script(f"INSERT INTO {each.table} {each.added_up()}" for each in SUMS)
