"""Today's text models from the shell to the answer: every door, what is refused, what is paid, what goes on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.catalog import load
from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.films import film

pytestmark = pytest.mark.service

WRITING = [
    model.name
    for model in load().of_kind("text")
    if not model.retired_on and not model.unavailable and "ocr" not in model.abilities
]
SEEING = [name for name in WRITING if "sees" in load()[name].abilities]
NEVER = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 5, "maximum": 4}}, "required": ["n"]}
"""What no answer fits."""


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(task_s=0.02, enforce_limits=False) as box:
        yield box


@pytest.fixture
def room(tmp_path: Path) -> str:
    Image.new("RGB", (640, 512), "teal").save(tmp_path / "room.png")
    return str(tmp_path / "room.png")


def posts(box: Sandbox) -> list[Any]:
    return [entry for entry in box.requests if entry.method == "POST"]


@pytest.mark.parametrize("model", WRITING)
@pytest.mark.few(2)
def test_each_model_answers(text2text: Run, box: Sandbox, model: str) -> None:
    shown = text2text("你好", "--model", model, "--json").json
    assert model in shown["output"]["choices"][0]["message"]["content"]
    assert 0 < shown["cost"]["charged"] <= shown["cost"]["estimate"]
    (post,) = posts(box)
    assert post.path.endswith(load()[model].route)


@pytest.mark.parametrize("model", WRITING)
@pytest.mark.few(1)
def test_each_model_answers_in_pieces(text2text: Run, model: str, box: Sandbox) -> None:
    assert model in text2text("你好", "--model", model, "--stream").out


@pytest.mark.parametrize("model", SEEING)
@pytest.mark.slow
def test_each_model_that_sees_looks_at_a_picture_of_this_machine(
    text2text: Run, box: Sandbox, model: str, room: str
) -> None:
    shown = text2text("这是什么？", "--model", model, "--image", room, "--json").json
    assert "640×512" in shown["output"]["choices"][0]["message"]["content"]
    assert shown["usage"]["input_tokens_details"]["image_tokens"] == 20 * 16 + 2
    assert shown["cost"]["charged"] <= shown["cost"]["estimate"]


@pytest.mark.few(1)
@pytest.mark.parametrize("model", ["qwen-vl-ocr", "qwen3.5-ocr"])
def test_what_was_drawn_is_read(text2image: Run, text2text: Run, box: Sandbox, model: str) -> None:
    text2image("发票，号码：0815，金额：28.50", "-o", "发票.png")
    ran = text2text("--ocr", "text", "--image", "发票.png", "--model", model)
    assert "号码：0815" in ran.out
    Path("felder.json").write_text('{"号码": "", "金额": ""}', encoding="utf-8")
    ran = text2text("--ocr", "fields", "--schema", "felder.json", "--image", "发票.png", "--model", model)
    assert json.loads(ran.out) == {"号码": "0815", "金额": "28.50"}


def test_a_picture_costs_at_most_what_is_asked(text2text: Run, box: Sandbox, room: str) -> None:
    shown = text2text("看", "--image", room, "--image-max-tokens", "100", "--json").json
    assert shown["usage"]["input_tokens_details"]["image_tokens"] <= 100


def test_a_film_of_this_machine_is_uploaded_and_looked_at(text2text: Run, box: Sandbox) -> None:
    film(Path("clip.mp4"), seconds=3)
    shown = text2text("看", "--video", "clip.mp4", "--model", "qwen3.7-flash", "--json").json
    assert "320×240" in shown["output"]["choices"][0]["message"]["content"]
    assert shown["cost"]["charged"] <= shown["cost"]["estimate"]
    sent = posts(box)[-1].body
    assert sent["input"]["messages"][0]["content"][0]["video"].startswith("oss://")


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["clip.mp4", "room.png"])
def test_a_thing_of_the_other_sort_is_refused(text2text: Run, box: Sandbox, room: str, name: str) -> None:
    film(Path("clip.mp4"))
    flag = "--image" if name == "clip.mp4" else "--video"
    text2text("看", flag, name, exits=2)
    assert posts(box) == []


def test_what_is_missing_is_one_fault(text2text: Run, box: Sandbox) -> None:
    ran = text2text("看", "--image", "nirgends.png", exits=2)
    assert ran.err.count("nirgends.png") == 1
    assert "messages" not in ran.err


@pytest.mark.few(1)
@pytest.mark.parametrize("where", ["printed", "in a file"])
def test_an_answer_that_does_not_fit_is_kept_and_exits_4(text2text: Run, box: Sandbox, where: str) -> None:
    Path("schema.json").write_text(json.dumps(NEVER), encoding="utf-8")
    words = ["一个数", "--json-schema", "schema.json", *(["-o", "n.json"] if where == "in a file" else [])]
    ran = text2text(*words, exits=4)
    assert "does not fit the schema" in ran.err
    kept = Path("n.json").read_text(encoding="utf-8") if where == "in a file" else ran.out
    assert "n" in json.loads(kept)


def test_what_does_not_fit_is_in_json_too(text2text: Run, box: Sandbox) -> None:
    shown = text2text("一个数", "--json-schema", json.dumps(NEVER), "--json", exits=4).json
    assert shown["error"]["code"] == "SchemaMismatch"
    assert "n" in json.loads(shown["output"]["choices"][0]["message"]["content"])


def test_sources_go_to_stderr_and_the_search_is_paid(text2text: Run, box: Sandbox) -> None:
    ran = text2text("新闻", "--search", "--model", "qwen3.7-plus")
    assert "sources: 3" in ran.err
    assert "sandbox-news.example.com" not in ran.out
    shown = text2text("新闻", "--search", "--json").json
    assert len(shown["output"]["search_info"]["search_results"]) == 3
    assert shown["cost"]["charged"] >= 0.003


@pytest.mark.few(1)
@pytest.mark.parametrize("model", ["qwen-plus", "qwen3.7-flash"])
def test_a_cut_answer_goes_on_by_its_own_command(text2text: Run, box: Sandbox, model: str) -> None:
    cut = text2text("写一篇文章", "--max-tokens", "10", "--model", model, "--json").json
    begun = cut["output"]["choices"][0]["message"]["content"]
    (notice,) = cut["notices"]
    ran = text2text(*notice["message"].split("text2text ")[-1].split(), "--max-tokens", "500")
    assert ran.out.startswith(begun)
    assert len(ran.out) > len(begun) + 20
    sent = posts(box)[-1].body["input"]["messages"]
    assert [turn["role"] for turn in sent] == ["user", "assistant"]
    assert sent[-1]["partial"] is True


@pytest.mark.parametrize("word", ["nobody", "0815"])
def test_what_cannot_go_on_is_refused(text2text: Run, box: Sandbox, word: str) -> None:
    assert word in text2text("--go-on", word, exits=2).err
    assert posts(box) == []


@pytest.mark.few(1)
@pytest.mark.parametrize("more", [["再多说些"], ["--prefix", "床前"], ["--file", "a.txt"]], ids=str)
def test_what_goes_on_takes_no_other_question(text2text: Run, box: Sandbox, more: list[str]) -> None:
    Path("a.txt").write_text("天气", encoding="utf-8")
    cut = text2text("写一篇文章", "--max-tokens", "10", "--json").json["request_id"]
    assert "--go-on" in text2text(*more, "--go-on", cut, exits=2).err
    assert len(posts(box)) == 1


def test_an_answer_goes_on_by_the_beginning_of_its_id(text2text: Run, box: Sandbox) -> None:
    cut = text2text("写一篇文章", "--max-tokens", "10", "--json").json
    ran = text2text("--go-on", cut["request_id"][:8])
    assert ran.out.startswith(cut["output"]["choices"][0]["message"]["content"])


def test_a_beginning_is_printed_with_the_answer(text2text: Run, box: Sandbox) -> None:
    for stream in ("--stream", "--no-stream"):
        assert text2text("写诗", "--prefix", "床前", "--model", "qwen3.8-flash", stream).out.startswith("床前")


def test_a_conversation_goes_on_from_a_picture_to_another_model(text2text: Run, box: Sandbox, room: str) -> None:
    text2text("这是什么？", "--image", room, "--chat", "房间")
    text2text("再说一遍", "--chat", "房间", "--model", "qwen3.7-flash")
    sent = posts(box)[-1].body["input"]["messages"]
    assert [turn["role"] for turn in sent] == ["user", "assistant", "user"]
    assert sent[0]["content"][0]["image"].startswith("data:image/png;base64,")
    refused = text2text("再说", "--chat", "房间", "--model", "qwen-plus", exits=2)
    assert "the conversation has pictures" in refused.err


# ── Rows ──

ROWS: list[dict[str, Any]] = [
    {"prompt": "这是什么？", "image": "scans/1.png"},
    {"ocr": "fields", "schema": "felder.json", "image": "scans/1.png"},
    {"prompt": "一只猫", "json_schema": "katze.json", "model": "qwen3.7-flash"},
    {"prompt": "新闻", "search": True},
    {"prompt": "写诗", "prefix": "床前"},
]


@pytest.mark.few(1)
@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_rows_look_and_read_with_paths_beside_their_file(bailian: Run, box: Sandbox, tmp_path: Path, form: str) -> None:
    folder = tmp_path / "elsewhere"
    (folder / "scans").mkdir(parents=True)
    Image.new("RGB", (640, 512), "teal").save(folder / "scans" / "1.png")
    (folder / "felder.json").write_text('{"金额": ""}', encoding="utf-8")
    (folder / "katze.json").write_text('{"type": "object"}', encoding="utf-8")
    file = folder / f"rows.{form}"
    rows = [{"kind": "text", **row} for row in ROWS]
    if form == "json":
        file.write_text(json.dumps(rows), encoding="utf-8")
    elif form == "jsonl":
        file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    else:
        with file.open("w", encoding="utf-8", newline="") as out:
            table = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)))
            table.writeheader()
            table.writerows(rows)
    bailian("batch", "run", str(file), "-o", "out")
    found = [json.loads(line) for line in Path("out/results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["state"] for row in found] == ["done"] * len(ROWS)
    assert "640×512" in found[0]["text"]
    assert found[4]["text"].startswith("床前")


def test_a_schema_that_is_missing_is_told_with_its_row(bailian: Run, box: Sandbox) -> None:
    rows = [{"kind": "text", "prompt": "猫", "json_schema": "nirgends.json"}, {"kind": "text", "ocr_schema": 5}]
    Path("rows.json").write_text(json.dumps(rows), encoding="utf-8")
    ran = bailian("batch", "run", "rows.json", exits=2)
    assert "[0].json_schema: cannot read nirgends.json" in ran.err
    assert "[1].schema: must be a JSON object" in ran.err
    assert posts(box) == []


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "row, told",
    [
        ({"kind": "embedding", "prompt": "猫"}, "did you mean text?"),
        ({"kind": "text", "text": "猫"}, "did you mean prompt?"),
        ({"kind": "text", "prompt": "猫", "shema": {}}, "ocr, schema, max_tokens"),
        ({"kind": "text", "ocr": "fields", "image": "https://h/a.png"}, "schema: which fields? an object, or a file"),
        ({"kind": "text", "prompt": "猫", "image": "ftp://h/a.png"}, "taken: https://…, http://…, oss://…"),
        ({"kind": "text", "prompt": "猫", "video": "FTP://h/a.mp4"}, "taken: https://…, http://…, oss://…"),
        ({"kind": "transcription", "file": "gopher://h/a.mp3"}, "taken: https://…, http://…, oss://…"),
        (
            {"kind": "text", "prompt": "猫", "video": "oss://dashscope-instant/h/a.png"},
            "is a picture: --image takes pictures (to make",
        ),
    ],
)
def test_a_row_that_is_refused_speaks_of_its_own_kind(
    bailian: Run, box: Sandbox, row: dict[str, Any], told: str
) -> None:
    Path("row.json").write_text(json.dumps([row]), encoding="utf-8")
    ran = bailian("batch", "run", "row.json", exits=2)
    assert told in ran.err
    assert "--schema" not in ran.err
    assert posts(box) == []


@pytest.mark.slow
def test_a_text_without_a_price_is_refused_without_talk_of_recordings(text2text: Run, box: Sandbox) -> None:
    told = text2text("猫", "-m", "glm-of-tomorrow", "--max-cost", "1", exits=3).err
    assert "models.toml" in told
    assert "recording" not in told


def test_a_config_file_names_a_schema_beside_itself(text2text: Run, box: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "s.json").write_text('{"type": "object"}', encoding="utf-8")
    config = tmp_path / "there" / "one.json"
    config.write_text(
        json.dumps({"input": {"prompt": "猫"}, "parameters": {"json_schema": "s.json"}}), encoding="utf-8"
    )
    json.loads(text2text("--config", str(config)).out)


# ── Money and names ──


@pytest.mark.slow
def test_an_unknown_model_is_refused_under_a_budget_and_sent_without(text2text: Run, box: Sandbox) -> None:
    ran = text2text("你好", "--model", "qwen9-max", "--max-cost", "1", exits=3)
    assert "qwen9-max" in ran.err
    assert posts(box) == []
    ran = text2text("你好", "--model", "qwen9-max", exits=4)
    assert "the catalog does not know qwen9-max" in ran.err


def test_a_model_of_the_compatible_route_is_refused_with_that_sentence(text2text: Run, box: Sandbox) -> None:
    assert "OpenAI-compatible route only" in text2text("你好", "--model", "kimi/kimi-k3", exits=2).err
    assert posts(box) == []
