"""The requests that a sandbox has had, as they are shown and filtered: without any key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bailian.sandbox.http.answers import LoggedRequest
from bailian.sandbox.scripted.patterns import fits_glob, fits_text

SECRET_HEADERS = frozenset({
    "authorization", "proxy-authorization", "x-api-key", "api-key", "cookie", "x-sandbox-token", "x-dashscope-token",
})  # fmt: skip
HIDDEN = "***"
FILTERS = ("method", "path", "kind", "model", "prompt", "status", "last")


def shown(entry: LoggedRequest) -> dict[str, Any]:
    """Return one entry as JSON."""
    headers = {name: HIDDEN if name in SECRET_HEADERS else value for name, value in entry.headers.items()}
    return {
        "method": entry.method, "path": entry.path, "query": dict(entry.query), "status": entry.status,
        "kind": entry.kind, "model": model_of(entry), "headers": headers, "body": entry.body, "at": entry.at,
    }  # fmt: skip


def model_of(entry: LoggedRequest) -> str:
    body = entry.body if isinstance(entry.body, Mapping) else {}
    return str(body.get("model") or "")


def texts_of(value: Any) -> list[str]:
    """Return every text in a body: where a prompt stands differs by route."""
    if isinstance(value, str):
        return [value]
    values = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for one in values for text in texts_of(one)]


def says(entry: LoggedRequest, pattern: str) -> bool:
    """Return whether some text of a body fits."""
    return not pattern or any(fits_text(pattern, text) for text in texts_of(entry.body))


def selected(entries: Iterable[LoggedRequest], query: Mapping[str, str]) -> list[LoggedRequest]:
    """Return those that fit every filter.

    Raises:
        ValueError: an unknown filter, or a number that is none.
    """
    unknown = [name for name in query if name not in FILTERS]
    if unknown:
        raise ValueError(f"there is no filter {unknown[0]!r}; allowed: {', '.join(FILTERS)}")
    for name in ("status", "last"):
        if name in query and not query[name].isdecimal():
            raise ValueError(f"{name} is a number")
    found = [entry for entry in entries if _fits(entry, query)]
    last = int(query.get("last", len(found)))
    return found[len(found) - min(last, len(found)) :]


def _fits(entry: LoggedRequest, query: Mapping[str, str]) -> bool:
    return (
        query.get("method", entry.method).upper() == entry.method
        and fits_glob(query.get("path", "*"), entry.path)
        and query.get("kind", entry.kind) == entry.kind
        and fits_glob(query.get("model", "*"), model_of(entry))
        and says(entry, query.get("prompt", ""))
        and int(query.get("status", entry.status)) == entry.status
    )
