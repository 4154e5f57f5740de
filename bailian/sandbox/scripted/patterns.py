"""How an entry says which requests it means: a model by a glob, a prompt by a part of it or by /a regular expression/."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from bailian.i18n import tr


@dataclass(frozen=True)
class Conversation:
    """What a request is about, whatever its route."""

    model: str
    prompt: str
    turn: int = 1
    """Which answer of the conversation is asked for: one more than it has already."""
    after_tool: bool = False
    """Whether the last message is a tool's result."""


def conversation_of(model: str, prompt: str, body: Any) -> Conversation:
    """Return what a body in any of the service's shapes is about, without judging it."""
    roles = [message.get("role") for message in _messages(body) if isinstance(message, dict)]
    results = [
        message.get("type") == "function_call_output" for message in _messages(body) if isinstance(message, dict)
    ]
    last = _messages(body)[-1] if _messages(body) else None
    content = last.get("content") if isinstance(last, dict) else None
    told = isinstance(content, list) and any(isinstance(p, dict) and p.get("type") == "tool_result" for p in content)
    after_tool = bool(roles and (roles[-1] == "tool" or results[-1])) or told
    return Conversation(model, prompt, 1 + roles.count("assistant"), after_tool)


def _messages(body: Any) -> list[Any]:
    """Native calls have them in `input`, compatible ones at the top, responses as `input` itself."""
    if not isinstance(body, Mapping):
        return []
    inputs = body.get("input")
    found = inputs.get("messages") if isinstance(inputs, Mapping) else body.get("messages", inputs)
    return found if isinstance(found, list) else []


def fits_glob(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern)


def fits_text(pattern: str, told: str) -> bool:
    """`/…/` is a regular expression, anything else a part of the text; an empty pattern fits everything."""
    found = _expression(pattern)
    return pattern in told if found is None else found.search(told) is not None


def read_pattern(value: Any) -> str:
    """Return a pattern as it is.

    Raises:
        ValueError: it is no text, or an expression that cannot be read.
    """
    if not isinstance(value, str):
        told = f"is a text, or a /regular expression/, not {value!r}"
        raise ValueError(tr(told, f"应为文本或 /正则表达式/，而不是 {value!r}"))
    try:
        _expression(value)
    except re.error as error:
        told = tr(f"{value!r} is no regular expression: {error}", f"{value!r} 不是正则表达式：{error}")
        raise ValueError(told) from None
    return value


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str] | None:
    if len(pattern) < 3 or not (pattern.startswith("/") and pattern.endswith("/")):
        return None
    return re.compile(pattern[1:-1], re.DOTALL)
