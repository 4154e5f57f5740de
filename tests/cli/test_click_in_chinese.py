"""What click itself says is Chinese, too, and names the command that helps."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.support.setting import ROOT

WRONG = [
    "tasks show", "audio voices own clone http://x", "text2image x --nosuch", "nosuch", "tasks lst", "text2image x -n abc",
    "text2image x --timeout abc", "text2image x --timeout 0", "models --kind x", "sandbox serve --date x", "text2image x --size",
    "text2image x --json=1", "text2image a b c", "text2image x --max-cost -1", "batch run x.csv --vectors q",
    "tasks list --limit 0", "audio tts x --rate q", "text2image x --strict=a", "history --since x", "batch run a b",
]  # fmt: skip
RUN_ALL = """
import sys
from bailian.cli import guard
from bailian.cli.main import bailian
for line in sys.argv[1:]:
    sys.argv = ["bailian", *line.split()]
    print(f"# {line}", file=sys.stderr)
    try:
        guard.main(bailian, "bailian")
    except SystemExit as end:
        assert end.code == 2, line
"""


@pytest.mark.slow
@pytest.mark.process
def test_what_click_complains_of_is_said_in_chinese_with_the_command_that_helps() -> None:
    words = [sys.executable, "-u", "-c", RUN_ALL, *WRONG]
    env = {**os.environ, "BAILIAN_LANG": "zh", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(words, env=env, capture_output=True, text=True, encoding="utf-8", check=True)
    said = ran.stderr.split("# ")[1:]
    assert [text.partition("\n")[0] for text in said] == WRONG
    for text in said:
        assert "错误：" in text
        assert re.search("`bailian.* --help` 显示可用的参数", text), text
        own = re.sub(r"`[^`]*`|'[^']*'|--?[\w-]+|\(Invalid\w+\)", "", text.partition("\n")[2])
        assert re.findall(r"[A-Za-z]+ [A-Za-z]+", own) == [], text
