"""What a batch is before it is sent: how many rows, how much, how long at least, and all notices."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bailian.batch.plan import Planned
from bailian.catalog import Catalog, Model
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
    model_costs_cny: Mapping[str, float | None]
    """What each model's rows cost at most; None: the price of one of them is not known."""

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


class Estimator:
    """Adds a batch up, row by row: what is kept grows with its models and notices, not with its rows."""

    def __init__(self) -> None:
        self._models: dict[str, _ModelRows] = {}
        self._notices: Counter[tuple[str, str]] = Counter()
        self._texts: dict[tuple[str, str], str] = {}

    def add(self, one: Planned) -> None:
        prepared = one.prepared
        model = prepared.model
        of_model = self._models.get(model.name) or self._of(model.name, one.row.kind, model)
        of_model.add(prepared.estimate_cny, _requests(prepared), prepared.count)
        for notice in prepared.notices:
            # What is said of a model is said of each: another one has another price.
            key = notice.code, notice.message if notice.code in OF_THE_MODEL else ""
            self._notices[key] += 1
            self._texts.setdefault(key, notice.message)

    def add_waiting(self, kind: str, name: str, estimate_cny: float | None, catalog: Catalog) -> None:
        """Add a row that an earlier run has written down and not sent: one request, at what it was to cost then."""
        self._of(name, kind, catalog.get(name)).add(estimate_cny)

    def _of(self, name: str, kind: str, model: Model | None) -> _ModelRows:
        of_model = self._models.get(name)
        if of_model is None:
            of_model = self._models[name] = _ModelRows(kind, model)
        return of_model

    def estimate(self, rates: Mapping[str, float] | None = None) -> BatchEstimate:
        """Return what the rows come to. `rates` (requests a second, by model) takes the place of the catalog's submit limits."""
        models = self._models.values()
        return BatchEstimate(
            rows=sum(one.rows for one in models),
            requests=sum(one.requests for one in models),
            results=sum(one.results for one in models),
            cost=self._cost(),
            models={name: _times(one, (rates or {}).get(name)) for name, one in self._models.items()},
            notices=tuple(NoticeCount(key[0], count, self._texts[key]) for key, count in self._notices.most_common()),
            model_costs_cny={
                name: None if one.unknown else one.micro_cny / 1_000_000 for name, one in self._models.items()
            },
        )

    def _cost(self) -> CostEstimate:
        known: Counter[str] = Counter()
        for one in self._models.values():
            if one.rows > one.unknown:
                known[one.kind] += one.micro_cny
        unknown = {name: one.unknown for name, one in self._models.items() if one.unknown}
        return CostEstimate(
            estimate_cny=known.total() / 1_000_000 if known else None,
            by_kind_cny={kind: micro / 1_000_000 for kind, micro in known.items()},
            unknown=sum(unknown.values()),
            unknown_models=tuple(sorted(unknown)),
        )


def estimate(planned: Iterable[Planned], rates: Mapping[str, float] | None = None) -> BatchEstimate:
    """Estimate a batch; `rates` as above."""
    estimator = Estimator()
    for one in planned:
        estimator.add(one)
    return estimator.estimate(rates)


@dataclass(slots=True)
class _ModelRows:
    kind: str
    model: Model | None
    """None: an earlier run knew it, and the catalog does not any more."""
    rows: int = 0
    requests: int = 0
    results: int = 0
    micro_cny: int = 0
    """What they cost, in whole millionths: sums of these are exact."""
    unknown: int = 0
    """How many have no price."""

    def add(self, estimate_cny: float | None, requests: int = 1, results: int = 1) -> None:
        self.rows += 1
        self.requests += requests
        self.results += results
        if estimate_cny is None:
            self.unknown += 1
        else:
            self.micro_cny += round(estimate_cny * 1_000_000)


def _requests(prepared: Prepared) -> int:
    """Return how many requests a row sends: a long text is spoken in parts."""
    context = prepared.context
    return len(context.parts) or 1 if isinstance(context, SpeechContext) else 1


def _times(of_model: _ModelRows, rate: float | None) -> ModelTimes:
    model = of_model.model
    submit_per_s = rate or (model.submit_per_s if model else None)
    submit_s = of_model.requests / submit_per_s if submit_per_s else None
    running_s = _running_s(model, of_model.rows)
    known_s = [time_s for time_s in (submit_s, running_s) if time_s is not None]
    return ModelTimes(
        kind=of_model.kind,
        rows=of_model.rows,
        requests=of_model.requests,
        submit_per_s=submit_per_s,
        submit_s=None if submit_s is None else round(submit_s, 1),
        running_limit=model.running_limit if model else None,
        typical_s=model.typical_s if model else None,
        running_s=running_s,
        seconds=round(max(known_s), 1) if known_s else None,
    )


def _running_s(model: Model | None, count: int) -> float | None:
    """Return how long `count` tasks take when `running_limit` of them run at a time."""
    if model is None or not model.running_limit or not model.typical_s:
        return None
    return math.ceil(count / model.running_limit) * float(model.typical_s)
