"""A checked request as the journal keeps it, to go on with it in another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bailian.catalog import Mode
from bailian.counts import count_of
from bailian.types.answer_context import NOTHING_KNOWN, AnswerContext, context_from_json
from bailian.types.json_values import number_of, object_of, objects_of, text_of, texts_of
from bailian.types.notice import Notice

MOST_RESULTS = 1_000_000
NOTHING: Mapping[str, Any] = {}
_MODES: Mapping[object, Mode] = {str(mode): mode for mode in Mode}


@dataclass(frozen=True)
class RowPlace:
    """Where a row of a batch stood when it was sent, and what its file said about its own files."""

    where: str = ""
    label: str | None = None
    name: str | None = None
    output: str | None = None
    sources: tuple[str, ...] = ()
    """The results of other rows that go in, as `types.result_of` writes them."""

    def to_json(self) -> dict[str, Any]:
        own = {"where": self.where, "label": self.label, "name": self.name, "output": self.output}
        return {**own, **({"sources": list(self.sources)} if self.sources else {})}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RowPlace:
        return cls(
            text_of(data.get("where")),
            text_of(data.get("label"), None),
            text_of(data.get("name"), None),
            text_of(data.get("output"), None),
            texts_of(data.get("sources")),
        )


@dataclass(frozen=True)
class StoredRequest:
    """What is known of a request that was checked. What cannot be read in it is as if it were not there.

    A task that was adopted by its id has a mode and a count only.
    """

    mode: Mode | None = None
    """How its model is called; None: it cannot be read, and nobody can go on with it."""
    route: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    """The service's own JSON, local files by their URLs; empty: not known."""
    count: int = 0
    """How many results are expected; 0: not known."""
    upload: bool = False
    """Local files go by upload, whatever their size."""
    stream: bool = False
    """The answer comes in pieces."""
    open_count: bool = False
    """The service decides how many results there are, at most `count`."""
    context: AnswerContext = NOTHING_KNOWN
    unit_cny: float | None = None
    units: float | None = None
    notices: tuple[Notice, ...] = ()
    row: RowPlace | None = None
    """Of a row of a batch."""
    service_batch: str = ""
    """The batch of the service that it is sent in, at half the price; "": it is sent alone."""
    waits: Mapping[str, Any] = field(default_factory=dict)
    """The row's own fields, while results of other rows are missing in them. It is checked again when they are there."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the results of other rows that go in, by their URLs: these very bytes are sent, or none."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Where files were fetched from: addresses in storage, by their URLs. Another machine fetches them, too."""

    @classmethod
    def of(cls, **values: Any) -> StoredRequest:
        """Return one with these values, as `cls(…)` does in three times the time: a frozen one sets each by a call."""
        made = object.__new__(cls)
        made.__dict__.update(_EMPTY)
        made.__dict__.update(values)
        return made

    @property
    def parameters(self) -> Mapping[str, Any]:
        return object_of(self.body.get("parameters"))

    @property
    def size(self) -> str | None:
        """Return the size that was sent, of pictures and films."""
        return text_of(self.parameters.get("size")) or None

    @property
    def seed(self) -> int | None:
        seed = self.parameters.get("seed")
        return seed if type(seed) is int else None

    @property
    def where(self) -> str:
        """Return where its row stood in the batch's file; "": it is of none."""
        return self.row.where if self.row else ""

    def to_json(self) -> dict[str, Any]:
        """Return what the journal keeps. Its keys stay: other versions read them."""
        facts = self.context.to_json()
        return {**self.own_json(), **({"facts": facts} if facts else {})}

    def own_json(self) -> dict[str, Any]:
        """Return what the journal keeps, but for the context, which rows of a batch have in common."""
        known = bool(self.body) or self.units is not None
        return {
            "mode": self.mode and str(self.mode),
            **({"route": self.route, "body": dict(self.body)} if self.body else {}),
            "count": self.count,
            **({"upload": True} if self.upload else {}),
            **({"stream": True} if self.stream else {}),
            **({"open_count": True} if self.open_count else {}),
            **({"unit_cny": self.unit_cny, "units": self.units} if known else {}),
            **({"notices": [dict(vars(notice)) for notice in self.notices]} if known else {}),
            **({"row": self.row.to_json()} if self.row else {}),
            **({"half_price": self.service_batch} if self.service_batch else {}),
            **({"waits": dict(self.waits)} if self.waits else {}),
            **({"digests": dict(self.digests)} if self.digests else {}),
            **({"origins": dict(self.origins)} if self.origins else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], kind: str, context: AnswerContext | None = None) -> StoredRequest:
        """Return what the journal kept for a job of this kind; `context`: where that was read before."""
        made = cls.of(context=context or context_from_json(object_of(data.get("facts")), kind))
        values = made.__dict__
        for name, value in data.items():
            if name in _READ:
                field_name, read = _READ[name]
                values[field_name] = read(value)
        return made


_EMPTY: Mapping[str, Any] = dict.fromkeys(("body", "waits", "digests", "origins"), NOTHING)


def _texts_by_name(value: object) -> Mapping[str, str]:
    return {name: text_of(one) for name, one in value.items()} if isinstance(value, dict) else {}


def _notices(value: object) -> list[Notice]:
    return [Notice(text_of(one.get("code")), text_of(one.get("message"))) for one in objects_of(value)]


def _row(value: object) -> RowPlace | None:
    row = object_of(value)
    return RowPlace.from_json(row) if row else None


# How each key of the journal's JSON is read, and into which field.
_READ: Mapping[str, tuple[str, Callable[[object], Any]]] = {
    "mode": ("mode", lambda value: _MODES.get(text_of(value))),
    "route": ("route", text_of),
    "body": ("body", object_of),
    "count": ("count", lambda value: count_of(value, MOST_RESULTS) or 0),
    "upload": ("upload", bool),
    "stream": ("stream", bool),
    "open_count": ("open_count", bool),
    "unit_cny": ("unit_cny", number_of),
    "units": ("units", number_of),
    "notices": ("notices", lambda value: tuple(_notices(value)) if value else ()),
    "row": ("row", _row),
    "half_price": ("service_batch", text_of),
    "waits": ("waits", object_of),
    "digests": ("digests", _texts_by_name),
    "origins": ("origins", _texts_by_name),
}
