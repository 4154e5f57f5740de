"""`--dry-run` of a batch: what the rows that are left are, cost and take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bailian.catalog import catalog
from bailian.cli.args.input_fields import as_sent, input_of
from bailian.cli.args.options import SharedOptions
from bailian.cli.output.terminal import print_json
from bailian.config import settings
from bailian.store.states import Status

if TYPE_CHECKING:
    from bailian.batch.plan import Planned
    from bailian.batch.sync import BatchSpec
    from bailian.config.settings import Settings
    from bailian.store.batches import LastAttempt


def print_plan(
    spec: BatchSpec, over: Mapping[str, Any], here: Settings, common: SharedOptions, *, half_price: bool
) -> None:
    """Print how many rows are left, what they will cost and how long they take. Nothing is sent or written."""
    from bailian.batch.estimate import estimate
    from bailian.batch.input.reader import read_rows
    from bailian.batch.plan import plan
    from bailian.batch.service_batches.line_format import PRICE_SHARE
    from bailian.batch.sync import FileScan, sync_rows

    models, seen = catalog.load(settings.home_folder(), use_successor=common.use_successor), FileScan()
    rows = read_rows(spec.source, spec.kind, models=models, over=over, folder=spec.paths_from)
    planned = plan(
        sync_rows(rows, _sent_before(spec, here), spec, seen),
        models,
        here.region,
        lambda field, word: input_of(field, word, here.home),
        lambda kind, fields, inputs: as_sent(kind, fields, inputs, here.home),
        source=spec.path_title,
    )
    _refuse(planned, spec, here, common)
    shown = estimate(planned)
    if half_price:
        shown = replace(shown, cost=shown.cost.discounted("text", PRICE_SHARE))
    print_json({"dry_run": True, "to_run": len(planned), "done": seen.done, **shown.to_json()})


def _sent_before(spec: BatchSpec, here: Settings) -> dict[str, LastAttempt]:
    """Return the newest try of every row; those that wait since an earlier run are still to be sent, so they are not here."""
    from bailian.batch.run import tried_before
    from bailian.store.batches import BatchStore
    from bailian.store.jobs import Journal
    from bailian.store.schema import FILE_NAME

    if not (here.home / FILE_NAME).is_file():
        return {}
    with closing(Journal(here.home)) as journal:
        tried = tried_before(BatchStore(journal, here.account, spec.kind), spec)
    return {key: one for key, one in tried.items() if one.state != Status.WAITING}


def _refuse(planned: Iterable[Planned], spec: BatchSpec, here: Settings, common: SharedOptions) -> None:
    """Refuse what the run itself would refuse: adaptions under `--strict`, unknown prices under a budget.

    Raises:
        InvalidRequest: something would be adapted.
        BudgetExceeded: a budget could not be kept.
    """
    from bailian.batch.missing_prices import refuse_missing_prices
    from bailian.batch.run import PlanFindings, strict_refusal

    found = PlanFindings()
    for one in planned:
        found.add(one)
    if common.strict and found.notices:
        raise strict_refusal(found.notices)
    limits_cny = {"run": common.max_cost_cny, "day": here.day_budget_cny, "month": here.month_budget_cny}
    names = [name for name, limit_cny in limits_cny.items() if limit_cny is not None]
    refuse_missing_prices(names, found.missing_prices, spec.path_title)
