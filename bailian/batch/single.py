"""Requests that are no file's rows, checked as rows are: those of the command line, of Python and of agents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bailian.batch.default_fields import DefaultFields
from bailian.batch.findings import Findings
from bailian.batch.input.batch_row import BatchRow
from bailian.batch.plan import Planned, planned
from bailian.catalog import Catalog, Mode
from bailian.config.settings import Settings
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.inputs.lookup import Inputs
from bailian.modalities import refine_estimate
from bailian.store.budgets import Budget
from bailian.types import Prepared


@dataclass(frozen=True)
class CheckRules:
    """What is asked of requests beside what their models ask."""

    max_cost_cny: float | None = None
    strict: bool = False
    wait: bool = True
    upload: bool = False
    """Local files go by upload whatever their size."""
    exact_cost: bool = False
    """The cost is shown: it is counted as well as it can be, which may take a second."""
    budgets: tuple[Budget, ...] = ()
    """What it must fit into beside the account's own."""


def ready(rows: Iterable[BatchRow], rules: CheckRules, here: Settings, models: Catalog) -> list[Prepared]:
    """Return requests that are ready to send.

    Raises:
        InvalidRequest: one of them is wrong, or would be adapted although that is forbidden.
        BudgetExceeded: they may cost too much, or nobody knows what.
    """
    inputs, found, checked = Inputs(here.home), Findings(), []
    defaults = DefaultFields(here.defaults)
    for row in rows:
        prepared = planned(row, models, here.region, inputs, defaults).prepared
        if rules.exact_cost or rules.budgets or rules.max_cost_cny is not None:
            prepared = refine_estimate(prepared)
        if rules.max_cost_cny is not None:
            prepared = replace(prepared, context=replace(prepared.context, single_attempt=True))
        checked.append(replace(prepared, upload=True) if rules.upload else prepared)
        found.add(Planned(row, prepared))
    if not rules.wait:
        _check_wait(checked)
    if rules.strict:
        found.refuse_adapted()
    own = [] if rules.max_cost_cny is None else [Budget(rules.max_cost_cny, "request")]
    found.refuse_cost([*own, *rules.budgets, *here.budgets])
    return checked


def _check_wait(checked: Iterable[Prepared]) -> None:
    for one in checked:
        if one.model.mode != Mode.TASK:
            raise InvalidRequest.one(
                "no-wait",
                tr(
                    f"{one.model.name} answers with the result itself: there is no task to fetch later",
                    f"{one.model.name} 直接返回结果，没有可供稍后取回的任务",
                ),
                advice=tr("leave --no-wait out", "请去掉 --no-wait"),
            )
