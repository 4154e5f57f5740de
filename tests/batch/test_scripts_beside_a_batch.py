"""One file, run by scripts and by `bailian batch run`: one batch, and every row is paid once, whoever sends it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.processes import end, posix_only, start_bailian, start_script, until

pytestmark = pytest.mark.process

ROWS = {
    "image_tasks": [{"prompt": f"第{i}只猫", "size": "512*512"} for i in range(2)],
    "text_tasks": [{"prompt": f"第{i}题"} for i in range(3)],
}
FAST = '[models."wan2.2-t2i-flash"]\nsubmit_per_s = 500\nrunning_limit = 1000\n'


def write(value: Any = ROWS, name: str = "all.json") -> str:
    Path(name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return name


def records(folder: str) -> list[dict[str, Any]]:
    lines = (Path(folder) / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def sent(box: Sandbox) -> Counter[str]:
    """Return how often each prompt was paid."""
    return Counter(work.order.prompt for work in (*box.tasks, *box.sync_calls))


ONCE = Counter({row["prompt"]: 1 for rows in ROWS.values() for row in rows})


@pytest.mark.slow
def test_what_a_script_has_run_is_done_for_the_batch(bailian: Run, text2image: Run, box: Sandbox) -> None:
    name = write()
    pictures = text2image("--config", name).paths
    ran = bailian("batch", "run", name)
    assert "5 rows: 3 to run, 2 done before" in ran.err
    assert sent(box) == ONCE
    told = records("outputs/all")
    assert [row["where"] for row in told] == [
        "image_tasks[0]",
        "image_tasks[1]",
        *(f"text_tasks[{i}]" for i in range(3)),
    ]
    assert {Path(file) for row in told[:2] for file in row["files"]} == {path.absolute() for path in pictures}
    assert [row["kind"] for row in records("outputs/all-image")] == ["image", "image"]


@pytest.mark.slow
def test_what_the_batch_has_run_is_done_for_the_scripts(
    bailian: Run, text2image: Run, text2text: Run, box: Sandbox
) -> None:
    name = write()
    bailian("batch", "run", name)
    assert "2 done before" in text2image("--config", name).err
    assert "3 done before" in text2text("--config", name).err
    assert sent(box) == ONCE
    assert [row["state"] for row in records("outputs/all-text")] == ["done"] * 3
    assert "all 2 rows were done before" in text2image("--config", name).err, "each kind is remembered as finished"
    assert "all 5 rows were done before" in bailian("batch", "run", name).err


@pytest.mark.slow
def test_a_name_is_shared_like_a_file(bailian: Run, text2image: Run, box: Sandbox) -> None:
    bailian("batch", "run", write(), "--run", "甲")
    bailian("batch", "run", write(ROWS, "moved.json"), "--run", "甲")
    assert sent(box) == ONCE


@pytest.mark.slow
def test_status_shows_every_kind_wherever_it_was_run_from(bailian: Run, text2image: Run, text2text: Run) -> None:
    name = write()
    text2image("--config", name)
    assert bailian("batch", "status", name, "--json").json["rows"] == 2
    text2text("--config", name)
    assert bailian("batch", "status", name, "--json").json["done"] == 5


@pytest.mark.slow
def test_a_script_sets_aside_rows_of_its_own_kind_only(bailian: Run, text2image: Run, box: Sandbox) -> None:
    """To text2image.py the texts are not absent; a picture that was taken away is, and comes back unpaid."""
    bailian("batch", "run", write())
    text2image("--config", write({**ROWS, "image_tasks": ROWS["image_tasks"][:1]}))
    assert bailian("batch", "status", "all.json", "--json").json["rows"] == 4
    assert "5 done before" in bailian("batch", "run", write()).err
    assert sent(box) == ONCE


@pytest.mark.slow
def test_rows_with_a_flag_laid_over_are_others_and_the_plain_ones_stay_paid(
    bailian: Run, text2text: Run, box: Sandbox
) -> None:
    name = write()
    bailian("batch", "run", name)
    text2text("--config", name, "--max-tokens", "20")
    assert [sent(box)[row["prompt"]] for row in ROWS["text_tasks"]] == [2] * 3, "another request"
    before = len(box.requests)
    assert "5 rows: 0 to run, 5 done before" in bailian("batch", "run", name).err
    text2text("--config", name, "--max-tokens", "20")
    assert len(box.requests) == before
    assert len(records("outputs/all")) == 5


def test_a_failed_row_of_a_script_is_tried_again_by_the_batch(bailian: Run, text2text: Run, box: Sandbox) -> None:
    box.faults.add(Fault("text", "status", status=400, code="DataInspectionFailed", message="x", match_prompt="第1题"))
    name = write()
    text2text("--config", name, exits=7)
    assert "5 rows: 3 to run, 2 done before" in bailian("batch", "run", name).err
    assert bailian("batch", "status", name, "--json").json["done"] == 5


@pytest.mark.slow
def test_the_timeout_of_a_script_ends_its_run_if_it_was_given(text2image: Run, box: Sandbox) -> None:
    """Its default is a single request's: a batch may take longer."""
    box.settings.change({"task_s": 2.0})
    name = write()
    text2image("--config", name, "--timeout", "0.5", exits=6)
    text2image("--config", name)
    assert len(box.tasks) == 2


@pytest.mark.slow
def test_fresh_begins_all_kinds_anew(bailian: Run, text2image: Run, box: Sandbox) -> None:
    name = write()
    text2image("--config", name)
    bailian("batch", "run", name, "--fresh")
    assert "2 done before" in text2image("--config", name).err
    assert [sent(box)[row["prompt"]] for row in ROWS["image_tasks"]] == [2, 2]


@pytest.mark.slow
def test_texts_at_half_price_are_fetched_by_their_script(
    bailian: Run, text2image: Run, text2text: Run, box: Sandbox
) -> None:
    box.settings.task_s = 0.1
    name = write()
    bailian("batch", "run", name, "--batch-api", "--no-wait", exits=6)
    text2image("--config", name)
    assert bailian("batch", "status", name, "--json", exits=6).json["running"] == 3, "pictures do not fetch texts"
    text2text("--config", name)
    assert bailian("batch", "status", name, "--json").json["done"] == 5
    assert [request.kind for request in box.requests].count("text") == 0
    assert [request.kind for request in box.requests].count("batch_create") == 1


# ── several processes ──


@pytest.fixture
def quick(box: Sandbox) -> None:
    box.settings.change({"enforce_limits": False, "task_s": 0.05})
    Path("bailian").mkdir()
    Path("bailian/models.toml").write_text(FAST, encoding="utf-8")


@pytest.mark.slow
@posix_only
@pytest.mark.usefixtures("quick")
def test_scripts_run_side_by_side_and_the_batch_waits_for_them(bailian: Run, text2text: Run, box: Sandbox) -> None:
    """The pictures run until both others have come to their end."""
    box.settings.change({"task_s": 600.0})
    name = write()
    first = start_script(box, "--config", name)
    until(lambda: len(box.tasks) == 2)
    box.settings.change({"task_s": 0.05})
    assert "another process is running this batch" in bailian("batch", "run", name, exits=6).err
    assert len(text2text("--config", name).paths) == 3
    assert first.poll() is None, "the pictures were still running"
    box.advance(600)
    assert end(first).code == 0
    assert "5 done before" in bailian("batch", "run", name).err
    assert sent(box) == ONCE


@pytest.mark.slow
@posix_only
@pytest.mark.usefixtures("quick")
def test_a_script_waits_for_the_batch(bailian: Run, text2image: Run, box: Sandbox) -> None:
    """The pictures run until the script has come to its end."""
    box.settings.change({"task_s": 600.0})
    name = write()
    first = start_bailian(box, "batch", "run", name)
    until(lambda: len(box.tasks) == 2 and len(box.sync_calls) == 3)
    box.settings.change({"task_s": 0.05})
    assert "another process is running this batch" in text2image("--config", name, exits=6).err
    box.advance(600)
    assert end(first).code == 0
    assert sent(box) == ONCE


@posix_only
@pytest.mark.usefixtures("quick")
@pytest.mark.slow
def test_all_at_once_every_row_is_sent_once(bailian: Run, box: Sandbox) -> None:
    """Whoever comes first sends; the others leave with 6 and find the rows done."""
    rows = {
        "image_tasks": [{"prompt": f"第{i}只猫", "size": "512*512"} for i in range(20)],
        "text_tasks": [{"prompt": f"第{i}题"} for i in range(20)],
    }
    name = write(rows)
    text = "from text2text import main"
    for _ in range(3):
        started = [
            start_script(box, "--config", name, "--quiet"),
            start_bailian(box, "batch", "run", name, "--quiet"),
            start_script(box, "--config", name, "--quiet", command=text),
            start_bailian(box, "batch", "run", name, "--quiet"),
        ]
        codes = [end(process).code for process in started]
        assert set(codes) <= {0, 6}
        assert 0 in codes, "somebody gets through"
    bailian("batch", "run", name)
    assert sent(box) == {row["prompt"]: 1 for section in rows.values() for row in section}
    assert [row["where"] for row in records("outputs/all")] == [
        f"{section}[{i}]" for section in rows for i in range(20)
    ]
