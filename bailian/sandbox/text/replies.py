"""The bodies and frames of text answers, key for key (CAP single-generation-*, API)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.text.requests import TextRequest
from bailian.sandbox.text.writer import GeneratedText

FRAMES_MAX = 100
"""A long answer has bigger steps: without increments each frame repeats the whole text so far."""


@dataclass(frozen=True)
class Progress:
    """How much of a writing is out: numbers of tokens."""

    reasoning: int
    answer: int
    last: bool = False


def complete_answer(request: TextRequest, generated: GeneratedText, request_id: str) -> dict[str, Any]:
    """A non-streaming answer."""
    done = Progress(len(generated.reasoning), len(generated.answer), last=True)
    return _body(request, generated, Progress(0, 0), done, request_id, cumulative=True)


def frames(request: TextRequest, generated: GeneratedText, request_id: str) -> Iterator[dict[str, Any]]:
    """Yield what each `data:` line holds; the last one alone has a real finish reason."""
    before = Progress(0, 0)
    for now in _steps(generated):
        yield _body(request, generated, before, now, request_id, cumulative=not request.incremental)
        before = now
    # In increments the last frame has no text of its own (CAP single-generation-text-sse).
    last = Progress(len(generated.reasoning), len(generated.answer), last=True)
    yield _body(request, generated, last, last, request_id, cumulative=not request.incremental)


def _steps(generated: GeneratedText) -> Iterator[Progress]:
    total = len(generated.reasoning) + len(generated.answer)
    step = max(2, -(-total // FRAMES_MAX))
    for end in _ends(len(generated.reasoning), step):
        yield Progress(end, 0)
    for end in _ends(len(generated.answer), step):
        yield Progress(len(generated.reasoning), end)


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
        message = {"role": "assistant", "content": text}
        if request.thinking:
            message["reasoning_content"] = "".join(generated.reasoning[begin.reasoning : now.reasoning])
        output = {"choices": [{"finish_reason": reason, "message": message}]}
    return {"output": output, "usage": _usage(request, now), "request_id": request_id}


def _usage(request: TextRequest, now: Progress) -> dict[str, Any]:
    """Cumulative in a stream. The keys differ between the two formats as they do in the captures."""
    spent = now.reasoning + now.answer
    usage: dict[str, Any] = {
        "total_tokens": request.input_tokens + spent,
        "output_tokens": spent,
        "input_tokens": request.input_tokens,
    }
    if request.result_format == "text":
        usage = {"prompt_tokens_details": {"cached_tokens": 0}, **usage}
    if request.thinking:
        usage["output_tokens_details"] = {"reasoning_tokens": now.reasoning}
    return usage
