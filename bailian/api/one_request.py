"""One request from a program: the same front as of the command line, without its words."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.api.keywords import RUN_FIELDS
from bailian.api.places import settings_of
from bailian.api.results import Result, good
from bailian.api.running import Watch, catalog_of, engine_for, in_own_words
from bailian.batch.input.batch_row import BatchRow
from bailian.batch.input.json_fields import read_objects, read_word_lists
from bailian.batch.input.row_schema import form_of
from bailian.batch.single import CheckRules, ready
from bailian.batch.unfinished import with_unfinished
from bailian.catalog import Catalog
from bailian.config.settings import Settings
from bailian.engine.job import OutputSpec
from bailian.errors import InvalidRequest, Problem
from bailian.files import naming
from bailian.files.outputs import Place, format_of, place_of, result_path
from bailian.i18n import tr
from bailian.inputs.once import kept
from bailian.modalities import modality_of
from bailian.store.budgets import Budget
from bailian.text.storage_path import StoragePath
from bailian.types import Prepared

if TYPE_CHECKING:
    from pydantic import BaseModel

DEFAULT_OUTPUT = "outputs"
TIMEOUTS_S = {"text": 600.0, "speech": 900.0, "transcription": 3600.0, "video": 3600.0}
"""How long a call waits if nothing else is said; what still runs then goes on."""
TIMEOUT_S = 1800.0


def made(
    kind: str,
    given: Mapping[str, Any],
    *,
    request: BaseModel | None = None,
    on_chunk: Callable[[str, str], None] | None = None,
) -> Result:
    """Make one request of a kind; `given` are its fields and the options of its function.

    Raises:
        InvalidRequest: refused before anything was sent.
        BailianError: whatever else kept all of it from being made.
    """
    with in_own_words():
        here = settings_of(given)
        models = catalog_of(given, kind)
        asked = checked(kind, given, here, models, request)
        return sent(asked, here, models, Watch(given.get("progress"), on_chunk))


def sent(asked: Asked, here: Settings, models: Catalog, watch: Watch) -> Result:
    """Send a request that was checked, and wait for its result.

    Raises:
        BailianError: whatever kept all of it from being made.
    """
    here.require_key()
    asked.place.check()
    with engine_for(here, models, watch) as engine:
        purse = next(iter(asked.rules.budgets), None)
        if purse is not None and purse.run is not None:
            engine.limit_run(purse.run, purse.limit_cny)
        (prepared,) = with_unfinished(engine, [asked.prepared])
        job = engine.intend(prepared, asked.saving, run=purse.run if purse else None)
        with closing(engine.run([job], timeout_s=asked.timeout_s, wait=asked.rules.wait)) as outcomes:
            (outcome,) = outcomes
    return good(outcome)


@dataclass(frozen=True)
class Asked:
    """A request that is ready to send, and where its results go."""

    prepared: Prepared
    place: Place
    saving: OutputSpec
    rules: CheckRules
    timeout_s: float | None


def checked(
    kind: str,
    given: Mapping[str, Any],
    here: Settings,
    models: Catalog,
    request: BaseModel | None = None,
    purse: Budget | None = None,
) -> Asked:
    """Check a request of a program. Nothing is sent, nothing is made. `purse`: what it is paid from.

    Raises:
        InvalidRequest: whatever is wrong with it.
        BudgetExceeded: it may cost too much.
    """
    options = {name: value for name, value in given.items() if name in RUN_FIELDS and value is not None}
    fields = {name: value for name, value in given.items() if name not in RUN_FIELDS and value is not None}
    if request is not None:
        fields = {**request.model_dump(exclude_unset=True, by_alias=True), **fields}
    template = str(options.get("name") or here.defaults.name or naming.DEFAULT_TEMPLATE)
    naming.check_template(template)
    timeout_s = _timeout_s(kind, given)
    row = row_of(kind, fields, here.home)
    place = place_for(kind, options.get("output"), here)
    if kind in ("speech", "transcription"):
        _set_format(row, place)
    rules = CheckRules(
        max_cost_cny=amount_cny(options.get("max_cost_cny")),
        strict=bool(options.get("strict")),
        wait=bool(options.get("wait", True)),
        upload=bool(options.get("upload")),
        budgets=() if purse is None else (purse,),
    )
    (prepared,) = ready([row], rules, here, models)
    place.check_names(prepared)
    stem = place.stem
    if kind == "transcription" and stem is None and "name" not in options and here.defaults.name is None:
        stem = naming.stem_of(str(row.fields["file"][0]))  # a transcript is named like its recording
    folder = None if place.folder is None else place.folder.absolute()
    sidecar = bool(options.get("sidecar", here.defaults.sidecar)) and folder is not None
    saving = OutputSpec(folder, template, sidecar, stem, place.suffix, here.defaults.recipe)
    return Asked(prepared, place, saving, rules, timeout_s)


def row_of(kind: str, given: Mapping[str, Any], home: Path) -> BatchRow:
    """Return a program's fields as a row: lists where lists belong, files as words, bytes as files.

    Raises:
        InvalidRequest: a field that requests of this kind do not have, or an object that is none.
    """
    form = form_of(kind)
    modality = form.modality
    fields = form.with_lists(modality.from_config({name: plain_value(value, home) for name, value in given.items()}))
    wrong = [Problem(name, form.unknown_field(name)) for name in fields if name not in form.known]
    wrong += read_objects(fields, getattr(modality, "DOCUMENT_FIELDS", ()), Path())
    wrong += read_word_lists(fields, getattr(modality, "WORD_LIST_FIELDS", ()), Path())
    wrong += [problem for name in modality.INPUT_FIELDS if name in fields for problem in _not_words(name, fields[name])]
    if wrong:
        raise InvalidRequest(wrong)
    return BatchRow(kind, fields)


def _not_words(name: str, value: object) -> list[Problem]:
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        if "-" not in value:
            return []
        return [Problem(name, tr("stdin belongs to the shell: give the bytes", "stdin 只用于命令行：请直接给出字节"))]
    return [
        Problem(name, tr("must be a path, a URL or bytes, or a list of them", "应为路径、链接或字节，或它们的列表"))
    ]


def plain_value(value: Any, home: Path) -> Any:
    """Return a field as JSON has it: a path is a text, bytes are a file in the home folder."""
    if isinstance(value, bytes | bytearray | memoryview):
        return str(kept(bytes(value), "input", home))
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, StoragePath):
        return str(value)
    if isinstance(value, Mapping):
        return {key: plain_value(one, home) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(one, home) for one in value]
    return value


def place_for(kind: str, output: object, here: Settings) -> Place:
    """Return where the results go: a text nowhere, unless a place is named.

    Raises:
        InvalidRequest: results of this kind cannot go there.
    """
    if output is None:
        folder = here.defaults.folder
        default = Path(DEFAULT_OUTPUT) if folder is None else result_path(folder)
        return Place(None if kind == "text" else default)
    output = str(output) if isinstance(output, StoragePath) else output
    if not isinstance(output, str | os.PathLike):
        raise InvalidRequest.one("output", tr("must be a path", "应为路径"), advice="")
    place = place_of(output, modality_of(kind).FILE_SUFFIXES)
    if place.folder is None:
        text = tr(
            "stdout is no place for files here: name a folder or a file", "此处不能输出到 stdout：请指定目录或文件"
        )
        raise InvalidRequest.one("output", text, advice="")
    return place


def _set_format(row: BatchRow, place: Place) -> None:
    asked = row.fields.get("format")
    several = isinstance(asked, list) and (len(asked) > 1 or "all" in asked)
    if several and place.stem is not None:
        text = tr("several formats need a folder", "输出多种格式需要目录")
        raise InvalidRequest.one("format", text, advice="")
    one = asked[0] if isinstance(asked, list) and len(asked) == 1 else None if isinstance(asked, list) else asked
    found = None if several else format_of(one, place)
    if found is not None:
        row.fields["format"] = [found] if row.kind == "transcription" else found


def _timeout_s(kind: str, given: Mapping[str, Any]) -> float | None:
    if "timeout_s" not in given:
        return TIMEOUTS_S.get(kind, TIMEOUT_S)
    return checked_timeout_s(given["timeout_s"])


def checked_timeout_s(value: Any) -> float | None:
    """Return a time limit; None: there is none.

    Raises:
        InvalidRequest: no number above 0.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:  # NaN is in no range
        raise InvalidRequest.one("timeout_s", tr(f"{value!r} is not above 0", f"{value!r} 应大于 0"), advice="")
    return float(value)


def amount_cny(value: Any) -> float | None:
    """Return a limit of money; None: there is none.

    Raises:
        InvalidRequest: no number from 0.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise InvalidRequest.one("max_cost_cny", tr(f"{value!r} is no amount", f"{value!r} 不是金额"), advice="")
    return float(value)
