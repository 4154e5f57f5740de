"""`--dry-run` of a batch: what the rows that are left are, cost and take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from bailian.catalog import catalog
from bailian.cli.args.input_fields import as_sent, input_of
from bailian.cli.args.options import Common
from bailian.cli.output.terminal import write_json
from bailian.config import settings

if TYPE_CHECKING:
    from bailian.batch.plan import Planned
    from bailian.batch.sync import Wish
    from bailian.config.settings import Settings
    from bailian.store.batches import Tried


def show_plan(wish: Wish, over: Mapping[str, Any], here: Settings, common: Common, *, half_price: bool) -> None:
    """Print how many rows are left, what they will cost and how long they take. Nothing is sent or written."""
    from bailian.batch.input.reader import read_rows
    from bailian.batch.plan import plan, summary
    from bailian.batch.sync import Seen, to_do

    models, seen = catalog.load(settings.home_folder(), use_successor=common.use_successor), Seen()
    rows = read_rows(wish.source, wish.kind, models=models, over=over, folder=wish.paths_from)
    planned = plan(
        to_do(rows, _sent_before(wish, here), wish, seen),
        models,
        here.region,
        lambda field, word: input_of(field, word, here.home),
        lambda kind, fields, inputs: as_sent(kind, fields, inputs, here.home),
        source=wish.path_title,
    )
    _refuse(planned, wish, here, common)
    shown = summary(planned)
    if half_price:
        _halve(shown["cost"])
    write_json({"dry_run": True, "to_run": len(planned), "done": seen.done, **shown})


def _sent_before(wish: Wish, here: Settings) -> dict[str, Tried]:
    """Return the newest try of every row; those that wait since an earlier run are still to be sent, so they are not here."""
    from bailian.batch.run import tried_before
    from bailian.store.batches import Runs
    from bailian.store.jobs import Journal
    from bailian.store.schema import FILE_NAME

    if not (here.home / FILE_NAME).is_file():
        return {}
    with closing(Journal(here.home)) as journal:
        tried = tried_before(Runs(journal, here.account, wish.kind), wish)
    return {key: one for key, one in tried.items() if one.state != "waiting"}


def _refuse(planned: Iterable[Planned], wish: Wish, here: Settings, common: Common) -> None:
    """Refuse what the run itself would refuse: adaptions under `--strict`, unknown prices under a budget.

    Raises:
        InvalidRequest: something would be adapted.
        BudgetExceeded: a budget could not be kept.
    """
    from bailian.batch.missing_prices import refuse_unpriced
    from bailian.batch.run import Found, strict_refusal

    found = Found()
    for one in planned:
        found.add(one)
    if common.strict and found.notices:
        raise strict_refusal(found.notices)
    limits_cny = {"run": common.max_cost_cny, "day": here.day_budget_cny, "month": here.month_budget_cny}
    names = [name for name, limit_cny in limits_cny.items() if limit_cny is not None]
    refuse_unpriced(names, found.unpriced, wish.path_title)


def _halve(cost: dict[str, Any]) -> None:
    """Put half the price on the texts."""
    from bailian.batch.service_batches.line_format import PRICE_SHARE

    whole_cny = cost["by_kind"].get("text", 0.0)
    if whole_cny:
        cost["by_kind"]["text"] = round(whole_cny * PRICE_SHARE, 6)
        cost["estimate"] = round(cost["estimate"] - whole_cny * (1 - PRICE_SHARE), 6)
