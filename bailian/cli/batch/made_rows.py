"""Rows that a command line makes: one for each file of a pattern, one for each model, or both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bailian.batch.file_queue.files import find_files, root_of, rows_of
from bailian.batch.file_queue.known_digests import KnownDigests
from bailian.batch.input.relative_paths import place_inputs
from bailian.batch.input.row_schema import RowSchema, form_of
from bailian.cli.args.prepare import fields_of, stdin_text, text_of_file
from bailian.cli.args.rows_options import models_of
from bailian.cli.args.target import default_folder, folder_of
from bailian.cli.output.terminal import print_notices
from bailian.files import naming
from bailian.i18n import tr
from bailian.store.paths import stored
from bailian.text.storage_path import ResultPath
from bailian.types import Notice

if TYPE_CHECKING:
    from bailian.cli.args.options import SharedOptions
    from bailian.config.user_defaults import Defaults

OF_A_TERMINAL = ("stream",)
"""What a row has no use for: its answer goes into a file."""
NAMED_FILES = 3


@dataclass(frozen=True)
class MadeRows:
    """Rows of a command line, as a file that stands only as long as the run."""

    file: Path
    paths_from: Path
    """Where the relative paths in it begin."""
    name: str
    """How the batch is known."""
    folder: ResultPath
    title: str
    template: str | None = None
    """What the results are called if the command does not say it."""


@contextmanager
def made_rows(
    kind: str, asked: Sequence[Mapping[str, Any]], common: SharedOptions, defaults: Defaults
) -> Iterator[MadeRows]:
    """Write the rows into a file, and take it away at the end.

    Raises:
        InvalidRequest: a file cannot be read, or the pattern finds none.
    """
    form, notices = form_of(kind), list[Notice]()
    requests = [_request(form, one, common, notices) for one in asked]
    with TemporaryDirectory(prefix="bailian-") as temporary:
        file = Path(temporary) / "rows.jsonl"
        if common.rows.each is None:
            made, digests = _by_models(file, kind, requests, common, defaults), None
        else:
            template = "{id}_{model}" if models_of(asked[0]) else "{id}"
            made, digests = _by_files(file, form, requests[0], common, defaults, notices)
            made = replace(made, template=template)
        if not (common.quiet or common.as_json or common.rows.cron):
            print_notices(dict.fromkeys(notices))
        try:
            yield made
        finally:
            if digests is not None:
                digests.keep()


def _request(form: RowSchema, asked: Mapping[str, Any], common: SharedOptions, notices: list[Notice]) -> dict[str, Any]:
    """Return what a request says, as a row says it; its paths are absolute."""
    fields = fields_of(form.kind, asked, common, notices)
    if fields.get("prompt") == "-":
        fields["prompt"] = stdin_text(notices)
    place_inputs(fields, form.modality.INPUT_FIELDS, Path.cwd())
    if models_of(fields):
        del fields["model"]  # each row has one of them
    return {name: value for name, value in form.with_lists(fields).items() if name not in OF_A_TERMINAL}


def _by_models(
    file: Path, kind: str, requests: list[dict[str, Any]], common: SharedOptions, defaults: Defaults
) -> MadeRows:
    """One request, or some, by several models: known by the folder that the results go to."""
    title = " ".join(naming.about(requests[0]).split())[: naming.PROMPT_CHARS] or kind
    about = naming.as_name(title) or kind
    folder = _folder(common, defaults, f"{_run_name(common) or about}-{kind}")
    _write(file, requests)
    return MadeRows(file, Path.cwd(), f"models:{stored(folder)}", folder, title)


def _by_files(
    file: Path,
    form: RowSchema,
    request: dict[str, Any],
    common: SharedOptions,
    defaults: Defaults,
    notices: list[Notice],
) -> tuple[MadeRows, KnownDigests]:
    pattern = common.rows.each or ""
    root = root_of(pattern)
    folder = _folder(common, defaults, f"{_run_name(common) or root.name or 'files'}-{form.kind}")
    found = find_files(pattern, root, form, folder)
    if found.others:
        notices.append(_left_out(found.others))
    digests = KnownDigests(folder)
    rows = rows_of(found, form, request, digests)
    _write(file, (_with_text(row, form, root, notices) for row in rows))
    return MadeRows(file, root, f"each:{stored(root)}", folder, pattern), digests


def _left_out(names: Sequence[str]) -> Notice:
    """Return what is said of files that do not go in."""
    count, listed = len(names), ", ".join([*names[:NAMED_FILES], *(["…"] if len(names) > NAMED_FILES else [])])
    files = "1 file does" if count == 1 else f"{count} files do"
    text = tr(f"{files} not go in here: {listed}", f"{count} 个文件不适用于此处，已跳过：{listed}")
    return Notice("left_out", text)


def _with_text(row: dict[str, Any], form: RowSchema, root: Path, notices: list[Notice]) -> dict[str, Any]:
    """Return a row with a text file's text behind its prompt: it is what is asked about."""
    if form.kind != "text" or not row.get("prompt") or "prompt_file" not in row:
        return row
    text = text_of_file(root / row["prompt_file"], notices)
    return {
        **{name: value for name, value in row.items() if name != "prompt_file"},
        "prompt": f"{row['prompt']}\n\n{text}",
    }


def _run_name(common: SharedOptions) -> str:
    return naming.as_name(common.rows.run or "")


def _folder(common: SharedOptions, defaults: Defaults, name: str) -> ResultPath:
    if common.output is not None:
        return folder_of(common.output).absolute()
    return (default_folder(defaults.folder) / name).absolute()


def _write(file: Path, rows: Any) -> None:
    with file.open("w", encoding="utf-8", errors="backslashreplace") as lines:
        lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
