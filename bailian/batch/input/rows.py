"""A request as it stands in a file → rows: defaults laid under it, matrix multiplied out, fields checked, a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bailian.batch.input import matrix
from bailian.batch.input.batch_row import NOTHING_SAID, BatchRow, RowPosition, RowReading, Source
from bailian.batch.input.defaults import Defaults
from bailian.batch.input.documents import RawRow
from bailian.batch.input.placeholders import LABEL, filled_name, filled_values, misspelt, needs_row, with_label
from bailian.batch.input.problems import Problems
from bailian.batch.input.relative_paths import place_inputs
from bailian.batch.input.result_words import words_of
from bailian.batch.input.row_fields import PromptFiles, RowFields, fields_of_row
from bailian.batch.input.row_schema import ROW_OPTIONS, RowSchema, flat_fields, form_of, kind_of
from bailian.batch.row_patterns import PATTERNS_MAX, Pattern, PlainRow, digest, pattern_of, plain_row
from bailian.catalog import KINDS, Catalog
from bailian.errors import InvalidRequest, Problem
from bailian.files import naming
from bailian.i18n import tr
from bailian.store.runs.file_rows import FileRows
from bailian.types import Notice
from bailian.types.result_of import result_of

ROWS_MAX = 1_000_000


class RowBuilder:
    """Makes the rows of one file. What is wrong goes to `problems`; such a row is left out."""

    def __init__(
        self,
        folder: Path,
        kind: str | None,
        models: Catalog | None,
        problems: Problems,
        over: Mapping[str, Any] | None = None,
        file_rows: FileRows | None = None,
        reading: RowReading = NOTHING_SAID,
    ) -> None:
        self.count = 0
        self.labels_left_out: set[str] = set()
        """The ids of rows in which something is wrong."""
        self._folder = folder
        self._kind = kind
        self._models = models
        self._problems = problems
        self._over = over or {}
        self._reading = reading
        self._template = reading.template if reading.template and needs_row(reading.template) else None
        self._files = PromptFiles(folder)
        self._defaults = Defaults({}, self._files, problems)
        self._file_rows = file_rows or FileRows()
        self._notices: tuple[Notice, ...] = ()
        self._patterns: dict[str, tuple[Pattern, BatchRow] | None] = {}
        """By what rows share; None: one such row was read, which may be the only one."""
        self._pattern_count = 0

    def tell(self, notice: Notice) -> None:
        """Say something about the file with every row that comes now."""
        self._notices = (*self._notices, notice)
        self._patterns.clear()

    def lay_under(self, defaults: object) -> None:
        """Use the file's `defaults` for the rows that come now."""
        self._defaults = Defaults(defaults, self._files, self._problems)
        self._patterns.clear()

    def rows(self, given: RawRow) -> Iterator[BatchRow]:
        """Yield the rows of one request: several if it has a matrix.

        Raises:
            InvalidRequest: with them the file has more than a million.
        """
        if not isinstance(given.values, dict):
            self._problems.add(given.where, "", tr("must be an object", "应为对象"))
            self.count += 1
            return
        values = self._by_each_model(filled_values(given.values, given.columns))
        over = filled_values(self._over, given.columns) if given.columns else self._over
        is_as_written = values == given.values and over == self._over and "version" not in values and not self._template
        plain = plain_row(values, (given.kind, given.cells)) if is_as_written else None
        before = self._patterns.get(plain.rest) if plain else None
        if plain is not None and before is not None:
            self._make_room(1, given.where)
            yield self._another(before, plain, given.where)
            return
        try:
            form = form_of(self._kind_of(given, values))
            count = matrix.size_of(values)
        except InvalidRequest as error:
            self._problems.add_all(given.where, error.problems)
            self._leave_out(values.get("id"))
            self.count += 1
            return
        self._make_room(count, given.where)
        for number, one in enumerate(matrix.expand(values), 1):
            where = given.where if count == 1 else f"{given.where}#{number}"
            if self._reading.placed_by_id:
                names = ("id", "model") if self._reading.models else ("id",)
                where = " ".join(str(one[name]) for name in names if name in one) or where
            try:
                own = fields_of_row(form, one, self._files, cells=given.cells)
            except InvalidRequest as error:
                self._problems.add_all(where, error.problems)
                self._leave_out(one.get("id"))
                continue
            stands = RowPosition(where, 0 if count == 1 else number, self.count - count + number - 1)
            row = self._row(form, own, over, stands, given.columns)
            if row is not None:
                if plain is not None:
                    self._learn(plain, row)
                yield row

    def _another(self, before: tuple[Pattern, BatchRow], plain: PlainRow, where: str) -> BatchRow:
        """Return a row that was read before, with another text and id."""
        pattern, row = before
        fields, text, label = row.fields.copy(), plain.text, plain.label
        fields[plain.name] = text
        key = self.numbered(pattern.key(text, label))
        return BatchRow(
            row.kind,
            fields,
            where,
            row.name,
            row.output,
            label,
            key,
            row.notices,
            (),
            0,
            self.count - 1,
            pattern.number,
        )

    def _learn(self, plain: PlainRow, row: BatchRow) -> None:
        """Take in a row that was read word for word: the second of its kind is the pattern of those that follow."""
        if plain.rest not in self._patterns:
            if len(self._patterns) >= PATTERNS_MAX:
                del self._patterns[next(iter(self._patterns))]
            self._patterns[plain.rest] = None
            return
        inputs = form_of(row.kind).modality.INPUT_FIELDS
        if (
            row.fields.get(plain.name) != plain.text
            or plain.name in self._over
            or not row.fields.keys().isdisjoint(inputs)
        ):
            return
        self._pattern_count += 1
        output = row.output and row.output.rstrip("/")
        pattern = pattern_of(self._pattern_count, plain.name, row.kind, row.fields, row.name, output)
        self._patterns[plain.rest] = pattern, row

    def _leave_out(self, label: object) -> None:
        if label is not None:
            self.labels_left_out.add(str(label).rstrip())

    def _make_room(self, count: int, where: str) -> None:
        self.count += count
        if self.count > ROWS_MAX:
            text = tr(
                f"makes {self.count:,} rows; a batch has at most {ROWS_MAX:,}: split the file",
                f"使总数达到 {self.count:,} 行，一批最多 {ROWS_MAX:,} 行：请拆分文件",
            )
            self._problems.add(where, "", text)
            self._problems.raise_if_any()

    def _kind_of(self, given: RawRow, values: dict[str, Any]) -> str:
        """Take `kind` out of the values; without one it is the section's, the command's or the model's.

        Raises:
            InvalidRequest: an unknown kind, another than the section's or the command's, or none.
        """
        word = values.pop("kind", None)
        outer = given.kind or self._kind
        if word is not None:
            own = kind_of(word)
            if outer not in (None, own):
                text = tr(f"is {own}; only {outer} stands here", f"为 {own}，此处只能是 {outer}")
                raise InvalidRequest.one("kind", text)
            return own
        if outer is not None:
            return outer
        model = values.get("model")
        if self._models is not None and isinstance(model, str):
            return _kind_that_fits(self._models.find(model).kinds, values)
        if self._reading.default_kind is not None:
            return self._reading.default_kind
        listed = ", ".join(KINDS)
        raise InvalidRequest.one(
            "kind",
            tr(
                f"is required: one of {listed}, in the file or as --kind of the command",
                f"必填：在文件中或用 --kind 指定，取值为 {listed} 之一",
            ),
        )

    def _by_each_model(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return a row that is to be run by several models, as a row with a matrix."""
        lists = values.get(matrix.NAME, {})
        if not self._reading.models or not isinstance(lists, dict):
            return values
        rest = {name: value for name, value in values.items() if name != "model"}
        return {**rest, matrix.NAME: {**lists, "model": list(self._reading.models)}}

    def _named(self, label: object, columns: Mapping[str, str]) -> str | None:
        """Return the command's template for a row, if it names what only the row knows.

        Raises:
            InvalidRequest: it names what no row has.
        """
        if self._template is None:
            return None
        if self._reading.placed_by_id and isinstance(label, str):
            label = label.rpartition("/")[2]  # its folder is one of the results, too
        name = filled_name(self._template, with_label(columns, label))
        naming.check_template(name, (LABEL, *columns))
        return name

    def _row(
        self, form: RowSchema, own: RowFields, over: Mapping[str, Any], stands: RowPosition, columns: Mapping[str, str]
    ) -> BatchRow | None:
        where, number, position = stands
        base = self._defaults.of(form)
        fields = {name: value for name, value in {**base.fields, **own.fields, **over}.items() if value is not None}
        options = {name: value for name, value in {**base.options, **own.options}.items() if value is not None}
        names = form.modality.INPUT_FIELDS
        told = {problem.field for problem in own.problems}  # as written, which says more than as read
        of_form = [problem for problem in form.problems(fields) if problem.field not in told]
        found = [*own.problems, *of_form, *_stdin_problems(fields, names), *_column_problems(fields, columns)]
        if found:
            self._problems.add_all(where, found)
            self._leave_out(own.options.get("id"))
            return None
        template, output, label = (options.get(option) for option in ("name", "output", "id"))
        sources = _sources(fields, names) if names else ()
        key = self._key(form, fields, options)
        try:
            template = template or self._named(label, columns)
        except InvalidRequest as error:
            self._problems.add_all(where, error.problems)
            return None
        place_inputs(fields, names, self._folder)
        notices = (*self._notices, *base.notices, *own.notices)
        key = key if sources else self.numbered(key)
        return BatchRow(form.kind, fields, where, template, output, label, key, notices, sources, number, position)

    def _key(self, form: RowSchema, fields: Mapping[str, Any], options: Mapping[str, str]) -> str:
        """Return what a row is known by. A file's own row is known by the file, whatever its result is called."""
        template, output, label, version = (options.get(option) for option in ("name", "output", "id", "version"))
        if self._reading.placed_by_id:
            template = output = label = None
        of_version = [] if version is None else [f"version {version}"]
        return digest(form.kind, fields, template, output and output.rstrip("/"), *of_version, label)

    def numbered(self, key: str) -> str:
        """Return the key of a row; of the second row with the same content "…-2"."""
        number = self._file_rows.number_of(key)
        return key if number == 1 else f"{key}-{number}"


def _sources(fields: Mapping[str, Any], names: tuple[str, ...]) -> tuple[Source, ...]:
    words = ((name, result_of(word)) for name, word in words_of(fields, names))
    return tuple(Source(name, result) for name, result in words if result is not None)


def _kind_that_fits(kinds: Sequence[str], values: Mapping[str, Any]) -> str:
    """Return the first kind of a model whose rows have all these fields; the model's usual kind if there is none."""
    fields = [(name, value) for name, value in flat_fields(values).items() if name not in (*ROW_OPTIONS, matrix.NAME)]
    fitting = (kind for kind in kinds if all(form_of(kind).knows(name, value) for name, value in fields))
    return next(fitting, kinds[0])


def _column_problems(fields: Mapping[str, Any], columns: Mapping[str, str]) -> list[Problem]:
    found = ((name, misspelt(value, columns)) for name, value in fields.items()) if columns else ()
    return [Problem(name, problem) for name, problem in found if problem]


def _stdin_problems(fields: Mapping[str, Any], names: tuple[str, ...]) -> list[Problem]:
    return [
        Problem(name, tr("a batch reads no input from stdin", "批量任务不能从 stdin 读取输入"))
        for name in names
        if isinstance(fields.get(name), list) and "-" in fields[name]
    ]
