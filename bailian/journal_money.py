"""What jobs have cost, and what they may have cost: one reading of it for the ledger, the budgets and the quotas.

A charge is known, or it is not: NULL, and whatever an older version read out of an answer (-140,000, Infinity). An
unknown one is never nothing: what was sent, or has an answer, may be billed with its estimate.
"""

from __future__ import annotations

from typing import NamedTuple

from bailian.database import Database
from bailian.journal_rows import PAID_STATES

MOST_CNY = 1e9
MOST_UNITS = 1e12
CHARGED_CNY = f"CASE WHEN charged_cny BETWEEN 0 AND {MOST_CNY} THEN charged_cny END"
"""SQL: what a job has cost, or NULL where that is not known."""
_ESTIMATE_CNY = f"CASE WHEN estimate_cny BETWEEN 0 AND {MOST_CNY} THEN estimate_cny END"
_PAID_STATES = ", ".join(f"'{state}'" for state in PAID_STATES)
# A failed job with an answer was executed, and what came of it could not be used.
_MAYBE_BILLED = f"({CHARGED_CNY}) IS NULL AND (state IN ({_PAID_STATES}) OR (state = 'failed' AND answer IS NOT NULL))"
MAYBE_CNY = f"lost_cny + CASE WHEN {_MAYBE_BILLED} THEN COALESCE({_ESTIMATE_CNY}, 0) ELSE 0 END"
"""SQL: what a job may have cost at most beside what is known."""
COUNTED_CNY = f"COALESCE({CHARGED_CNY}, 0) + {MAYBE_CNY}"
"""SQL: what counts against a budget: real costs, else estimates, and what lost answers may have cost."""
MAY_COUNT = f"(state IN ({_PAID_STATES}, 'failed') OR charged_cny > 0 OR lost_cny > 0)"
"""SQL: whether a job may count at all."""


class Maybe(NamedTuple):
    """What may have been billed beyond what is known."""

    cny: float
    unpriced: int
    """Requests among them whose price is not known either."""


def maybe_cny(database: Database, account: str) -> Maybe:
    """Return what requests may have cost at most whose bill is not known: running, held, lost, or answered absurdly."""
    (row,) = database.read(
        f"SELECT TOTAL({MAYBE_CNY}) AS cny, TOTAL({_MAYBE_BILLED} AND ({_ESTIMATE_CNY}) IS NULL) AS unpriced"  # noqa: S608
        " FROM jobs WHERE account = ?",
        (account,),
    )
    return Maybe(float(row["cny"]), int(row["unpriced"]))


def spent_cny(database: Database, account: str) -> list[tuple[str, str, str, float]]:
    """Return (day, model, batch or chat, CNY) of what was charged, newest day first."""
    rows = database.read(
        "SELECT date(ended_at_s, 'unixepoch', 'localtime') AS day, model, COALESCE(run, '') AS run,"  # noqa: S608
        f" SUM({CHARGED_CNY}) AS cny FROM jobs WHERE account = ? AND ({CHARGED_CNY}) > 0"
        " GROUP BY day, model, run ORDER BY day DESC, model, run",
        (account,),
    )
    return [(row["day"], row["model"], row["run"], row["cny"]) for row in rows]


_FIGURES = ("total_tokens", "characters", "image_count", "duration")


def used(database: Database, account: str) -> dict[str, float]:
    """Return how many units (pictures, seconds, characters, tokens) were billed, by model.

    An older version kept NaN as it came, which SQLite calls malformed: such an answer is passed over.
    """
    extracted = ", ".join(
        f"CASE WHEN json_valid(answer) THEN json_extract(answer, '$.usage.{name}') END AS {name}" for name in _FIGURES
    )
    # Text compares as more than any number, and so is none. `LIMIT -1`: each is extracted once, not at each use.
    figures = ", ".join(f"CASE WHEN {name} BETWEEN 0 AND {MOST_UNITS} THEN {name} END" for name in _FIGURES)
    rows = database.read(
        f"SELECT model, TOTAL(COALESCE({figures}, units)) AS used FROM (SELECT model, {extracted},"  # noqa: S608
        " CASE WHEN json_valid(prepared) THEN json_extract(prepared, '$.units') END AS units"
        f" FROM jobs WHERE account = ? AND ({CHARGED_CNY}) > 0 LIMIT -1) GROUP BY model",
        (account,),
    )
    return {row["model"]: row["used"] for row in rows}
