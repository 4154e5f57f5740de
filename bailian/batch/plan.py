"""Requests → checked ones, all of them before the first is sent; and what they will cost and take."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bailian.batch.input.problems import Problems
from bailian.batch.input.rows import BatchRow
from bailian.catalog import Catalog, Model
from bailian.errors import InvalidRequest
from bailian.inputs.lookup import Inputs
from bailian.modalities import modality_of
from bailian.types import Prepared

# Notices about the model itself.
OF_THE_MODEL = ("successor_sent", "default_model", "model_retired", "unknown_name")


@dataclass(frozen=True, slots=True)
class Planned:
    """A row and its request, ready to send."""

    row: BatchRow
    prepared: Prepared


def planned(row: BatchRow, catalog: Catalog, region: str, inputs: Inputs) -> Planned:
    """Check a row against its model.

    Raises:
        InvalidRequest: what is wrong with its inputs and with the rest of it, at once.
    """
    fields, found, refused = inputs.resolved(row.kind, row.fields)
    try:
        prepared = modality_of(row.kind).prepare(fields, catalog, region, found)
    except InvalidRequest as error:
        refused.append(error)
    if refused:
        raise InvalidRequest([problem for one in refused for problem in one.problems], advice=refused[-1].advice)
    return Planned(row, replace(prepared, notices=(*row.notices, *prepared.notices)) if row.notices else prepared)


def plan_each(
    rows: Iterable[BatchRow], catalog: Catalog, region: str, inputs: Inputs, *, source: str = ""
) -> Iterator[Planned]:
    """Yield every row as it is checked. An input that many rows name is resolved once.

    Nothing may be sent before the last one: only then is it known that all are good.

    Raises:
        InvalidRequest: what is wrong in all rows, and what `rows` itself raises; `source` names the file.
    """
    problems = Problems(source)
    for row in _read(rows, problems):
        try:
            one = planned(row, catalog, region, inputs)
        except InvalidRequest as error:  # noqa: PERF203 - each row has its own refusal
            problems.add_of_model(row.where, error)
        else:
            yield one
    problems.raise_if_any()


def _read(rows: Iterable[BatchRow], problems: Problems) -> Iterator[BatchRow]:
    """Yield the rows; what their file raises at its end is told together with what the models do not take."""
    try:
        yield from rows
    except InvalidRequest as error:
        problems.add_all("", error.problems)


def summary(planned: Sequence[Planned], rates: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return what a batch is before it is sent, as JSON: how many, how much, how long at least, and all notices.

    `rates` (requests a second, by model) takes the place of the catalog's submit limits. `cost.estimate` is null if
    no price is known; `cost.unknown` counts the rows without one. `seconds` is the time the limits leave: models run
    side by side, so it is the slowest one's.
    """
    by_model: dict[str, list[Planned]] = {}
    for one in planned:
        by_model.setdefault(one.prepared.model.name, []).append(one)
    times = {name: _times(rows, (rates or {}).get(name)) for name, rows in by_model.items()}
    return {
        "rows": len(planned),
        "requests": sum(_requests(one.prepared) for one in planned),
        "results": sum(one.prepared.count for one in planned),
        "cost": _cost(planned),
        "seconds": max((time["seconds"] for time in times.values() if time["seconds"] is not None), default=None),
        "models": times,
        "notices": _notices(planned),
    }


def _requests(prepared: Prepared) -> int:
    """Return how many requests a row sends: a long text is spoken in parts."""
    return len(prepared.facts.get("parts", ())) or 1


def _cost(planned: Sequence[Planned]) -> dict[str, Any]:
    by_kind: dict[str, list[float]] = {}
    unknown: Counter[str] = Counter()
    for one in planned:
        estimate_cny = one.prepared.estimate_cny
        if estimate_cny is None:
            unknown[one.prepared.model.name] += 1
        else:
            by_kind.setdefault(one.row.kind, []).append(estimate_cny)
    known = [estimate_cny for prices in by_kind.values() for estimate_cny in prices]
    return {
        "currency": "CNY",
        "estimate": round(math.fsum(known), 6) if known else None,
        "by_kind": {kind: round(math.fsum(prices), 6) for kind, prices in by_kind.items()},
        "unknown": sum(unknown.values()),
        "unknown_models": sorted(unknown),
    }


def _times(rows: Sequence[Planned], rate: float | None) -> dict[str, Any]:
    """Return a model's rows and how long its limits make them take; null where a limit is not known."""
    model = rows[0].prepared.model
    submit_per_s = rate or model.submit_per_s
    requests = sum(_requests(one.prepared) for one in rows)
    submit_s = requests / submit_per_s if submit_per_s else None
    running_s = _running_s(model, len(rows))
    known_s = [time_s for time_s in (submit_s, running_s) if time_s is not None]
    return {
        "kind": model.kind,
        "rows": len(rows),
        "requests": requests,
        "submit_per_s": submit_per_s,
        "submit_s": None if submit_s is None else round(submit_s, 1),
        "running_limit": model.running_limit,
        "typical_s": model.typical_s,
        "running_s": running_s,
        "seconds": round(max(known_s), 1) if known_s else None,
    }


def _running_s(model: Model, count: int) -> float | None:
    """Return how long `count` tasks take when `running_limit` of them run at a time."""
    if not model.running_limit or not model.typical_s:
        return None
    return math.ceil(count / model.running_limit) * float(model.typical_s)


def _notices(planned: Sequence[Planned]) -> list[dict[str, Any]]:
    """Return each code once, the most frequent first, with how often it was given and its first text.

    What is said of a model is said of each: another one has another price.
    """
    counts: Counter[tuple[str, str]] = Counter()
    texts: dict[tuple[str, str], str] = {}
    for one in planned:
        for notice in one.prepared.notices:
            key = notice.code, notice.message if notice.code in OF_THE_MODEL else ""
            counts[key] += 1
            texts.setdefault(key, notice.message)
    return [{"code": key[0], "count": count, "message": texts[key]} for key, count in counts.most_common()]
