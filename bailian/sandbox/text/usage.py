"""What a text call counts, key for key (CAP single-generation-*, multimodal-generation-vl-*; API, VIS)."""

from __future__ import annotations

from typing import Any

from bailian.sandbox.text.requests import TextRequest
from bailian.sandbox.text.tokens import count_tokens
from bailian.sandbox.text.writer import GeneratedText


def usage_of(request: TextRequest, generated: GeneratedText, reasoning: int, answer: int) -> dict[str, Any]:
    """Return the tokens so far; thoughts are output. The keys differ between paths and formats as in the captures."""
    answer += sum(count_tokens(tool.arguments) for tool in generated.tools)
    usage = _listed(request, reasoning, answer) if request.listed else _plain(request, reasoning, answer)
    if request.search is not None:
        usage["plugins"] = {"search": {"count": 1, "strategy": request.search.strategy}}
    return usage


def _plain(request: TextRequest, reasoning: int, answer: int) -> dict[str, Any]:
    spent = reasoning + answer
    usage: dict[str, Any] = {
        "total_tokens": request.input_tokens + spent,
        "output_tokens": spent,
        "input_tokens": request.input_tokens,
    }
    if request.result_format == "text":
        usage = {"prompt_tokens_details": {"cached_tokens": 0}, **usage}
    if request.thinking:
        usage["output_tokens_details"] = {"reasoning_tokens": reasoning}
    return usage


def _listed(request: TextRequest, reasoning: int, answer: int) -> dict[str, Any]:
    """Pictures and films have keys of their own only when there are some."""
    seen = {"image_tokens": request.image_tokens, "video_tokens": request.video_tokens}
    taken = {"text_tokens": request.input_tokens - sum(seen.values()), **{k: n for k, n in seen.items() if n}}
    given = {"text_tokens": answer} | ({"reasoning_tokens": reasoning} if request.thinking else {})
    usage: dict[str, Any] = {
        "input_tokens": request.input_tokens,
        "output_tokens": reasoning + answer,
        "total_tokens": request.input_tokens + reasoning + answer,
        "input_tokens_details": taken,
        "output_tokens_details": given,
    }
    if request.reading is not None:
        return {"image_tokens": request.image_tokens, **usage}  # CAP …-vl-ocr-…
    return {**usage, "prompt_tokens_details": {"cached_tokens": 0}}
