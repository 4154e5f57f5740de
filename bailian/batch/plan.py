"""Rows → checked requests, all of them before the first is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bailian.batch.input.problems import Problems
from bailian.batch.input.rows import BatchRow
from bailian.catalog import Catalog
from bailian.errors import InvalidRequest, Problem
from bailian.modalities import modality_of
from bailian.types import Input, Prepared

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
