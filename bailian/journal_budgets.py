"""What counts against a budget, asked inside the transaction that reserves the next."""

from __future__ import annotations

import sqlite3

from bailian.errors import BudgetExceeded
from bailian.journal_rows import PAID_STATES, Budget
from bailian.language import say


def check_budget(db: sqlite3.Connection, job_id: str, budget: Budget, now_s: float) -> None:
    """Compare what was spent or may be with the limit, inside the transaction that reserves the next."""
    account, estimate_cny = db.execute("SELECT account, estimate_cny FROM jobs WHERE id = ?", (job_id,)).fetchone()
    spent_cny = counted_cny(db, account, budget, now_s, but=job_id)
    named = {"day": "当日", "month": "当月", "run": "本批次"}[budget.name]
    if estimate_cny is None:
        text = say(
            f"what this costs is not known before, so the budget of the {budget.name} cannot be kept",
            f"该请求的费用无法事先得知，无法保证{named}预算",
        )
    elif spent_cny + estimate_cny > budget.limit_cny + 1e-9:
        text = say(
            f"the budget of the {budget.name} is {budget.limit_cny:g} CNY: {spent_cny:g} are spent or reserved, "
            f"this may cost {estimate_cny:g}",
            f"{named}预算为 {budget.limit_cny:g} 元：已用或预留 {spent_cny:g} 元，该请求可能需要 {estimate_cny:g} 元",
        )
    else:
        return
    raise BudgetExceeded(
        text,
        advice=say(
            "nothing more is sent; raise the budget, or run the command again when the next one begins",
            "不再发送请求；请提高预算，或在下一个预算周期重新运行",
        ),
    )


def counted_cny(db: sqlite3.Connection, account: str, budget: Budget, now_s: float, but: str = "") -> float:
    """Return what counts against a budget (real costs, else estimates), but for one job."""
    marks = ", ".join("?" * len(PAID_STATES))
    (spent_cny,) = db.execute(
        "SELECT TOTAL(COALESCE(charged_cny, CASE WHEN state = 'failed' THEN 0 ELSE estimate_cny END)) FROM jobs"  # noqa: S608
        f" WHERE account = ? AND sent_at_s >= ? AND (state IN ({marks}) OR charged_cny > 0) AND id <> ?"
        + (" AND run = ?" if budget.run else ""),
        (account, budget.since_s(now_s), *PAID_STATES, but, *((budget.run,) if budget.run else ())),
    ).fetchone()
    return float(spent_cny)
