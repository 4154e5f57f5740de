"""What a batch is before it is sent: how many rows, how much, how long at least, and all notices."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bailian.batch.plan import Planned
from bailian.catalog import Model
from bailian.types import Prepared, SpeechContext

# Notices about the model itself.
OF_THE_MODEL = ("successor_sent", "default_model", "model_retired", "unknown_name")


@dataclass(frozen=True)
class CostEstimate:
    """What the rows cost at most; those without a price are counted."""

    estimate_cny: float | None
    """None: no price is known."""
    by_kind_cny: Mapping[str, float]
    unknown: int
    unknown_models: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "currency": "CNY",
            "estimate": self.estimate_cny,
            "by_kind": dict(self.by_kind_cny),
            "unknown": self.unknown,
            "unknown_models": list(self.unknown_models),
        }


@dataclass(frozen=True)
class ModelTimes:
    """A model's rows and how long its limits make them take; None where a limit is not known."""

    kind: str
    rows: int
    requests: int
    submit_per_s: float | None
    submit_s: float | None
    running_limit: int | None
    typical_s: float | None
    running_s: float | None
    seconds: float | None


@dataclass(frozen=True)
class NoticeCount:
    """A notice, how often it was given, and its first text."""

    code: str
    count: int
    message: str


@dataclass(frozen=True)
class BatchEstimate:
    """`seconds` is the time the limits leave: models run side by side, so it is the slowest one's."""

    rows: int
    requests: int
    results: int
    cost: CostEstimate
    models: Mapping[str, ModelTimes]
    notices: tuple[NoticeCount, ...]

    @property
    def seconds(self) -> float | None:
        return max((one.seconds for one in self.models.values() if one.seconds is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "requests": self.requests,
            "results": self.results,
            "cost": self.cost.to_json(),
            "seconds": self.seconds,
            "models": {name: dict(vars(one)) for name, one in self.models.items()},
            "notices": [dict(vars(one)) for one in self.notices],
        }


def estimate(planned: Sequence[Planned], rates: Mapping[str, float] | None = None) -> BatchEstimate:
    """Estimate a batch. `rates` (requests a second, by model) takes the place of the catalog's submit limits."""
    by_model: dict[str, list[Planned]] = {}
    for one in planned:
        by_model.setdefault(one.prepared.model.name, []).append(one)
    return BatchEstimate(
        rows=len(planned),
        requests=sum(_requests(one.prepared) for one in planned),
        results=sum(one.prepared.count for one in planned),
        cost=_cost(planned),
        models={name: _times(rows, (rates or {}).get(name)) for name, rows in by_model.items()},
        notices=_notices(planned),
    )


def _requests(prepared: Prepared) -> int:
    """Return how many requests a row sends: a long text is spoken in parts."""
    return len(SpeechContext.of(prepared.context).parts) or 1


def _cost(planned: Sequence[Planned]) -> CostEstimate:
    by_kind: dict[str, list[float]] = {}
    unknown: Counter[str] = Counter()
    for one in planned:
        estimate_cny = one.prepared.estimate_cny
        if estimate_cny is None:
            unknown[one.prepared.model.name] += 1
        else:
            by_kind.setdefault(one.row.kind, []).append(estimate_cny)
    known = [estimate_cny for prices in by_kind.values() for estimate_cny in prices]
    return CostEstimate(
        estimate_cny=round(math.fsum(known), 6) if known else None,
        by_kind_cny={kind: round(math.fsum(prices), 6) for kind, prices in by_kind.items()},
        unknown=sum(unknown.values()),
        unknown_models=tuple(sorted(unknown)),
    )


def _times(rows: Sequence[Planned], rate: float | None) -> ModelTimes:
    model = rows[0].prepared.model
    submit_per_s = rate or model.submit_per_s
    requests = sum(_requests(one.prepared) for one in rows)
    submit_s = requests / submit_per_s if submit_per_s else None
    running_s = _running_s(model, len(rows))
    known_s = [time_s for time_s in (submit_s, running_s) if time_s is not None]
    return ModelTimes(
        kind=model.kind,
        rows=len(rows),
        requests=requests,
        submit_per_s=submit_per_s,
        submit_s=None if submit_s is None else round(submit_s, 1),
        running_limit=model.running_limit,
        typical_s=model.typical_s,
        running_s=running_s,
        seconds=round(max(known_s), 1) if known_s else None,
    )


def _running_s(model: Model, count: int) -> float | None:
    """Return how long `count` tasks take when `running_limit` of them run at a time."""
    if not model.running_limit or not model.typical_s:
        return None
    return math.ceil(count / model.running_limit) * float(model.typical_s)


def _notices(planned: Sequence[Planned]) -> tuple[NoticeCount, ...]:
    """Return each code once, the most frequent first.

    What is said of a model is said of each: another one has another price.
    """
    counts: Counter[tuple[str, str]] = Counter()
    texts: dict[tuple[str, str], str] = {}
    for one in planned:
        for notice in one.prepared.notices:
            key = notice.code, notice.message if notice.code in OF_THE_MODEL else ""
            counts[key] += 1
            texts.setdefault(key, notice.message)
    return tuple(NoticeCount(key[0], count, texts[key]) for key, count in counts.most_common())
