"""Trials of batches as users run them: other inputs, other paths, other order; nothing is lost or paid twice."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bailian.batch.output import gallery
from bailian.batch.output import records as results
from bailian.cli.batch import run_file
from bailian.engine import shutdown
from bailian.i18n import language
from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.journals import place

pytestmark = pytest.mark.slow


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
    bailian("batch", "run", "-", stdin=json.dumps(texts("甲")).encode())
    bailian("batch", "run", "-", stdin=json.dumps(texts("乙")).encode())
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
    monkeypatch.setattr(shutdown, "TEXT_GRACE_S", 0.1)
    box.faults.add(Fault("text", "slow", delay_s=3.0))
    name = write(texts("甲"))
    bailian("batch", "run", name, "--max-duration", "0.3", exits=6)
    assert not Path("outputs/all/failed.jsonl").exists()


@pytest.mark.slow
@pytest.mark.sqlite
def test_paging_through_a_batch_reads_every_row_once(tmp_path: Path) -> None:
    from bailian.store.batches import BatchStore
    from bailian.store.jobs import COLUMNS, Journal
    from bailian.store.runs.row_claims import CHUNK_ROWS

    journal = Journal(place(tmp_path / "家"))
    runs = BatchStore(journal, "a")
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
    assert sum(len(runs.tried("r", keys=keys)) for keys in runs.keys("r")) == rows
    once, steps[0] = steps[0], 0
    assert sum(1 for _ in runs.newest("r")) == rows
    assert steps[0] < 4 * once
    journal.close()


def test_nobody_reading_json_is_no_bug(box: Sandbox) -> None:
    from tests.support.processes import start_bailian

    started = start_bailian(box, "batch", "run", write(texts("甲", "乙", "丙")), "--json")
    assert started.stdout is not None
    assert started.stderr is not None
    started.stdout.close()
    assert "Traceback" not in started.stderr.read()
    started.stderr.close()
    assert started.wait() == 5


# ── rows that may be paid ──

SYNCHRONOUS = {"kind": "image", "model": "qwen-image-max", "prompt": "鹤"}
CUT = Fault("sync", "reset_after", times=None)


def test_a_row_that_may_be_paid_is_not_among_the_rows_to_run_again(bailian: Run, box: Sandbox) -> None:
    box.faults.add(CUT)
    ran = bailian("batch", "run", write([SYNCHRONOUS, *texts("[sandbox:refuse]")]), exits=7)
    assert {row["prompt"]: row["state"] for row in records()} == {"鹤": "held", "[sandbox:refuse]": "failed"}
    again = Path("outputs/all/failed.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line)["prompt"] for line in again.splitlines()] == ["[sandbox:refuse]"]
    assert "check the bill in the console" in ran.err
    assert "--retry-held" in ran.err
    assert "failed rows: outputs/all/failed.jsonl" in ran.err


def test_where_only_held_rows_are_left_no_file_of_failed_ones_is_named(bailian: Run, box: Sandbox) -> None:
    box.faults.add(CUT)
    name = write([SYNCHRONOUS])
    assert "failed.jsonl" not in bailian("batch", "run", name, exits=7).err
    assert not Path("outputs/all/failed.jsonl").exists()
    again = bailian("batch", "run", name, exits=7).err
    assert "1 row: 0 to run, 0 done before, 1 held (maybe paid) and left alone (--retry-held sends them again)" in again
    box.faults.clear()
    bailian("batch", "run", name, "--retry-held")


# ── a folder is taken when its rows are good ──


@pytest.mark.parametrize("file", ["没有.json", "错.json", "."])
def test_a_file_that_is_refused_takes_no_folder(bailian: Run, file: str) -> None:
    write([{"kind": "text", "promt": "错"}], "错.json")
    bailian("batch", "run", file, exits=2)
    assert not Path("outputs").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_a_row_is_written_down(bailian: Run, box: Sandbox) -> None:
    """So that another folder is all it takes."""
    Path("占").write_text("文件", encoding="utf-8")
    bailian("batch", "run", write(texts("甲")), "-o", "占", exits=2)
    bailian("batch", "run", "all.json", "-o", "好")
    assert sent(box) == 1
    assert [Path(name).parent.name for row in records("好") for name in row["files"]] == ["好"]


def test_a_folder_of_another_batch_is_refused_before_the_rows_are_read(bailian: Run) -> None:
    bailian("batch", "run", write(texts("甲")))
    assert "another batch" in bailian("batch", "run", "没有.json", "-o", "outputs/all", exits=2).err


# ── what is said at the end ──


def test_rows_that_are_done_in_part_are_counted(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write([{"kind": "image", "prompt": "[sandbox:partial]", "n": 2}, *texts("甲")])
    assert "all.json: done 2, 1 of them in part, " in bailian("batch", "run", name, exits=7).err
    assert "all 2 rows were done before, 1 of them in part" in bailian("batch", "run", name, exits=7).err
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    language.cache_clear()
    assert "全部 2 行此前已完成，其中 1 行不完整" in bailian("batch", "run", name, exits=7).err


def test_one_row_that_was_done_before_is_one(bailian: Run) -> None:
    name = write(texts("甲"))
    bailian("batch", "run", name)
    assert bailian("batch", "run", name).err.splitlines() == ["1 row was done before"]


def test_cron_is_silent_about_rows_that_are_left_for_its_next_run(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "TEXT_GRACE_S", 0.1)
    box.faults.add(Fault("text", "slow", delay_s=3.0))
    ran = bailian("batch", "run", write(texts("甲")), "--cron", "--max-duration", "0.3", exits=6)
    assert (ran.out, ran.err) == ("", "")
    box.faults.clear()
    ran = bailian("batch", "run", write(texts("甲", "[sandbox:refuse]")), "--cron", exits=7)
    assert "failed 1" in ran.err


def test_a_batch_from_stdin_is_called_stdin(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = bailian("batch", "run", "-", stdin=json.dumps(texts("甲")).encode())
    assert "stdin: done 1, " in ran.err
    assert "/stdin" in bailian("cost").out
    assert "/-" not in bailian("cost").out


def test_free_quotas_are_numbers_that_people_read(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    bailian("batch", "run", write([*texts("甲"), {"kind": "image", "prompt": "猫", "size": "512*512"}]))
    said = bailian("cost").err
    assert "of 1,000,000 free tokens used here" in said
    assert "e+" not in said
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    language.cache_clear()
    said = bailian("cost").err
    assert "（张）" in said
    assert "image）" not in said


def test_ctrl_c_while_an_error_is_printed_changes_nothing(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from bailian.cli.output import terminal

    print_err = terminal.print_err

    def pressed(text: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        print_err(text)

    monkeypatch.setattr(terminal, "print_err", pressed)
    try:
        ran = bailian("batch", "run", "没有.json", exits=2)
    except KeyboardInterrupt:  # it would end all other tests
        pytest.fail("it came through")
    assert "error: " in ran.err


# ── a full folder ──


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """No room for what is said about a batch: its files open, and take nothing."""
    with monkeypatch.context() as patch:

        def no_room(*_words: Any) -> str:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(results, "_line", no_room)
        yield patch


def test_results_for_which_there_is_no_room_are_written_by_the_next_run(
    bailian: Run, box: Sandbox, full: pytest.MonkeyPatch
) -> None:
    name = write(texts("甲", "[sandbox:refuse]"))
    ran = bailian("batch", "run", name, exits=5)
    assert "all.json: done 1, failed 1" in ran.err, "the totals are told all the same"
    assert "failed.jsonl" not in ran.err
    assert "results.jsonl: No space left on device" in ran.err
    assert "nothing is paid again" in ran.err
    assert {path.name for path in Path("outputs/all").glob(".*")} == {".bailian-batch"}
    full.undo()
    write(texts("甲"))
    bailian("batch", "run", name)
    assert [row["prompt"] for row in records()] == ["甲"]
    assert sent(box) == 2


@pytest.mark.usefixtures("full")
def test_who_goes_on_after_fresh_is_told_to_leave_it_out(bailian: Run, box: Sandbox) -> None:
    """A second `--fresh` pays a second time."""
    box.faults.add(CUT)
    ran = bailian("batch", "run", write([SYNCHRONOUS]), "--fresh", exits=5)
    assert "make room, then run the same command again without --fresh: nothing is paid again" in ran.err
    assert "run the same command again without --fresh and with --retry-held" in ran.err


def test_a_page_for_which_there_is_no_room_is_no_bug(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write(texts("甲"))
    with monkeypatch.context() as patch:
        patch.setattr(gallery, "embedded", lambda _value: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        ran = bailian("batch", "run", name, exits=5)
    assert "gallery.html: full" in ran.err
    assert not list(Path("outputs/all").rglob("*.part"))
    bailian("batch", "run", name)
    assert Path("outputs/all/gallery.html").exists()


@pytest.mark.usefixtures("full")
def test_interrupted_with_no_room_for_the_results_is_still_interrupted(
    bailian: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_words: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_file, "_report", pressed)
    ran = bailian("batch", "run", write(texts("甲")), exits=130)
    assert "No space left on device" in ran.err
    assert "error: interrupted; what runs goes on" in ran.err
