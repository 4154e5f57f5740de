"""What a client asks of a batch, checked: the request that creates one, and the filter of a list (BATCH)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.batches.batch_store import Batch
from bailian.sandbox.batches.input_file import ENDPOINTS
from bailian.sandbox.http.refusals import Refusal, field_required, invalid
from bailian.sandbox.tasks.replies import china_moment

WINDOW_H = (24, 336)
NAME_CHARS_MAX = 100
DESCRIPTION_CHARS_MAX = 200
PAGE_MAX = 100
PAGE_DEFAULT = 20


@dataclass(frozen=True)
class BatchRequest:
    """One accepted request."""

    input_file_id: str
    endpoint: str
    window: str
    window_s: float
    metadata: dict[str, Any]


def read_batch_request(raw: bytes) -> BatchRequest:
    """Check the body of a POST.

    Raises:
        Refusal: something is missing or out of range; the words are guesses.
    """
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid("Required body invalid, please check the request body format.")
    for name in ("input_file_id", "endpoint", "completion_window"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise field_required(name)
    if body["endpoint"] not in ENDPOINTS:
        raise Refusal(400, "url_not_found", f"The endpoint '{body['endpoint']}' is not supported by the Batch API.")
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise invalid("metadata must be an object")
    for name, most in (("ds_name", NAME_CHARS_MAX), ("ds_description", DESCRIPTION_CHARS_MAX)):
        if len(str(metadata.get(name) or "")) > most:
            raise invalid(f"{name} must not be longer than {most} characters")
    window = body["completion_window"]
    return BatchRequest(body["input_file_id"], body["endpoint"], window, _window_s(window), metadata)


def _window_s(window: str) -> float:
    """BATCH: whole hours or days, 24h to 336h."""
    found = re.fullmatch(r"(\d{1,4})([hd])", window)
    hours = int(found[1]) * (24 if found[2] == "d" else 1) if found else 0
    if not WINDOW_H[0] <= hours <= WINDOW_H[1]:
        raise invalid("completion_window must be between 24h and 336h")
    return hours * 3600.0


@dataclass(frozen=True)
class Filter:
    """Which batches a list shows."""

    limit: int
    after: str | None
    ds_name: str
    input_file_ids: frozenset[str]
    statuses: frozenset[str]
    begin: float
    end: float

    def page(self, batches: Sequence[Batch]) -> tuple[list[Batch], bool]:
        """Return one page of the batches (newest first), and whether there are more."""
        matching = [batch for batch in batches if self._shows(batch)]
        if self.after is not None:
            position = next((i for i, batch in enumerate(matching) if batch.batch_id == self.after), None)
            if position is None:
                raise invalid(f"after: there is no batch {self.after}")
            matching = matching[position + 1 :]
        return matching[: self.limit], len(matching) > self.limit

    def _shows(self, batch: Batch) -> bool:
        return (
            # BATCH speaks of filtering by name; that a part of it is enough is a guess.
            self.ds_name in str(batch.metadata.get("ds_name") or "")
            and (not self.input_file_ids or batch.input_file_id in self.input_file_ids)
            and (not self.statuses or batch.status in self.statuses)
            and self.begin <= batch.created <= self.end
        )


def read_filter(query: Mapping[str, str]) -> Filter:
    """Read the query of a list.

    Raises:
        Refusal: a number or time that is none.
    """
    limit = query.get("limit") or str(PAGE_DEFAULT)
    if not limit.isdecimal() or not 1 <= int(limit) <= PAGE_MAX:
        raise invalid(f"limit must be in [1, {PAGE_MAX}]")
    return Filter(
        limit=int(limit),
        after=query.get("after") or None,
        ds_name=query.get("ds_name") or "",
        input_file_ids=_words(query.get("input_file_ids")),
        statuses=_words(query.get("status")),
        begin=_moment(query.get("create_after"), 0.0),
        end=_moment(query.get("create_before"), float("inf")),
    )


def _words(text: str | None) -> frozenset[str]:
    return frozenset(word.strip() for word in (text or "").split(",") if word.strip())


def _moment(text: str | None, default: float) -> float:
    try:
        return china_moment(text) if text else default
    except ValueError:
        raise invalid("a time must be yyyyMMddHHmmss") from None
