"""Rows whose input is another row's result, against the sandbox: what is sent, what is skipped, what is paid again."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Sandbox
from tests.support.batches import check, executed, jobs, records, states, write
from tests.support.commands import Run

pytestmark = [pytest.mark.service, pytest.mark.usefixtures("quick")]

Row = dict[str, Any]


def hero(prompt: str = "一只猫", **more: Any) -> Row:
    return {"kind": "image", "id": "hero", "prompt": prompt, "size": "512*512", **more}


def painted(source: str = "hero", index: int = 1, prompt: str = "油画", **more: Any) -> Row:
    """Return a row that takes a result: an edit that is a task."""
    wanted = {"result_of": source, **({"index": index} if index != 1 else {})}
    return {"kind": "wanx_edit", "function": "stylization_all", "prompt": prompt, "image": wanted, **more}


def edited(source: str, prompt: str = "加一顶帽子", **more: Any) -> Row:
    return {"kind": "image_edit", "model": "qwen-image-2.0", "prompt": prompt, "image": [{"result_of": source}], **more}


def by_prompt() -> dict[str, Row]:
    return {row["prompt"]: row for row in records()}


def sent_picture(box: Sandbox, prompt: str) -> bytes:
    """Return the picture that went to the service with a prompt."""
    (work,) = [work for work in [*box.tasks, *box.sync_calls] if work.order.prompt == prompt]
    text = json.dumps(work.body)
    return base64.b64decode(text.partition("data:image/png;base64,")[2].partition('"')[0])


CHAIN = [painted("edit", id="last"), hero(n=2), edited("hero", id="edit")]


@pytest.mark.slow
def test_each_row_takes_the_file_that_its_source_has_made(bailian: Run, box: Sandbox) -> None:
    """Also where it stands above its source; the results are in the order of the file."""
    ran = bailian("batch", "run", write(CHAIN))
    assert "3 rows: 3 to run, 0 done before, 2 of them wait for others" in ran.err
    assert [row["label"] for row in records()] == ["last", "hero", "edit"]
    made = by_prompt()
    assert sent_picture(box, "加一顶帽子") == Path(made["一只猫"]["files"][0]).read_bytes()
    assert sent_picture(box, "油画") == Path(made["加一顶帽子"]["files"][0]).read_bytes()
    assert made["油画"]["sources"] == [{"result_of": "edit"}]
    check(box, 3)
    assert "all 3 rows were done before" in bailian("batch", "run", "all.json").err


@pytest.mark.slow
@pytest.mark.parametrize("form", ["all.json", "all.jsonl", "all.csv", "sections.json"])
def test_every_form_of_a_file_names_a_result(bailian: Run, box: Sandbox, form: str) -> None:
    rows = [hero(n=2), painted(index=2)]
    if form == "all.json":
        write(rows)
    elif form == "all.jsonl":
        Path(form).write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    elif form == "all.csv":
        Path("@hero:2").write_text("no picture", encoding="utf-8")
        lines = ["kind,id,prompt,size,n,function,image", "image,hero,一只猫,512*512,2,,"]
        Path(form).write_text("\n".join([*lines, "wanx_edit,,油画,,,stylization_all,@hero:2"]), encoding="utf-8")
    else:
        sections = {
            "defaults": {"wanx_edit_tasks": {"image": {"result_of": "hero", "index": 2}}},
            "image_tasks": [{name: value for name, value in rows[0].items() if name != "kind"}],
            "wanx_edit_tasks": [{"function": "stylization_all", "prompt": "油画"}],
        }
        write(sections, form)
    bailian("batch", "run", form, "-o", "outputs/all")
    assert sent_picture(box, "油画") == Path(by_prompt()["一只猫"]["files"][1]).read_bytes()


@pytest.mark.slow
def test_a_file_that_is_really_called_so_is_written_with_its_folder(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", write([hero()]))
    Path(by_prompt()["一只猫"]["files"][0]).rename("@hero")
    Path("b.csv").write_text("kind,prompt,function,image\nwanx_edit,油画,stylization_all,./@hero\n", encoding="utf-8")
    bailian("batch", "run", "b.csv")
    assert sent_picture(box, "油画") == Path("@hero").read_bytes()


def test_a_sound_is_written_down(bailian: Run, box: Sandbox) -> None:
    """Speech → transcript: the sound goes in by upload, and names the transcript."""
    rows: list[Row] = [
        {"kind": "transcription", "file": {"result_of": "voice"}},
        {"kind": "speech", "id": "voice", "text": "你好，世界。"},
    ]
    bailian("batch", "run", write(rows))
    assert states() == {"done": 2}
    (task,) = box.tasks
    assert task.body["input"]["file_urls"][0].startswith("oss://")
    (transcript,) = [name for row in records() if row["kind"] == "transcription" for name in row["files"]]
    assert "voice" in Path(transcript).name


@pytest.mark.slow
def test_picture_film_and_voice_are_one_file(bailian: Run, box: Sandbox) -> None:
    """What each is, is known before it is there: nothing is guessed, and each goes in under its own role."""
    rows: list[Row] = [
        {"kind": "video", "id": "film", "prompt": "镜头推近", "image": {"result_of": "hero"}, "audio": {"result_of": "voice"}},
        hero(size="1280*720"),
        {"kind": "speech", "id": "voice", "text": "你好，世界。今天天气很好，我们一起去公园里走一走吧。"},
        {"kind": "transcription", "file": {"result_of": "film"}},
        {"kind": "video", "prompt": "接着走", "continue": {"result_of": "film"}},
        {"kind": "video", "prompt": "图1 走路", "references": [{"file": {"result_of": "hero"}, "voice": {"result_of": "voice"}}]},
        {"kind": "text", "prompt": "画里有什么？", "image": {"result_of": "hero"}},
    ]  # fmt: skip
    ran = bailian("batch", "run", write(rows))
    assert states() == {"done": 7}
    assert "cannot be told" not in ran.err
    assert "result-of" not in json.dumps([task.body for task in box.tasks])
    sent = {task.order.prompt: task.body["input"] for task in box.tasks}
    assert [one["type"] for one in sent["接着走"]["media"]] == ["first_clip"]
    assert [one["type"] for one in sent["图1 走路"]["media"]] == ["reference_image"]
    assert sent["图1 走路"]["media"][0]["reference_voice"].startswith("oss://")


@pytest.mark.slow
def test_a_row_with_two_sources_is_handed_out_once(bailian: Run, box: Sandbox) -> None:
    """Both may be done before the first of them is heard of."""
    rows: list[Row] = []
    for number in range(15):
        rows += [hero(f"第{number}只白猫。", id=f"a{number}"), hero(f"第{number}只黑猫。", id=f"b{number}")]
        both = [{"result_of": f"a{number}"}, {"result_of": f"b{number}"}]
        rows.append({"kind": "image_edit", "model": "qwen-image-2.0", "prompt": f"第{number}次合并。", "image": both})
    bailian("batch", "run", write(rows))
    assert states() == {"done": 45}
    assert set(executed(box).values()) == {1}


@pytest.mark.slow
def test_a_row_that_waits_is_no_row_of_a_service_batch(bailian: Run, box: Sandbox) -> None:
    """The Batch API is for rows that wait for nothing: it is sent alone, and that is said."""
    rows = [hero(), {"kind": "text", "prompt": "画里有什么？", "image": {"result_of": "hero"}}]
    ran = bailian("batch", "run", write(rows), "--batch-api")
    assert "it waits for another row's result; it is sent alone, at the whole price" in ran.err
    assert states() == {"done": 2}


def test_a_matrix_takes_and_gives_results(bailian: Run, box: Sandbox) -> None:
    rows = [
        {"kind": "image", "id": "cat", "size": "512*512", "matrix": {"prompt": ["白猫", "黑猫"]}},
        {
            "kind": "wanx_edit",
            "function": "stylization_all",
            "prompt": "油画",
            "matrix": {"image": [{"result_of": "cat#1"}, {"result_of": "cat#2"}]},
        },
    ]
    bailian("batch", "run", write(rows))
    made = [row for row in records() if row["prompt"] == "油画"]
    assert [row["sources"] for row in made] == [[{"result_of": "cat#1"}], [{"result_of": "cat#2"}]]
    assert states() == {"done": 4}


# ── failed sources ──


def test_what_a_failed_row_was_for_is_skipped_and_tried_again_with_it(bailian: Run, box: Sandbox) -> None:
    """Down the whole chain; the others are made. failed.jsonl is a batch of its own."""
    rows = [
        hero("[sandbox:refuse]"),
        edited("hero", id="edit"),
        painted("edit"),
        hero("狗", id="dog"),
        painted("dog", prompt="水彩"),
    ]
    ran = bailian("batch", "run", write(rows), exits=7)
    assert ran.err.count("skipped: row hero ") == 2
    assert "done 2, failed 1 (DataInspectionFailed 1), skipped 2" in ran.err
    assert {row["label"]: row["error"]["code"] for row in records() if row["error"]} == {
        "hero": "DataInspectionFailed", "edit": "Skipped", None: "Skipped",
    }  # fmt: skip
    assert "wanx_edit\tskipped\t\t1" in bailian("batch", "status", "all.json", exits=7).out
    again = [json.loads(line) for line in Path("outputs/all/failed.jsonl").read_text("utf-8").splitlines()]
    assert [row.get("image") for row in again] == [None, [{"result_of": "hero"}], {"result_of": "edit"}]
    other = bailian("batch", "run", "outputs/all/failed.jsonl", exits=7)
    assert "failed 1 (DataInspectionFailed 1), skipped 2" in other.err
    left = bailian("batch", "run", "all.json", "--no-retry-failed", exits=7)
    assert "0 to run, 2 done before, 3 failed and left alone" in left.err
    before = len(jobs())
    bailian("batch", "run", "all.json", exits=7)
    assert len(jobs()) == before + 3
    rows[0] = hero("猫")
    ran = bailian("batch", "run", write(rows))
    assert "3 to run, 2 done before" in ran.err
    assert states() == {"done": 5}
    assert executed(box)["水彩"] == 1


@pytest.mark.slow
def test_a_result_that_was_not_made_is_a_reason_and_the_others_are_taken(bailian: Run, box: Sandbox) -> None:
    rows = [hero("[sandbox:partial]", n=2), painted(), painted(index=2, prompt="水彩")]
    ran = bailian("batch", "run", write(rows), exits=7)
    assert "skipped: row hero made no result 2" in ran.err
    assert {row["prompt"]: row["state"] for row in records()} == {
        "[sandbox:partial]": "done", "油画": "done", "水彩": "unsent",
    }  # fmt: skip
    assert not Path("outputs/all/failed.jsonl").exists(), "run from there, it would have no source"


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("what", ["changed", "removed"])
def test_another_file_than_the_saved_one_is_not_sent(bailian: Run, box: Sandbox, what: str) -> None:
    bailian("batch", "run", write([hero()]))
    path = Path(by_prompt()["一只猫"]["files"][0])
    saved = path.read_bytes()
    path.write_bytes(saved + b"more") if what == "changed" else path.unlink()
    ran = bailian("batch", "run", write([hero(), painted()]), exits=7)
    assert f"skipped: {path}" in ran.err or f"skipped: cannot read {path}" in ran.err or str(path) in ran.err
    assert "bailian tasks wait" in ran.err
    assert executed(box) == {"一只猫": 1}
    path.write_bytes(saved)
    bailian("batch", "run", "all.json")
    assert sent_picture(box, "油画") == saved
    assert executed(box) == {"一只猫": 1, "油画": 1}


@pytest.mark.slow
def test_a_removed_file_can_be_fetched_anew(bailian: Run, box: Sandbox) -> None:
    """The command that is advised helps."""
    bailian("batch", "run", write([hero()]))
    path = Path(by_prompt()["一只猫"]["files"][0])
    path.unlink()
    ran = bailian("batch", "run", write([hero(), painted()]), exits=7)
    task = next(job["task_id"] for job in jobs() if job["task_id"])
    assert f"tasks wait {task}" in ran.err
    bailian("tasks", "wait", task)
    bailian("batch", "run", "all.json")
    assert sent_picture(box, "油画") == Path(by_prompt()["一只猫"]["files"][0]).read_bytes()


@pytest.mark.slow
def test_a_file_that_the_model_does_not_take_ends_the_row_unsent(bailian: Run, box: Sandbox) -> None:
    """The picture is checked when it is there, as one that was there from the beginning."""
    models = Path("bailian/models.toml")
    models.write_text(
        models.read_text("utf-8").replace('[models."wanx2.1-imageedit"]', '[models."wanx2.1-imageedit"]\nimage_side_px = [600, 4096]'),
        encoding="utf-8",
    )  # fmt: skip
    assert "image_side_px" in models.read_text("utf-8")
    ran = bailian("batch", "run", write([hero(), painted()]), exits=7)
    assert "image: is 512*512; each side must be 600 to 4096 px" in ran.err
    assert executed(box) == {"一只猫": 1}


# ── money ──


@pytest.mark.slow
def test_a_changed_source_makes_its_chain_anew_and_nothing_else(bailian: Run, box: Sandbox) -> None:
    rows = [hero(), painted(id="a"), painted("a", prompt="水彩"), hero("狗", id="dog"), painted("dog", prompt="素描")]
    bailian("batch", "run", write(rows))
    rows[0] = hero("另一只猫")
    assert "3 to run, 2 done before" in bailian("batch", "run", write(rows)).err
    assert executed(box) == {"一只猫": 1, "油画": 2, "水彩": 2, "狗": 1, "素描": 1, "另一只猫": 1}
    rows[0] = hero()
    assert "0 to run, 5 done before" in bailian("batch", "run", write(rows)).err, "what comes back was paid"


@pytest.mark.slow
def test_chained_rows_count_in_plan_and_budget(bailian: Run, box: Sandbox) -> None:
    plan = bailian("batch", "run", write([hero(), painted(), painted(prompt="水彩")]), "--dry-run").json
    assert (plan["to_run"], plan["waits_for_others"], plan["cost"]["estimate"]) == (3, 2, 0.42)
    assert box.requests == []
    assert bailian("batch", "run", "all.json", "--max-cost", "0.3", exits=3).err.count("the budget") == 1
    assert executed(box).total() == 2
    bailian("batch", "run", "all.json", "--max-cost", "0.42")
    assert set(executed(box).values()) == {1}


@pytest.mark.slow
def test_fresh_makes_the_whole_chain_anew(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", write(CHAIN))
    bailian("batch", "run", "all.json", "--fresh")
    assert set(executed(box).values()) == {2}
    first, second = (json.loads(job["request"])["image"][0] for job in jobs() if job["said"] == "加一顶帽子")
    assert first != second


# ── left and gone on with ──


@pytest.mark.slow
def test_without_waiting_the_batch_is_run_again(bailian: Run, box: Sandbox) -> None:
    """`--no-wait` sends what waits for nothing; the next run fetches it and sends what waited."""
    rows = [hero(), painted(id="a"), painted("a", prompt="水彩")]
    ran = bailian("batch", "run", write(rows), "--no-wait", exits=6)
    assert "2 rows wait for other rows' results: run the same command again to go on" in ran.err
    assert "waiting 2 (2 wait for others)" in ran.err
    assert "wanx_edit\twaits for others\t\t2" in bailian("batch", "status", "all.json", exits=6).out
    bailian("tasks", "wait", json.loads(json.dumps(next(job["task_id"] for job in jobs() if job["task_id"]))))
    bailian("batch", "run", "all.json")
    assert set(executed(box).values()) == {1}
    assert states() == {"done": 3}


@pytest.mark.slow
def test_a_row_that_leaves_the_file_is_not_waited_for(bailian: Run, box: Sandbox) -> None:
    rows = [hero(), painted(), painted(prompt="水彩")]
    bailian("batch", "run", write(rows), "--no-wait", exits=6)
    bailian("batch", "run", write(rows[:2]))
    assert executed(box) == {"一只猫": 1, "油画": 1}
    refused = bailian("batch", "run", write(rows[1:]), exits=2)
    assert "[0].image: no row of this file has the id 'hero'" in refused.err


@pytest.mark.slow
def test_cron_skips_in_silence_what_it_does_not_try_again(bailian: Run, box: Sandbox) -> None:
    rows = [hero("[sandbox:refuse]"), painted()]
    bailian("batch", "run", write(rows), "--cron", exits=7)
    before = len(jobs())
    bailian("batch", "run", "all.json", "--cron", exits=7)
    assert len(jobs()) == before, "a refused row is for a person, and what waits for it stays skipped"


def test_chinese_words(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    ran = bailian("batch", "run", write([hero("[sandbox:refuse]"), painted()]), exits=7)
    assert "其中 1 行等待其他行" in ran.err
    assert "已跳过：行 hero " in ran.err
    assert "已跳过 1" in ran.err


# ── other doors ──


@pytest.mark.parametrize("door", ["flag", "config"])
def test_one_request_has_no_other_rows(wanx_edit: Run, box: Sandbox, door: str) -> None:
    write(
        {"input": {"function": "stylization_all", "prompt": "油画", "base_image_url": "result-of:hero/1"}}, "one.json"
    )
    words = ["油画", "--function", "stylization_all", "--image", "result-of:hero/1"]
    ran = wanx_edit(*(words if door == "flag" else ["--config", "one.json"]), exits=2)
    assert "another row's result goes into rows of a batch only" in ran.err
    assert box.requests == []


def test_a_script_runs_its_own_rows_only(wanx_edit: Run, bailian: Run, box: Sandbox) -> None:
    ran = wanx_edit("--config", write([hero(), painted()]), exits=2)
    assert "is image; only wanx_edit stands here" in ran.err
    sections = {"image_tasks": [{"id": "hero", "prompt": "猫"}], "wanx_edit_tasks": [painted()]}
    ran = wanx_edit("--config", write(sections), exits=2)
    assert "only the wanx_edit rows are run here, all are by `bailian batch run`" in ran.err
    assert box.requests == []
