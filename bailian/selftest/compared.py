"""What was expected beside what came. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

State = Literal["same", "differs", "skipped", "unanswered"]
MISSING = "(missing)"
SHOWN_CHARS = 200
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Finding:
    """How one fact stands."""

    id: str
    state: State
    subject: str = ""
    """The model that was asked, where a fact is of many."""
    expected: Mapping[str, Any] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)
    """Only what differs."""
    note: str = ""
    """Why it was skipped, or not answered."""
    cost_cny: float = 0.0
    update: Mapping[str, Any] = field(default_factory=dict)
    """What was found of the model, as fields of the catalog."""

    def to_json(self) -> dict[str, Any]:
        shown = {name: value for name, value in vars(self).items() if value not in ("", {}, 0.0)}
        if self.update:  # a date is a text there
            shown["update"] = {name: str(one) if isinstance(one, date) else one for name, one in self.update.items()}
        return {**shown, "id": self.id, "state": self.state}


def compared(fact: str, wanted: Mapping[str, Any], seen: Mapping[str, Any], subject: str = "", **more: Any) -> Finding:
    """Return what differs between what is wanted and what was seen, by name."""
    wrong = {name: value for name, value in wanted.items() if not _is(value, seen.get(name, MISSING))}
    if not wrong:
        return Finding(fact, "same", subject, **more)
    found = {name: short(seen.get(name, MISSING)) for name in wrong}
    return Finding(fact, "differs", subject, {name: _shown(value) for name, value in wrong.items()}, found, **more)


class Contains(str):
    """A text of which this is a part."""

    __slots__ = ()


class Present:
    """Anything, if it is there."""


PRESENT = Present()


def _is(wanted: Any, seen: Any) -> bool:
    if isinstance(wanted, Present):
        return bool(seen != MISSING)
    if isinstance(wanted, Contains):
        return isinstance(seen, str) and wanted.casefold() in seen.casefold()
    return bool(wanted == seen)


def _shown(wanted: Any) -> Any:
    return "(there)" if isinstance(wanted, Present) else f"… {wanted} …" if isinstance(wanted, Contains) else wanted


def short(value: Any) -> Any:
    """Return a value as a report shows it."""
    text = value if isinstance(value, str) else str(value)
    if len(text) <= SHOWN_CHARS:
        return value
    return f"{text[:SHOWN_CHARS]}…"


def at_path(data: Any, path: str) -> Any:
    """Return what stands at "output.results.0.url"; `MISSING`: nothing."""
    for part in path.split("."):
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return MISSING
    return data


def at_paths(data: Any, paths: Iterable[str]) -> dict[str, Any]:
    return {path: at_path(data, path) for path in paths}


def numbers_in(message: str, but: Iterable[int] = ()) -> list[int]:
    """Return the numbers of a refusal, without those that were asked for."""
    left = list(but)
    found = []
    for number in map(int, _NUMBER.findall(message)):
        if number in left:
            left.remove(number)
        else:
            found.append(number)
    return found
