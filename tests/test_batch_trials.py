"""Trials of batches as users run them: other inputs, other paths, other order; nothing is lost or paid twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bailian.engine import schedule
from bailian.sandbox import Fault, Sandbox
from tests.conftest import Run


def write(value: Any, name: str = "all.json") -> str:
    Path(name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return name


def texts(*prompts: str, **more: Any) -> list[dict[str, Any]]:
    return [{"kind": "text", "prompt": prompt, **more} for prompt in prompts]


def sent(box: Sandbox) -> int:
    return len([request for request in box.requests if request.kind == "text"])


def records(folder: str = "outputs/all") -> list[dict[str, Any]]:
    lines = (Path(folder) / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_other_rows_on_stdin_are_run(bailian: Run, box: Sandbox, monkeypatch: Any) -> None:
    import io

    from tests import conftest

    class Stdin(conftest._Stdin):
        @property
        def buffer(self) -> io.BytesIO:  # type: ignore[override]
            return io.BytesIO(self.getvalue().encode())

    monkeypatch.setattr(conftest, "_Stdin", Stdin)
    bailian("batch", "run", "-", stdin=json.dumps(texts("甲")))
    bailian("batch", "run", "-", stdin=json.dumps(texts("乙")))
    assert sent(box) == 2


def test_another_option_of_a_script_is_another_request(text2text: Run, box: Sandbox) -> None:
    name = write(texts("甲"))
    text2text("--config", name, "--max-tokens", "20")
    text2text("--config", name, "--max-tokens", "50")
    assert [r.body["parameters"]["max_tokens"] for r in box.requests if r.kind == "text"] == [20, 50]


def test_one_file_by_two_paths_is_one_batch(bailian: Run, box: Sandbox) -> None:
    Path("下级").mkdir()
    bailian("batch", "run", write(texts("甲")))
    bailian("batch", "run", "下级/../all.json")
    assert sent(box) == 1


def test_a_file_and_a_link_to_it_are_one_batch(bailian: Run, box: Sandbox) -> None:
    name = write(texts("甲"))
    Path("链接.json").symlink_to(name)
    bailian("batch", "run", name)
    bailian("batch", "run", "链接.json")
    assert sent(box) == 1


def test_a_partial_result_has_the_same_verdict_in_every_run(bailian: Run) -> None:
    name = write([{"kind": "image", "prompt": "[sandbox:partial]", "n": 2}])
    bailian("batch", "run", name, exits=7)
    bailian("batch", "run", name, exits=7)


def test_fresh_with_a_wrong_file_forgets_nothing(bailian: Run, box: Sandbox) -> None:
    name = write(texts("甲"))
    bailian("batch", "run", name)
    write([*texts("甲"), {"kind": "text", "promt": "错"}])
    bailian("batch", "run", name, "--fresh", exits=2)
    write(texts("甲"))
    bailian("batch", "run", name)
    assert sent(box) == 1


def test_fresh_also_sends_rows_that_were_away(bailian: Run, box: Sandbox) -> None:
    name = write(texts("甲", "乙"))
    bailian("batch", "run", name)
    bailian("batch", "run", write(texts("乙")))
    bailian("batch", "run", write(texts("甲", "乙")), "--fresh")
    assert sent(box) == 4


def test_a_retried_row_that_went_and_came_back_is_not_paid_again(bailian: Run, box: Sandbox) -> None:
    box.faults.add(Fault("text", "status", status=400, code="DataInspectionFailed", message="x", match_prompt="甲"))
    name = write(texts("甲", "乙"))
    bailian("batch", "run", name, exits=7)
    bailian("batch", "run", name)
    bailian("batch", "run", write(texts("乙")))
    assert {row["prompt"] for row in records()} == {"乙"}
    before = sent(box)
    bailian("batch", "run", write(texts("甲", "乙")))
    assert sent(box) == before


def test_a_failed_row_that_was_retried_and_removed_does_not_fail_the_batch(bailian: Run, box: Sandbox) -> None:
    box.faults.add(Fault("text", "status", status=400, code="DataInspectionFailed", message="x", match_prompt="甲"))
    name = write(texts("甲", "乙"))
    bailian("batch", "run", name, exits=7)
    bailian("batch", "run", name)
    write(texts("乙"))
    bailian("batch", "run", name)


def test_failed_rows_keep_their_name_and_folder(bailian: Run) -> None:
    name = write(texts("[sandbox:refuse]", name="甲", output="乙"))
    bailian("batch", "run", name, exits=7)
    (row,) = [json.loads(line) for line in Path("outputs/all/failed.jsonl").read_text("utf-8").splitlines()]
    assert (row.get("name"), row.get("output")) == ("甲", "乙")


def test_failed_rows_are_not_run_over_the_results_they_come_from(bailian: Run) -> None:
    bailian("batch", "run", write(texts("好", "[sandbox:refuse]")), exits=7)
    ran = bailian("batch", "run", "outputs/all/failed.jsonl", "-o", "outputs/all", exits=2)
    assert "another folder with -o" in ran.err
    assert {row["prompt"] for row in records()} >= {"好"}


def test_two_files_of_one_name_do_not_share_a_folder(bailian: Run) -> None:
    for folder, prompt, code in (("甲", "一", 0), ("乙", "二", 2)):
        Path(folder).mkdir()
        bailian("batch", "run", write(texts(prompt), f"{folder}/all.json"), exits=code)
    assert {row["prompt"] for row in records()} == {"一"}
    bailian("batch", "run", "乙/all.json", "-o", "outputs/乙")


def test_lost_results_are_written_again(bailian: Run) -> None:
    name = write(texts("甲"))
    bailian("batch", "run", name)
    Path("outputs/all/results.jsonl").unlink()
    bailian("batch", "run", name)
    assert [row["prompt"] for row in records()] == ["甲"]


def test_results_name_the_place_in_the_file_as_it_is(bailian: Run) -> None:
    name = write(texts("甲", "乙"))
    bailian("batch", "run", name)
    bailian("batch", "run", write(texts("乙", "丙")))
    assert {row["prompt"]: row["where"] for row in records()} == {"乙": "[0]", "丙": "[1]"}


def test_a_dry_run_prices_only_what_is_left(bailian: Run) -> None:
    name = write(texts("甲"))
    bailian("batch", "run", name)
    plan = bailian("batch", "run", name, "--dry-run").json
    assert plan.get("to_run", plan["requests"]) == 0


def test_a_text_cut_off_by_max_duration_is_no_failure(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "GRACE_S", 0.1)
    box.faults.add(Fault("text", "slow", delay_s=3.0))
    name = write(texts("甲"))
    bailian("batch", "run", name, "--max-duration", "0.3", exits=6)
    assert not Path("outputs/all/failed.jsonl").exists()


def test_paging_through_a_batch_reads_every_row_once(tmp_path: Path) -> None:
    from bailian.journal import Journal
    from bailian.journal_runs import CHUNK_ROWS, COLUMNS, Runs

    journal = Journal(tmp_path / "家")
    runs = Runs(journal, "a")
    rows = CHUNK_ROWS * 16

    def row(number: int) -> tuple[Any, ...]:
        own = {"id": f"{number}", "account": "a", "run": "r", "row_key": f"k{number}", "created_at_s": 1.0}
        return tuple({"state": "done", "owner": None, "estimate_cny": None, **own}.get(name, "{}") for name in COLUMNS)

    runs.intend_all(row(number) for number in range(rows))

    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    journal.database._connection.set_progress_handler(count, 100)
    assert len(runs.tried("r")) == rows
    once, steps[0] = steps[0], 0
    assert sum(1 for _ in runs.newest("r")) == rows
    assert steps[0] < 4 * once
    journal.close()


def test_nobody_reading_json_is_no_bug(box: Sandbox) -> None:
    from tests.conftest import start_bailian

    started = start_bailian(box, "batch", "run", write(texts("甲", "乙", "丙")), "--json")
    assert started.stdout is not None
    assert started.stderr is not None
    started.stdout.close()
    assert "Traceback" not in started.stderr.read()
    started.stderr.close()
    assert started.wait() == 5
