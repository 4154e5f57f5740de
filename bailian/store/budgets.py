"""What counts against a budget, asked inside the transaction that reserves the next."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from bailian.errors import BudgetExceeded
from bailian.i18n import tr
from bailian.store.sums import COUNTED_CNY, NANO, QUARTER_S, SENT_S, nano, quarter


@dataclass(frozen=True)
class Budget:
    """What may be spent in a calendar day or month here, or by one batch."""

    limit_cny: float
    name: str
    """"day", "month" or "run"."""
    run: str | None = None

    def since_s(self, now_s: float) -> float:
        """Return when its time began, in seconds since the epoch."""
        today = datetime.fromtimestamp(now_s).replace(hour=0, minute=0, second=0, microsecond=0)
        begins = {"day": today, "month": today.replace(day=1)}.get(self.name)
        return begins.timestamp() if begins else 0.0

    @property
    def title(self) -> str:
        """Return the name in the user's language."""
        return budget_title(self.name)


def budget_title(name: str) -> str:
    """Return "day", "month" or "run" in the user's language."""
    return tr(name, {"day": "当日", "month": "当月", "run": "本批次"}[name])


def cost_unknown(name: str) -> str:
    """Return why a budget keeps a request from being sent whose cost nobody knows."""
    title = budget_title(name)
    return tr(
        f"what this costs is not known before, so the budget of the {title} cannot be kept",
        f"该请求的费用无法事先得知，无法保证{title}预算",
    )


def check_budget(db: sqlite3.Connection, job_id: str, budget: Budget, now_s: float) -> None:
    """Compare what was spent or may be with the limit, inside the transaction that reserves the next."""
    account, estimate_cny, lost_cny = db.execute(
        "SELECT account, estimate_cny, lost_cny FROM jobs WHERE id = ?", (job_id,)
    ).fetchone()
    spent_cny = counted_cny(db, account, budget, now_s, but=job_id) + lost_cny
    if estimate_cny is None:
        text = cost_unknown(budget.name)
    elif spent_cny + estimate_cny > budget.limit_cny + 1e-9:
        text = tr(
            f"the budget of the {budget.title} is {budget.limit_cny:g} CNY: {spent_cny:g} are spent or reserved, "
            f"this may cost {estimate_cny:g}",
            f"{budget.title}预算为 {budget.limit_cny:g} 元：已用或预留 {spent_cny:g} 元，该请求可能需要 {estimate_cny:g} 元",
        )
    else:
        return
    advice = tr(
        "nothing more is sent; raise the budget, or run the command again when the next one begins",
        "不再发送请求；请提高预算，或在下一个预算周期重新运行",
    )
    if estimate_cny is None:
        advice = tr(
            "nothing is sent; put `price_cny` into the user's models.toml, or leave the budget out",
            "不发送请求；请在用户的 models.toml 中填写 price_cny，或去掉预算",
        )
    raise BudgetExceeded(text, advice=advice)


def counted_cny(db: sqlite3.Connection, account: str, budget: Budget, now_s: float, but: str = "") -> float:
    """Return what counts against a budget (real costs, else estimates, and what lost answers may have cost), but for
    one job."""
    since = int(budget.since_s(now_s) // QUARTER_S)
    of_run = " AND run = ?" if budget.run else ""
    values = (account, since, *((budget.run,) if budget.run else ()))
    (nano_cny,) = db.execute(
        f"SELECT TOTAL(nano_cny) FROM counted_sums WHERE account = ? AND quarter >= ?{of_run}",  # noqa: S608
        values,
    ).fetchone()
    if but:
        (own_nano_cny,) = db.execute(
            f"SELECT TOTAL({_OWN_NANO_CNY}) FROM jobs WHERE id = ? AND sent_at_s IS NOT NULL AND account = ?"  # noqa: S608
            f" AND {_OWN_QUARTER} >= ?{of_run}",
            (but, *values),
        ).fetchone()
        nano_cny -= own_nano_cny
    return float(nano_cny / NANO)


_OWN_NANO_CNY = nano(COUNTED_CNY).format(job="")
_OWN_QUARTER = quarter(SENT_S).format(job="")
