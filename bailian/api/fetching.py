"""Fetches what earlier calls, scripts and batches left."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.api.one_request import DEFAULT_OUTPUT, checked_timeout_s, place_for
from bailian.api.places import settings_of
from bailian.api.results import Result, good, result_of
from bailian.api.running import Watch, catalog_of, engine_for, in_own_words
from bailian.api.words import in_words_of_python
from bailian.batch.fetched import fetched, rows_left
from bailian.engine.adopt import adopt
from bailian.engine.job import OutputSpec
from bailian.engine.step import Outcome
from bailian.errors import UnreadableJob
from bailian.files import naming
from bailian.store.jobs import TaskTaken

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from bailian.api.keywords import WaitOptions
    from bailian.engine.engine import Engine
    from bailian.files.outputs import Place
    from bailian.store.schema import JobRow

WAIT_S = 3600.0


def wait(task_id: str, **options: Unpack[WaitOptions]) -> Result:
    """Wait for one task, or one job, of this machine's journal; save its files and return its result.

    Raises:
        StillRunning: it is not over in `timeout_s`.
        BailianError: the journal does not know it, or nothing came of it.
    """
    with in_own_words():
        claimant = options.get("adopt_for")
        (end,) = _ends([task_id], options) if claimant is None else _adopted(task_id, claimant, options)
        if isinstance(end, UnreadableJob):
            raise end
        return good(end)


def wait_all(**options: Unpack[WaitOptions]) -> list[Result]:
    """Fetch all that earlier runs left open; what failed has an `error`. Rows of batches are their next runs'."""
    with in_own_words():
        ends = _ends([], options)
        for end in ends:
            if isinstance(end, UnreadableJob):
                in_words_of_python(end)
        return [result_of(end) for end in ends if isinstance(end, Outcome)]


def _ends(ids: list[str], options: Mapping[str, Any]) -> list[Outcome | UnreadableJob]:
    here = settings_of(options)
    timeout_s = _timeout_s(options)
    with engine_for(here, catalog_of(options), Watch(options.get("progress"))) as engine:
        rows = rows_left(engine, ids)
        places = _places(rows, options, engine)
        return list(fetched(engine, rows, named=bool(ids), timeout_s=timeout_s, places=places))


def _timeout_s(options: Mapping[str, Any]) -> float | None:
    return checked_timeout_s(options["timeout_s"]) if "timeout_s" in options else WAIT_S


def _adopted(task_id: str, claimant: str, options: Mapping[str, Any]) -> list[Outcome | UnreadableJob]:
    """Take a task of this account into the journal, and wait for it."""
    here = settings_of(options)
    place = place_for("image", options.get("output") or DEFAULT_OUTPUT, here)
    saving = OutputSpec((place.folder or Path()).absolute(), here.defaults.name or naming.DEFAULT_TEMPLATE)
    with engine_for(here, catalog_of(options), Watch(options.get("progress"))) as engine:
        if engine.journal.find(here.account, task_id) is None:
            with suppress(TaskTaken):
                job = adopt(engine, task_id, saving, claimant)
                with closing(engine.run([job], timeout_s=_timeout_s(options))) as outcomes:
                    return list(outcomes)
        return list(fetched(engine, rows_left(engine, [task_id]), named=True, timeout_s=_timeout_s(options)))


def _places(rows: list[JobRow], options: Mapping[str, Any], engine: Engine) -> dict[str, Place]:
    output = options.get("output")
    if output is None:
        return {}
    return {row.id: place_for(row.kind, output, engine.settings) for row in rows}
