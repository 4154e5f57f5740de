"""What the words of requests stand for: pictures, films, sounds, the mask that an edit's fields make."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bailian.errors import InvalidRequest
from bailian.modalities import modality_of
from bailian.types import Input

Fields = dict[str, Any]
Found = dict[str, Input]
"""What the inputs of a request are, by their references."""


def input_of(field: str, word: str, home: Path, kind: str = "") -> Input:
    """Return the input that a path, a link, `data:…` or `-` names.

    In `file` it is a recording, in a film's fields, and where a text model looks at a film, what they hold, in other
    fields a picture.

    Raises:
        InvalidRequest: no such file, or nothing the service takes.
    """
    if kind == FILMS or field == "video":
        from bailian.inputs.media import resolve_media as resolve
    elif field == "file":
        from bailian.inputs.recordings import resolve_recording as resolve
    else:
        from bailian.inputs.resolve import resolve
    return resolve(field, word, home)


Resolve = Callable[[str, str, Path], Input]
FILMS = "video"
"""The kind whose fields hold films and sounds, too."""
OPEN_PLACES = ("reference_voices",)
"""Fields in which an empty word says that there is nothing in this place: the second reference has a voice, the first none."""


class Inputs:
    """What words stand for. What a thousand requests share is looked at once, what is missing too."""

    def __init__(self, home: Path, resolve: Resolve | None = None) -> None:
        self._home = home
        self._resolve = resolve
        self._found: dict[tuple[bool, str, str], Input | InvalidRequest] = {}
        self._made: dict[str, tuple[Fields, Found] | InvalidRequest] = {}

    def resolved(self, kind: str, given: Mapping[str, Any]) -> tuple[Fields, Found, list[InvalidRequest]]:
        """Return a request's fields and inputs as they are sent, and what is wrong with them.

        What is wrong stands in its place unseen, so that the rest of the request is checked as it will be.
        """
        fields, found, refused = dict(given), {}, []
        for name in modality_of(kind).INPUT_FIELDS:
            urls = []
            for word in fields.get(name, ()):
                if not word and name in OPEN_PLACES:
                    urls.append(word)
                    continue
                one = self._find(kind, name, word)
                if isinstance(one, InvalidRequest):
                    refused.append(one)
                    one = Input(word)
                found[one.url] = one
                urls.append(one.url)
            if name in fields:
                fields[name] = urls
        if refused:
            return *(_unmade(fields, found) if _makes_masks(kind) else (fields, found)), refused
        return self._with_mask(kind, fields, found)

    def _find(self, kind: str, field: str, word: str) -> Input | InvalidRequest:
        place = (kind == FILMS, field, word)
        if place not in self._found:
            try:
                self._found[place] = self._look_up(kind, field, word)
            except InvalidRequest as error:
                self._found[place] = error
        return self._found[place]

    def _look_up(self, kind: str, field: str, word: str) -> Input:
        if self._resolve is not None:
            return self._resolve(field, word, self._home)
        return input_of(field, word, self._home, kind)

    def _with_mask(self, kind: str, fields: Fields, found: Found) -> tuple[Fields, Found, list[InvalidRequest]]:
        """Make the mask that the fields ask for, put its picture upright; once for all that ask for the same."""
        own = {
            name: value
            for name, value in fields.items()
            if name in modality_of(kind).INPUT_FIELDS or name.startswith("mask")
        }
        if not _makes_masks(kind) or list(own) == ["image"]:
            return fields, found, []
        key = json.dumps(own, sort_keys=True)
        if key not in self._made:
            from bailian.inputs.made_masks import with_mask

            try:
                self._made[key] = with_mask(own, found, self._home)
            except InvalidRequest as error:
                self._made[key] = error
        made = self._made[key]
        if isinstance(made, InvalidRequest):
            return *_unmade(fields, found), [made]
        rest = {name: value for name, value in fields.items() if name not in own}
        return {**rest, **made[0]}, {**found, **made[1]}, []


def _makes_masks(kind: str) -> bool:
    """Return whether its requests have fields that say how a mask is made."""
    return bool(getattr(modality_of(kind), "MASK_OPTIONS", ()))


def _unmade(fields: Fields, found: Found) -> tuple[Fields, Found]:
    """Put an unseen mask in the place of one that cannot be made."""
    rest = {name: value for name, value in fields.items() if not name.startswith("mask_")}
    if len(rest) == len(fields):
        return rest, found
    return {**rest, "mask": ["mask"]}, {**found, "mask": Input("mask")}
