"""Recognises what the sandbox itself has drawn: its PNG and MP4 files say for which prompt. Needs Pillow."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bailian.sandbox.images.drawing import Picture, placed_texts
from bailian.sandbox.vision.sightings import Drawn, Label

_BY = re.compile(r"Drawn by the sandbox, not by (.+)")


def drawn_by_texts(texts: Mapping[object, object]) -> Drawn | None:
    """Return what a file's texts say, if they are the sandbox's."""
    named = {str(key).lower(): str(value) for key, value in texts.items()}
    by = _BY.fullmatch(named.get("comment", ""))
    return None if by is None else Drawn(named.get("description", ""), by[1])


def labels_of(drawn: Drawn, width: int, height: int) -> tuple[Label, ...]:
    """Return the texts that stand in a drawn picture of that size."""
    picture = Picture(drawn.prompt, 0, 0, width, height, drawn.model)
    return tuple(Label(text, box) for text, box in placed_texts(picture))
