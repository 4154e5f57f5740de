"""A row as people know it: its place in the file, its label, and how its prompt begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.batch.input.problems import placed
from bailian.batch.output.records import asked
from bailian.i18n import tr
from bailian.text.characters import wide_count
from bailian.types import RowPlace

BEGINNING_CELLS = 24


def row_title(place: RowPlace, request: Mapping[str, Any]) -> str:
    """Return "line 6 (SKU-7 a cat on a wall…)"."""
    label = "" if place.label and place.where.startswith(place.label) else place.label  # a file's row is placed by it
    known = " ".join(filter(None, (label, beginning(asked(request)))))
    return placed(place.where) + (tr(f" ({known})", f"（{known}）") if known else "")


def beginning(text: str) -> str:
    """Return the first words of a text, so much that it fits into a line with others."""
    line = " ".join(text.split(maxsplit=BEGINNING_CELLS)[:BEGINNING_CELLS])
    shown = line[:BEGINNING_CELLS]
    while len(shown) + wide_count(shown) > BEGINNING_CELLS:
        shown = shown[:-1]
    return shown if shown == line else shown.rstrip() + "…"
