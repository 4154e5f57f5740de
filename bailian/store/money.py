"""What jobs have cost, and what they may have cost: one reading of it for the ledger, the budgets and the quotas.

A charge is known, or it is not: NULL, and whatever an older version read out of an answer (-140,000, Infinity). An
unknown one is never nothing: what was sent, or has an answer, may be billed with its estimate. All of it is read from
the sums, see `sums`.
"""

from __future__ import annotations

from typing import NamedTuple

from bailian.store.database import Database
from bailian.store.sums import NANO, QUARTER_S


class Maybe(NamedTuple):
    """What may have been billed beyond what is known."""

    cny: float
    missing_prices: int
    """Requests among them whose price is not known either."""


def maybe_cny(database: Database, account: str) -> Maybe:
    """Return what requests may have cost at most whose bill is not known: running, held, lost, or answered absurdly."""
    rows = database.read("SELECT nano_cny, unpriced FROM maybe_sums WHERE account = ?", (account,))
    return Maybe(rows[0]["nano_cny"] / NANO, int(rows[0]["unpriced"])) if rows else Maybe(0.0, 0)


def lost_cny(database: Database, account: str) -> float:
    """Return what answers that were lost may have cost at most, beside what was charged."""
    rows = database.read("SELECT lost_nano_cny FROM maybe_sums WHERE account = ?", (account,))
    return float(rows[0]["lost_nano_cny"] / NANO) if rows else 0.0


def spent_cny(database: Database, account: str) -> list[tuple[str, str, str, float]]:
    """Return (day, model, batch or chat, CNY) of what was charged, newest day first."""
    rows = database.read(
        f"SELECT date(quarter * {QUARTER_S}, 'unixepoch', 'localtime') AS day, model, run, TOTAL(nano_cny) AS nano_cny"  # noqa: S608
        " FROM charged_sums WHERE account = ? AND nano_cny > 0"
        " GROUP BY day, model, run ORDER BY day DESC, model, run",
        (account,),
    )
    return [(row["day"], row["model"], row["run"], row["nano_cny"] / NANO) for row in rows]


def used(database: Database, account: str) -> dict[str, float]:
    """Return how many units (pictures, seconds, characters, tokens) were billed, by model."""
    rows = database.read(
        "SELECT model, TOTAL(milli_units) / 1000 AS used FROM charged_sums WHERE account = ? AND nano_cny > 0"
        " GROUP BY model",
        (account,),
    )
    return {row["model"]: row["used"] for row in rows}
