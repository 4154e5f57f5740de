"""What must have been sent: which requests, how often, in what order. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bailian.sandbox.control.request_log import model_of, says, texts_of
from bailian.sandbox.http.answers import LoggedRequest
from bailian.sandbox.scripted import fields
from bailian.sandbox.scripted.fields import WrongField, read_fields
from bailian.sandbox.scripted.patterns import fits_glob, read_pattern

ASKING = frozenset({"poll", "list", "download", "grant", "upload", "models", "other"})
"""Kinds of requests that only look, fetch or carry: `only` lets them pass."""
SHOWN_CHARS = 60


@dataclass(frozen=True)
class ExpectedRequest:
    """One request, or several alike."""

    method: str = ""
    path: str = "*"
    kind: str = ""
    model: str = "*"
    prompt: str = ""
    """A part of any text of the body, or a /regular expression/."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """What the body has at least; lists are equal."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Globs by name."""
    status: int | None = None
    at_least: int = 1
    at_most: int | None = None

    def differences(self, entry: LoggedRequest) -> list[str]:
        """Return what of a request is other than expected."""
        told = []
        if self.method and self.method.upper() != entry.method:
            told.append(f"method is {entry.method}")
        if not fits_glob(self.path, entry.path):
            told.append(f"path is {entry.path}")
        if self.kind and self.kind != entry.kind:
            told.append(f"kind is {entry.kind}")
        if not fits_glob(self.model, model_of(entry)):
            told.append(f"model is {model_of(entry) or 'absent'}")
        if self.status is not None and self.status != entry.status:
            told.append(f"status is {entry.status}")
        if not says(entry, self.prompt):
            told.append(f"no text has {self.prompt!r}: {_short(' | '.join(texts_of(entry.body)))}")
        for name, pattern in self.headers.items():
            value = entry.headers.get(name.lower(), "")
            if not fits_glob(pattern, value):
                told.append(f"header {name} is {_short(value) or 'absent'}")
        return told + _missing(self.body, entry.body, "")

    def __str__(self) -> str:
        said = {
            "method": self.method, "path": self.path if self.path != "*" else "", "kind": self.kind,
            "model": self.model if self.model != "*" else "", "prompt": self.prompt, "status": self.status,
            "body": dict(self.body), "headers": dict(self.headers),
        }  # fmt: skip
        words = [f"{name}={_short(value)}" for name, value in said.items() if value]
        return " ".join(words) or "any request"

    @property
    def count_told(self) -> str:
        if self.at_most is None:
            return f"at least {self.at_least} time{'s' if self.at_least != 1 else ''}"
        if self.at_least == self.at_most:
            return "never" if not self.at_most else f"{self.at_most} time{'s' if self.at_most != 1 else ''}"
        return f"{self.at_least} to {self.at_most} times"


@dataclass(frozen=True)
class Expectation:
    """A list of requests."""

    requests: Sequence[ExpectedRequest]
    in_order: bool = False
    """Whether they came one after the other; others may stand between."""
    only: bool = False
    """Whether nothing else was asked for; queries, downloads and uploads do not count."""


def read_expected(entry: Any) -> ExpectedRequest:
    """Return the request that an entry describes.

    Raises:
        WrongField: it describes none.
    """
    readers: dict[str, fields.Read] = {
        "method": fields.word, "path": fields.word, "kind": fields.word, "model": fields.word, "prompt": read_pattern,
        "body": _object, "headers": _headers, "status": fields.whole(0, 599), "times": fields.whole(0),
        "at_least": fields.whole(0), "at_most": fields.whole(0),
    }  # fmt: skip
    values = read_fields(entry, readers, "an expected request")
    times = values.pop("times", None)
    if times is not None and ("at_least" in values or "at_most" in values):
        raise WrongField("times", "times goes without at_least and at_most")
    if times is not None:
        values |= {"at_least": times, "at_most": times}
    elif "at_most" in values:
        values.setdefault("at_least", 0)
    return ExpectedRequest(**values)


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"is an object, not {value!r}")
    return value


def _headers(value: Any) -> Mapping[str, str]:
    return {str(name): str(pattern) for name, pattern in _object(value).items()}


def differences(expectation: Expectation, log: Sequence[LoggedRequest]) -> list[str]:
    """Return, a paragraph each, what was sent otherwise than expected."""
    told = [text for one in expectation.requests if (text := _counted(one, log))]
    if not told and expectation.in_order:
        told += _out_of_order(expectation.requests, log)
    if expectation.only:
        rest = [
            entry for entry in log
            if entry.kind not in ASKING and all(one.differences(entry) for one in expectation.requests)
        ]  # fmt: skip
        told += [f"not expected: {line_of(entry)}" for entry in rest]
    return told


def _counted(expected: ExpectedRequest, log: Sequence[LoggedRequest]) -> str:
    count = sum(not expected.differences(entry) for entry in log)
    if count >= expected.at_least and (expected.at_most is None or count <= expected.at_most):
        return ""
    text = f"expected {expected.count_told}, got {count}: {expected}"
    if count < expected.at_least and log:
        others = [entry for entry in log if expected.differences(entry)]
        near = min(others, key=lambda entry: len(expected.differences(entry)), default=None)
        if near is not None:
            text += f"\n  nearest: {line_of(near)}" + "".join(f"\n    {one}" for one in expected.differences(near))
    return text


def _out_of_order(requests: Sequence[ExpectedRequest], log: Sequence[LoggedRequest]) -> list[str]:
    """Look for each where the one before ended."""
    at = 0
    for expected in requests:
        for _ in range(expected.at_least):
            found = next((index for index in range(at, len(log)) if not expected.differences(log[index])), None)
            if found is None:
                came = "".join(f"\n  {line_of(entry)}" for entry in log if entry.kind not in ASKING)
                return [f"not in order: {expected}\n what came:{came}"]
            at = found + 1
    return []


def line_of(entry: LoggedRequest) -> str:
    model = model_of(entry)
    return f"{entry.method} {entry.path}" + (f" model={model}" if model else "") + f" → {entry.status}"


def _missing(wanted: Any, got: Any, place: str) -> list[str]:
    """Return where a body lacks what it shall have at least."""
    if not isinstance(wanted, Mapping):
        same = wanted == got and isinstance(wanted, bool) == isinstance(got, bool)
        return [] if same else [f"{place} is {_short(got)}, not {_short(wanted)}"]
    if not isinstance(got, Mapping):
        return [f"{place or 'the body'} is {_short(got)}"] if wanted else []
    return [
        text
        for name, value in wanted.items()
        for text in (
            _missing(value, got[name], _inner(place, name)) if name in got else [f"{_inner(place, name)} is absent"]
        )
    ]


def _inner(place: str, name: str) -> str:
    return f"{place}.{name}" if place else f"body.{name}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"
