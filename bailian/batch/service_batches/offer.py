"""Which checked rows the vendor's Batch API takes, and what they cost there. Pure."""

from __future__ import annotations

from dataclasses import replace

from bailian.batch.plan import Planned
from bailian.batch.service_batches.line_format import KINDS, PRICE_SHARE, is_taken, refusal_of
from bailian.i18n import tr
from bailian.types import Notice


def offered(planned: Planned, region: str) -> Planned:
    """Return a row with what is said where it could be a text of a batch at half the price, and is not taken."""
    prepared = planned.prepared
    why = _refusal(planned, region) if prepared.model.kind in KINDS else ""
    if not why:
        return planned
    text = tr(
        f"the Batch API does not take this request to {prepared.model.name}: {why}; it is sent alone, at the whole price",
        f"批量推理不支持对 {prepared.model.name} 的这一请求：{why}；将单独发送，按原价计费",
    )
    notices = (*prepared.notices, Notice("not_by_batch_api", text))
    return planned._replace(prepared=replace(prepared, notices=notices))


def _refusal(planned: Planned, region: str) -> str:
    if planned.row.sources:
        return tr("it waits for another row's result", "它等待其他行的结果")
    return refusal_of(planned.prepared.model, planned.prepared.body, region)


def at_its_price(planned: Planned, region: str) -> Planned:
    """Return a row at the price it has in a service batch, where it is taken; for an estimate."""
    prepared = planned.prepared
    if planned.row.sources or prepared.estimate_cny is None:
        return planned
    if not is_taken(prepared.model.kind, prepared.model, prepared.body, region):
        return planned
    return planned._replace(prepared=replace(prepared, ceiling_cny=prepared.estimate_cny * PRICE_SHARE))
