"""The fields that `settings.toml` sets for requests that do not say them.

They are laid under a row after its key is made: a setting that changes makes no row of a batch another one, and
nothing is paid again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from bailian.batch.input.row_schema import form_of
from bailian.config.home import home_folder
from bailian.config.settings_file import FILE_NAME, SCRIPT_KINDS
from bailian.config.user_defaults import NO_DEFAULTS, Defaults
from bailian.errors import InvalidRequest, Problem, SetupError
from bailian.i18n import tr
from bailian.text.toml_files import put_right

NEVER = ("messages", "chat")
"""What belongs to one request."""


class DefaultFields:
    """The user's defaults, checked once a kind."""

    def __init__(self, defaults: Defaults = NO_DEFAULTS) -> None:
        self._defaults = defaults

    def under(self, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields, with the defaults for those that are not given.

        Raises:
            SetupError: the settings hold a field that requests of this kind do not have, or of a wrong type.
        """
        own = self._defaults.fields.get(kind)
        if not own:
            return dict(given)
        laid = dict(checked_fields(kind, _frozen(own), self._origin(kind, own)))
        together = getattr(form_of(kind).modality, "CHOSEN_TOGETHER", ())
        if any(given.get(name) is not None for name in together):  # a voice says its model, and a model its voices
            laid = {name: value for name, value in laid.items() if name not in together}
        return {**laid, **given}

    def explained(self, kind: str, given: Mapping[str, Any], error: InvalidRequest) -> InvalidRequest:
        """Return the refusal; a problem of a field, or of the model, that the settings have set says so."""
        own = self._defaults.fields.get(kind, {})
        problems = [
            replace(
                one, message=one.message + self._origin_of(kind, one, {name: own[name] for name in {*own} - {*given}})
            )
            for one in error.problems
        ]
        return error if problems == list(error.problems) else InvalidRequest(problems, advice=error.advice)

    def _origin_of(self, kind: str, problem: Problem, own: Mapping[str, Any]) -> str:
        """Return where what is refused was set; "" where the request says it itself."""
        if problem.field in own:
            origin = self._defaults.field_origins.get(f"{kind}.{problem.field}", "")
            return tr(f" (set in {origin})", f"（由 {origin} 设置）")
        model = own.get("model")
        if not isinstance(model, str) or not model or model not in problem.message:
            return ""
        origin = self._defaults.field_origins.get(f"{kind}.model", "")
        return tr(f" (the model is set in {origin})", f"（模型由 {origin} 设置）")

    def _origin(self, kind: str, own: Mapping[str, Any] | None) -> str:
        return next((self._defaults.field_origins.get(f"{kind}.{name}", "") for name in own or {}), "")


NO_FIELDS = DefaultFields()


def _frozen(fields: Mapping[str, Any] | None) -> tuple[tuple[str, Any], ...]:
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in (fields or {}).items())


@lru_cache(maxsize=64)
def checked_fields(kind: str, fields: tuple[tuple[str, Any], ...], origin: str) -> Mapping[str, Any]:
    """Return the defaults of a kind as a request holds them.

    Raises:
        SetupError: one is no field of such requests, or of a wrong type.
    """
    form = form_of(kind)
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in fields}
    given = form.with_lists({name.replace("-", "_"): value for name, value in given.items()})
    barred = [name for name in given if name in (form.text_field, *form.modality.INPUT_FIELDS, *NEVER)]
    problems = [
        Problem(name, tr("belongs to one request, not to all", "只属于单个请求，不能作为默认值")) for name in barred
    ]
    text = {form.text_field: "."} if form.text_field else {}
    found = form.problems({**text, **{name: value for name, value in given.items() if name not in barred}})
    problems += [one for one in found if one.field not in form.modality.INPUT_FIELDS]  # a request brings its own
    if problems:
        shown = "; ".join(f"{one.field}: {one.message}" for one in problems)
        raise SetupError(f"{_table(kind, origin)} {shown}", advice=put_right(home_folder() / FILE_NAME))
    return given


def _table(kind: str, origin: str) -> str:
    """Return where the fields of a kind stand in the file: "settings.toml [profile.shop.asr]"."""
    script = next((script for script, its in SCRIPT_KINDS.items() if its == kind), kind)
    place = origin.removeprefix(FILE_NAME).strip(" []")
    return f"{FILE_NAME} [{f'{place}.' if place else ''}{script}]"
