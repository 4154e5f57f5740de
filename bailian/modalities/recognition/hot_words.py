"""Hot words: words that are likely to be said. A text with one word a line, or JSON, becomes the service's list of them.

Facts: docs/wire.md "Recognition of today" (HOT 2026-08; FUN 2026-10).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bailian.errors import Problem
from bailian.i18n import tr
from bailian.text import characters
from bailian.types import Notice

WEIGHT = 4
"""HOT: the vendor's own default."""
WEIGHTS = (1, 5)
SUPER_WEIGHT = 50
"""FUN: of words in the request itself, at most so many of them."""
SUPER_WORDS_MAX = 50
WORDS_MAX = 500
CHARS_MAX = 15
"""HOT: of a word with other than ASCII characters; one of ASCII has up to seven parts."""
PARTS_MAX = 7
# A word, then its weight behind a blank, a comma or a colon.
_LINE = re.compile(r"(?P<word>.*?\S)\s*[\s,，:：]\s*(?P<weight>[0-9]{1,3})\s*")


def of_text(text: str) -> list[dict[str, Any]]:
    """Return the words of a text: one a line, its weight behind it if it has one; `#` begins a remark."""
    entries = []
    for line in text.splitlines():
        said = line.strip()
        if not said or said.startswith("#"):
            continue
        found = _LINE.fullmatch(said)
        word, weight = (found["word"], int(found["weight"])) if found else (said, WEIGHT)
        entries.append({"text": word.rstrip(",，:： \t"), "weight": weight})
    return entries


def entries_of(given: Any) -> list[dict[str, Any]] | None:
    """Return the entries that a user's object, list or text holds; None: it is none of these."""
    if isinstance(given, Mapping) and isinstance(given.get("vocabulary"), list | Mapping):
        given = given["vocabulary"]
    if isinstance(given, str):
        return of_text(given)
    if isinstance(given, Mapping):
        return [{"text": word, "weight": weight} for word, weight in given.items()]
    if not isinstance(given, list | tuple):
        return None
    entries = []
    for one in given:
        if isinstance(one, str):
            entries.append({"text": one, "weight": WEIGHT})
        elif isinstance(one, Mapping):
            entries.append({"weight": WEIGHT, **one})
        else:
            return None
    return entries


def problems_of(entries: Sequence[Mapping[str, Any]] | None, *, inline: bool) -> list[Problem]:
    """Return what is wrong with a list; `inline`: it stands in the request itself."""
    if entries is None:
        return [
            Problem("hot_words", tr('must be {"word": weight}, or a list of words', '应为 {"词": 权重} 或词的列表'))
        ]
    if not 1 <= len(entries) <= WORDS_MAX:
        text = tr(
            f"{len(entries)} words: 1 to {WORDS_MAX} are taken", f"共 {len(entries)} 个词，应为 1 到 {WORDS_MAX} 个"
        )
        return [Problem("hot_words", text)]
    wrong = [problem for one in entries if (problem := _wrong(one, inline=inline))]
    strong = sum(one.get("weight") == SUPER_WEIGHT for one in entries)
    if not wrong and strong > SUPER_WORDS_MAX:
        wrong.append(tr(f"{strong} words of weight 50: at most 50", f"权重为 50 的词有 {strong} 个，最多 50 个"))
    return [Problem("hot_words", text) for text in wrong[:3]]


def list_notices(entries: Sequence[Mapping[str, Any]]) -> list[Notice]:
    """Say that something is made in the account for the request."""
    if not entries:
        return []
    text = tr(
        f"a list of {len(entries)} hot words is made in the account first, and removed afterwards",
        f"将先在账号中创建含 {len(entries)} 个热词的热词表，用后删除",
    )
    return [Notice("hot_words_list", text)]


def _wrong(entry: Mapping[str, Any], *, inline: bool) -> str:
    word, weight = entry.get("text"), entry.get("weight")
    if not isinstance(word, str) or not word.strip() or characters.refusal(word):
        return tr(f"{word!r} is no word", f"{word!r} 不是词语")
    if unknown := [name for name in entry if name not in ("text", "weight", "lang")]:
        return tr(f"{word}: unknown field {unknown[0]!r}", f"{word}：未知字段 {unknown[0]!r}")
    if not isinstance(entry.get("lang", ""), str):
        return tr(f"{word}: lang must be a text", f"{word}：lang 应为文本")
    if type(weight) is not int or not (WEIGHTS[0] <= weight <= WEIGHTS[1] or (inline and weight == SUPER_WEIGHT)):
        more = tr(", or 50", "，或 50") if inline else ""
        return tr(
            f"{word}: the weight is 1 to 5{more}, not {weight}", f"{word}：权重应为 1 到 5{more}，不能是 {weight}"
        )
    if word.isascii() and len(word.split(" ")) > PARTS_MAX:
        return tr(f"{word}: at most {PARTS_MAX} parts", f"{word}：最多由 {PARTS_MAX} 个部分组成")
    if not word.isascii() and len(word) > CHARS_MAX:
        return tr(f"{word}: at most {CHARS_MAX} characters", f"{word}：最多 {CHARS_MAX} 个字符")
    return ""
