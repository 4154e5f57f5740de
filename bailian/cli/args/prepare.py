"""From flags, stdin and a config file to a request, the one row of a batch. Flags win."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bailian.batch.input.batch_row import BatchRow
from bailian.batch.input.json_fields import read_objects, read_word_lists
from bailian.batch.input.relative_paths import place_inputs
from bailian.cli.args.config_file import read_request
from bailian.cli.args.options import SharedOptions
from bailian.cli.output.terminal import is_terminal, print_err
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.modalities.rules.texts import sendable
from bailian.text.characters import is_blank
from bailian.text.decoding import NotText, read_stdin, read_text
from bailian.types import Notice


def row_of(kind: str, given: Mapping[str, Any], common: SharedOptions, told: tuple[Notice, ...] = ()) -> BatchRow:
    """Return the request of a command line and its config file; `told` is to be said about files read for it."""
    notices = list(told)
    fields = fields_of(kind, given, common, notices)
    if fields.get("prompt") == "-":
        fields["prompt"] = stdin_text(notices)
    for name in modality_of(kind).INPUT_FIELDS:
        if name in fields:
            fields[name] = _words(name, fields[name])
    return BatchRow(kind, fields, notices=tuple(notices))


def fields_of(kind: str, given: Mapping[str, Any], common: SharedOptions, notices: list[Notice]) -> dict[str, Any]:
    """Return the fields of a command line and its config file as they are written; flags win."""
    modality = modality_of(kind)
    fields: dict[str, Any] = {}
    if common.config:
        fields = modality.from_config(read_request(common.config, notices))
        place_inputs(fields, modality.INPUT_FIELDS, common.config_paths)
    flags = given_fields(given)
    names = getattr(modality, "DOCUMENT_FIELDS", ())
    problems = [*read_objects(fields, names, common.config_paths), *read_objects(flags, names, Path())]
    for given, folder in ((fields, common.config_paths), (flags, Path())):
        problems += read_word_lists(given, getattr(modality, "WORD_LIST_FIELDS", ()), folder)
    if problems:
        raise InvalidRequest(problems)
    return {**fields, **flags}


def given_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that were given, several values as a list; what was not given leaves a config's as it is."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if value not in (None, (), [])
    }


def stdin_text(notices: list[Notice]) -> str:
    """Return what is piped in, or typed; `notices` takes what is to be said about it.

    Raises:
        InvalidRequest: it is no text.
    """
    if is_terminal(sys.stdin):
        print_err(tr("reading the text from stdin; Ctrl-D ends it", "正在从 stdin 读取文本，Ctrl-D 结束"))
    try:
        text, told = sendable(read_stdin("stdin"), "stdin")
    except (NotText, UnicodeDecodeError) as error:  # a stream that a program has put in the place has its own encoding
        reason = str(error) if isinstance(error, NotText) else tr("stdin is not UTF-8", "stdin 不是 UTF-8")
        raise InvalidRequest.one("prompt", reason, advice="") from None
    notices += told
    return text


def text_of_file(path: Path, notices: list[Notice]) -> str:
    """Return the text of a file; `-` is stdin. `notices` takes what is to be said about it.

    Raises:
        InvalidRequest: it cannot be read, or is no text.
    """
    if str(path) == "-":
        return stdin_text(notices)
    try:
        text, told = sendable(read_text(path), str(path))
    except NotText as error:
        raise InvalidRequest.one("file", str(error)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        advice = tr("check the path", "请检查路径")
        raise InvalidRequest.unreadable("file", path, error, advice=advice) from None
    if is_blank(text):
        raise InvalidRequest.one("file", tr(f"{path} is empty", f"{path} 是空文件"))
    notices += told
    return text


def _words(name: str, value: Any) -> list[str]:
    words = [value] if isinstance(value, str | Path) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str | Path) for word in words):
        raise InvalidRequest.one(name, tr("must be a path or URL, or a list of them", "应为路径或链接，或它们的列表"))
    return [str(word) for word in words]
