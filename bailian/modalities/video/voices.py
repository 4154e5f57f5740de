"""Voices of references: `2=voice.mp3` is that of the second one, on a command line, in a table's cell and in JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bailian.errors import InvalidRequest, Problem
from bailian.i18n import tr

MOST = 10
"""The most references that any model takes."""
_NUMBERED = re.compile(r"\s*([0-9]{1,6})\s*=\s*(.+?)\s*", re.DOTALL)


def in_their_places(words: Sequence[str]) -> list[str]:
    """Return the voices side by side with the references; "": it has none. A word without a number is where it stands.

    Raises:
        InvalidRequest: a number that no reference can have, or two voices for one.
    """
    voices: dict[int, str] = {}
    for place, word in enumerate(words, 1):
        found = _NUMBERED.fullmatch(word)
        number, file = (int(found[1]), found[2]) if found else (place, word)
        if not 1 <= number <= MOST:
            text = tr(f"{word}: references are counted from 1 to {MOST}", f"{word}：参考编号为 1 到 {MOST}")
            raise InvalidRequest.one("reference_voices", text, advice="")
        if file and voices.setdefault(number, file) != file:
            text = tr(f"reference {number} has two voices: give one", f"第 {number} 个参考有两个音色：只需给出一个")
            raise InvalidRequest.one("reference_voices", text, advice="")
    return [voices.get(number, "") for number in range(1, max(voices, default=0) + 1)]


def problems(references: Sequence[str], voices: Sequence[str]) -> list[Problem]:
    """Return the voices that no reference has."""
    over = [number for number, voice in enumerate(voices, 1) if voice and number > len(references)]
    if not over:
        return []
    place = tr(f"reference {over[0]} of {len(references)}", f"第 {over[0]} 个参考（共 {len(references)} 个）")
    text = tr(
        f"a voice for {place}: give its picture or film, too (--reference FILE)",
        f"给出了{place}的音色：请同时给出图片或视频（--reference FILE）",
    )
    return [Problem("reference_voices", text)]
