"""A checked request → the row of the journal that says what is going to be done; for one request and for a million."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Any

from bailian.engine.context import Services
from bailian.engine.job import OutputSpec
from bailian.store.schema import dumped
from bailian.store.states import Status
from bailian.types import Prepared


def intent(
    prepared: Prepared,
    saving: OutputSpec,
    services: Services,
    *,
    run: str | None = None,
    row_key: str | None = None,
    row: Mapping[str, Any] | None = None,
) -> tuple[Any, ...]:
    """Return the row, in the order of `store.batches.COLUMNS`; its first value is the job's id.

    `run` and `row_key` say which batch or chat it belongs to, `row` what a batch's file says of it beside the request.
    """
    now_s = services.wall()
    return (
        f"{int(now_s):x}-{token_hex(5)}",
        services.account,
        prepared.model.kind,
        prepared.model.name,
        prepared.wire_model,
        Status.WAITING.value,
        services.lease.id,
        dumped(prepared.request),
        dumped({**prepared.to_json(), **({"row": row} if row else {})}),
        dumped(saving.to_json()),
        now_s,
        prepared.estimate_cny,
        run,
        row_key,
    )
