"""Requests of the command line → ready to send, or why they are not: the same checks as of a batch."""

from __future__ import annotations

from collections.abc import Iterable

from bailian.batch.input.batch_row import BatchRow
from bailian.batch.single import CheckRules, ready
from bailian.catalog import Catalog
from bailian.cli.args.options import SharedOptions
from bailian.config.settings import Settings
from bailian.types import Prepared


def checked(
    rows: Iterable[BatchRow], common: SharedOptions, here: Settings, models: Catalog, *, upload: bool = False
) -> list[Prepared]:
    """Return requests that are ready to send; `upload` sends local files by upload whatever their size.

    Raises:
        InvalidRequest: one of them is wrong, or would be adapted although `--strict` was given.
        BudgetExceeded: they may cost too much, or nobody knows what.
    """
    rules = CheckRules(common.max_cost_cny, common.strict, common.wait, upload, exact_cost=common.dry_run)
    return ready(rows, rules, here, models)
