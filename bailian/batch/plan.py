"""Rows → checked requests, all of them before the first is sent; and what they will cost and take."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bailian.batch.input.problems import Problems
from bailian.batch.input.rows import BatchRow
from bailian.catalog import Catalog, Model
from bailian.errors import InvalidRequest, Problem
from bailian.modalities import modality_of
from bailian.types import Input, Prepared, SpeechContext

# Notices about the model itself.
OF_THE_MODEL = ("successor_sent", "default_model", "model_retired", "unknown_name")
Resolve = Callable[[str, str], Input]
"""Field and word (a path, a link, …) → the input; raises InvalidRequest."""
AsSent = Callable[[str, Mapping[str, Any], Mapping[str, Input]], tuple[dict[str, Any], dict[str, Input]]]
"""Kind, fields and inputs → those that are sent, with a mask that is made; raises InvalidRequest."""


def as_given(
    _kind: str, fields: Mapping[str, Any], inputs: Mapping[str, Input]
) -> tuple[dict[str, Any], dict[str, Input]]:
    return dict(fields), dict(inputs)


@dataclass(frozen=True, slots=True)
class Planned:
    """A row and its request, ready to send."""

    row: BatchRow
    prepared: Prepared


def plan(
    rows: Iterable[BatchRow],
    catalog: Catalog,
    region: str,
    resolve: Resolve,
    as_sent: AsSent = as_given,
    *,
    source: str = "",
) -> list[Planned]:
    """Check every row against its model; see `plan_each`."""
    return list(plan_each(rows, catalog, region, resolve, as_sent, source=source))


def plan_each(
    rows: Iterable[BatchRow],
    catalog: Catalog,
    region: str,
    resolve: Resolve,
    as_sent: AsSent = as_given,
    *,
    source: str = "",
) -> Iterator[Planned]:
    """Yield every row as it is checked. An input that many rows name is resolved once.

    Nothing may be sent before the last one: only then is it known that all are good.

    Raises:
        InvalidRequest: what is wrong in all rows, and what `rows` itself raises; `source` names the file.
    """
    problems = Problems(source)
    inputs = _Inputs(resolve, as_sent)
    for row in _read(rows, problems):
        planned = _planned(row, catalog, region, inputs, problems)
        if planned is not None:
            yield planned
    problems.raise_if_any()


def _planned(row: BatchRow, catalog: Catalog, region: str, inputs: _Inputs, problems: Problems) -> Planned | None:
    try:
        return Planned(row, _prepared(row, catalog, region, inputs))
    except InvalidRequest as error:
        problems.add_of_model(row.where, error)
        return None


def _read(rows: Iterable[BatchRow], problems: Problems) -> Iterator[BatchRow]:
    """Yield the rows; what their file raises at its end is told together with what the models do not take."""
    try:
        yield from rows
    except InvalidRequest as error:
        problems.add_all("", error.problems)


class _Inputs:
    """What words stand for. A picture that a thousand rows share is looked at once, a missing one too."""

    def __init__(self, resolve: Resolve, as_sent: AsSent) -> None:
        self._resolve = resolve
        self._as_sent = as_sent
        self._found: dict[tuple[str, str], Input | tuple[Problem, ...]] = {}
        self._sent: dict[str, tuple[dict[str, Any], dict[str, Input]] | tuple[Problem, ...]] = {}

    def find(self, field: str, word: str) -> Input | tuple[Problem, ...]:
        if (field, word) not in self._found:
            try:
                self._found[field, word] = self._resolve(field, word)
            except InvalidRequest as error:
                self._found[field, word] = error.problems
        return self._found[field, word]

    def sent(
        self, kind: str, fields: Mapping[str, Any], found: Mapping[str, Input]
    ) -> tuple[dict[str, Any], dict[str, Input], tuple[Problem, ...]]:
        """Return the fields and inputs as they are sent; a mask that many rows make of one picture is made once."""
        own = [name for name in fields if name in modality_of(kind).INPUT_FIELDS or name.startswith("mask")]
        if "mask" not in modality_of(kind).INPUT_FIELDS or own == ["image"]:
            return dict(fields), dict(found), ()
        asked = {name: fields[name] for name in own}
        key = json.dumps(asked, sort_keys=True)
        if key not in self._sent:
            try:
                self._sent[key] = self._as_sent(kind, asked, found)
            except InvalidRequest as error:
                self._sent[key] = error.problems
        made = self._sent[key]
        rest = {name: value for name, value in fields.items() if name not in own}
        if len(made) == 2 and isinstance(made[0], dict):
            return {**rest, **made[0]}, {**found, **made[1]}, ()
        return *_unmade(fields, found), made


def _unmade(fields: Mapping[str, Any], found: Mapping[str, Input]) -> tuple[dict[str, Any], dict[str, Input]]:
    """Put an unseen mask in the place of one that cannot be made, so that the rest of the row is checked."""
    rest = {name: value for name, value in fields.items() if not name.startswith("mask_")}
    if len(rest) == len(fields):
        return rest, dict(found)
    return {**rest, "mask": ["mask"]}, {**found, "mask": Input("mask")}


def _prepared(row: BatchRow, catalog: Catalog, region: str, inputs: _Inputs) -> Prepared:
    modality = modality_of(row.kind)
    fields, found = dict(row.fields), {}
    problems: list[Problem] = []
    for name in modality.INPUT_FIELDS:
        if name not in fields:
            continue
        urls = []
        for word in fields[name]:
            one = inputs.find(name, word)
            if isinstance(one, tuple):
                problems += one
                # It stands in its place unseen, so that the rest of the row is checked as it will be.
                one = Input(word)
            found[one.url] = one
            urls.append(one.url)
        fields[name] = urls
    if problems:
        fields, found = _unmade(fields, found)
    else:
        fields, found, unmade = inputs.sent(row.kind, fields, found)
        problems += unmade
    try:
        prepared = modality.prepare(fields, catalog, region, found)
    except InvalidRequest as error:
        raise InvalidRequest([*problems, *error.problems], advice=error.advice) from None
    if problems:
        raise InvalidRequest(problems, advice="")
    return replace(prepared, notices=(*row.notices, *prepared.notices)) if row.notices else prepared


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
    return len(SpeechContext.of(prepared.context).parts) or 1


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
