"""The cheapest real request of each kind, within the money, and what its answer lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from bailian.batch.input.batch_row import BatchRow
from bailian.batch.input.row_schema import form_of
from bailian.batch.single import CheckRules, ready
from bailian.engine.engine import Engine
from bailian.engine.job import OutputSpec
from bailian.errors import BailianError, InvalidRequest
from bailian.files import naming
from bailian.i18n import tr
from bailian.modalities import has_files
from bailian.selftest.compared import PRESENT, Finding, at_paths, compared
from bailian.selftest.facts import Call, facts
from bailian.selftest.purse import Purse
from bailian.types import Prepared

TIMEOUT_S = 900.0
DRAWN_PX = (512, 512)


def calls(engine: Engine, purse: Purse, folder: Path) -> Iterator[Finding]:
    """Make one request of each kind, as long as the money lasts."""
    made: dict[str, Path] = {}
    for fact in facts().calls:
        fields = _fields(fact, made, folder)
        cheapest = None if fields is None else _cheapest(engine, fact.kind, fields)
        if fields is None or cheapest is None:
            why = tr("what goes in was not made", "缺少输入文件") if fields is None else tr("no model", "没有可用模型")
            yield Finding(fact.id, "skipped", note=why)
        elif not purse.has_room(cheapest.estimate_cny):
            cost, left = cheapest.estimate_cny or 0.0, purse.left_cny
            text = tr(f"may cost {cost:g} CNY, {left:g} are left", f"可能需要 {cost:g} 元，剩余 {left:g} 元")
            yield Finding(fact.id, "skipped", cheapest.model.name, note=text)
        else:
            yield _made(engine, fact, cheapest, purse, folder, made)


def _fields(fact: Call, made: Mapping[str, Path], folder: Path) -> dict[str, Any] | None:
    """Return the fields with their files; None: a file is missing."""
    fields = {**fact.fields}
    for name in ("image", "file"):
        word = fields.get(name)
        if word == "drawn":
            fields[name] = [str(_drawn(folder))]
        elif word is not None:
            if word not in made:
                return None
            fields[name] = [str(made[word])]
    return fields


def _drawn(folder: Path) -> Path:
    from PIL import Image, ImageDraw

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "selftest-input.png"
    image = Image.new("RGB", DRAWN_PX, (150, 150, 150))
    ImageDraw.Draw(image).ellipse((128, 128, 384, 384), fill=(90, 90, 90))
    image.save(path)
    return path.absolute()


def _cheapest(engine: Engine, kind: str, fields: Mapping[str, Any]) -> Prepared | None:
    """Return the cheapest of the requests that the living models of a kind would take."""
    found: list[tuple[float, str, Prepared]] = []
    known = form_of(kind).with_lists(dict(fields))
    for model in engine.catalog.of_kind(kind):
        if not model.callable or model.unavailable or model.unknown_to_service or model.retired(engine.catalog.today):
            continue
        try:
            row = BatchRow(kind, {**known, "model": model.name})
            (prepared,) = ready([row], CheckRules(), engine.settings, engine.catalog)
        except (InvalidRequest, BailianError):  # this model takes another form of request
            continue
        if prepared.estimate_cny is not None:
            found.append((prepared.estimate_cny, model.name, prepared))
    return min(found, key=lambda one: one[:2])[2] if found else None


def _made(engine: Engine, fact: Call, request: Prepared, purse: Purse, folder: Path, made: dict[str, Path]) -> Finding:
    place = folder.absolute() if has_files(fact.kind) and fact.kind != "text" else None
    job = engine.intend(request, OutputSpec(place, naming.DEFAULT_TEMPLATE), run=purse.run)
    with closing(engine.run([job], timeout_s=TIMEOUT_S)) as outcomes:
        (outcome,) = outcomes
    name, error = request.model.name, outcome.error
    cost_cny = outcome.job.charged_cny
    maybe_cny = cost_cny if cost_cny is not None else request.estimate_cny if error is None else 0.0
    purse.pay(maybe_cny)
    first = next(iter(outcome.files), None)
    if isinstance(first, Path):
        made[fact.id] = first
    if error is not None:
        found = {"code": error.wire_code or error.code, "message": error.message, "status": error.http_status}
        if error.wire_code is None and error.http_status is None:
            return Finding(fact.id, "unanswered", name, note=error.message)
        return Finding(fact.id, "differs", name, {"answer": "done"}, found, cost_cny=maybe_cny or 0.0)
    wanted = {**dict.fromkeys(fact.paths, PRESENT), "charged": PRESENT}
    seen = at_paths(outcome.job.answer, fact.paths)
    if cost_cny is not None:
        seen["charged"] = cost_cny
    return compared(fact.id, wanted, seen, name, cost_cny=maybe_cny or 0.0)
