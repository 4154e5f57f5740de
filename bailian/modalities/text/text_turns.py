"""The turns of a conversation: as a user gives them, and as either route wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bailian.errors import Problem
from bailian.i18n import tr
from bailian.modalities.rules import fields
from bailian.modalities.rules.texts import text_notice
from bailian.modalities.text.text_request import ROLES, TextRequest
from bailian.text import characters
from bailian.types import Notice

MEDIA = ("image", "video")
"""What a part of a content may hold beside `text`."""
_REFERENCES = ("http://", "https://", "oss://", "file:///")
Turn = dict[str, Any]


def text_in(content: Any) -> str | None:
    """Return the text of a content, a string or a list of parts; None where it is neither."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def media_in(content: Any) -> list[dict[str, Any]]:
    """Return the parts of a content that are pictures or films."""
    parts = content if isinstance(content, list) else []
    return [part for part in parts if isinstance(part, dict) and any(name in part for name in MEDIA)]


def plain(content: Any) -> Any:
    """Return a content as a user writes it: a string, unless something else than texts is in it."""
    return content if media_in(content) else text_in(content) or ""


def cleaned(request: TextRequest) -> tuple[TextRequest, list[Notice]]:
    """Return the request with all its texts as they are sent, those of earlier turns too."""
    request, told = fields.clean_texts(request, "prompt", "system", "prefix")
    turns = []
    for index, message in enumerate(request.messages):
        content = message.get("content")
        found = characters.cleaned(content if isinstance(content, str) else "")
        told += [text_notice(f"messages[{index}]", found)] if found.remark else []
        turns.append({**message, "content": found.text} if isinstance(content, str) else message)
    return request.model_copy(update={"messages": turns}), told


def turns_of(request: TextRequest, media: Sequence[Mapping[str, Any]]) -> list[Turn]:
    """Return the whole conversation; a system prompt given now replaces the one of the turns before."""
    turns = [dict(message) for message in request.messages]
    if request.system:
        turns = [{"role": "system", "content": request.system}, *(t for t in turns if t.get("role") != "system")]
    if media:
        words = [{"text": request.prompt}] if request.prompt else []
        turns.append({"role": "user", "content": [*map(dict, media), *words]})
    elif request.prompt or not turns:
        turns.append({"role": "user", "content": request.prompt})
    return turns


def sent_turns(turns: Sequence[Turn], style: str, prefix: str) -> list[Turn]:
    """Return the turns as the route wants them, with the beginning that an answer goes on from."""
    begun = [{"role": "assistant", "content": prefix, "partial": True}] if prefix else []
    as_sent = _parts if style == "parts" else text_in
    return [{**turn, "content": as_sent(turn.get("content"))} for turn in [*turns, *begun]]


def _parts(content: Any) -> Any:
    return [{"text": content}] if isinstance(content, str) else content


def turn_problems(turns: Sequence[Turn], *, prompt_needed: bool, last_is_ours: bool) -> list[Problem]:
    """Roles in an order the service takes: one system message first, the user's last (error page, 2025-12).

    `last_is_ours`: its pictures and films are the request's own, which are judged elsewhere.
    """
    problems = []
    for index, turn in enumerate(turns):
        role, content = turn.get("role"), turn.get("content")
        last = index == len(turns) - 1
        field = "prompt" if last else f"messages[{index}]"
        if (
            set(turn) != {"role", "content"}
            or role not in ROLES
            or not (_is_content(content) or (last and last_is_ours))
        ):
            text = tr(
                f"must be a role ({', '.join(ROLES)}) and a content: a text, or a list of text, image and video parts",
                f"应含 role（{'、'.join(ROLES)}）和 content（文本，或由 text、image、video 组成的列表）",
            )
            problems.append(Problem(f"messages[{index}]", text))
        elif (role == "system") != (index == 0) and role == "system":
            problems.append(Problem(field, tr("a system message can only be the first", "system 消息只能是第一条")))
        elif last and role != "user":
            problems.append(Problem(field, tr("the last message must be the user's", "最后一条消息应为 user")))
        elif prompt_needed or not last:
            problems += fields.check_prompt(field, text_in(content) or "", None)
    return problems


def _is_content(content: Any) -> bool:
    if isinstance(content, str):
        return True
    return isinstance(content, list) and bool(content) and all(map(_is_part, content))


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    kinds = [name for name in ("text", *MEDIA) if name in part]
    if len(kinds) != 1 or not isinstance(part[kinds[0]], str):
        return False
    options = {"text": (), "image": ("min_pixels", "max_pixels", "enable_rotate"), "video": ("fps",)}[kinds[0]]
    return set(part) <= {kinds[0], *options} and (kinds[0] == "text" or part[kinds[0]].startswith(_REFERENCES))
