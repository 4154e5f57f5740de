"""`bailian cost`: what was spent, by day, model and batch; beside it the free quotas and the budgets."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from bailian.cli.account import with_account
from bailian.cli.args.options import option, verbosity_options
from bailian.cli.args.times import SINCE
from bailian.cli.help.help_command import HelpCommand
from bailian.config.settings import Settings
from bailian.errors import BailianError
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.store.job_queries import Spent
    from bailian.store.jobs import Journal

SUMMED_BY = ("model", "day", "profile", "file")
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
    cls=HelpCommand,
    examples=(
        ("--since 30d --by model", "--since 30d --by model"),
        ("--by day --json", "--by day --json"),
    ),
    help=tr(
        "Show what was spent, by day, model and batch, with free quotas and budgets.",
        "按日期、模型和批次显示费用，以及免费额度与预算。",
    ),
)
@option("--since since_s TIME", "7d, 12h, 2w, or 2026-11-01.", "7d、12h、2w 或 2026-11-01。", type=SINCE)
@option(
    "--by",
    "One line a model, day, profile or batch file.",
    "按模型、日期、配置（profile）或批量文件汇总。",
    type=click.Choice(SUMMED_BY),
)
@verbosity_options
@with_account
def cost(here: Settings, since_s: float | None, by: str | None, as_json: bool, **_talk: bool) -> None:
    from bailian.cli.output.columns import print_table
    from bailian.cli.output.terminal import money, print_err, print_json
    from bailian.store.job_queries import Maybe
    from bailian.store.jobs import Journal

    with closing(Journal(here.journal)) as journal:
        spent = _spent(journal, here, since_s)
        accounts = sorted({one.account for one in spent} | {here.account})
        lost_cny = round(sum(journal.lost_cny(account) for account in accounts), 6)
        maybe = Maybe(*map(sum, zip(*(journal.maybe_cny(account) for account in accounts), strict=True)))
        quotas, budgets = _quotas(journal, here), _budgets(journal, here)
    rows: list[dict[str, Any]] = (
        _summed(spent, by, here)
        if by
        else [{"day": one.day, "model": one.model, "run": one.run, "cny": round(one.cny, 6)} for one in spent]
    )
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
        total = {**dict.fromkeys(rows[0], ""), next(iter(rows[0])): tr("total", "合计"), "cny": total_cny}
        shown = [{**row, "cny": money(row["cny"])} for row in (*rows, total)]
        print_table([{**row, "run": _run_title(row["run"])} if "run" in row else row for row in shown])
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


def _spent(journal: Journal, here: Settings, since_s: float | None) -> list[Spent]:
    """Return what was charged: under the key that is chosen, or without one under every key of this machine."""
    account = here.account if here.api_key is not None else None
    return journal.spent_cny(account, since_s)


def _summed(spent: Sequence[Spent], by: str, here: Settings) -> list[dict[str, Any]]:
    """Return one row a day, model, file or profile, the dearest first (days: the newest)."""
    names = _profiles(here) if by == "profile" else {}
    sums: dict[str, float] = {}
    for one in spent:
        name = {"day": one.day, "model": one.model, "file": one.run, "profile": names.get(one.account, one.account)}[by]
        sums[name] = sums.get(name, 0.0) + one.cny
    order = sorted(sums.items(), key=lambda pair: pair[0] if by == "day" else pair[1], reverse=True)
    return [{by: _file_title(name) if by == "file" else name, "cny": round(cny, 6)} for name, cny in order]


def _file_title(run: str) -> str:
    """Return a batch's file, a chat's name, or that it was neither."""
    return _run_title(run).removeprefix("batch:") if run else tr("single requests", "单个请求")


def _profiles(here: Settings) -> dict[str, str]:
    """Return the names of accounts whose key this machine knows; the one that is asked with counts as "default"."""
    from bailian.config.home import home_folder
    from bailian.config.settings import read_settings
    from bailian.config.settings_file import read_settings_file
    from bailian.config.user_defaults import profile_names

    home = home_folder()
    known = {here.account: here.profile or tr("default", "默认")} if here.api_key else {}
    for name in profile_names(read_settings_file(home), home):
        with suppress(BailianError):  # a key file that is gone: its account keeps its number
            there = read_settings(profile=name)
            if there.api_key is not None:
                known.setdefault(there.account, name)
    return known


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
