"""Requests → checked ones, all of them before the first is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from bailian.batch.checked_patterns import CheckedPatterns
from bailian.batch.default_fields import NO_FIELDS, DefaultFields
from bailian.batch.input.batch_row import BatchRow
from bailian.batch.input.chains import Chains
from bailian.batch.input.problems import Problems
from bailian.catalog import Catalog
from bailian.errors import InvalidRequest
from bailian.inputs.lookup import Inputs, checked
from bailian.types import Prepared


class Planned(NamedTuple):
    """A row and its request, ready to send."""

    row: BatchRow
    prepared: Prepared
    waits: Mapping[str, Any] = MappingProxyType({})
    """Its fields, to check it again with, if it takes other rows' results."""


class LeftOut:
    """Rows that are refused and keep no other back, by their place, and why."""

    def __init__(self, source: str) -> None:
        self.reasons: dict[str, str] = {}
        self._problems = Problems(source)

    def add(self, row: BatchRow, error: InvalidRequest) -> None:
        self.reasons[row.where] = error.message
        self._problems.add_of_model(row.where, error)

    def refuse_all(self) -> None:
        """Refuse the whole file: not a row is good, so it is the request that is wrong.

        Raises:
            InvalidRequest: everything that is wrong; nothing was left out if it is not raised.
        """
        self._problems.raise_if_any()


def planned(
    row: BatchRow, catalog: Catalog, region: str, inputs: Inputs, defaults: DefaultFields = NO_FIELDS
) -> Planned:
    """Check a row against its model; `defaults` are laid under its fields.

    Raises:
        InvalidRequest: what is wrong with its inputs and with the rest of it, at once.
    """
    given = defaults.under(row.kind, row.fields)
    prepared = checked(
        row.kind, given, catalog, region, inputs, lambda error: defaults.explained(row.kind, row.fields, error)
    )
    if row.notices:
        prepared = replace(prepared, notices=(*row.notices, *prepared.notices))
    if not row.sources:
        return Planned(row, prepared)
    # The model that was chosen now stays the same: what the row waits for is made for it.
    return Planned(row, prepared, {**inputs.located(row.kind, given)[0], "model": prepared.model.name})


def plan_each(
    rows: Iterable[BatchRow],
    catalog: Catalog,
    region: str,
    inputs: Inputs,
    *,
    source: str = "",
    defaults: DefaultFields = NO_FIELDS,
    chains: Chains | None = None,
    made_before: Callable[[str], int] = lambda _key: 0,
    left_out: LeftOut | None = None,
) -> Iterator[Planned]:
    """Yield every row as it is checked. An input that many rows name is resolved once.

    Nothing may be sent before the last one: only then is it known that all are good. `chains`: those of `rows`;
    `made_before`: how many results a row made that is not among them any more, by its key. With `left_out`, a row that
    its model does not take is told to it and keeps no other back.

    Raises:
        InvalidRequest: what is wrong in all rows, and what `rows` itself raises; `source` names the file.
    """
    problems, patterns = Problems(source), CheckedPatterns()
    for row in _read(rows, problems):
        known = patterns.prepared(row) if row.pattern else None
        if known is not None:
            one = Planned(row, known)
        else:
            try:
                one = planned(row, catalog, region, inputs, defaults)
            except InvalidRequest as error:
                if left_out is None:
                    problems.add_of_model(row.where, error)
                else:
                    left_out.add(row, error)
                continue
            if row.pattern:
                patterns.learn(row, one.prepared)
        if chains is not None and row.label is not None:
            chains.planned(row, one.prepared.count)
        yield one
    if chains is not None:
        chains.check_indexes(problems, made_before)
    problems.raise_if_any()


def _read(rows: Iterable[BatchRow], problems: Problems) -> Iterator[BatchRow]:
    """Yield the rows; what their file raises at its end is told together with what the models do not take."""
    try:
        yield from rows
    except InvalidRequest as error:
        problems.add_all("", error.problems)
