"""From a body in OpenAI's shape to the native one (DEF, FC, VIS, PART).

Here is only what differs: where the parameters stand, the shape of messages and their parts, and the words about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.sandbox.compatible.errors import ALGO
from bailian.sandbox.http.refusals import Refusal, invalid, off_specification
from bailian.sandbox.text.models import TEXT_GENERATION, TextModel

ROLES = ("system", "assistant", "user", "tool", "function")
_NOT_PARAMETERS = ("model", "messages", "stream", "stream_options", "max_completion_tokens")
_ADDRESSES = {"image_url": "image", "video_url": "video"}
"""A part of a compatible message, and what it is called on the multimodal path."""
_BESIDE = ("min_pixels", "max_pixels", "fps")
_PAIRS = 'messages with role "tool" must be a response to a preceeding message with "tool_calls".'
_UNANSWERED = (
    'An assistant message with "tool_calls" must be followed by tool messages responding to each "tool_call_id". '
    "The following tool_call_ids did not have response messages: {}"
)


def native_body(name: str, model: TextModel, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same call in the native shape; its parameters are checked where the native ones are.

    Raises:
        Refusal: messages that are none.
    """
    parameters = {key: value for key, value in body.items() if key not in _NOT_PARAMETERS}
    longest = body.get("max_completion_tokens")
    if longest is not None:  # DEF: the newer name of the same limit
        parameters["max_tokens"] = longest
    parameters |= {"result_format": "message", "incremental_output": True}
    messages = [_native(model, message) for message in _checked(body)]
    return {"model": name, "input": {"messages": _led_by_one_system(messages)}, "parameters": parameters}


def wants_stream(body: Mapping[str, Any]) -> bool:
    """Return whether the answer shall come in chunks.

    Raises:
        Refusal: `stream` is no boolean, or there are options of a stream without one (a guess).
    """
    streams = body.get("stream") or False
    if not isinstance(streams, bool):
        raise off_specification("stream must be a boolean")
    if body.get("stream_options") is not None and not streams:
        raise invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
    return streams


def wants_usage(body: Mapping[str, Any]) -> bool:
    """DEF: the chunk with the usage comes only for `include_usage`."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _checked(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """ERR: the words of the validator, which is one of JSON schemas."""
    messages = body.get("messages")
    if messages is None:
        raise invalid("'messages' is a required property")
    if not isinstance(messages, list):
        raise invalid(f"{messages!r} is not of type 'array' - 'messages'")
    if not messages:
        raise invalid("[] is too short - 'messages'")
    for index, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else message
        if role not in ROLES:
            raise invalid(f"{role} is not one of {list(ROLES)} - 'messages.[{index}].role'")
    _check_pairs(messages)
    return messages


def _check_pairs(messages: list[dict[str, Any]]) -> None:
    """ERR: every call of a tool is answered at once, and every answer has its call."""
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            call_id = message.get("tool_call_id")
            if call_id not in waiting:
                raise invalid(ALGO + _PAIRS)
            waiting.remove(str(call_id))
            continue
        if waiting:
            break
        calls = message.get("tool_calls") if message["role"] == "assistant" else None
        waiting = [str(call.get("id")) for call in calls or [] if isinstance(call, dict)]
    if waiting:
        raise invalid(ALGO + _UNANSWERED.format(", ".join(waiting)))


def _native(model: TextModel, message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if content is None:
        if message["role"] != "assistant":
            raise invalid("The content field is a required field.")  # ERR
        content = ""
    role = "tool" if message["role"] == "function" else message["role"]
    return {**message, "role": role, "content": _content(model, content)}


def _content(model: TextModel, content: Any) -> Any:
    if not isinstance(content, list):
        return content
    parts = [_part(part) for part in content]
    if model.door != TEXT_GENERATION:
        return parts
    if any("text" not in part for part in parts):
        raise invalid(f"{ALGO}The model does not support image or video input.")  # a guess
    return "\n".join(str(part["text"]) for part in parts)


def _part(part: Any) -> dict[str, Any]:
    """Return a part as the multimodal path has it (VIS; ERR for what is none)."""
    kind = str(part.get("type")) if isinstance(part, dict) else ""
    if kind == "text" and isinstance(part.get("text"), str):
        return {"text": part["text"]}
    beside = {name: part[name] for name in _BESIDE if name in part} if kind else {}
    if kind == "video":
        return {"video": part.get("video"), **beside}
    if kind in _ADDRESSES:
        address = part.get(kind)
        url = address.get("url") if isinstance(address, dict) else address
        return {_ADDRESSES[kind]: url, **beside}
    raise invalid(f"{ALGO}Input should be a valid dictionary: messages.content")


def _led_by_one_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join what the system says first: page long-context-qwen-long has two of them, one a file.

    Raises:
        Refusal: it says something later (page compatibility-of-openai-with-dashscope: only the first one).
    """
    said = [message["content"] for message in messages if message["role"] == "system"]
    rest = messages[len(said) :]
    if any(message["role"] == "system" for message in rest):
        raise Refusal(
            400, "InvalidParameter", "Role must be user or assistant and Content length must be greater than 0"
        )
    if not said:
        return messages
    listed = [item for content in said for item in (content if isinstance(content, list) else [{"text": content}])]
    joined = listed if any(isinstance(content, list) for content in said) else "\n".join(map(str, said))
    return [{"role": "system", "content": joined}, *rest]
