"""A conversation as people read it: its turns as texts, in Markdown or plain. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bailian.i18n import tr

Messages = Sequence[Mapping[str, Any]]
SHOWN_URL_CHARS = 80
SIGHTS = {"image": ("picture", "图片"), "video": ("film", "视频")}


def text_of_content(content: object) -> str:
    """Return what a turn says: its text, and a mark for each picture or film in it."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(text for part in content if isinstance(part, Mapping) for text in _texts(part))


def _texts(part: Mapping[str, Any]) -> Iterable[str]:
    for name, value in part.items():
        if name == "text" and isinstance(value, str):
            yield value
        elif name in SIGHTS:
            shown = value if isinstance(value, str) else ""
            short = shown if len(shown) <= SHOWN_URL_CHARS and not shown.startswith("data:") else ""
            yield f"[{tr(*SIGHTS[name])}{': ' if short else ''}{short}]"


def questions(messages: Messages | None) -> list[str]:
    """Return what was asked, in order."""
    return [text_of_content(one.get("content")) for one in messages or () if one.get("role") == "user"]


def plain(messages: Messages) -> str:
    """Return a conversation as text: questions stand behind `>`, as they were typed."""
    parts = []
    for one in messages:
        text = text_of_content(one.get("content"))
        if one.get("role") == "system":
            text = f"[{text}]"
        elif one.get("role") == "user":
            text = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
        parts.append(text)
    return "\n\n".join(parts) + "\n"


def markdown(messages: Messages, title: str) -> str:
    """Return a conversation as Markdown: a heading a turn, what was said below it as it is."""
    headings = {"system": tr("System", "系统"), "user": tr("Question", "提问"), "assistant": tr("Answer", "回答")}
    parts = [f"# {' '.join(title.split())}"]
    for one in messages:
        parts += [f"## {headings.get(str(one.get('role')), one.get('role'))}", text_of_content(one.get("content"))]
    return "\n\n".join(parts) + "\n"
