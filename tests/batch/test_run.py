"""Batches against the sandbox: every form of file, once a row, continued, reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run

# The seed document's combined example, as printed there.
SEED = {
    "image_tasks": [{"model": "wan2.2-t2i-flash", "prompt": "未来科技城市", "size": "1440*810", "n": 2}],
    "text_tasks": [{"model": "qwen-turbo", "prompt": "生成产品文案"}],
    "video_tasks": [{"model": "wan2.1-t2v-plus", "prompt": "日出延时摄影", "duration": 10}],
}


def write(value: Any, name: str = "all.json") -> str:
    Path(name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return name


def records(folder: str = "outputs/all") -> list[dict[str, Any]]:
    lines = (Path(folder) / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.slow
def test_the_seeds_combined_form(bailian: Run, box: Sandbox) -> None:
    ran = bailian("batch", "run", write(SEED))
    assert sorted(path.suffix for path in ran.paths) == [".mp4", ".png", ".png", ".txt"]
    assert all(path.is_file() for path in ran.paths)
    assert "done 3" in ran.err
    assert {row["kind"] for row in records()} == {"image", "text", "video"}
    assert Path("outputs/all/gallery.html").is_file()
    assert not Path("outputs/all/failed.jsonl").exists()


def test_a_second_run_pays_nothing(bailian: Run, box: Sandbox) -> None:
    name = write(SEED)
    bailian("batch", "run", name)
    before = len(box.requests)
    assert "all 3 rows were done before" in bailian("batch", "run", name).err
    assert len(box.requests) == before


def test_a_changed_row_is_new_and_the_others_are_not(bailian: Run, box: Sandbox) -> None:
    rows = [{"kind": "text", "prompt": f"第{i}题"} for i in range(5)]
    bailian("batch", "run", write(rows))
    rows[2]["prompt"] = "另一题"
    ran = bailian("batch", "run", write(rows))
    assert "1 to run, 4 done before" in ran.err
    assert len([r for r in box.requests if r.kind == "text"]) == 6


def test_equal_rows_are_two_jobs(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", write([{"kind": "text", "prompt": "一样"}] * 3))
    assert len([r for r in box.requests if r.kind == "text"]) == 3
    assert len({name for row in records() for name in row["files"]}) == 3


def test_nothing_is_sent_if_one_row_is_wrong(bailian: Run, box: Sandbox) -> None:
    rows = {"image_tasks": [{"prompt": "猫"}, {"prompt": "x" * 801}, {"prompt": "狗", "sise": "1"}]}
    ran = bailian("batch", "run", write(rows), exits=2)
    assert "image_tasks[1].prompt" in ran.err
    assert "image_tasks[2].sise" in ran.err
    assert box.requests == []


def test_one_failure_stops_no_other_and_can_be_run_again(bailian: Run, box: Sandbox) -> None:
    rows = [{"kind": "text", "prompt": "好"}, {"kind": "text", "prompt": "[sandbox:refuse]", "id": "坏"}]
    ran = bailian("batch", "run", write(rows), exits=7)
    assert "DataInspectionFailed 1" in ran.err
    (failed,) = [json.loads(line) for line in Path("outputs/all/failed.jsonl").read_text("utf-8").splitlines()]
    assert failed["id"] == "坏"
    again = bailian("batch", "run", "outputs/all/failed.jsonl", exits=7)
    assert "1 row: 1 to run" in again.err


@pytest.mark.slow
def test_a_bad_key_leaves_the_rest_unsent(bailian: Run, box: Sandbox) -> None:
    box.faults.add(Fault("text", "status", times=None, status=401, code="InvalidApiKey", message="bad"))
    bailian("batch", "run", write([{"kind": "text", "prompt": f"第{i}题"} for i in range(60)]), exits=3)
    assert len([r for r in box.requests if r.kind == "text"]) < 30
    box.faults.clear()
    bailian("batch", "run", "all.json")
    assert len(records()) == 60
    assert {row["state"] for row in records()} == {"done"}


@pytest.mark.slow
def test_json_prints_one_line_a_job(bailian: Run) -> None:
    out = bailian("batch", "run", write(SEED), "--json").out.splitlines()
    shown = [json.loads(line) for line in out]
    assert sorted(row["where"] for row in shown) == ["image_tasks[0]", "text_tasks[0]", "video_tasks[0]"]
    assert all(row["state"] == "done" for row in shown)
    labelled = write([{"kind": "text", "id": "sku-17", "prompt": "写一句广告"}], "labelled.json")
    assert bailian("batch", "run", labelled, "--json").json["label"] == "sku-17", "what a program calls the row"


def test_dry_run_plans_and_sends_nothing(bailian: Run, box: Sandbox) -> None:
    plan = bailian("batch", "run", write(SEED), "--dry-run").json
    assert (plan["rows"], plan["results"]) == (3, 4)
    assert plan["cost"]["by_kind"]["video"] == pytest.approx(3.5)
    assert box.requests == []


@pytest.mark.slow
def test_a_script_runs_its_own_section(text2image: Run, text2text: Run, box: Sandbox) -> None:
    name = write(SEED)
    assert len(text2image("--config", name).paths) == 2
    assert "qwen-turbo" in text2text("--config", name, "--max-tokens", "20").paths[0].read_text(encoding="utf-8")
    assert box.requests[-1].body["parameters"]["max_tokens"] == 20
    assert not any(request.kind == "submit" and "video" in request.path for request in box.requests)


@pytest.mark.slow
def test_cron_is_silent_when_all_is_well(bailian: Run) -> None:
    name = write(SEED)
    ran = bailian("batch", "run", name, "--cron")
    assert (ran.out, ran.err) == ("", "")
    assert (bailian("batch", "run", name, "--cron").err) == ""


@pytest.mark.slow
def test_status(bailian: Run) -> None:
    name = write(SEED)
    bailian("batch", "status", name, exits=2)
    bailian("batch", "run", name)
    assert bailian("batch", "status", name, "--json").json["done"] == 3


@pytest.mark.slow
def test_a_run_that_leaves_early_goes_on_later(bailian: Run, box: Sandbox) -> None:
    box.settings.task_s = 1.0
    name = write({"image_tasks": [{"prompt": f"第{i}只猫"} for i in range(8)]})
    bailian("batch", "run", name, "--max-duration", "0.6", exits=6)
    box.settings.task_s = 0.1
    bailian("batch", "run", name)
    assert len(box.tasks) == 8
    assert {row["state"] for row in records()} == {"done"}


def test_fresh_begins_anew(bailian: Run, box: Sandbox) -> None:
    name = write([{"kind": "text", "prompt": "题"}])
    bailian("batch", "run", name)
    bailian("batch", "run", name, "--fresh")
    assert len([r for r in box.requests if r.kind == "text"]) == 2


@pytest.mark.slow
def test_the_budget_of_a_run_stops_it(bailian: Run, box: Sandbox) -> None:
    name = write({"image_tasks": [{"prompt": f"第{i}只猫"} for i in range(6)]})
    ran = bailian("batch", "run", name, "--max-cost", "0.5", exits=3)
    assert "budget of the run is 0.5" in ran.err
    assert len(box.tasks) == 3, "0.14 CNY each"
    bailian("batch", "run", name, "--max-cost", "0.5", exits=3)
    assert len(box.tasks) == 3
    bailian("batch", "run", name)
    assert len(box.tasks) == 6


def test_the_budget_of_the_day_holds_for_every_command(
    bailian: Run, text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAILIAN_DAY_BUDGET_CNY", "0.3")
    text2image("猫", "--n", "2")
    text2image("狗", exits=3)
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_notices_are_told_once_and_refused_by_strict(bailian: Run, box: Sandbox) -> None:
    name = write(SEED)
    bailian("batch", "run", name, "--strict", exits=2)
    assert "wanx2.1-t2v-plus" in bailian("batch", "run", name, "--strict", "--dry-run", exits=2).err
    assert box.requests == []
    ran = bailian("batch", "run", name)
    assert "always makes 5 s, not 10 (video_tasks[0])" in ran.err
    lines = bailian("batch", "run", name, "--fresh", "--json").out.splitlines()
    (video,) = [shown for line in lines if (shown := json.loads(line))["where"] == "video_tasks[0]"]
    assert "duration_adapted" in [notice["code"] for notice in video["notices"]]


@pytest.mark.slow
def test_texts_at_half_price(bailian: Run, box: Sandbox) -> None:
    box.settings.task_s = 0.1
    rows = [{"kind": "text", "prompt": f"第{i}题"} for i in range(3)] + [{"kind": "text", "prompt": "[sandbox:refuse]"}]
    name = write([*rows, {"kind": "image", "prompt": "猫", "size": "512*512"}])
    plain = bailian("batch", "run", name, "--dry-run").json["cost"]["by_kind"]["text"]
    half = bailian("batch", "run", name, "--dry-run", "--batch-api").json["cost"]["by_kind"]["text"]
    assert half == pytest.approx(plain / 2, abs=1e-5), "each row is rounded"
    ran = bailian("batch", "run", name, "--batch-api", exits=7)
    assert "done 4, failed 1" in ran.err
    assert [request.kind for request in box.requests].count("text") == 0, "no row at the full price"
    assert {row["where"]: row["state"] for row in records()}["[3]"] == "failed"


@pytest.mark.slow
def test_cost_by_run_with_quotas_and_budgets(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAILIAN_DAY_BUDGET_CNY", "10")
    bailian("batch", "run", write(SEED))
    shown = bailian("cost", "--json").json
    assert {row["run"] for row in shown["spent"]} == {f"batch:{Path('all.json').resolve()}"}
    assert shown["total"] == pytest.approx(sum(row["cny"] for row in shown["spent"]))
    assert {quota["model"]: quota["used"] for quota in shown["quotas"]}["wan2.2-t2i-flash"] == 2
    (budget,) = shown["budgets"]
    assert (budget["name"], budget["limit_cny"]) == ("day", 10)
    assert budget["used_cny"] == pytest.approx(shown["total"])
    assert "budget of the day" in bailian("cost").err
