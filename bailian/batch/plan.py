"""Requests → checked ones, all of them before the first is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bailian.batch.default_fields import NO_FIELDS, DefaultFields
from bailian.batch.input.problems import Problems
from bailian.batch.input.rows import BatchRow
from bailian.catalog import Catalog
from bailian.errors import InvalidRequest
from bailian.inputs.lookup import Inputs
from bailian.modalities import modality_of
from bailian.types import Prepared


@dataclass(frozen=True, slots=True)
class Planned:
    """A row and its request, ready to send."""

    row: BatchRow
    prepared: Prepared


def planned(
    row: BatchRow, catalog: Catalog, region: str, inputs: Inputs, defaults: DefaultFields = NO_FIELDS
) -> Planned:
    """Check a row against its model; `defaults` are laid under its fields.

    Raises:
        InvalidRequest: what is wrong with its inputs and with the rest of it, at once.
    """
    fields, found, refused = inputs.resolved(row.kind, defaults.under(row.kind, row.fields))
    try:
        prepared = modality_of(row.kind).prepare(fields, catalog, region, found)
    except InvalidRequest as error:
        refused.append(defaults.explained(row.kind, row.fields, error))
    if refused:
        raise InvalidRequest([problem for one in refused for problem in one.problems], advice=refused[-1].advice)
    return Planned(row, replace(prepared, notices=(*row.notices, *prepared.notices)) if row.notices else prepared)


def plan_each(
    rows: Iterable[BatchRow],
    catalog: Catalog,
    region: str,
    inputs: Inputs,
    *,
    source: str = "",
    defaults: DefaultFields = NO_FIELDS,
) -> Iterator[Planned]:
    """Yield every row as it is checked. An input that many rows name is resolved once.

    Nothing may be sent before the last one: only then is it known that all are good.

    Raises:
        InvalidRequest: what is wrong in all rows, and what `rows` itself raises; `source` names the file.
    """
    problems = Problems(source)
    for row in _read(rows, problems):
        try:
            one = planned(row, catalog, region, inputs, defaults)
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
