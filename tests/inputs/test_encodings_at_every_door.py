"""Texts in any encoding people have, at every door a text comes in: read, or refused before anything is paid."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Sandbox
from tests.support.commands import Ran, Run

SIMPLIFIED = "一只可爱的猫，坐在窗台上"
TRADITIONAL = "一隻可愛的貓咪，坐在窗台上"

Door = Callable[[dict[str, Run], bytes, str], Ran]


def written(name: str, data: bytes) -> str:
    Path(name).write_bytes(data)
    return name


def _stdin(run: dict[str, Run], text: bytes, _encoding: str) -> Ran:
    return run["text2text"]("-", "--dry-run", stdin=text, exits=None)


def _file(run: dict[str, Run], text: bytes, _encoding: str) -> Ran:
    return run["text2text"]("--file", written("a.txt", text), "--dry-run", exits=None)


def _spoken(run: dict[str, Run], text: bytes, _encoding: str) -> Ran:
    return run["audio"]("tts", "--file", written("a.txt", text), "--dry-run", exits=None)


def _drawn(run: dict[str, Run], text: bytes, _encoding: str) -> Ran:
    return run["text2image"]("-", "--dry-run", stdin=text, exits=None)


def _config(run: dict[str, Run], text: bytes, encoding: str) -> Ran:
    prompt = text.decode(encoding)
    config = json.dumps({"prompt": prompt}, ensure_ascii=False).encode(encoding)
    return run["text2image"]("--config", written("a.json", config), "--dry-run", exits=None)


def _row(name: str, form: str) -> Door:
    def run_row(run: dict[str, Run], text: bytes, encoding: str) -> Ran:
        rows = form.replace("PROMPT", text.decode(encoding)).encode(encoding)
        return run["text2image"]("--config", written(name, rows), "--json", exits=None)

    return run_row


def _prompt_file(run: dict[str, Run], text: bytes, _encoding: str) -> Ran:
    written("prompt.txt", text)
    rows = json.dumps([{"kind": "image", "prompt_file": "prompt.txt"}]).encode()
    return run["text2image"]("--config", written("a.json", rows), "--json", exits=None)


DOORS: dict[str, Door] = {
    "stdin": _stdin,
    "--file": _file,
    "tts --file": _spoken,
    "stdin of pictures": _drawn,
    "--config": _config,
    "JSON rows": _row("rows.json", '{"image_tasks": [{"prompt": "PROMPT"}]}'),
    "JSONL": _row("rows.jsonl", '{"prompt": "PROMPT"}\n{"prompt": "PROMPT 2"}\n'),
    "CSV": _row("rows.csv", "prompt,n\r\nPROMPT,1\r\n"),
    "prompt_file": _prompt_file,
}


@pytest.fixture
def run(text2image: Run, text2text: Run, audio: Run) -> dict[str, Run]:
    return {"text2image": text2image, "text2text": text2text, "audio": audio}


def sent(ran: Ran, box: Sandbox) -> str:
    """Return all that was sent, or would be."""
    posts = [entry.body for entry in box.requests if entry.method == "POST"]
    return json.dumps(posts or ran.json["request"]["body"], ensure_ascii=False)


def notices(ran: Ran) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in ran.out.splitlines()]
    return [notice for line in lines for notice in line.get("notices", ())]


@pytest.mark.few(3)
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gbk"])
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_text_is_read_as_it_was_saved(door: Door, encoding: str, run: dict[str, Run], box: Sandbox) -> None:
    """No BOM is sent; of GBK there is a notice with the file, the encoding and the first words."""
    ran = door(run, SIMPLIFIED.encode(encoding), encoding)
    assert ran.code == 0, ran.err
    assert SIMPLIFIED in sent(ran, box)
    assert "\ufeff" not in sent(ran, box)
    told = [notice for notice in notices(ran) if notice["code"] == "read_as"]
    assert bool(told) == (encoding == "gbk")
    assert all("GB18030 (GBK), “" in notice["message"] for notice in told)


@pytest.mark.few(2)
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_big5_is_a_question(door: Door, run: dict[str, Run], box: Sandbox) -> None:
    """Nothing is sent; the refusal says how to convert it."""
    ran = door(run, TRADITIONAL.encode("big5"), "big5")
    assert ran.code == 2
    assert "iconv -f BIG5 -t UTF-8" in ran.out + ran.err
    assert not box.requests


def test_strict_refuses_a_guess(text2text: Run, box: Sandbox) -> None:
    """GBK is a guess, however good; a BOM is none."""
    assert "GB18030" in text2text("-", "--strict", stdin=SIMPLIFIED.encode("gbk"), exits=2).err
    text2text("-", "--strict", stdin=SIMPLIFIED.encode("utf-16"))
    assert len(box.requests) == 1


@pytest.mark.few(2)
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("prompt", ["\ufeff", "\u200b", "\u2800 \u3164", "\u00ad\u2060\u200f ", "\ufe0f"])
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_nothing_to_see_is_empty(door: Door, prompt: str, run: dict[str, Run], box: Sandbox) -> None:
    """A BOM that PowerShell pipes, a blank of Braille: no picture is bought for it."""
    ran = door(run, prompt.encode(), "utf-8")
    assert ran.code == 2
    assert "is empty" in ran.out + ran.err
    assert not box.requests


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("door", ["stdin", "--file", "tts --file", "prompt_file", "stdin of pictures"])
def test_form_feeds_and_vertical_tabs_are_line_breaks(door: str, run: dict[str, Run], box: Sandbox) -> None:
    """pdftotext and Word write them."""
    ran = DOORS[door](run, "第一页\x0c第二页\x0b第二行\u2028完".encode(), "utf-8")
    assert ran.code == 0, ran.err
    assert r"第一页\n第二页\n第二行\n完" in sent(ran, box)
    (told,) = [notice["message"] for notice in notices(ran) if notice["code"] == "line_breaks"]
    assert "U+000C (form feed), U+000B (vertical tab), U+2028 (line separator)" in told


SIGNS = {
    "a coloured log": ("ok\n\x1b[31m错误\x1b[0m", "U+001B", "line 2, column 1", "--color=never"),
    "a NUL": ("第一行\n第\0二行", "U+0000 (NUL)", "line 2, column 2", "tr -d"),
    "a bell": ("铃\a", "U+0007 (bell)", "line 1, column 2", "tr -d '\\007'"),
}


@pytest.mark.few(2)
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("text, sign, place, cure", SIGNS.values(), ids=SIGNS)
@pytest.mark.parametrize("door", ["stdin", "--file", "tts --file", "prompt_file", "stdin of pictures"])
def test_other_signs_are_named_with_place_and_cure(
    door: str, text: str, sign: str, place: str, cure: str, run: dict[str, Run], box: Sandbox
) -> None:
    """And nothing is said of a terminal, which has no part in it."""
    ran = DOORS[door](run, text.encode(), "utf-8")
    assert ran.code == 2
    said = (ran.out + ran.err).replace("\\\\", "\\")
    assert all(words in said for words in (sign, place, cure))
    assert "PYTHONUTF8" not in said
    assert not box.requests


def test_a_byte_of_the_command_line_names_the_terminal(text2image: Run, box: Sandbox) -> None:
    """There it is the terminal."""
    said = text2image("caf\udce9", exits=2).err
    assert "the byte 0xE9, no UTF-8 in line 1, column 4" in said
    assert "PYTHONUTF8" in said
    assert not box.requests
