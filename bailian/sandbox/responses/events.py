"""The events of a response that comes in pieces, each with its number (RESP; OpenAI's names)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.responses.replies import message_item, response_object, text_part
from bailian.sandbox.text.replies import steps_of
from bailian.sandbox.text.writer import GeneratedText

Event = dict[str, Any]


def events_of(
    response_id: str, body: Mapping[str, Any], created: int, done: Mapping[str, Any], generated: GeneratedText
) -> Iterator[Event]:
    """Yield the events up to the end; `done` is the finished response."""
    for number, event in enumerate(_events(response_id, body, created, done, generated)):
        yield {**event, "sequence_number": number}


def failed(response_id: str, body: Mapping[str, Any], created: int, number: int, refusal: Refusal) -> Event:
    """The event that ends a response which breaks off."""
    error = {"code": refusal.code, "message": refusal.message}
    response = response_object(response_id, body, created, "failed", error=error)
    return {"type": "response.failed", "response": response, "sequence_number": number}


def _events(
    response_id: str, body: Mapping[str, Any], created: int, done: Mapping[str, Any], generated: GeneratedText
) -> Iterator[Event]:
    yield {"type": "response.created", "response": response_object(response_id, body, created, "queued")}
    yield {"type": "response.in_progress", "response": response_object(response_id, body, created, "in_progress")}
    for index, item in enumerate(done["output"]):
        place = {"output_index": index, "item_id": item["id"]}
        yield {"type": "response.output_item.added", "output_index": index, "item": _BEGUN[item["type"]](item)}
        yield from _INSIDE[item["type"]](item, place, generated)
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": f"response.{done['status']}", "response": dict(done)}


def _pieces(generated: GeneratedText) -> Iterator[tuple[str, str]]:
    """Yield the thought and the text of each step."""
    reasoning, answer = 0, 0
    for now in steps_of(generated):
        yield "".join(generated.reasoning[reasoning : now.reasoning]), "".join(generated.answer[answer : now.answer])
        reasoning, answer = now.reasoning, now.answer


def _thought(item: Event, place: Event, generated: GeneratedText) -> Iterator[Event]:
    place = {**place, "summary_index": 0}
    (part,) = item["summary"]
    yield {"type": "response.reasoning_summary_part.added", **place, "part": {**part, "text": ""}}
    for thought, _ in _pieces(generated):
        if thought:
            yield {"type": "response.reasoning_summary_text.delta", **place, "delta": thought}
    yield {"type": "response.reasoning_summary_text.done", **place, "text": part["text"]}
    yield {"type": "response.reasoning_summary_part.done", **place, "part": part}


def _search(item: Event, place: Event, generated: GeneratedText) -> Iterator[Event]:
    for state in ("in_progress", "searching", "completed"):
        yield {"type": f"response.web_search_call.{state}", **place}


def _call(item: Event, place: Event, generated: GeneratedText) -> Iterator[Event]:
    arguments = item["arguments"]
    half = len(arguments) // 2
    for piece in filter(None, (arguments[:half], arguments[half:])):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
    yield {"type": "response.function_call_arguments.done", **place, "name": item["name"], "arguments": arguments}


def _message(item: Event, place: Event, generated: GeneratedText) -> Iterator[Event]:
    place = {**place, "content_index": 0}
    (part,) = item["content"]
    yield {"type": "response.content_part.added", **place, "part": text_part("")}
    for _, text in _pieces(generated):
        if text:
            yield {"type": "response.output_text.delta", **place, "delta": text, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": part}


_BEGUN: Mapping[str, Callable[[Event], Event]] = {
    "reasoning": lambda item: {**item, "summary": []},
    "web_search_call": lambda item: {**item, "status": "in_progress"},
    "function_call": lambda item: {**item, "arguments": "", "status": "in_progress"},
    "message": lambda item: {**message_item("", [], "in_progress"), "id": item["id"]},
}
_INSIDE: Mapping[str, Callable[[Event, Event, GeneratedText], Iterator[Event]]] = {
    "reasoning": _thought, "web_search_call": _search, "function_call": _call, "message": _message,
}  # fmt: skip
