"""The messages of a text call: plain texts on the text path, lists of parts on the multimodal one (API, VIS, PART)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.http.refusals import Refusal, field_required, invalid, off_specification
from bailian.sandbox.vision.parts import MediaPart, read_media

ROLES = ("system", "user", "assistant", "tool")
_ROLE_MESSAGE = "Role must be user or assistant and Content length must be greater than 0"
_NEITHER = 'Either "prompt" or "messages" must exist and cannot both be none'


@dataclass(frozen=True)
class Messages:
    """What the messages of one call say."""

    texts: tuple[str, ...]
    """Of every message, also those that only repeat what was said."""
    thoughts: tuple[str, ...] = ()
    """Of earlier answers, as the client hands them back."""
    media: tuple[MediaPart, ...] = ()
    """Of all messages."""
    shown: tuple[MediaPart, ...] = ()
    """Of the last message that has any: what the answer is about."""
    begun: str | None = None
    """The answer's beginning, when the last message gives it."""
    last_role: str = "user"
    results: tuple[str, ...] = ()
    """What the tools have answered, when they have the last word."""
    called: tuple[str, ...] = ()
    """The names of the tools that were called before."""


def question_of(body: Mapping[str, Any]) -> str:
    """Return what is asked, without judging the body (for faults and logs)."""
    inputs = body.get("input")
    inputs = inputs if isinstance(inputs, dict) else {}
    question = last_question(inputs)
    return str(inputs.get("prompt") or "") if question is None else question


def last_question(inputs: Mapping[str, Any]) -> str | None:
    """Return the last user message, without judging the others."""
    messages = inputs.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            return _told(message.get("content"))
    return None


def _told(content: Any) -> str:
    if not isinstance(content, list):
        return str(content)
    return "\n".join(str(item["text"]) for item in content if isinstance(item, dict) and "text" in item)


def read_plain(inputs: Mapping[str, Any]) -> Messages:
    """Read the input of the text path: messages, or one prompt.

    Raises:
        Refusal: in the service's words; an empty `messages` wins over a prompt (CAP parameter-error-nosse).
    """
    if inputs.get("messages") is None and inputs.get("prompt") is None:
        raise invalid(_NEITHER)  # also when the messages stand beside `input` (ERR)
    if inputs.get("messages") is None:
        prompt = inputs["prompt"]
        if not isinstance(prompt, str):
            raise off_specification("prompt must be a string")
        if not prompt:
            raise invalid(_NEITHER)
        return Messages((prompt,))
    messages = _checked(inputs["messages"])
    for message in messages:
        if not isinstance(message["content"], str):
            raise invalid("input content must be a string.")  # ERR
        _check_length(message)
    return _read(messages, tuple(message["content"] for message in messages))


def read_listed(inputs: Mapping[str, Any]) -> Messages:
    """Read the input of the multimodal path: each content a list of parts, or a plain text.

    Raises:
        Refusal: in the service's words, where they are known.
    """
    if "messages" not in inputs:
        raise field_required("input.messages")
    messages = _checked(inputs["messages"])
    texts: list[str] = []
    media: list[MediaPart] = []
    shown: tuple[MediaPart, ...] = ()
    for message in messages:
        _check_length(message)
        text, parts = _parts(message["content"])
        texts.append(text)
        media += parts
        shown = tuple(parts) or shown
    read = _read(messages, tuple(texts))
    return Messages(
        read.texts, read.thoughts, tuple(media), shown, read.begun, read.last_role, read.results, read.called
    )


def _parts(content: Any) -> tuple[str, list[MediaPart]]:
    if isinstance(content, str):
        return content, []
    if not isinstance(content, list):
        raise invalid("Input should be a valid string or list: content")
    texts, media = [], []
    for item in content:
        if not isinstance(item, dict):
            raise invalid("Input should be a valid dictionary: content")
        part = read_media(item)
        if part is not None:
            media.append(part)
        elif isinstance(item.get("text"), str):
            texts.append(item["text"])
        else:
            raise invalid("The item of content should be a message of a certain modal")
    return "\n".join(texts), media


def _checked(messages: Any) -> list[dict[str, Any]]:
    if not isinstance(messages, list):
        raise invalid("Input should be a valid list: input.messages")
    if not messages:
        raise invalid(_ROLE_MESSAGE)
    for index, message in enumerate(messages):
        _check_message(index, message)
    last = messages[-1]
    if last["role"] == "system" or (last["role"] == "assistant" and last.get("partial") is not True):
        raise Refusal(500, "InternalError.Algo", "list index out of range")  # ERR: the last one must be the user's
    return messages


def _check_message(index: int, message: Any) -> None:
    if not isinstance(message, dict):
        raise invalid("Input should be a valid dictionary or instance of GPT3Message")  # ERR
    role = message.get("role")
    if role not in ROLES or (role == "system" and index > 0):
        raise invalid(_ROLE_MESSAGE)
    if "content" not in message:
        raise invalid("The content field is a required field.")  # ERR


def _check_length(message: Mapping[str, Any]) -> None:
    if not message["content"] and message["role"] != "assistant":
        raise invalid(_ROLE_MESSAGE)


def _read(messages: list[dict[str, Any]], texts: tuple[str, ...]) -> Messages:
    last = messages[-1]
    thoughts = tuple(str(message["reasoning_content"]) for message in messages if message.get("reasoning_content"))
    begun = texts[-1] if last["role"] == "assistant" else None
    results = itertools.takewhile(lambda pair: pair[0]["role"] == "tool", zip(messages[::-1], texts[::-1], strict=True))
    said = tuple(text for _, text in results)[::-1]
    return Messages(texts, thoughts, begun=begun, last_role=str(last["role"]), results=said, called=_called(messages))


def _called(messages: list[dict[str, Any]]) -> tuple[str, ...]:
    calls = [call for message in messages for call in message.get("tool_calls") or [] if isinstance(call, dict)]
    functions = [call.get("function") for call in calls]
    return tuple(str(function.get("name")) for function in functions if isinstance(function, dict))
