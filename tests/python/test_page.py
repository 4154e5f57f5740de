"""The examples of docs/python.md do what they show, and pass the strictest check of types."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from tests.support.pictures import bytes_of, drawn
from tests.support.recordings import spoken
from tests.support.setting import ROOT

PAGES = ("python.md", "python.zh-CN.md")
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / PAGES[0]).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(box: Sandbox, number: int) -> None:
    """Against the sandbox, in an empty folder with the files that it names."""
    for name in ("product.jpg", "street.jpg", "cat.jpg"):
        Path(name).write_bytes(bytes_of(drawn(), "JPEG"))
    Path("voice.mp3").write_bytes(spoken("你好，世界，这是一段参考语音。", "mp3"))
    exec(compile(EXAMPLES[number], f"example {number}", "exec"), {"__name__": "__main__"})


def test_both_pages_have_the_same_examples() -> None:
    chinese = (ROOT / "docs" / PAGES[1]).read_text(encoding="utf-8")
    assert re.findall(r"```python\n(.*?)```", chinese, re.DOTALL) == EXAMPLES


WRONG = 'from bailian import text2image\n\ntext2image("猫", n="2")\ntext2image("猫", colour="red")\n'


@pytest.mark.slow
@pytest.mark.process
def test_the_examples_pass_mypy_strict(tmp_path: Path) -> None:
    """Who installs the package sees its types, and what is wrong by them."""
    assert (ROOT / "bailian" / "py.typed").exists()
    for number, text in enumerate(EXAMPLES):
        (tmp_path / f"example{number}.py").write_text(text, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache"), str(tmp_path)]
    # The package is found as in a clone, where it is not installed as files.
    surroundings = {**os.environ, "MYPYPATH": str(ROOT)}
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=surroundings)
    errors = [line.partition(" error: ")[0] for line in ran.stdout.splitlines() if " error: " in line]
    errors = [place for place in errors if not Path(place).is_absolute()]  # of an installed package none are shown
    assert errors == ["wrong.py:3:", "wrong.py:4:"], ran.stdout + ran.stderr
