"""`bailian cost`: what was spent, by day, model and batch; beside it the free quotas and the budgets."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from bailian.cli.account import with_account
from bailian.cli.args.options import verbosity_options
from bailian.config.settings import Settings
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.store.jobs import Journal

UNITS_ZH = {"image": "张", "second": "秒", "character": "字符", "token": "token"}


@dataclass(frozen=True)
class FreeQuota:
    """What a model gives away, and how much of it was used from here."""

    model: str
    used: float
    free_quota: float
    unit: str


@dataclass(frozen=True)
class BudgetUse:
    """A budget, and what counts against it now."""

    name: str
    limit_cny: float
    used_cny: float


@click.command(
    help=tr(
        "Show what was spent, by day, model and batch, with free quotas and budgets.",
        "按日期、模型和批次显示费用，以及免费额度与预算。",
    )
)
@verbosity_options
@with_account
def cost(here: Settings, as_json: bool, **_talk: bool) -> None:
    from bailian.cli.output.columns import print_table
    from bailian.cli.output.terminal import money, print_err, print_json
    from bailian.store.jobs import Journal

    here.require_key()
    with closing(Journal(here.home)) as journal:
        spent = journal.spent_cny(here.account)
        lost_cny, maybe = round(journal.lost_cny(here.account), 6), journal.maybe_cny(here.account)
        quotas, budgets = _quotas(journal, here), _budgets(journal, here)
    rows: list[dict[str, Any]] = [
        {"day": day, "model": model, "run": run, "cny": round(cny, 6)} for day, model, run, cny in spent
    ]
    total_cny = round(sum(row["cny"] for row in rows), 6)
    if as_json:
        unknown = {
            "lost_at_most": lost_cny,
            "maybe_at_most": round(maybe.cny, 6),
            "maybe_unpriced": maybe.missing_prices,
        }
        told = {
            "total": total_cny,
            "spent": rows,
            **unknown,
            "quotas": [asdict(one) for one in quotas],
            "budgets": [asdict(one) for one in budgets],
        }
        print_json({"currency": "CNY", **told})
        return
    if rows:
        total = {"day": tr("total", "合计"), "model": "", "run": "", "cny": total_cny}
        print_table([{**row, "run": _run_title(row["run"]), "cny": money(row["cny"])} for row in (*rows, total)])
    else:
        print_err(tr("nothing was spent", "没有费用"))
    if maybe.cny:
        print_err(
            tr(
                f"requests whose bill is not known (running, held, answers lost) may have cost up to {money(maybe.cny)} CNY more",
                f"账单未知的请求（运行中、待确认或回答丢失）可能另外产生最多 {money(maybe.cny)} 元费用",
            )
        )
    if maybe.missing_prices:
        print_err(
            tr(
                f"requests of unknown price that may be billed, too: {maybe.missing_prices}",
                f"另有价格未知、可能计费的请求：{maybe.missing_prices} 个",
            )
        )
    for quota in quotas:
        used, free, unit = _amount(quota.used), _amount(quota.free_quota), quota.unit
        print_err(
            tr(
                f"{quota.model}: {used} of {free} free {unit}s used here",
                f"{quota.model}：本机已用 {used}，免费额度 {free}（{UNITS_ZH.get(unit, unit)}）",
            )
        )
    from bailian.store.budgets import Budget

    for budget in budgets:
        used, limit = money(budget.used_cny), money(budget.limit_cny)
        name = Budget(budget.limit_cny, budget.name).title
        print_err(tr(f"budget of the {name}: {used} of {limit} CNY", f"{name}预算：{used} / {limit} 元"))


def _amount(units: float) -> str:
    """Return a number as people write it: thousands apart, no exponent, a hundredth at the finest."""
    whole, _, fraction = f"{units:,.2f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _run_title(run: str) -> str:
    """Return a batch's name as it is shown: `-` in a folder is stdin."""
    return f"{run.removesuffix('-')}stdin" if run.startswith("batch:") and run.endswith(("/-", "\\-", ":-")) else run


def _quotas(journal: Journal, here: Settings) -> list[FreeQuota]:
    """Return the free quotas of the models that were used. How much of one is left, only the console knows."""
    from bailian.catalog import catalog
    from bailian.config import settings

    models = catalog.load(settings.home_folder())
    units = {"1k_tokens": "token", "10k_characters": "character"}
    return [
        FreeQuota(name, used, free_quota, units.get(models[name].price_unit, models[name].price_unit))
        for name, used in journal.used(here.account).items()
        if name in models and (free_quota := models[name].free_quota)
    ]


def _budgets(journal: Journal, here: Settings) -> list[BudgetUse]:
    return [BudgetUse(one.name, one.limit_cny, journal.reserved_cny(here.account, one)) for one in here.budgets]
