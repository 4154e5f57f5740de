"""Texts that were read from files and stdin, as they are sent."""

from __future__ import annotations

from bailian.i18n import tr
from bailian.text import characters
from bailian.text.decoding import Decoded, NotText
from bailian.types import Notice, read_as


def sendable(found: Decoded, source: str) -> tuple[str, list[Notice]]:
    """Return a text without the blanks around it, and what is to be said; `source` is its file.

    Raises:
        NotText: it has a sign that cannot be sent, with its place in the file.
    """
    cleaned = characters.cleaned(found.text)
    refused = characters.refusal(cleaned.text)
    if refused:
        raise NotText(f"{source} {refused}")
    notices = read_as(found.remark)
    if cleaned.remark:
        notices.append(text_notice(source, cleaned))
    return cleaned.text.strip(), notices


def text_notice(source: str, cleaned: characters.Cleaned) -> Notice:
    """Return what was changed in a text; `source` is its field, or its file."""
    return Notice("line_breaks", tr(f"{source}: {cleaned.remark}", f"{source}：{cleaned.remark}"))
