"""What the words of requests stand for: pictures, films, sounds, the mask that an edit's fields make."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bailian.catalog import Catalog
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.inputs.stored_inputs import fetched_input, named_as_given, stored_input
from bailian.instructions import how_to
from bailian.modalities import modality_of
from bailian.store.paths import local_path
from bailian.text.storage_path import is_storage
from bailian.types import Input, Prepared
from bailian.types.result_of import is_result

KEPT_MAX = 5_000
"""So many inputs are remembered."""
Fields = dict[str, Any]
Found = dict[str, Input]
"""What the inputs of a request are, by their references."""
SCHEMES = ("https", "http", "oss", "file")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
"""Two letters at least: one is a drive of Windows."""


def input_of(field: str, word: str, home: Path, kind: str = "") -> Input:
    """Return the input that a path, a link, `data:…` or `-` names.

    In `file` it is a recording, in a film's fields, and where a text model looks at a film, what they hold, in other
    fields a picture.

    Raises:
        InvalidRequest: no such file, or nothing the service takes.
    """
    if is_result(word):
        command = how_to().command("batch run", "FILE")
        raise InvalidRequest.one(
            field,
            tr("another row's result goes into rows of a batch only", "只有批量任务中的行才能引用其他行的结果"),
            advice=tr(f"put both rows into one file: {command}", f"请将两行写在同一文件中：{command}"),
        )
    refuse_unreadable_word(field, word)
    place = stored_input(word)
    if place is None:
        return _resolved(field, word, home, kind)
    copy = fetched_input(field, place, home, _most_bytes(field, kind))
    try:
        return replace(_resolved(field, str(copy), home, kind), origin=str(place))
    except InvalidRequest as error:
        raise named_as_given(error, copy, place) from None


def _most_bytes(field: str, kind: str) -> int:
    """Return how much is read of a file in this field, wherever it is."""
    from bailian.inputs.recordings import MAX_BYTES
    from bailian.inputs.resolve import PICTURE_MAX_BYTES

    return MAX_BYTES if kind == FILMS or field in ("video", "file") else PICTURE_MAX_BYTES


def _resolved(field: str, word: str, home: Path, kind: str) -> Input:
    if kind == FILMS or field == "video":
        from bailian.inputs.media import resolve_media as resolve
    elif field == "file":
        from bailian.inputs.recordings import resolve_recording as resolve
    else:
        from bailian.inputs.resolve import resolve
    return resolve(field, word, home)


def refuse_unreadable_word(field: str, word: str) -> None:
    """Refuse what is no path and no link that is taken, but would be looked for as a file.

    Raises:
        InvalidRequest: nothing, an address of another scheme, or a table's word for another row's result.
    """
    if not word:
        raise InvalidRequest.one(field, tr("is empty", "不能为空"), advice="")
    if has_foreign_scheme(word):
        taken = "https://…, http://…, oss://…, s3://…, file://…"
        text = tr(f"{word}: such links are not taken; taken: {taken}", f"{word}：不支持此类链接；可用：{taken}")
        raise InvalidRequest.one(field, text, advice="")
    if word.startswith(("https://", "http://", "oss://", "data:")) or is_storage(word):
        return
    path = local_path(word)
    if path.name.startswith("@") and not os.path.lexists(path):
        text = tr(
            f"there is no file {word}; another row's result goes into rows of a batch only: @ID in the cell of a table, "
            '{"result_of": "ID"} in JSON',
            f'没有文件 {word}；只有批量任务才能引用其他行的结果：表格单元格中写 @ID，JSON 中写 {{"result_of": "ID"}}',
        )
        raise InvalidRequest.one(field, text, advice="")


def has_foreign_scheme(word: str) -> bool:
    """Return whether a word is an address of another scheme than those that are taken. A drive's letter is none."""
    found = _SCHEME.match(word)
    return found is not None and found[1] not in SCHEMES and not is_storage(word)


Resolve = Callable[[str, str, Path], Input]
FILMS = "video"
"""The kind whose fields hold films and sounds, too."""
OPEN_PLACES = ("reference_voices",)
"""Fields in which an empty word says that there is nothing in this place: the second reference has a voice, the first none."""


class Inputs:
    """What words stand for. What a thousand requests share is looked at once, what is missing too."""

    def __init__(self, home: Path, resolve: Resolve | None = None, *, chained: bool = False) -> None:
        """`chained`: inputs may be other rows' results, which are unseen."""
        self._home = home
        self._chained = chained
        self._resolve = resolve
        self._found: dict[tuple[bool, str, str], Input | InvalidRequest] = {}
        self._made: dict[str, tuple[Fields, Found] | InvalidRequest] = {}

    def resolved(self, kind: str, given: Mapping[str, Any]) -> tuple[Fields, Found, list[InvalidRequest]]:
        """Return a request's fields and inputs as they are sent, and what is wrong with them.

        What is wrong stands in its place unseen, so that the rest of the request is checked as it will be.
        """
        fields, found, refused = self.located(kind, given)
        if refused or (self._chained and any(is_result(url) for url in found)):
            return *(_unmade(fields, found) if _makes_masks(kind) else (fields, found)), refused
        return self._with_mask(kind, fields, found)

    def located(self, kind: str, given: Mapping[str, Any]) -> tuple[Fields, Found, list[InvalidRequest]]:
        """Return a request's fields with their inputs by the references that are sent, as `resolved` does before a mask
        is made."""
        fields: Fields = dict(given)
        found: Found = {}
        refused: list[InvalidRequest] = []
        for name in modality_of(kind).INPUT_FIELDS:
            urls = []
            for word in fields.get(name, ()):
                if not word and name in OPEN_PLACES:
                    urls.append(word)
                    continue
                one = Input(word) if self._chained and is_result(word) else self._find(kind, name, word)
                if isinstance(one, InvalidRequest):
                    refused.append(one)
                    one = Input(word)
                found[one.url] = one
                urls.append(one.url)
            if name in fields:
                fields[name] = urls
        return fields, found, refused

    def _find(self, kind: str, field: str, word: str) -> Input | InvalidRequest:
        place = (kind == FILMS, field, word)
        if place not in self._found:
            _make_room(self._found)
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

            _make_room(self._made)
            try:
                self._made[key] = with_mask(own, found, self._home)
            except InvalidRequest as error:
                self._made[key] = error
        made = self._made[key]
        if isinstance(made, InvalidRequest):
            return *_unmade(fields, found), [made]
        rest = {name: value for name, value in fields.items() if name not in own}
        return {**rest, **made[0]}, {**found, **made[1]}, []


def _make_room(looked_up: dict[Any, Any]) -> None:
    """Forget the oldest: a batch has a million rows, and what they share is asked for again soon."""
    if len(looked_up) >= KEPT_MAX:
        del looked_up[next(iter(looked_up))]


def _makes_masks(kind: str) -> bool:
    """Return whether its requests have fields that say how a mask is made."""
    return bool(getattr(modality_of(kind), "MASK_OPTIONS", ()))


def checked(
    kind: str,
    fields: Mapping[str, Any],
    catalog: Catalog,
    region: str,
    inputs: Inputs,
    explained: Callable[[InvalidRequest], InvalidRequest] = lambda error: error,
) -> Prepared:
    """Check a request against its model; `explained` says more about what its model does not take.

    Raises:
        InvalidRequest: what is wrong with its inputs and with the rest of it, at once.
    """
    fields, found, refused = inputs.resolved(kind, fields)
    try:
        prepared = modality_of(kind).prepare(fields, catalog, region, found)
    except InvalidRequest as error:
        refused.append(explained(error))
    if refused:
        problems = dict.fromkeys(problem for one in refused for problem in one.problems)
        raise InvalidRequest(list(problems), advice=refused[-1].advice)
    origins = {url: one.origin for url, one in found.items() if one.origin}
    return prepared.changed(origins=origins) if origins else prepared


def _unmade(fields: Fields, found: Found) -> tuple[Fields, Found]:
    """Put an unseen mask in the place of one that cannot be made."""
    rest = {name: value for name, value in fields.items() if not name.startswith("mask_")}
    if len(rest) == len(fields):
        return rest, found
    return {**rest, "mask": ["mask"]}, {**found, "mask": Input("mask")}
