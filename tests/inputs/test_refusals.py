"""Nothing invalid is sent: each refusal says what is allowed, and the server sees no byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.service import first_post

QWEN_SIZES = "1328*1328, 1664*928, 1472*1140, 1140*1472, 928*1664"

REFUSALS = {
    "n 0": (["猫", "--n", "0"], "1 to 4"),
    "n 5": (["猫", "--n", "5"], "1 to 4"),
    "n two": (["猫", "--n", "two"], "not a whole number"),
    "n 2 for qwen-image": (["猫", "--model", "qwen-image", "--n", "2"], "1 picture a call"),
    "a prompt with a dash": (["-1度的冬天"], "put -- before the text: `text2image.py -- '-1度的冬天'`"),
    "a prompt with two": (["--a cat in a hat", "--n", "1"], "text2image.py -- '--a cat in a hat'"),
    "a prompt that begins as an option": (["-vivid cat"], "-- '-vivid cat'"),
    "an option that there is not": (["猫", "--sise", "512*512"], "unknown option --sise; did you mean --size"),
    "a side too short": (["猫", "--size", "512*511"], "512 to 1440"),
    "too many pixels": (["猫", "--size", "1440*1440"], "2,000,000"),
    "not a size of qwen-image": (["猫", "--model", "qwen-image", "--size", "1024*1024"], QWEN_SIZES),
    "seed -1": (["猫", "--seed", "-1"], "0 to 2147483647"),
    "seed too large": (["猫", "--seed", "2147483648"], "0 to 2147483647"),
    "last seed too large": (["猫", "--n", "4", "--seed", "2147483645"], "2147483648"),
    "a seed for qwen-image": (["猫", "--model", "qwen-image", "--seed", "1"], "takes no seed"),
    "801 Han characters": (["猫" * 801], "801 characters, at most 800"),
    "801 emoji": (["😀" * 801], "801 characters"),
    "801 with combining marks": (["e\u0301" * 400 + "e"], "801 characters"),
    "empty prompt": ([""], "prompt: is empty"),
    "blank prompt": (["  \u3000\n"], "prompt: is empty"),
    "no prompt": ([], "prompt: is required"),
    "long negative prompt": (["猫", "--negative-prompt", "差" * 501], "501 characters"),
    "unknown model": (["猫", "--model", "wan2.2-t2i-flsh"], "wan2.2-t2i-flash"),
    "a model of another script": (["猫", "--model", "wan2.1-t2v-plus"], "bailian text2video"),
    "unknown option": (["猫", "--sise", "512*512"], "--size"),
    "unknown field in the template": (["猫", "--name", "{promt}"], "{prompt}"),
    "a name outside the folder": (["猫", "--name", "../{index}"], "below the output folder"),
    "unknown region": (["猫", "--region", "mars"], "singapore"),
    "not in this region": (["猫", "--region", "singapore", "--model", "wanx2.0-t2i-turbo"], "beijing"),
    "base URL without TLS": (["猫", "--base-url", "http://example.com/api/v1"], "https"),
    "no number for --timeout": (["猫", "--timeout", "soon"], "timeout"),
}


@pytest.mark.few(12)
@pytest.mark.parametrize("words, says", REFUSALS.values(), ids=REFUSALS)
def test_refused_before_a_byte_is_sent(text2image: Run, box: Sandbox, words: list[str], says: str) -> None:
    """Exit 2, a text that says what is allowed, nothing on stdout, nothing at the server, no traceback."""
    ran = text2image(*words, exits=2)
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
    assert box.requests == []


def test_all_problems_are_named_at_once(text2image: Run) -> None:
    ran = text2image(" ", "--size", "10*10", "--n", "9", "--seed", "-3", exits=2)
    named = [line.removeprefix("error:").strip().split(":")[0] for line in ran.err.splitlines()[:4]]
    assert named == ["prompt", "size", "n", "seed"]


def test_a_refusal_is_json_when_json_is_asked(text2image: Run) -> None:
    for words in (["猫", "--n", "5", "--json"], ["猫", "--sise", "1", "--json"], ["猫", "--n", "x", "--json"]):
        error = text2image(*words, exits=2).json["error"]
        assert error["code"] == "InvalidParameter"
        assert error["advice"]


@pytest.mark.slow
def test_800_characters_are_taken(text2image: Run, box: Sandbox) -> None:
    """The limit itself is allowed; what the model would cut is announced."""
    ran = text2image("猫" * 800)
    assert "first 500 characters" in ran.err
    assert first_post(box).body["input"]["prompt"] == "猫" * 800


CONFIGS = {
    "not JSON": ('{"prompt": "猫",}', "line 1, column"),
    "a list with a bad row": ('[{"prompt": "猫", "n": 9}]', "[0].n"),
    "a section with a bad row": ('{"image_tasks": [{"prompt": "猫", "n": 9}]}', "image_tasks[0].n"),
    "a string": ('"猫"', "no JSON object"),
    "unknown field": ('{"prompt": "猫", "sizes": "512*512"}', "did you mean size"),
    "unknown nested field": ('{"input": {"promt": "猫"}}', "did you mean prompt"),
    "a field twice": ('{"prompt": "猫", "n": 1, "n": 4}', "twice"),
    "a field in two places": ('{"prompt": "猫", "input": {"prompt": "狗"}}', "twice"),
    "n as text": ('{"prompt": "猫", "n": "two"}', "not a whole number"),
    "n as true": ('{"prompt": "猫", "n": true}', "not a whole number"),
    "watermark as text": ('{"prompt": "猫", "watermark": "maybe"}', "not true or false"),
    "input is a list": ('{"input": []}', "must be an object"),
}


@pytest.mark.few(4)
@pytest.mark.parametrize("content, says", CONFIGS.values(), ids=CONFIGS)
def test_bad_configs_are_refused(text2image: Run, box: Sandbox, tmp_path: Path, content: str, says: str) -> None:
    config = tmp_path / "配置.json"
    config.write_text(content, encoding="utf-8")
    assert says in text2image("--config", str(config), exits=2).err
    assert box.requests == []


def test_a_config_of_no_known_encoding_or_absent_is_refused(text2image: Run, tmp_path: Path) -> None:
    config = tmp_path / "big5.json"
    config.write_bytes('{"prompt": "可愛的貓咪"}'.encode("big5"))
    assert "UTF-8" in text2image("--config", str(config), exits=2).err
    assert "cannot read" in text2image("--config", "nowhere.json", exits=2).err
    assert "cannot read" in text2image("--config", str(tmp_path), exits=2).err


def test_a_folder_that_cannot_be_written_is_refused_before_paying(
    text2image: Run, box: Sandbox, tmp_path: Path
) -> None:
    """A file in the folder's place, or a path through a file."""
    (tmp_path / "file").write_text("x")
    for folder in ("file", "file/deeper", "/proc/nowhere"):
        assert "-o DIR" in text2image("猫", "-o", folder, exits=2).err
    assert box.requests == []


def test_no_key_says_how_to_get_one_and_how_to_try(
    text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    ran = text2image("猫", exits=3)
    assert "DASHSCOPE_API_KEY" in ran.err
    assert "--sandbox" in ran.err
    assert box.requests == []


def test_a_home_that_cannot_be_written_is_refused_before_paying(text2image: Run, box: Sandbox, tmp_path: Path) -> None:
    """Without a journal nothing is sent."""
    (tmp_path / "bailian").write_text("a file where the home should be")
    assert "BAILIAN_HOME" in text2image("猫", exits=5).err
    assert box.requests == []
