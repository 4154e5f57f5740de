"""The bodies and frames of text answers, key for key (CAP single-generation-*, multimodal-generation-*; API, VIS)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.text.logprobs import logprobs_of
from bailian.sandbox.text.requests import TextRequest
from bailian.sandbox.text.search import results_of
from bailian.sandbox.text.tools import ToolCall
from bailian.sandbox.text.usage import usage_of
from bailian.sandbox.text.writer import GeneratedText

FRAMES_MAX = 100
"""A long answer has bigger steps: without increments each frame repeats the whole text so far."""


@dataclass(frozen=True)
class Progress:
    """How much of a writing is out: numbers of tokens."""

    reasoning: int
    answer: int
    tool: int = 0
    """1: the call's name is out; 2: its arguments, too."""
    last: bool = False


def complete_answer(request: TextRequest, generated: GeneratedText, request_id: str) -> dict[str, Any]:
    """A non-streaming answer."""
    done = _end(generated)
    return _body(request, generated, Progress(0, 0), done, request_id, cumulative=True)


def _end(generated: GeneratedText) -> Progress:
    return Progress(len(generated.reasoning), len(generated.answer), 2 if generated.tools else 0, last=True)


def frames(request: TextRequest, generated: GeneratedText, request_id: str) -> Iterator[dict[str, Any]]:
    """Yield what each `data:` line holds; the last one alone has a real finish reason."""
    before = Progress(0, 0)
    for now in steps_of(generated):
        yield _body(request, generated, before, now, request_id, cumulative=not request.incremental)
        before = now
    # In increments the last frame has no text of its own (CAP single-generation-text-sse).
    last = _end(generated)
    yield _body(
        request, generated, before if generated.tools else last, last, request_id, cumulative=not request.incremental
    )


def steps_of(generated: GeneratedText) -> Iterator[Progress]:
    """Yield how far each frame gets, the last one of all not among them."""
    total = len(generated.reasoning) + len(generated.answer)
    step = max(2, -(-total // FRAMES_MAX))
    for end in _ends(len(generated.reasoning), step):
        yield Progress(end, 0)
    for end in _ends(len(generated.answer), step):
        yield Progress(len(generated.reasoning), end)
    if generated.tools:
        yield Progress(len(generated.reasoning), 0, tool=1)


def _ends(count: int, step: int) -> Iterator[int]:
    """One token first, then equal steps."""
    if count:
        yield 1
        yield from range(1 + step, count, step)
    if count > 1:
        yield count


def _body(
    request: TextRequest,
    generated: GeneratedText,
    before: Progress,
    now: Progress,
    request_id: str,
    *,
    cumulative: bool,
) -> dict[str, Any]:
    begin = Progress(0, 0) if cumulative else before
    text = "".join(generated.answer[begin.answer : now.answer])
    reason = generated.finish_reason if now.last else "null"  # the string, in every capture
    if request.result_format == "text":
        output: dict[str, Any] = {"finish_reason": reason, "text": text}
    else:
        content = _listed(text, generated, now) if request.listed else text
        message: dict[str, Any] = {"role": "assistant", "content": content}
        if request.thinking:
            message["reasoning_content"] = "".join(generated.reasoning[begin.reasoning : now.reasoning])
        if generated.tools and now.tool:
            message["tool_calls"] = [_call(tool, begin, now) for tool in generated.tools]
        choice = {"finish_reason": reason, "message": message}
        if request.logprobs is not None:
            choice["logprobs"] = logprobs_of(generated.answer[begin.answer : now.answer], request.logprobs)
        output = {"choices": [choice]}
    if request.search is not None and request.search.shows_sources and (now.answer or now.last):
        output = {"search_info": {"search_results": results_of(request.question)}, **output}
    return {
        "output": output,
        "usage": usage_of(request, generated, now.reasoning, now.answer),
        "request_id": request_id,
    }


def _listed(text: str, generated: GeneratedText, now: Progress) -> list[dict[str, Any]]:
    """CAP: an empty list where there is no text, and what a task has read with the end of it."""
    if generated.ocr_result is not None and now.last:
        return [{"ocr_result": generated.ocr_result, "text": text}]
    return [{"text": text}] if text else []


def _call(tool: ToolCall, begin: Progress, now: Progress) -> dict[str, Any]:
    return tool.as_json(first=not begin.tool, arguments="" if now.tool == 1 else None)
