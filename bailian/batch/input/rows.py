"""A request as it stands in a file → rows: defaults laid under it, matrix multiplied out, fields checked, a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bailian.batch.input import matrix
from bailian.batch.input.defaults import Defaults
from bailian.batch.input.documents import RawRow
from bailian.batch.input.problems import Problems
from bailian.batch.input.relative_paths import place_inputs
from bailian.batch.input.result_words import words_of
from bailian.batch.input.row_fields import PromptFiles, RowFields, fields_of_row
from bailian.batch.input.row_schema import ROW_OPTIONS, RowSchema, flat_fields, form_of, kind_of
from bailian.batch.row_patterns import PATTERNS_MAX, Pattern, PlainRow, digest, pattern_of, plain_row
from bailian.catalog import KINDS, Catalog
from bailian.errors import InvalidRequest, Problem
from bailian.i18n import tr
from bailian.store.runs.file_rows import FileRows
from bailian.types import Notice
from bailian.types.result_of import ResultOf, result_of

ROWS_MAX = 1_000_000


class Source(NamedTuple):
    """Another row's result, where it goes in."""

    field: str
    result: ResultOf
    key: str = ""
    """Of the row that makes it; empty until it is known."""


class BatchRow(NamedTuple):
    """One request of a batch; a single request is a batch of one row, which has no place and no key."""

    kind: str
    fields: dict[str, Any]
    """Under our names, complete with the file's defaults; paths of inputs are absolute."""
    where: str = ""
    """Its place: "image_tasks[3]", "[3]" in a list, "line 12", "request"; the second of a matrix adds "#2"."""
    name: str | None = None
    """Template of its file names, see `files.naming`."""
    output: str | None = None
    """Folder below the output folder, in the words of a template."""
    label: str | None = None
    """The user's `id`."""
    key: str = ""
    """The same for the same content, wherever in the file or on the disk it stands; two equal rows are "…", "…-2"."""
    notices: tuple[Notice, ...] = ()
    """What is to be said about how it was read."""
    sources: tuple[Source, ...] = ()
    """The results of other rows that go in. `key` counts them in only when `chains` has seen those rows."""
    number: int = 0
    """Of a row that a matrix made: which of them, from 1."""
    position: int = 0
    """How many rows stand above it in the file."""
    pattern: int = 0
    """The same number for rows that differ in nothing but their text and id; 0: it was read word for word."""


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
    ) -> None:
        self.count = 0
        self.labels_left_out: set[str] = set()
        """The ids of rows in which something is wrong."""
        self._folder = folder
        self._kind = kind
        self._models = models
        self._problems = problems
        self._over = over or {}
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
        plain = plain_row(given.values, (given.kind, given.cells))
        before = self._patterns.get(plain.rest) if plain else None
        if plain is not None and before is not None:
            self._make_room(1, given.where)
            yield self._another(before, plain, given.where)
            return
        values = dict(given.values)
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
            try:
                own = fields_of_row(form, one, self._files, cells=given.cells)
            except InvalidRequest as error:
                self._problems.add_all(where, error.problems)
                self._leave_out(one.get("id"))
                continue
            position = self.count - count + number - 1
            row = self._row(form, own, where, 0 if count == 1 else number, position)
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
        listed = ", ".join(KINDS)
        raise InvalidRequest.one("kind", tr(f"is required: one of {listed}", f"必填，取值为 {listed} 之一"))

    def _row(self, form: RowSchema, own: RowFields, where: str, number: int, position: int) -> BatchRow | None:
        base = self._defaults.of(form)
        fields = {
            name: value for name, value in {**base.fields, **own.fields, **self._over}.items() if value is not None
        }
        options = {name: value for name, value in {**base.options, **own.options}.items() if value is not None}
        names = form.modality.INPUT_FIELDS
        told = {problem.field for problem in own.problems}  # as written, which says more than as read
        of_form = [problem for problem in form.problems(fields) if problem.field not in told]
        found = [*own.problems, *of_form, *_stdin_problems(fields, names)]
        if found:
            self._problems.add_all(where, found)
            self._leave_out(own.options.get("id"))
            return None
        template, output, label = (options.get(option) for option in ("name", "output", "id"))
        sources = _sources(fields, names) if names else ()
        key = digest(form.kind, fields, template, output and output.rstrip("/"), label)
        place_inputs(fields, names, self._folder)
        notices = (*self._notices, *base.notices, *own.notices)
        key = key if sources else self.numbered(key)
        return BatchRow(form.kind, fields, where, template, output, label, key, notices, sources, number, position)

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


def _stdin_problems(fields: Mapping[str, Any], names: tuple[str, ...]) -> list[Problem]:
    return [
        Problem(name, tr("a batch reads no input from stdin", "批量任务不能从 stdin 读取输入"))
        for name in names
        if isinstance(fields.get(name), list) and "-" in fields[name]
    ]
