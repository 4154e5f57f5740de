"""A single request is a batch of one row: what is refused before sending is refused alike, in the same words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bailian.i18n import language
from bailian.sandbox import Sandbox
from tests.support.commands import Ran, Run

WRONG = {"prompt": "改", "image": ["没有.png", "假.png"], "n": 99}
UNKNOWN_PRICE = {"file": "https://example.com/a.wav"}


@pytest.fixture(params=["flags", "config", "rows"])
def edit(request: pytest.FixtureRequest, image_edit: Run, bailian: Run) -> Any:
    """Send an edit through one of its doors."""

    def run(fields: dict[str, Any]) -> Ran:
        if request.param == "flags":
            images = [word for one in fields["image"] for word in ("--image", one)]
            return image_edit(fields["prompt"], *images, "--n", str(fields["n"]), exits=2)
        row = {"kind": "image_edit", **fields} if request.param == "rows" else fields
        Path("a.jsonl" if request.param == "rows" else "a.json").write_text(json.dumps(row), encoding="utf-8")
        return (
            bailian("batch", "run", "a.jsonl", exits=2)
            if request.param == "rows"
            else image_edit("--config", "a.json", exits=2)
        )

    return run


def test_all_that_is_wrong_is_said_at_once(edit: Any, box: Sandbox) -> None:
    """Each input, and what is wrong beside them; a missing picture makes no trouble of its own."""
    Path("假.png").write_text("no picture", encoding="utf-8")
    told = edit(WRONG).err
    assert ("没有.png" in told, "假.png is text" in told, "makes 1 picture a call" in told) == (True, True, True)
    assert box.requests == []


@pytest.fixture(params=["single", "dry run", "batch", "batch, dry run"])
def recordings(request: pytest.FixtureRequest, audio: Run, bailian: Run) -> Any:
    """Ask for a recording whose length, and so its price, nobody knows."""
    dry = ["--dry-run"] if "dry" in request.param else []
    if "batch" not in request.param:
        return lambda *words: audio("asr", UNKNOWN_PRICE["file"], *dry, *words, exits=3)
    Path("a.json").write_text(json.dumps([{"kind": "transcription", **UNKNOWN_PRICE}]), encoding="utf-8")
    return lambda *words: bailian("batch", "run", "a.json", *dry, *words, exits=3)


@pytest.mark.parametrize("chinese", [False, True], ids=["en", "zh"])
@pytest.mark.parametrize("budget", ["--max-cost", "day", "month"])
def test_a_cost_that_nobody_knows_fits_into_no_budget(
    recordings: Any, box: Sandbox, monkeypatch: pytest.MonkeyPatch, budget: str, chinese: bool
) -> None:
    """Before a job is written down; the advice names what sets the budget."""
    monkeypatch.setenv("BAILIAN_LANG", "zh" if chinese else "en")
    language.cache_clear()
    variable = f"BAILIAN_{budget.upper()}_BUDGET_CNY"
    if budget != "--max-cost":
        monkeypatch.setenv(variable, "5")
    told = recordings(*(["--max-cost", "5"] if budget == "--max-cost" else [])).err
    assert ("无法保证" if chinese else "cannot be kept, so nothing is sent") in told
    assert "paraformer-v1" in told
    assert (f"请去掉 {budget}" if chinese and budget[0] == "-" else budget if budget[0] == "-" else variable) in told
    assert "price_cny" in told
    assert box.requests == []


@pytest.mark.few(1)
@pytest.mark.parametrize("words", [(), ("--json",), ("--dry-run",)], ids=str)
def test_a_request_above_max_cost_is_refused_in_a_budgets_words(text2text: Run, box: Sandbox, words: Any) -> None:
    """With amounts as people write them: a short text costs less than a ten-thousandth."""
    ran = text2text("你好", "--max-tokens", "1", "--max-cost", "0.000001", *words, exits=3)
    told = ran.out + ran.err
    assert "the budget of the request is 0.000001 CNY: 0 are spent or reserved, this may cost 0.0000" in told
    assert "raise --max-cost, or ask for less" in told
    assert box.requests == []
