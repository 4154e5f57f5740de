"""From a Responses body to a chat body, which `compatible/chat_requests.py` reads (RESP).

The page says that parameters which it does not name are ignored, so they are here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bailian.sandbox.http.refusals import invalid, not_imitated, off_specification
from bailian.sandbox.text.models import NEVER, TextModel

_SAME = ("model", "temperature", "top_p", "enable_thinking", "thinking_budget", "parallel_tool_calls")
_PARTS = {"input_text": "text", "output_text": "text", "text": "text"}
_SEARCH = "web_search"


def items_of(given: Any) -> list[dict[str, Any]]:
    """Return what is said, as items: one text is one message of the user.

    Raises:
        Refusal: it is neither a text nor a list of items; the words are guesses.
    """
    if isinstance(given, str) and given:
        return [{"role": "user", "content": given}]
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
        raise invalid("input must be a non-empty string or list of items")
    return given


def chat_body(model: TextModel, body: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the same call as a chat with these items.

    Raises:
        Refusal: an item or a tool that there is none of.
    """
    chat = {name: body[name] for name in _SAME if body.get(name) is not None}
    if body.get("max_output_tokens") is not None:
        chat["max_tokens"] = body["max_output_tokens"]
    chat |= _format(body.get("text")) | _effort(model, body.get("reasoning")) | _tools(body)
    lead = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
    return {**chat, "messages": _systems_first([*lead, *_messages(items)])}


def _format(text: Any) -> dict[str, Any]:
    wanted = text.get("format") if isinstance(text, dict) else None
    if not isinstance(wanted, dict):
        return {}
    if wanted.get("type") != "json_schema":
        return {"response_format": wanted}
    schema = {key: value for key, value in wanted.items() if key != "type"}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _effort(model: TextModel, reasoning: Any) -> dict[str, Any]:
    """RESP: `reasoning.effort`; `none` switches thinking off. How models without efforts take the others is a guess."""
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
    if effort is None:
        return {}
    if model.efforts:
        return {"reasoning_effort": effort}
    return {"enable_thinking": effort != "none"} if model.thinks != NEVER else {}


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise off_specification("tools must be a list of objects")
    made: dict[str, Any] = {}
    functions = [
        {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}
        for tool in tools
        if tool.get("type") == "function"
    ]
    for tool in tools:
        if tool.get("type") == _SEARCH:
            made |= {"enable_search": True, "search_options": {"enable_source": True}}
        elif tool.get("type") != "function":
            raise not_imitated(f"the tool {tool.get('type')}")
    if functions:
        choice = body.get("tool_choice")
        if isinstance(choice, dict) and choice.get("type") == "function":
            choice = {"type": "function", "function": {"name": choice.get("name")}}
        # The switch that streams of older GLM need is none of this route's, so calls come without it (a guess).
        made |= {"tools": functions, "tool_choice": choice, "tool_stream": True}
    return made


def _messages(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Calls that stand together are one message of the assistant; thoughts and searches are not told again."""
    messages: list[dict[str, Any]] = []
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            role = "system" if item.get("role") == "developer" else item.get("role")
            messages.append({"role": role, "content": _content(item.get("content"))})
        elif kind == "function_call":
            function = {"name": item.get("name"), "arguments": item.get("arguments")}
            call = {"id": item.get("call_id"), "type": "function", "function": function}
            last = messages[-1] if messages else {}
            if last.get("role") == "assistant":
                last["tool_calls"] = [*last.get("tool_calls", []), call]
            else:
                messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        elif kind == "function_call_output":
            output = item.get("output")
            told = output if isinstance(output, str) else _content(output)
            messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": told})
        elif kind not in ("reasoning", "web_search_call"):
            raise not_imitated(f"the item {kind}")
    return messages


def _content(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return [_part(part) for part in content]


def _part(part: Any) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in _PARTS:
        return {"type": "text", "text": part.get("text")}
    if kind == "input_image":
        return {"type": "image_url", "image_url": {"url": part.get("image_url")}}
    raise invalid(f"Unknown part of content: {kind}")


def _systems_first(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the system says in a later turn belongs to that turn, so it stands before what was said earlier."""
    systems = [message for message in messages if message["role"] == "system"]
    return [*systems, *(message for message in messages if message["role"] != "system")]
