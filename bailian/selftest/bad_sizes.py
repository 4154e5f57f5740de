"""A size that no model has, asked of each: the refusal tells its limits, and costs nothing.

The request goes through journal and budgets as any other. If it is taken after all, it is paid like any picture, and
its result is there; then no further one is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from bailian.engine.engine import Engine
from bailian.engine.job import OutputSpec
from bailian.errors import InvalidRequest
from bailian.files import naming
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.selftest.compared import Contains, Finding, compared, numbers_in
from bailian.selftest.facts import BadSize, facts
from bailian.selftest.purse import Purse
from bailian.types import Prepared

SIZE = "1*1"
TIMEOUT_S = 120.0


def refusals(engine: Engine, purse: Purse, folder: Path) -> Iterator[Finding]:
    """Ask each living model that a fact names."""
    taken = False
    for fact in facts().sizes:
        for name in fact.models:
            request = None if taken else _request(engine, name)
            if isinstance(request, Prepared) and not purse.has_room(request.estimate_cny):
                request = tr("if it were taken it would cost more than is left", "若被接受，费用将超出剩余金额")
            if not isinstance(request, Prepared):
                why = request or tr("a size that is none was taken before", "此前有无效尺寸被接受")
                yield Finding(fact.id, "skipped", name, note=why)
                continue
            finding = _asked(engine, fact, request, purse, folder)
            taken = finding.cost_cny > 0
            yield finding


def _request(engine: Engine, name: str) -> Prepared | str:
    """Return a good request of a model, spoiled; or why there is none."""
    model = engine.catalog.get(name)
    today = engine.catalog.today
    if model is None or not model.callable:
        return tr("not in the catalog", "不在模型目录中")
    if engine.settings.region not in model.regions:
        return tr("not in this region", "该地域没有此模型")
    if model.retired(today):
        return tr("retired", "已下线")
    try:
        good = modality_of("image").prepare({"prompt": "x", "model": name}, engine.catalog, engine.settings.region)
    except InvalidRequest as error:
        return error.message
    body = {**good.body, "parameters": {**good.body["parameters"], "size": SIZE}}
    return replace(good, body=body)


def _asked(engine: Engine, fact: BadSize, request: Prepared, purse: Purse, folder: Path) -> Finding:
    job = engine.intend(request, OutputSpec(folder.absolute(), naming.DEFAULT_TEMPLATE), run=purse.run)
    with closing(engine.run([job], timeout_s=TIMEOUT_S)) as outcomes:
        (outcome,) = outcomes
    error, name = outcome.error, request.model.name
    if error is None or outcome.files:
        cost_cny = outcome.job.charged_cny or request.estimate_cny or 0.0
        found = {"size": tr(f"{SIZE} was taken", f"{SIZE} 被接受")}
        return Finding(fact.id, "differs", name, {"code": fact.code}, found, cost_cny=cost_cny)
    if error.wire_code is None:
        return Finding(fact.id, "unanswered", name, note=error.message)
    if error.code == "ModelNotFound":
        found = {"code": error.wire_code, "message": error.message}
        return Finding(fact.id, "differs", name, {"code": fact.code}, found, update={"retired_on": _today(engine)})
    numbers = numbers_in(error.message, asked_for(error.message))
    wanted = {"code": Contains(fact.code), "numbers": list(fact.numbers)}
    seen = {"code": error.wire_code, "numbers": numbers}
    finding = compared(fact.id, wanted, seen, name)
    if finding.state == "differs":
        finding = replace(finding, found={**finding.found, "message": error.message})
    if "numbers" in finding.found:
        finding = replace(finding, update=_fields(fact.field, numbers))
    return finding


MOST_SIDE_PX = 20_000
"""More is no side of a picture: the refusal has spoken of something else, such as all its pixels."""


def asked_for(message: str) -> tuple[int, ...]:
    """Return the numbers in a refusal that are our own size, as often as the service may repeat it."""
    return (1, 1) if "1*1" in message else (1,) if "(1)" in message else ()


def _fields(field: str, numbers: list[int]) -> dict[str, Any]:
    """Return the catalog's fields for the numbers of a refusal; none where they are not of that form."""
    if field == "side_px" and len(numbers) == 2 and max(numbers) <= MOST_SIDE_PX:
        return {"side_px": numbers}
    if field == "pixels" and len(numbers) in (2, 4):
        low, high = (
            (numbers[0], numbers[1]) if len(numbers) == 2 else (numbers[0] * numbers[1], numbers[2] * numbers[3])
        )
        return {"min_pixels": low, "max_pixels": high}
    if field == "sizes" and numbers and len(numbers) % 2 == 0:
        return {"sizes": [f"{numbers[at]}*{numbers[at + 1]}" for at in range(0, len(numbers), 2)]}
    return {}


def _today(engine: Engine) -> date:
    return engine.catalog.today
