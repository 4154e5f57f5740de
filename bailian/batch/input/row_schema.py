"""What each kind of row may hold: the fields of its modality, and what every row may say beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from bailian.batch.input.json_fields import SHOWN_AS
from bailian.batch.input.matrix import NAME as MATRIX
from bailian.batch.input.tables.headings import KIND_WORDS
from bailian.catalog import KINDS, did_you_mean
from bailian.errors import InvalidRequest, Problem
from bailian.i18n import language, tr
from bailian.modalities import Modality, modality_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    from bailian.modalities.rules.values import Wanted

SECTIONS = {f"{kind}_tasks": kind for kind in KINDS}
"""The sections of a combined file: the seed document's three and ours."""
ROW_OPTIONS = ("name", "output", "id", "prompt_file", "version")
"""What a row may say that is not a field of the request. With another `version` it is another row."""
REASON = "error"
"""Why a row failed before: `failed.jsonl` says it, and nobody reads it."""
OF_A_PERSON = ("chat",)
"""What belongs to a conversation, whose questions wait for each other: rows do not."""
PARTS = ("input", "parameters")
TEXT_FIELDS = ("prompt", "text")
"""What the text of a request is called: a kind has one of them, or none."""


@dataclass(frozen=True)
class RowSchema:
    """One kind of row."""

    kind: str
    modality: Modality
    request_type: type[BaseModel]
    known: tuple[str, ...]
    """The fields of the request."""
    text_field: str | None
    """The field that `prompt_file` fills."""
    wanted: Mapping[str, Wanted]
    """What each field holds."""

    def problems(self, fields: Mapping[str, Any]) -> list[Problem]:
        """Return unknown fields and wrong types; ranges depend on the model and are the modality's."""
        from bailian.modalities.rules.fields import parse

        unknown = [name for name in fields if name not in self.known]
        found = [Problem(name, self.unknown_field(name)) for name in unknown]
        try:
            parse(self.request_type, {name: value for name, value in fields.items() if name in self.known})
        except InvalidRequest as error:
            found += error.problems
        return found

    def with_lists(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields with one text or number as a list of one, where a list belongs: `"image": "a.png"`."""
        return {name: [value] if self._is_one_of_list(name, value) else value for name, value in fields.items()}

    def _is_one_of_list(self, name: str, value: object) -> bool:
        field = self.wanted.get(name)
        return field is not None and field.is_list and isinstance(value, str | int)

    def unknown_field(self, name: str) -> str:
        """Return what to say about a field that this kind of row does not have."""
        known = tuple(SHOWN_AS.get(one, one) for one in self.known)
        of_rows = (*ROW_OPTIONS, MATRIX)
        meant = self.text_field if name in TEXT_FIELDS else None
        # A request that is no row of a file has none of a row's own.
        return _unknown_field(name, self.kind, known if name in of_rows else (*known, *of_rows), meant, language())

    def knows(self, name: str, value: object) -> bool:
        """Return whether a field is ours, or one of the service's that the modality translates."""
        try:
            return set(self.modality.from_config({name: value})) <= set(self.known)
        except InvalidRequest:
            return False


@lru_cache(maxsize=1000)
def _unknown_field(name: str, kind: str, allowed: tuple[str, ...], meant: str | None, _language: str) -> str:
    """Looking for the nearest name is slow, and a wrong field is often wrong in every row."""
    listed = ", ".join(allowed)
    return (
        tr(f"is not a field of {kind} rows", f"不是 {kind} 的字段")
        + did_you_mean(meant or name, (meant,) if meant else allowed)
        + tr(f" (allowed: {listed})", f"（可用：{listed}）")
    )


@cache
def form_of(kind: str) -> RowSchema:
    """Return the form of a kind of row; the modality's module is loaded."""
    from bailian.modalities.rules.fields import wanted_by

    modality = modality_of(kind)
    request_type = _request_type(modality)
    wanted = wanted_by(request_type)
    known = tuple(name for name in wanted if name not in OF_A_PERSON)
    return RowSchema(
        kind=kind,
        modality=modality,
        request_type=request_type,
        known=known,
        text_field=next((name for name in TEXT_FIELDS if name in known), None),
        wanted=wanted,
    )


def _request_type(modality: Modality) -> type[BaseModel]:
    """Return the one class named `…Request` that the module knows."""
    from pydantic import BaseModel

    (found,) = (
        value
        for value in vars(modality).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__name__.endswith("Request")
    )
    return found


def kind_of(word: object) -> str:
    """Return the kind that a row's `kind` names: a kind, the name of its section, or what it is called in Chinese.

    Raises:
        InvalidRequest: no such kind.
    """
    if isinstance(word, str) and (own := KIND_WORDS.get(word.strip(), word)) in (*KINDS, *SECTIONS):
        return SECTIONS.get(own, own)
    near = did_you_mean(word, (*KINDS, *SECTIONS)) if isinstance(word, str) else ""
    listed = ", ".join(KINDS)
    raise InvalidRequest.one("kind", tr(f"{word!r} is not one of {listed}", f"{word!r} 只能是 {listed} 之一") + near)


def flat_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return one level of fields from `model`/`input`/`parameters`, or from a flat object, or a mixture.

    Raises:
        InvalidRequest: a part that is not an object, or a field in two places.
    """
    flat = {name: value for name, value in config.items() if name not in PARTS}
    problems = []
    for part in PARTS:
        inner = config.get(part, {})
        if not isinstance(inner, dict):
            problems.append(Problem(part, tr("must be an object", "必须是对象")))
            continue
        problems += [Problem(f"{part}.{name}", tr("is given twice", "重复出现")) for name in inner if name in flat]
        flat |= inner
    if problems:
        raise InvalidRequest(problems)
    return flat
