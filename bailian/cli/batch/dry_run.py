"""`--dry-run` of a batch: what the rows that are left are, cost and take."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from bailian.catalog import catalog
from bailian.cli.args.options import SharedOptions
from bailian.cli.batch.estimate_table import print_estimate
from bailian.cli.output.terminal import is_terminal, print_json
from bailian.config import settings

if TYPE_CHECKING:
    from bailian.batch.sync import BatchSpec, EarlierTries
    from bailian.config.settings import Settings
    from bailian.store.jobs import Journal


def print_plan(spec: BatchSpec, over: Mapping[str, Any], here: Settings, common: SharedOptions) -> None:
    """Print how many rows are left, what they will cost and how long they take. Nothing is sent or written."""
    from bailian.batch.default_fields import DefaultFields
    from bailian.batch.estimate import Estimator
    from bailian.batch.findings import Findings
    from bailian.batch.input.chains import Chains
    from bailian.batch.plan import plan_each
    from bailian.batch.run import made_before
    from bailian.batch.service_batches.offer import at_its_price, offered
    from bailian.batch.sync import FileScan, rows_of, sync_rows
    from bailian.inputs.lookup import Inputs
    from bailian.store.budgets import Budget
    from bailian.store.runs.file_rows import FileRows

    models = catalog.load(settings.home_folder(), use_successor=common.use_successor)
    found, estimator = Findings(), Estimator()
    with closing(FileRows()) as file_rows, _journal(here) as journal:
        seen, chains, tried = FileScan(file_rows, places=False), Chains(), _sent_before(spec, here, journal)
        rows = rows_of(spec, models, over, chains, file_rows)
        to_run = waits_for_others = 0
        for one in plan_each(
            sync_rows(rows, tried, spec, seen),
            models,
            here.region,
            Inputs(here.home, chained=True),
            source=spec.path_title,
            defaults=DefaultFields(here.defaults),
            chains=chains,
            made_before=lambda key: made_before(journal, tried, key),
        ):
            to_run += 1
            waits_for_others += bool(one.row.sources)
            told = offered(one, here.region) if spec.batch_api else one
            found.add(told)
            estimator.add(at_its_price(told, here.region) if spec.batch_api else told)
    if common.strict:
        found.refuse_adapted()
    limits_cny = [] if common.max_cost_cny is None else [common.max_cost_cny]
    found.refuse_cost([*(Budget(limit_cny, "run") for limit_cny in limits_cny), *here.budgets], spec.path_title)
    if is_terminal(sys.stdout) and not common.as_json:
        print_estimate(estimator.estimate(), done=seen.done, waits_for_others=waits_for_others)
        return
    waits = {"waits_for_others": waits_for_others} if chains else {}
    print_json({"dry_run": True, "to_run": to_run, **waits, "done": seen.done, **estimator.estimate().to_json()})


@contextmanager
def _journal(here: Settings) -> Iterator[Journal | None]:
    """Open the journal, if there is one."""
    from bailian.store.jobs import Journal
    from bailian.store.schema import TABLES

    if not here.journal.exists(TABLES):
        yield None
        return
    with closing(Journal(here.journal)) as journal:
        yield journal


def _sent_before(spec: BatchSpec, here: Settings, journal: Journal | None) -> EarlierTries:
    """Return the newest tries of the rows; those that wait since an earlier run are still to be sent, so they are not here."""
    from bailian.batch.run import tried_before
    from bailian.batch.sync import EarlierTries
    from bailian.store.batches import BatchStore

    if journal is None:
        return EarlierTries()
    return tried_before(BatchStore(journal, here.account, spec.kind), spec, waiting=False)
