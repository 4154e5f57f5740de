"""A row of the journal, read and written: what ten thousand rows of a batch have in common is worked out once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any

from bailian.counts import NUMBERS
from bailian.store.backends.database import Row
from bailian.store.schema import JobRow, dumped
from bailian.store.states import Status
from bailian.types import StoredRequest
from bailian.types.answer_context import AnswerContext, context_from_json

# As far as `time.localtime` reaches everywhere; more money than there is.
MOST_NUMBER = 1e11
_STATES: Mapping[object, Status] = {state.value: state for state in Status}
_AT = {name: at for at, name in enumerate(JobRow._fields)}
_KIND, _STATE, _PREPARED, _SAVING = (_AT[name] for name in ("kind", "state", "prepared", "saving"))
_REQUEST, _ANSWER, _ERROR, _ADOPTED = (_AT[name] for name in ("request", "answer", "error", "adopted"))
_NEVER_NONE = (_AT["created_at_s"], _AT["lost_cny"])
_NUMBERS = tuple(
    _AT[name]
    for name in (
        *("created_at_s", "sent_at_s", "submitted_at_s", "ended_at_s", "sent_server_s", "run_s"),
        *("estimate_cny", "charged_cny", "lost_cny"),
    )
)
# Before what is known of a request's model. In a text of JSON the quotes would be escaped.
FACTS_MARK = ',"facts":'
MOST_FACTS_CHARS = 4096


# NaN in an answer that an older version kept is null.
_DECODER = json.JSONDecoder(parse_constant=lambda _constant: None)


def job_row(row: Row) -> JobRow:
    """Return a job; what cannot be read in it is as if it were not there."""
    values = list(_in_order(tuple(row.keys()))(tuple(row)))
    values[_PREPARED] = stored_request(values[_PREPARED], values[_KIND])
    values[_REQUEST] = _object_of(values[_REQUEST]) or {}
    values[_SAVING] = _shared_object_of(values[_SAVING])
    values[_ANSWER] = _object_of(values[_ANSWER]) if values[_ANSWER] else None
    error = _object_of(values[_ERROR]) if values[_ERROR] else None
    values[_ERROR] = error if error is not None and isinstance(error.get("error"), dict) else None
    for at in _NUMBERS:
        value = values[at]
        if value is not None and not (type(value) in NUMBERS and -MOST_NUMBER < value < MOST_NUMBER):
            values[at] = None
    for at in _NEVER_NONE:
        values[at] = values[at] or 0.0
    values[_ADOPTED] = bool(values[_ADOPTED])
    values[_STATE] = _STATES.get(values[_STATE], Status.HELD)  # what nobody can read is for a person to decide
    return JobRow(*values)


@lru_cache(maxsize=16)
def _in_order(names: tuple[str, ...]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Return what puts the values of a query's columns into the order of a `JobRow`."""
    return itemgetter(*(names.index(name) for name in JobRow._fields))


def stored_request(text: Any, kind: str) -> StoredRequest:
    """Return what the journal keeps of a checked request of this kind.

    What is known of its model stands last: the rows of a batch have the same, and it is read once for all of them.
    """
    if isinstance(text, str):
        own, mark, facts = text.rpartition(FACTS_MARK)
        context = _context_of(facts[:-1], kind) if mark and len(facts) <= MOST_FACTS_CHARS else None
        if context is not None:
            return StoredRequest.from_json(_object_of(own + "}") or {}, kind, context)
    return StoredRequest.from_json(_object_of(text) or {}, kind)


def stored_text(request: StoredRequest) -> str:
    """Return the JSON that the journal keeps of a checked request."""
    facts = request.context.as_text
    own = dumped(request.own_json())
    return f"{own[:-1]}{FACTS_MARK}{facts}}}" if facts else own


@lru_cache(maxsize=64)
def _context_of(facts: str, kind: str) -> AnswerContext | None:
    """Return what is known of a model; None if this is not one whole object: then the mark was somebody's text."""
    data = _object_of(facts)
    return context_from_json(data, kind) if data else None


def _object_of(text: Any) -> dict[str, Any] | None:
    try:
        value, end = _DECODER.raw_decode(text)  # it looks for no blanks around, of which we write none
        if end != len(text):  # not as we write it
            value = _DECODER.decode(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


@lru_cache(maxsize=64)
def _shared_object_of(text: Any) -> dict[str, Any]:
    """Return an object that rows of a batch have in common, as `saving`: nobody changes it."""
    return _object_of(text) or {}
