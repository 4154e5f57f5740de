"""`{"defaults": {"image_tasks": {"size": …}, "watermark": false}}`: fields for a section's rows, and for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.batch.input.problems import Problems
from bailian.batch.input.row_fields import PromptFiles, RowFields, fields_of_row
from bailian.batch.input.row_schema import PARTS, ROW_OPTIONS, SECTIONS, RowSchema, form_of
from bailian.catalog import KINDS, did_you_mean
from bailian.errors import InvalidRequest
from bailian.i18n import tr

NAME = "defaults"
# A matrix belongs to a row, too, where its size shows.
OF_ONE_ROW = ("id", "version")
OPTIONS = tuple(option for option in ROW_OPTIONS if option not in OF_ONE_ROW)


class Defaults:
    """What a combined file says once for many rows. A section's own wins over what is for all."""

    def __init__(self, given: object, files: PromptFiles, problems: Problems) -> None:
        self._files = files
        self._problems = problems
        self._made: dict[str, RowFields] = {}
        self._for_all: dict[str, Any] = {}
        self._sections: dict[str, Mapping[str, Any]] = {}
        if not isinstance(given, dict):
            if given is not None:
                problems.add("", NAME, tr("must be an object", "必须是对象"))
            return
        for name, value in given.items():
            if name in SECTIONS:
                self._take_section(name, value)
            elif self._is_for_all(name, value):
                self._for_all[name] = value

    def of(self, form: RowSchema) -> RowFields:
        """Return the defaults for a kind of row; its fields are checked when they are first asked for."""
        if form.kind not in self._made:
            for_all = {name: value for name, value in self._for_all.items() if _fits(form, name, value)}
            common = self._checked(form, for_all, NAME)
            own = self._checked(form, self._sections.get(form.kind, {}), f"{NAME}.{form.kind}_tasks")
            self._made[form.kind] = RowFields(
                {**common.fields, **own.fields},
                {**common.options, **own.options},
                notices=[*common.notices, *own.notices],
            )
        return self._made[form.kind]

    def _take_section(self, name: str, value: object) -> None:
        if isinstance(value, dict):
            self._sections[SECTIONS[name]] = value
        else:
            self._problems.add(NAME, name, tr("must be an object", "必须是对象"))

    def _is_for_all(self, name: str, value: object) -> bool:
        if name in OPTIONS or any(form_of(kind).knows(name, value) for kind in KINDS):
            return True
        fields = dict.fromkeys(field for kind in KINDS for field in form_of(kind).known)
        text = tr("is neither a section nor a field of any row", "既不是分组，也不是任何任务的字段")
        self._problems.add(NAME, name, text + did_you_mean(name, (*SECTIONS, *fields, *OPTIONS)))
        return False

    def _checked(self, form: RowSchema, values: Mapping[str, Any], where: str) -> RowFields:
        """Return the fields without the wrong ones, so that a problem is said once and not for every row."""
        allowed = {name: value for name, value in values.items() if name not in OF_ONE_ROW}
        for name in values.keys() - allowed:
            self._problems.add(where, name, tr("belongs to one row", "只能写在单个任务中"))
        try:
            own = fields_of_row(form, allowed, self._files)
        except InvalidRequest as error:
            self._problems.add_all(where, error.problems)
            return RowFields({}, {})
        told = {problem.field for problem in own.problems}
        found = [
            problem
            for problem in form.problems(own.fields)
            if _root(problem.field) in own.fields and problem.field not in told
        ]
        self._problems.add_all(where, [*own.problems, *found])
        wrong = {_root(problem.field) for problem in found}
        return RowFields(
            {name: value for name, value in own.fields.items() if name not in wrong}, own.options, notices=own.notices
        )


def _fits(form: RowSchema, name: str, value: object) -> bool:
    if name == "prompt_file":
        return form.text_field is not None
    return name in OPTIONS or name in PARTS or form.knows(name, value)


def _root(field: str) -> str:
    return field.partition(".")[0]
