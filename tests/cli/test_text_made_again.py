"""A text is asked again: by `bailian again`, and by the line that its sidecar holds."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from PIL import Image

from bailian.files import recipe
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


@pytest.mark.few(2)
@pytest.mark.parametrize("words", ASKED.values(), ids=ASKED)
def test_a_text_is_asked_again_as_it_was(bailian: Run, text2text: Run, box: Sandbox, words: list[str]) -> None:
    Image.new("RGB", (640, 512), "teal").save("room.png")
    (path,) = text2text(*words, "-o", "out/", "--sidecar", "--json").json["files"]
    body = text2text(*words, "--dry-run").json["request"]["body"]
    line = bailian("show", path, "--json").json["command"]
    assert bailian(*shlex.split(line)[1:], "--dry-run").json["request"]["body"] == body
    made = recipe.read(Path(path))
    assert made is not None
    assert text2text(*shlex.split(recipe.command(made, "text2text"))[1:], "--dry-run").json["request"]["body"] == body
