"""A text with its sidecar: `bailian show` gives the line that asks the same again."""

from __future__ import annotations

import shlex

import pytest
from PIL import Image

from bailian.sandbox import Sandbox
from tests.support.commands import Run

pytestmark = pytest.mark.service

ASKED = {
    "a beginning": ["写诗", "--prefix", "床前", "--system", "短", "--max-tokens", "90", "--stop", "完"],
    "a schema": ["一只猫", "--json-schema", '{"type": "object"}', "--temperature", "0.5"],
    "a search": ["新闻", "--search", "--model", "qwen3.7-plus", "--top-p", "0.5"],
    "a picture": ["看", "--image", "room.png", "--image-max-tokens", "200"],
    "fields": ["--ocr", "fields", "--schema", '{"金额": ""}', "--image", "room.png"],
}


@pytest.mark.parametrize("words", ASKED.values(), ids=ASKED)
def test_the_line_that_show_gives_asks_the_same(
    bailian: Run, text2text: Run, box: Sandbox, words: list[str]
) -> None:
    Image.new("RGB", (640, 512), "teal").save("room.png")
    (path,) = text2text(*words, "-o", "out/", "--sidecar", "--json").json["files"]
    line = bailian("show", path, "--json").json["command"]
    again = text2text(*shlex.split(line.split("text2text ")[-1]), "--dry-run").json["request"]["body"]
    assert again == text2text(*words, "--dry-run").json["request"]["body"]
