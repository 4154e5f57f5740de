"""`bailian batch run`: every option it takes does something; what cannot be kept or was interrupted is said."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import bailian.batch.run as batch_run
from bailian.batch.findings import refuse_missing_prices
from bailian.errors import BudgetExceeded, NotSent
from bailian.i18n import language
from bailian.sandbox import Fault, Sandbox
from bailian.service.client import Service
from bailian.store.budgets import Budget
from tests.support.commands import Run
from tests.support.journals import opened
from tests.support.setting import run_on

RECORDINGS = [{"kind": "transcription", "file": f"https://example.com/第{i}段.wav"} for i in range(2)]
PICTURE = {"kind": "image", "prompt": "猫", "size": "512*512"}


def write(value: Any, name: str = "all.json") -> str:
    Path(name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return name


def texts(*prompts: str) -> list[dict[str, Any]]:
    return [{"kind": "text", "prompt": prompt} for prompt in prompts]


def jobs() -> int:
    with closing(opened(Path("bailian"))) as db:
        return int(db.execute("SELECT COUNT(*) FROM jobs WHERE run IS NOT NULL").fetchone()[0])


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    language.cache_clear()


@pytest.mark.parametrize("option", ["--config", "--timeout"])
def test_options_of_a_single_request_are_not_offered(bailian: Run, box: Sandbox, option: str) -> None:
    assert f"unknown option {option}" in bailian("batch", "run", write(texts("甲")), option, "5", exits=2).err
    assert option not in bailian("batch", "run", "--help").out
    assert box.requests == []


# ── rows whose cost nobody knows ──


def test_rows_without_a_price_are_refused_before_anything_is_sent(bailian: Run, box: Sandbox) -> None:
    """All of them by place, with what to do; the row that has a price is not sent either."""
    name = write([RECORDINGS[0], *texts("甲"), RECORDINGS[1]])
    ran = bailian("batch", "run", name, "--max-cost", "5", exits=3)
    assert "the budget of the run cannot be kept" in ran.err
    assert "[0]: paraformer-v1" in ran.err
    assert "[2]: paraformer-v1" in ran.err
    assert "[1]" not in ran.err
    assert "leave --max-cost out" in ran.err
    assert "price_cny" in ran.err
    assert (box.requests, jobs()) == ([], 0)
    assert "[2]: paraformer-v1" in bailian("batch", "run", name, "--max-cost", "5", "--dry-run", exits=3).err
    bailian("batch", "run", name)


@pytest.mark.parametrize("name", ["day", "month"])
def test_a_budget_of_the_settings_refuses_them_too(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"BAILIAN_{name.upper()}_BUDGET_CNY", "20")
    ran = bailian("batch", "run", write([*texts("甲"), RECORDINGS[0]]), exits=3)
    assert f"budget of the {name} cannot be kept" in ran.err
    assert f"BAILIAN_{name.upper()}_BUDGET_CNY" in ran.err
    assert box.requests == []


@pytest.mark.slow
def test_rows_without_a_price_that_wait_since_a_run_without_budget(bailian: Run, box: Sandbox) -> None:
    box.faults.add(Fault("submit", "status", times=None, status=401, code="InvalidApiKey", message="bad"))
    rows = [{**RECORDINGS[0], "file": f"https://example.com/{i}.wav"} for i in range(40)]
    name = write(rows)
    bailian("batch", "run", name, exits=3)
    assert bailian("batch", "status", name, "--json", exits=7).json["waiting"] > 0
    box.faults.clear()
    before = len(box.requests)
    ran = bailian("batch", "run", name, "--max-cost", "5", exits=3)
    assert sorted(int(line.split("[")[1].split("]")[0]) for line in ran.err.splitlines() if "]: " in line) == [
        *range(40)
    ]
    assert len(box.requests) == before
    bailian("batch", "run", write(texts("甲")), "--max-cost", "5")


def test_a_thousand_rows_without_a_price_are_not_a_thousand_lines() -> None:
    with pytest.raises(BudgetExceeded) as told:
        refuse_missing_prices([Budget(1, "day")], [(f"line {i}", "模型") for i in range(1_000)], "甲.csv")
    lines = told.value.message.splitlines()
    assert (lines[1], lines[-1], len(lines)) == ("line 0: 模型", "… and 950 more", 52)
    refuse_missing_prices([], [("line 1", "模型")], "甲.csv")
    refuse_missing_prices([Budget(1, "day")], [], "甲.csv")


# ── in Chinese ──


@pytest.mark.slow
@pytest.mark.usefixtures("chinese")
def test_the_place_of_a_failed_row_is_told_in_chinese(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(date(2026, 11, 28), monkeypatch)  # a retired model has a note
    rows = [{"kind": "text", "prompt": "好"}, {"kind": "text", "prompt": "[sandbox:refuse]", "model": "qwen-turbo"}]
    Path("all.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    ran = bailian("batch", "run", "all.jsonl", exits=7)
    assert "第 2 行（[sandbox:refuse]）：" in ran.err.splitlines()
    assert "（第 2 行）" in ran.err, "the place of a note"
    assert "line" not in ran.err.replace("all.jsonl", "")
    assert "第 2 行: " in bailian("batch", "run", "all.jsonl", "--strict", "--fresh", exits=2).err


@pytest.mark.usefixtures("chinese")
def test_the_budget_is_named_in_chinese(bailian: Run) -> None:
    """In every text that names one."""
    ran = bailian("batch", "run", write(texts("甲", "乙")), "--batch-api", "--max-cost", "0.000001", exits=3)
    assert "本批次预算为 0.000001 元" in ran.err
    ran = bailian("batch", "run", write(RECORDINGS, "录音.json"), "--max-cost", "1", exits=3)
    assert "无法保证本批次预算" in ran.err
    assert "run" not in ran.err


# ── a dry run ──


@pytest.mark.slow
def test_a_dry_run_says_what_is_left_and_what_is_done(bailian: Run, box: Sandbox) -> None:
    name = write([PICTURE, *texts("甲"), {**PICTURE, "prompt": "狗"}])
    plan = bailian("batch", "run", name, "--dry-run").json
    assert (plan["rows"], plan["to_run"], plan["done"]) == (3, 3, 0)
    bailian("batch", "run", name, "--max-cost", "0.2", exits=3)
    plan = bailian("batch", "run", name, "--dry-run").json
    assert (plan["rows"], plan["to_run"], plan["done"]) == (1, 1, 2)
    assert plan["cost"]["estimate"] == pytest.approx(0.14), "a row that waits since the last run is still to be paid"
    plan = bailian("batch", "run", name, "--dry-run", "--fresh").json
    assert (plan["to_run"], plan["done"]) == (3, 0)
    bailian("batch", "run", name)
    plan = bailian("batch", "run", name, "--dry-run").json
    assert (plan["to_run"], plan["done"], plan["cost"]["estimate"]) == (0, 3, None)


# ── Ctrl-C before the first row is sent ──


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--fresh",), ("--dry-run",)])
def test_interrupted_while_it_plans_nothing_was_sent(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    name = write(texts("甲", "乙"))
    bailian("batch", "run", name)
    write(texts("甲", "乙", "丙"))
    before = len(box.requests)

    def interrupted(*words: Any, **more: Any) -> Any:
        yield from list(plan_each(*words, **more))[:1]
        raise KeyboardInterrupt

    plan_each = batch_run.plan_each
    with monkeypatch.context() as patch:
        patch.setattr(batch_run, "plan_each", interrupted)
        patch.setattr("bailian.batch.plan.plan_each", interrupted)
        ran = bailian("batch", "run", name, *options, exits=130)
    assert "nothing was sent" in ran.err
    assert "run the same command again" in ran.err
    assert "tasks list" not in ran.err
    assert (len(box.requests), jobs()) == (before, 2), "what was paid is not forgotten by --fresh either"
    bailian("batch", "run", name)
    assert len(box.requests) == before + 1


@pytest.mark.slow
def test_interrupted_while_the_rows_are_written_down(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some are in the journal; they were not sent, and the same command sends each of them once."""
    from bailian.store import batches
    from bailian.store.jobs import Journal

    name, insert = write(texts("甲", "乙", "丙")), Journal.insert

    def interrupted(journal: Journal, rows: Any) -> None:
        if jobs():
            raise KeyboardInterrupt
        insert(journal, rows)

    with monkeypatch.context() as patch:
        patch.setattr(batches, "CHUNK_ROWS", 1)
        patch.setattr(Journal, "insert", interrupted)
        assert "nothing was sent" in bailian("batch", "run", name, exits=130).err
    assert (box.requests, jobs()) == ([], 1)
    bailian("batch", "run", name)
    assert sorted(call.order.prompt for call in box.sync_calls) == sorted(["甲", "乙", "丙"])


@pytest.mark.slow
def test_a_host_that_nobody_reaches_stops_the_batch(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand rows would say the same; what was not tried is left for the next run."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", f"http://127.0.0.1:{port}/api/v1")
    rows = [{"kind": "image", "prompt": f"第{i}只猫"} for i in range(20)]
    ran = bailian("batch", "run", write({"image_tasks": rows}), exits=5)
    assert f"stopped: cannot connect to 127.0.0.1:{port}" in ran.err
    assert "waiting" in ran.err
    assert ran.err.count("cannot connect") < 10


@pytest.mark.slow
def test_a_host_that_was_reached_before_stops_nothing(
    bailian: Run, box: Sandbox, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night's batch survives a moment without network."""
    sent = Service.create_task
    tried: list[str] = []

    def create(self: Service, route: str, body: dict[str, Any]) -> dict[str, Any]:
        prompt = body["input"]["prompt"]
        if prompt == "断网":
            tried.append(prompt)
            raise NotSent("cannot connect")
        return sent(self, route, body)

    monkeypatch.setattr(Service, "create_task", create)
    rows = [{"prompt": prompt} for prompt in ("猫", "断网", "狗", "鸟")]
    ran = bailian("batch", "run", write({"image_tasks": rows}), exits=7)
    assert "done 3" in ran.err
    assert "stopped" not in ran.err
    assert len(tried) == 4
