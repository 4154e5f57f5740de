"""Requests of the command line → ready to send, or why they are not: the same checks as of a batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bailian.batch.default_fields import DefaultFields
from bailian.batch.findings import Findings
from bailian.batch.input.rows import BatchRow
from bailian.batch.plan import Planned, planned
from bailian.catalog import Catalog, Mode
from bailian.cli.args.options import SharedOptions
from bailian.config.settings import Settings
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.inputs.lookup import Inputs
from bailian.modalities import refine_estimate
from bailian.store.budgets import Budget
from bailian.types import Prepared


def checked(
    rows: Iterable[BatchRow], common: SharedOptions, here: Settings, models: Catalog, *, upload: bool = False
) -> list[Prepared]:
    """Return requests that are ready to send; `upload` sends local files by upload whatever their size.

    Raises:
        InvalidRequest: one of them is wrong, or would be adapted although `--strict` was given.
        BudgetExceeded: they may cost too much, or nobody knows what.
    """
    inputs, found, ready = Inputs(here.home), Findings(), []
    defaults = DefaultFields(here.defaults)
    for row in rows:
        prepared = planned(row, models, here.region, inputs, defaults).prepared
        if common.dry_run or common.max_cost_cny is not None:
            prepared = refine_estimate(prepared)
        if common.max_cost_cny is not None:
            prepared = replace(prepared, context=replace(prepared.context, single_attempt=True))
        ready.append(replace(prepared, upload=True) if upload else prepared)
        found.add(Planned(row, prepared))
    if not common.wait:
        _check_wait(ready)
    if common.strict:
        found.refuse_adapted()
    limits_cny = [] if common.max_cost_cny is None else [common.max_cost_cny]
    found.refuse_cost([*(Budget(limit_cny, "request") for limit_cny in limits_cny), *here.budgets])
    return ready


def _check_wait(ready: Iterable[Prepared]) -> None:
    for one in ready:
        if one.model.mode != Mode.TASK:
            raise InvalidRequest.one(
                "no-wait",
                tr(
                    f"{one.model.name} answers with the result itself: there is no task to fetch later",
                    f"{one.model.name} 直接返回结果，没有可供稍后取回的任务",
                ),
                advice=tr("leave --no-wait out", "请去掉 --no-wait"),
            )
