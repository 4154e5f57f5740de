"""An answer that is an error, before and after the work, over real sockets: nothing is paid twice, nothing is lost.

One representative of each class of answer, for a task, a synchronous picture and a text, sent alone, in a batch that is
run again, and by cron.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

from bailian.config.settings import home_folder
from bailian.engine.steps.record_reply import RESENDS
from bailian.sandbox import Fault, Sandbox
from bailian.store.budgets import Budget
from bailian.store.jobs import Journal
from tests.support.commands import Run
from tests.support.journals import place
from tests.support.setting import KEY

pytestmark = pytest.mark.usefixtures("quick")

CLASSES = {
    "500 in its JSON": Fault("submit", "status", status=500, code="InternalError"),
    "500 with the words of a refusal": Fault("submit", "status", status=500, code="InvalidParameter"),
    "503 in its JSON": Fault("submit", "status", status=503, code="ServiceUnavailable"),
    "504 in its JSON": Fault("submit", "status", status=504, code="InternalError.Timeout"),
    "502 as a page": Fault("submit", "html"),
    "408 in its JSON": Fault("submit", "status", status=408, code="RequestTimeOut"),
    "409 without a code": Fault("submit", "status", status=409, code="", message=""),
    "425 with the words of a refusal": Fault("submit", "status", status=425, code="Throttling"),
    "429 as a page": Fault("submit", "html", status=429),
    "400 with an unknown code": Fault("submit", "status", status=400, code="SomethingNew"),
    "404 as a page": Fault("submit", "html", status=404),
    "302": Fault("submit", "html", status=302),
    "407": Fault("submit", "html", status=407),
    "200 as a page": Fault("submit", "html", status=200),
}
KINDS = {
    "submit": ({"kind": "image", "prompt": "第一只猫"}, 0.14),
    "sync": ({"kind": "image", "model": "qwen-image-max", "prompt": "第一只猫"}, 0.5),
    "text": ({"kind": "text", "prompt": "第一只猫", "max_tokens": 100}, 0.0),
}
WAYS = ("single", "batch", "cron")
ALL = [(name, on, way, work) for name in CLASSES for on in KINDS for way in WAYS for work in (True, False)]


def spread() -> Iterator[tuple[str, str, str, bool]]:
    """Return every class for every kind, done after the work, the ways in turn."""
    ways = cycle((*WAYS, WAYS[0]))
    return ((name, on, next(ways), True) for name in CLASSES for on in KINDS)


def works(box: Sandbox) -> Counter[str]:
    """Return how often each prompt was carried out."""
    return Counter(work.order.prompt for work in [*box.tasks, *box.sync_calls])


def run(way: str, row: dict[str, object], text2image: Run, text2text: Run, bailian: Run, box: Sandbox) -> None:
    """Ask for the row as a user would, whatever comes of it; then once more in the same way."""
    if way == "single":
        script = text2text if row["kind"] == "text" else text2image
        model = ["--model", str(row["model"])] if "model" in row else []
        ran = script(str(row["prompt"]), *model, "--timeout", "60", exits=None)
        assert ran.code in (0, 4, 5), ran
        assert "Traceback" not in ran.err
        bailian("tasks", "wait", "--all", exits=None)
        return
    Path("all.json").write_text(json.dumps([row, {**row, "prompt": "第二只狗"}], ensure_ascii=False), encoding="utf-8")
    words = ["batch", "run", "all.json", "--no-gallery", *(["--cron"] if way == "cron" else [])]
    for _ in range(2):
        ran = bailian(*words, exits=None)
        assert ran.code in (0, 5, 7), ran
        assert "Traceback" not in ran.err


def check(name: str, on: str, way: str, box: Sandbox) -> None:
    """Nobody paid more often than intended; what was paid is saved, held or said; the ledger knows of all of it."""
    price_cny = KINDS[on][1]
    done = works(box)
    with closing(Journal(place(home_folder()))) as journal:
        (account,) = {row["account"] for row in journal.database.read("SELECT account FROM jobs")}
        rows = journal.jobs(account)
        counted_cny = journal.reserved_cny(account, Budget(1.0, "run"))
    for row in rows:
        most = 1 + RESENDS if on == "text" else 1
        tries = sum(one.request["prompt"] == row.request["prompt"] and one.sent_at_s is not None for one in rows)
        assert done[row.request["prompt"]] <= (most * tries if on == "text" else 1), "paid more often than intended"
    newest = {str(row.request["prompt"]): row.state for row in reversed(rows)}
    for prompt, count in done.items():
        if count and on != "text":
            assert newest[prompt] in ("done", "held", "unsettled"), f"paid, and {newest[prompt]}"
    if way != "single":
        assert newest["第二只狗"] == "done", "the other row is not kept from its turn for good"
    assert counted_cny >= sum(done.values()) * price_cny - 1e-9, "the ledger says less than was done"
    whole = sorted(path.name for path in Path("outputs").rglob("*.png")) if on != "text" else []
    assert len(whole) == sum(state == "done" for state in newest.values()) or on == "text"
    assert KEY not in json.dumps(newest)


def try_it(case: tuple[str, str, str, bool], text2image: Run, text2text: Run, bailian: Run, box: Sandbox) -> None:
    name, on, way, work = case
    row, _ = KINDS[on]
    box.faults.add(replace(CLASSES[name], on=on, match_prompt="第一只猫", work=work))
    run(way, row, text2image, text2text, bailian, box)
    assert box.faults.fired, "a fault that never hit proves nothing"
    check(name, on, way, box)


@pytest.mark.slow
@pytest.mark.parametrize("case", list(spread()), ids=lambda case: "-".join(map(str, case)))
@pytest.mark.few(3)
def test_an_error_after_the_work(
    case: tuple[str, str, str, bool], text2image: Run, text2text: Run, bailian: Run, box: Sandbox
) -> None:
    try_it(case, text2image, text2text, bailian, box)


@pytest.mark.long
@pytest.mark.parametrize("case", ALL, ids=lambda case: "-".join(map(str, case)))
def test_an_error_of_every_class_before_and_after_the_work(
    case: tuple[str, str, str, bool], text2image: Run, text2text: Run, bailian: Run, box: Sandbox
) -> None:
    try_it(case, text2image, text2text, bailian, box)
