"""What counts against a budget, asked inside the transaction that reserves the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bailian.errors import BudgetExceeded
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.backends.database import Statements
from bailian.store.sums import COUNTED_CNY, NANO, QUARTER_S, SENT_S, nano, quarter


@dataclass(frozen=True)
class Budget:
    """What may be spent in a calendar day or month here, by one batch, or by one request."""

    limit_cny: float
    name: str
    """"day", "month", "run" or "request"."""
    run: str | None = None

    def since_s(self, now_s: float) -> float:
        """Return when its time began, in seconds since the epoch."""
        today = datetime.fromtimestamp(now_s).replace(hour=0, minute=0, second=0, microsecond=0)
        begins = {"day": today, "month": today.replace(day=1)}.get(self.name)
        return begins.timestamp() if begins else 0.0

    @property
    def title(self) -> str:
        """Return the name in the user's language."""
        return tr(self.name, {"day": "当日", "month": "当月", "run": "本批次", "request": "本次请求"}[self.name])

    @property
    def is_of_an_option(self) -> bool:
        """Return whether it was given with the command, and not in the settings."""
        return self.name in ("run", "request")


def no_room(budget: Budget, spent_cny: float, cost_cny: float) -> BudgetExceeded:
    """Return what is said of a request that does not fit into a budget."""
    advice = tr(
        "nothing more is sent; raise the budget, or run the command again when the next one begins",
        "不再发送请求；请提高预算，或在下一个预算周期重新运行",
    )
    if budget.is_of_an_option:
        option = how_to().cost_limit()
        advice = tr(f"raise {option}, or ask for less", f"请提高 {option}，或减少请求的数量")
    # No exponent, no zeros at the end: a short text costs 0.00008.
    limit, spent, cost = (f"{cny:.8f}".rstrip("0").rstrip(".") for cny in (budget.limit_cny, spent_cny, cost_cny))
    return BudgetExceeded(
        tr(
            f"the budget of the {budget.title} is {limit} CNY: {spent} are spent or reserved, this may cost {cost}",
            f"{budget.title}预算为 {limit} 元：已用或预留 {spent} 元，该请求可能需要 {cost} 元",
        ),
        advice=advice,
    )


def cost_unknown(budget: Budget, what: str) -> BudgetExceeded:
    """Return what is said of requests (`what`: a model, a file with its rows) whose cost nobody knows."""
    variable, key = f"BAILIAN_{budget.name.upper()}_BUDGET_CNY", f"`{budget.name}_cny`"
    without = tr(f"leave {variable} or {key} in settings.toml out", f"请去掉 {variable} 或 settings.toml 中的 {key}")
    if budget.is_of_an_option:
        without = tr(f"leave {how_to().cost_limit()} out", f"请去掉 {how_to().cost_limit()}")
    return BudgetExceeded(
        tr(
            f"the budget of the {budget.title} cannot be kept, so nothing is sent; cost not known before: {what}",
            f"无法保证{budget.title}预算，未发送请求；费用无法事先得知：{what}",
        ),
        advice=tr(
            f"{without}, or put `price_cny` into the user's models.toml",
            f"{without}，或在用户的 models.toml 中填写 price_cny",
        ),
    )


def check_budget(db: Statements, job_id: str, budget: Budget, now_s: float) -> None:
    """Compare what was spent or may be with the limit, inside the transaction that reserves the next."""
    account, model, estimate_cny, lost_cny = db.execute(
        "SELECT account, model, estimate_cny, lost_cny FROM jobs WHERE id = ?", (job_id,)
    ).fetchone()
    if estimate_cny is None:
        raise cost_unknown(budget, model)
    spent_cny = counted_cny(db, account, budget, now_s, but=job_id) + lost_cny
    if spent_cny + estimate_cny > budget.limit_cny + 1e-9:
        raise no_room(budget, spent_cny, estimate_cny)


def hold_money(db: Statements, account: str) -> None:
    """Let nobody else reserve money of an account until this transaction is over; what is read from now on stays so.

    Whoever sends a request changes this row: they come one after the other.
    """
    db.execute(
        "INSERT INTO maybe_sums (account, lost_nano_cny, nano_cny, unpriced) VALUES (?, 0, 0, 0)"
        " ON CONFLICT (account) DO UPDATE SET nano_cny = maybe_sums.nano_cny",
        (account,),
    )


def counted_cny(db: Statements, account: str, budget: Budget, now_s: float, but: str = "") -> float:
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
            f"SELECT TOTAL({nano(COUNTED_CNY, db.dialect)}) FROM jobs WHERE id = ? AND sent_at_s IS NOT NULL"  # noqa: S608
            f" AND account = ? AND {quarter(SENT_S, db.dialect)} >= ?{of_run}".format(job=""),
            (but, *values),
        ).fetchone()
        nano_cny -= own_nano_cny
    return float(nano_cny / NANO)
