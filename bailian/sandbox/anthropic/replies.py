"""The message, whole or as the events of a stream (page anthropic-api-messages; the names are Anthropic's)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bailian.sandbox.text.replies import steps_of
from bailian.sandbox.text.requests import TextRequest
from bailian.sandbox.text.tokens import count_tokens
from bailian.sandbox.text.writer import GeneratedText

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}

Event = dict[str, Any]


def message_of(name: str, request: TextRequest, generated: GeneratedText, request_id: str) -> dict[str, Any]:
    """A complete answer."""
    return {
        "id": f"msg_{request_id}",
        "type": "message",
        "role": "assistant",
        "model": name,
        "content": _blocks(generated),
        "stop_reason": _REASONS[generated.finish_reason],
        "stop_sequence": None,
        "usage": _usage(request, _spent(generated)),
    }


def events_of(name: str, request: TextRequest, generated: GeneratedText, request_id: str) -> Iterator[Event]:
    """Yield the events from `message_start` to `message_stop`."""
    whole = message_of(name, request, generated, request_id)
    begun = {**whole, "content": [], "stop_reason": None, "usage": _usage(request, 0)}
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(whole["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": _empty(block)}
        for delta in _deltas(block, generated):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ends = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ends, "usage": whole["usage"]}
    yield {"type": "message_stop"}


def _blocks(generated: GeneratedText) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if generated.reasoning:
        blocks.append({"type": "thinking", "thinking": "".join(generated.reasoning), "signature": ""})
    if generated.answer or not generated.tools:
        blocks.append({"type": "text", "text": "".join(generated.answer)})
    uses = (
        {"type": "tool_use", "id": tool.call_id, "name": tool.name, "input": json.loads(tool.arguments)}
        for tool in generated.tools
    )
    return [*blocks, *uses]


def _empty(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] == "tool_use":
        return {**block, "input": {}}
    return {**block, block["type"]: ""}


def _deltas(block: dict[str, Any], generated: GeneratedText) -> Iterator[Event]:
    if block["type"] == "tool_use":
        arguments = json.dumps(block["input"], ensure_ascii=False)
        half = len(arguments) // 2
        for piece in ("", arguments[:half], arguments[half:]):
            yield {"type": "input_json_delta", "partial_json": piece}
        return
    kind, reasoning, answer = block["type"], 0, 0
    for now in steps_of(generated):
        thought = "".join(generated.reasoning[reasoning : now.reasoning])
        text = "".join(generated.answer[answer : now.answer])
        reasoning, answer = now.reasoning, now.answer
        piece = thought if kind == "thinking" else text
        if piece:
            yield {"type": f"{kind}_delta", kind: piece}
    if kind == "thinking":
        yield {"type": "signature_delta", "signature": ""}


def _spent(generated: GeneratedText) -> int:
    calls = sum(count_tokens(tool.arguments) for tool in generated.tools)
    return len(generated.reasoning) + len(generated.answer) + calls


def _usage(request: TextRequest, spent: int) -> dict[str, Any]:
    return {
        "input_tokens": request.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": spent,
    }
