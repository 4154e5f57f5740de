"""What one row says for itself: the service's names translated, cells converted, its prompt file read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bailian.batch.input import result_words
from bailian.batch.input.json_fields import read_objects, read_word_lists
from bailian.batch.input.row_schema import REASON, ROW_OPTIONS, RowSchema, flat_fields
from bailian.errors import InvalidRequest, Problem
from bailian.files import naming
from bailian.files.outputs import TEXTS, at_home, row_suffix, wrong_suffix
from bailian.i18n import tr
from bailian.modalities import has_files
from bailian.modalities.rules.texts import sendable
from bailian.modalities.rules.values import cell
from bailian.modalities.rules.values import read as value_of
from bailian.store.paths import local_path
from bailian.text.decoding import NotText, read_text
from bailian.types import Notice, read_as

FILES_MAX = 1_000
WORDS = ("id", "version")
"""The options that are a text or a whole number."""


@dataclass(frozen=True)
class RowFields:
    """A row's own fields, without defaults. An empty (null) field takes the default away."""

    fields: dict[str, Any]
    options: dict[str, str | None]
    """`name`, `output`, `id` and `version`."""
    problems: list[Problem] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    """What is to be said about how its prompt file was read."""


class PromptFiles:
    """The texts that `prompt_file` names; one that many rows name is read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._texts: dict[str, tuple[str, list[Notice]]] = {}

    def read(self, name: str) -> tuple[str, list[Notice]]:
        """Return the text of a file without the blanks around it, and what is to be said about it; `name` is relative
        to the batch's file.

        Raises:
            InvalidRequest: it cannot be read, or is no text to be sent.
        """
        if name not in self._texts:
            if len(self._texts) >= FILES_MAX:  # a batch may name a million, each once
                del self._texts[next(iter(self._texts))]
            self._texts[name] = self._read(self.folder / local_path(name))
        return self._texts[name]

    def _read(self, path: Path) -> tuple[str, list[Notice]]:
        try:
            found = read_text(path)
            sendable(found, str(path))
        except NotText as error:
            raise InvalidRequest.one("prompt_file", str(error)) from None
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise InvalidRequest.unreadable("prompt_file", path, error) from None
        # As it stands, like a prompt in the row itself: the row's key is made of it. `prepare` mends its line ends.
        return found.text.strip(), read_as(found.remark)


def fields_of_row(form: RowSchema, values: Mapping[str, Any], files: PromptFiles, *, cells: bool = False) -> RowFields:
    """Return what a row says. `cells`: all values are texts, and become what the fields hold.

    Raises:
        InvalidRequest: its parts cannot be told from each other, so that nothing more can be said about it.
    """
    flat = flat_fields({name: value for name, value in values.items() if name != REASON})
    given = {name: flat.pop(name) for name in ROW_OPTIONS if name in flat}
    written = flat
    flat, problems = result_words.read_references(written)
    fields = form.modality.from_config(flat)
    read = cell if cells else value_of
    fields = {name: read(value, form.wanted[name]) if name in form.wanted else value for name, value in fields.items()}
    names = form.modality.INPUT_FIELDS
    if cells and names:
        fields = result_words.read_cells(fields, names)
    problems += result_words.misplaced(fields, names, any_field=flat != written)
    prompt_file = given.pop("prompt_file", None)
    objects = read_objects(fields, getattr(form.modality, "DOCUMENT_FIELDS", ()), files.folder)
    objects += read_word_lists(fields, getattr(form.modality, "WORD_LIST_FIELDS", ()), files.folder)
    own = RowFields(form.with_lists(fields), given, [*problems, *objects, *_option_problems(form, given)])
    if prompt_file is not None:
        _fill_prompt(form, own, prompt_file, files)
    for option in WORDS:
        if own.options.get(option) is not None:
            own.options[option] = str(own.options[option]).rstrip()
    if own.options.get("output") is not None:
        own.options["output"] = _output(str(own.options["output"]))
    return own


def _output(word: str) -> str:
    """Return a row's output without slashes at its end, but where they say that "cat.png/" is a folder."""
    plain = word.rstrip("/\\")
    return f"{plain}/" if plain != word and row_suffix(plain) else plain


def _fill_prompt(form: RowSchema, own: RowFields, prompt_file: object, files: PromptFiles) -> None:
    """Put the text of `prompt_file` into the field for it; a file that cannot be read stands there as a dot."""
    target = form.text_field
    if target is None:
        text = tr(f"{form.kind} rows have no prompt", f"{form.kind} 没有提示词")
    elif own.fields.get(target) is not None:
        text = tr(f"stands beside {target}: give one of them", f"与 {target} 同时出现：只需给出一个")
    elif not isinstance(prompt_file, str):
        text = tr("must be a path", "应为文件路径")
    else:
        try:
            own.fields[target], notices = files.read(prompt_file)
            own.notices.extend(notices)
        except InvalidRequest as error:
            own.fields[target] = "."
            own.problems.extend(error.problems)
        return
    own.problems.append(Problem("prompt_file", text))


def _option_problems(form: RowSchema, options: Mapping[str, Any]) -> list[Problem]:
    problems = _name_problems(form, options) if has_files(form.kind) else _no_file_problems(form, options)
    for option in WORDS:
        value = options.get(option)
        if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
            problems.append(Problem(option, tr("must be a text or a whole number", "应为字符串或整数")))
    return problems


def _no_file_problems(form: RowSchema, options: Mapping[str, Any]) -> list[Problem]:
    text = tr(f"{form.kind} rows have no files of their own", f"{form.kind} 行没有单独的文件")
    return [Problem(option, text) for option in ("name", "output") if options.get(option) is not None]


def _name_problems(form: RowSchema, options: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for option in ("name", "output"):
        value = options.get(option)
        if value is None:
            continue
        if not isinstance(value, str):
            problems.append(Problem(option, tr("must be a text", "应为字符串")))
            continue
        try:
            naming.check_template(_below_home(value) if option == "output" else value)
        except InvalidRequest as error:
            problems += [Problem(option, problem.message) for problem in error.problems]
    return [*problems, *_file_problems(form, options)]


def _below_home(output: str) -> str:
    """Return what stands behind `~/`, which leads to the home folder and nowhere else."""
    return output[2:] if output.startswith(("~/", "~\\")) else output


def _file_problems(form: RowSchema, options: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with an `output` that names a file."""
    output = options.get("output")
    if not isinstance(output, str):
        return []
    problems = []
    suffix, allowed = row_suffix(output), form.modality.FILE_SUFFIXES or TEXTS
    if suffix is not None and suffix not in allowed:
        text = wrong_suffix(suffix, allowed) + tr("; a folder ends with /", "；目录请以 / 结尾")
        problems.append(Problem("output", text))
    elif suffix is not None and options.get("name") is not None:
        problems.append(Problem("name", tr("stands beside an output that is a file", "与指定文件的 output 同时出现")))
    try:
        at_home(output)
    except InvalidRequest as error:
        problems += error.problems
    return problems
