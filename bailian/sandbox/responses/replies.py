"""The response object, key for key as the page shows it, and its items (RESP)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bailian.sandbox.text.requests import TextRequest
from bailian.sandbox.text.search import results_of
from bailian.sandbox.text.tokens import count_tokens
from bailian.sandbox.text.writer import GeneratedText


def items_of(request: TextRequest, generated: GeneratedText, request_id: str) -> list[dict[str, Any]]:
    """Return the finished items: the thought, the search, then calls of functions or a message."""
    items: list[dict[str, Any]] = []
    if generated.reasoning:
        summary = [{"type": "summary_text", "text": "".join(generated.reasoning)}]
        items.append({"id": f"rs_{request_id}", "summary": summary, "type": "reasoning"})
    if request.search is not None:
        sources = [{"type": "url", "url": page["url"]} for page in results_of(request.question)]
        action = {"type": "search", "query": request.question, "sources": sources}
        items.append({"id": f"ws_{request_id}", "action": action, "status": "completed", "type": "web_search_call"})
    for tool in generated.tools:
        call = {"id": f"fc_{tool.call_id}", "call_id": tool.call_id, "name": tool.name, "arguments": tool.arguments}
        items.append({**call, "status": "completed", "type": "function_call"})
    if not generated.tools:
        items.append(message_item(request_id, [text_part("".join(generated.answer))], "completed"))
    return items


def message_item(request_id: str, content: Sequence[Any], status: str) -> dict[str, Any]:
    return {
        "id": f"msg_{request_id}", "content": list(content), "role": "assistant", "status": status, "type": "message",
    }  # fmt: skip


def text_part(text: str) -> dict[str, Any]:
    return {"annotations": [], "text": text, "type": "output_text"}


def response_object(
    response_id: str, body: Mapping[str, Any], created: int, status: str, **changes: Any
) -> dict[str, Any]:
    """A response as it stands; `changes` are its output, its usage, its error."""
    return {
        "id": response_id,
        "created_at": created,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata"),
        "model": body["model"],
        "object": "response",
        "output": [],
        "parallel_tool_calls": bool(body.get("parallel_tool_calls")),
        "previous_response_id": body.get("previous_response_id"),
        "status": status,
        "temperature": body.get("temperature"),
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p"),
        "usage": None,
        **changes,
    }


def finished(
    response_id: str, body: Mapping[str, Any], created: int, request: TextRequest, generated: GeneratedText
) -> dict[str, Any]:
    """The response at its end: one that was cut is incomplete."""
    cut = generated.finish_reason == "length"
    return response_object(
        response_id, body, created, "incomplete" if cut else "completed",
        incomplete_details={"reason": "max_output_tokens"} if cut else None,
        output=items_of(request, generated, response_id), usage=_usage(request, generated),
    )  # fmt: skip


def _usage(request: TextRequest, generated: GeneratedText) -> dict[str, Any]:
    thoughts = len(generated.reasoning)
    spent = thoughts + len(generated.answer) + sum(count_tokens(tool.arguments) for tool in generated.tools)
    usage: dict[str, Any] = {
        "input_tokens": request.input_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": spent,
        "output_tokens_details": {"reasoning_tokens": thoughts},
        "total_tokens": request.input_tokens + spent,
    }
    return usage | ({"x_tools": {"web_search": {"count": 1}}} if request.search is not None else {})
