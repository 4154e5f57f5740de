"""From a Messages body to a chat body, which `compatible/chat_requests.py` reads (page anthropic-api-messages)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bailian.sandbox.http.refusals import Refusal, field_required, invalid, not_imitated, off_specification
from bailian.sandbox.tasks.requests import is_integer

_SAME = ("model", "temperature", "top_p", "top_k")
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def chat_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same call as a chat.

    Raises:
        Refusal: something is missing or of the wrong shape; the words are guesses.
    """
    if not is_integer(body.get("max_tokens"), 1, 2**31):
        raise field_required("max_tokens")
    chat = {name: body[name] for name in _SAME if body.get(name) is not None}
    chat |= {"max_tokens": body["max_tokens"], "stop": body.get("stop_sequences") or None}
    chat |= _thinking(body.get("thinking")) | _tools(body)
    lead = [{"role": "system", "content": _told(body["system"])}] if body.get("system") else []
    return {**chat, "messages": [*lead, *_messages(body.get("messages"))]}


def question_of(body: Mapping[str, Any]) -> str:
    """Return what is asked last, without judging the body (for faults and logs)."""
    messages = body.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        content = message.get("content") if isinstance(message, dict) and message.get("role") == "user" else None
        texts = [content] if isinstance(content, str) else [
            item["text"] for item in content or [] if isinstance(item, dict) and isinstance(item.get("text"), str)
        ]  # fmt: skip
        if texts:
            return "\n".join(texts)
    return ""


def _thinking(given: Any) -> dict[str, Any]:
    kind = given.get("type") if isinstance(given, dict) else None
    if kind is None:
        return {}
    if kind not in ("enabled", "disabled", "adaptive"):
        raise off_specification("thinking.type must be enabled or disabled")
    if kind == "disabled":
        return {"enable_thinking": False}
    budget = given.get("budget_tokens")
    return {"enable_thinking": True} | ({"thinking_budget": budget} if budget is not None else {})


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    tools = body.get("tools")
    if not tools:
        return {}
    if not isinstance(tools, list) or not all(isinstance(tool, dict) and tool.get("name") for tool in tools):
        raise off_specification("tools must be a list of objects with a name")
    if any(tool.get("type", "custom") != "custom" for tool in tools):
        raise not_imitated("the tools that the service itself has, on the route of Anthropic")
    functions = [
        {"name": tool["name"], "description": tool.get("description"), "parameters": tool.get("input_schema")}
        for tool in tools
    ]
    made = [{"type": "function", "function": function} for function in functions]
    choice = _choice(body.get("tool_choice") or {"type": "auto"})
    # The switch that streams of older GLM need is none of this route's, so calls come without it (a guess).
    return {"tools": made, "tool_choice": choice, "tool_stream": True}


def _choice(choice: Any) -> Any:
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "tool":
        return {"type": "function", "function": {"name": choice.get("name")}}
    if kind not in _CHOICES:
        raise off_specification("tool_choice.type must be auto, any, tool or none")
    return _CHOICES[kind]


def _messages(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not given:
        raise field_required("messages")
    messages: list[dict[str, Any]] = []
    for message in given:
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("user", "assistant"):
            raise invalid("messages: role must be user or assistant")
        content = message.get("content")
        if isinstance(content, str):
            messages.append({"role": role, "content": content})
        elif isinstance(content, list) and all(isinstance(block, dict) for block in content):
            messages += _of_assistant(content) if role == "assistant" else _of_user(content)
        else:
            raise invalid("messages: content must be a string or a list of blocks")
    return messages


def _of_assistant(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    message: dict[str, Any] = {"role": "assistant", "content": _told([b for b in content if b.get("type") == "text"])}
    calls = [
        {
            "id": block.get("id"),
            "type": "function",
            "function": {"name": block.get("name"), "arguments": json.dumps(block.get("input"), ensure_ascii=False)},
        }
        for block in content
        if block.get("type") == "tool_use"
    ]
    thoughts = "".join(str(block.get("thinking", "")) for block in content if block.get("type") == "thinking")
    message |= {"tool_calls": calls} if calls else {}
    return [message | ({"reasoning_content": thoughts} if thoughts else {})]


def _of_user(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results of tools are messages of their own, before what the user says."""
    results = [
        {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": _told(block.get("content") or "")}
        for block in content
        if block.get("type") == "tool_result"
    ]
    parts = [_part(block) for block in content if block.get("type") != "tool_result"]
    return [*results, *([{"role": "user", "content": parts}] if parts else [])]


def _part(block: Mapping[str, Any]) -> dict[str, Any]:
    if block.get("type") == "text":
        return {"type": "text", "text": block.get("text")}
    if block.get("type") == "image":
        return {"type": "image_url", "image_url": {"url": _address(block.get("source"))}}
    raise _unknown(block.get("type"))


def _address(source: Any) -> Any:
    if not isinstance(source, dict):
        return None
    if source.get("type") == "base64":
        return f"data:{source.get('media_type')};base64,{source.get('data')}"
    return source.get("url")


def _told(content: Any) -> str:
    """Return the text of a text, or of blocks of it."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else [content]
    texts = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    if len(texts) < len(blocks):
        raise invalid("messages: only blocks of text can stand here")
    return "\n".join(map(str, texts))


def _unknown(kind: Any) -> Refusal:
    return invalid(f"messages: unknown block {kind}")
