"""The frame of a gallery's page: its words in the user's language, its policy, and JSON that can be nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bailian.batch.output.gallery_words import words
from bailian.i18n import tr

# `<`, `>` and `&` could end the element or begin a comment; U+2028/9 end lines in old scripts.
_UNSAFE = "<>&\u2028\u2029"
_FOLDER = Path(__file__).with_name("page")
_SCRIPTS = ("elements", "media", "picks", "cards", "grid", "filters", "viewer", "compare", "start")


class Frame(NamedTuple):
    """The page around what it shows."""

    head: str
    """In front of the totals."""
    before_first: str
    """Between the totals and the first records."""
    before_more: str
    """Between the first records and blocks of more: the script, which shows the first while the browser reads on."""
    tail: str

    def block(self, records: str) -> str:
        """Return a block of more records."""
        return f'<script type="application/json" class="more">{records}</script>\n'


def frame(title: str) -> Frame:
    """Return the page around its records."""
    style, script = _read("gallery.css"), "\n".join(_read(f"{name}.js") for name in _SCRIPTS)
    head, before_first, before_more, tail = re.split("%%(?:totals|records|more)%%", _read("gallery.html"))
    values = {
        "style": style,
        "language": tr("en", "zh-CN"),
        "title": html.escape(title),
        "noscript": tr("This page needs JavaScript.", "此页面需要启用 JavaScript。"),
        "policy": _policy(style, script),
        "words": embedded(words()),
    }
    head = re.sub(r"%%(\w+)%%", lambda match: values[match.group(1)], head)
    return Frame(head, before_first, before_more.replace("%%script%%", script), tail)


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return the content security policy: this very style and script, files beside the page, nothing else."""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; "
        "img-src 'self' file: data:; media-src 'self' file:; base-uri 'none'; form-action 'none'"
    )


def embedded(value: Any) -> str:
    """Return JSON that may stand inside a script element: nothing in it can be read as markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in _UNSAFE:
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def plain(value: Any, chars: int | None = None) -> Any:
    """Return a value as JSON has it: other things as their text, no infinite numbers, long texts cut at `chars`."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item, chars) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, chars) for item in value]
    text = str(value)
    return text if chars is None or len(text) <= chars else text[:chars] + "…"
