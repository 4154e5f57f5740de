"""A text model's answer in OpenAI's shape: whole, or in chunks (DEF, THINK, FC; CAP get-file-content-compatible)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bailian.sandbox.text.answering import TextWork
from bailian.sandbox.text.logprobs import logprobs_of
from bailian.sandbox.text.replies import Progress, steps_of
from bailian.sandbox.text.requests import TextRequest
from bailian.sandbox.text.tokens import count_tokens
from bailian.sandbox.text.tools import ToolCall
from bailian.sandbox.text.writer import GeneratedText

ARGUMENT_PIECES = 3
"""In how many pieces the arguments of a call come in a stream."""


def usage_of(request: TextRequest, answers: tuple[GeneratedText, ...]) -> dict[str, Any]:
    """Return what was counted: the input once, every answer; pictures have keys of their own (VIS)."""
    thoughts = sum(len(answer.reasoning) for answer in answers)
    words = sum(len(one.answer) + sum(count_tokens(tool.arguments) for tool in one.tools) for one in answers)
    asked, spent = request.input_tokens, thoughts + words
    usage: dict[str, Any] = {"prompt_tokens": asked, "completion_tokens": spent, "total_tokens": asked + spent}
    if request.media:
        seen = {"image_tokens": request.image_tokens, "video_tokens": request.video_tokens}
        taken = {"text_tokens": asked - sum(seen.values()), **{key: count for key, count in seen.items() if count}}
        usage["prompt_tokens_details"] = taken
    else:
        usage["prompt_tokens_details"] = {"cached_tokens": 0}
    if request.thinking:
        usage["completion_tokens_details"] = {"reasoning_tokens": thoughts, "text_tokens": words}
    return usage


def message_of(request: TextRequest, generated: GeneratedText) -> dict[str, Any]:
    message: dict[str, Any] = {"content": "".join(generated.answer), "role": "assistant"}
    if request.thinking:
        message["reasoning_content"] = "".join(generated.reasoning)
    if generated.tools:
        message["tool_calls"] = [tool.as_json() for tool in generated.tools]
    return message


def completion(name: str, work: TextWork, completion_id: str, created: int) -> dict[str, Any]:
    """A complete answer, key for key as the pages show it."""
    choices = [
        {
            "message": message_of(work.request, generated),
            "finish_reason": generated.finish_reason,
            "index": index,
            "logprobs": _logprobs(work.request, generated, 0, len(generated.answer)),
        }
        for index, generated in enumerate(work.answers)
    ]
    usage = usage_of(work.request, work.answers)
    return {"choices": choices, "object": "chat.completion", "usage": usage, **_ends(name, completion_id, created)}


def chunks(name: str, work: TextWork, completion_id: str, created: int, *, usage: bool) -> Iterator[dict[str, Any]]:
    """Yield the chunks; the usage has one of its own, whose `choices` are empty."""
    ends = _ends(name, completion_id, created)
    for index, generated in enumerate(work.answers):
        for delta, reason, logprobs in _deltas(work.request, generated):
            choice = {"delta": delta, "index": index, "logprobs": logprobs, "finish_reason": reason}
            yield {"choices": [choice], "object": "chat.completion.chunk", "usage": None, **ends}
    if usage:
        counted = usage_of(work.request, work.answers)
        yield {"choices": [], "object": "chat.completion.chunk", "usage": counted, **ends}


def _ends(name: str, completion_id: str, created: int) -> Mapping[str, Any]:
    return {"created": created, "system_fingerprint": None, "model": name, "id": completion_id}


_Delta = tuple[dict[str, Any], str | None, Any]
"""A delta, the finish reason, the probabilities."""


def _deltas(request: TextRequest, generated: GeneratedText) -> Iterator[_Delta]:
    """While it thinks there is no content, and afterwards no thought (THINK)."""
    thinks = request.thinking
    yield (
        {"content": None if thinks else "", "role": "assistant"} | ({"reasoning_content": ""} if thinks else {}),
        None,
        None,
    )
    before = Progress(0, 0)
    for now in steps_of(generated):
        thought = "".join(generated.reasoning[before.reasoning : now.reasoning])
        text = "".join(generated.answer[before.answer : now.answer])
        if thought:
            yield {"content": None, "reasoning_content": thought}, None, None
        elif text:
            delta = {"content": text} | ({"reasoning_content": None} if thinks else {})
            yield delta, None, _logprobs(request, generated, before.answer, now.answer)
        before = now
    for tool in generated.tools:
        for piece in _pieces(tool):
            yield {"content": None, "tool_calls": [piece]}, None, None
    yield {"content": "" if not generated.tools else None}, generated.finish_reason, None


def _pieces(tool: ToolCall) -> Iterator[dict[str, Any]]:
    """FC, CAP …-with-parallel-tools-sse: one call after the other; only its first piece has id and name."""
    yield tool.as_json(arguments="")
    step = -(-len(tool.arguments) // ARGUMENT_PIECES) or 1
    for start in range(0, len(tool.arguments), step):
        yield tool.as_json(first=False, arguments=tool.arguments[start : start + step])


def _logprobs(request: TextRequest, generated: GeneratedText, begin: int, end: int) -> dict[str, Any] | None:
    return None if request.logprobs is None else logprobs_of(generated.answer[begin:end], request.logprobs)
