"""`--dry-run` of a batch: what the rows that are left are, cost and take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from bailian.catalog import catalog
from bailian.cli.args.options import SharedOptions
from bailian.cli.output.terminal import print_json
from bailian.config import settings
from bailian.store.states import Status

if TYPE_CHECKING:
    from bailian.batch.sync import BatchSpec
    from bailian.config.settings import Settings
    from bailian.store.jobs import Journal
    from bailian.store.schema import LastAttempt


def print_plan(spec: BatchSpec, over: Mapping[str, Any], here: Settings, common: SharedOptions) -> None:
    """Print how many rows are left, what they will cost and how long they take. Nothing is sent or written."""
    from bailian.batch.default_fields import DefaultFields
    from bailian.batch.estimate import estimate
    from bailian.batch.findings import Findings
    from bailian.batch.input.chains import Chains
    from bailian.batch.input.reader import read_rows
    from bailian.batch.plan import plan_each
    from bailian.batch.run import made_before
    from bailian.batch.service_batches.offer import at_its_price, offered
    from bailian.batch.sync import FileScan, sync_rows
    from bailian.inputs.lookup import Inputs
    from bailian.store.budgets import Budget

    models, seen = catalog.load(settings.home_folder(), use_successor=common.use_successor), FileScan()
    chains, defaults = Chains(), DefaultFields(here.defaults)
    rows = read_rows(spec.source, spec.kind, models=models, over=over, folder=spec.paths_from, chains=chains)
    with _journal(here) as journal:
        tried = _sent_before(spec, here, journal)
        planned = list(
            plan_each(
                sync_rows(rows, tried, spec, seen),
                models,
                here.region,
                Inputs(here.home, chained=True),
                source=spec.path_title,
                defaults=defaults,
                chains=chains,
                made_before=lambda key: made_before(journal, tried.get(key)),
            )
        )
    if spec.batch_api:
        planned = [offered(one, here.region) for one in planned]
    found = Findings()
    for one in planned:
        found.add(one)
    if common.strict:
        found.refuse_adapted()
    limits_cny = [] if common.max_cost_cny is None else [common.max_cost_cny]
    found.refuse_cost([*(Budget(limit_cny, "run") for limit_cny in limits_cny), *here.budgets], spec.path_title)
    shown = estimate([at_its_price(one, here.region) for one in planned] if spec.batch_api else planned)
    waits = {"waits_for_others": sum(bool(one.row.sources) for one in planned)} if chains else {}
    print_json({"dry_run": True, "to_run": len(planned), **waits, "done": seen.done, **shown.to_json()})


@contextmanager
def _journal(here: Settings) -> Iterator[Journal | None]:
    """Open the journal, if there is one."""
    from bailian.store.jobs import Journal
    from bailian.store.schema import FILE_NAME

    if not (here.home / FILE_NAME).is_file():
        yield None
        return
    with closing(Journal(here.home)) as journal:
        yield journal


def _sent_before(spec: BatchSpec, here: Settings, journal: Journal | None) -> dict[str, LastAttempt]:
    """Return the newest try of every row; those that wait since an earlier run are still to be sent, so they are not here."""
    from bailian.batch.run import tried_before
    from bailian.store.batches import BatchStore

    if journal is None:
        return {}
    tried = tried_before(BatchStore(journal, here.account, spec.kind), spec)
    return {key: one for key, one in tried.items() if one.state != Status.WAITING}
