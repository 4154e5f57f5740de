"""`--dry-run` as a person sees it on a terminal, and as a program reads it in a pipe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from tests.support.batches import pictures, texts
from tests.support.commands import Run

pytest.importorskip("fcntl", reason="POSIX terminals")

from tests.support.screens import Screens


@pytest.fixture
def screens(box: Sandbox) -> Iterator[Screens]:
    screens = Screens(box)
    yield screens
    screens.close()


def written() -> str:
    rows = [*pictures(30), *texts(2), {"kind": "image", "prompt": "诗", "size": "16:9"}]
    Path("店铺.json").write_text(json.dumps(rows), "utf-8")
    return "店铺.json"


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_batch_is_a_table(screens: Screens, box: Sandbox, columns: int) -> None:
    terminal = screens.terminal(columns)
    assert screens.run(terminal, "batch", "run", written(), "--dry-run") == 0
    head, *lines = terminal.lines
    assert head.split("  ")[0] == "model"
    assert lines[0].split() == ["wan2.2-t2i-flash", "31", "4.34", "5", "min", "20", "s"]
    assert any(line.startswith("33 rows to send, at most 4.34") for line in lines)
    assert any(line.startswith("note: the size 16:9 is sent as") and line.endswith("(1 row)") for line in lines)
    assert lines[-1] == "nothing was sent"
    assert all(len(row) <= columns for row in terminal.rows)
    assert box.requests == []


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 80])
def test_the_table_in_chinese(screens: Screens, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    terminal = screens.terminal(columns)
    assert screens.run(terminal, "batch", "run", written(), "--dry-run") == 0
    assert terminal.lines[0].split() == ["模型", "行数", "最多（元）", "至少"]
    assert "共 33 行待发送，最多 4.34" in terminal.text
    assert terminal.lines[-1] == "未发送任何请求"


@pytest.mark.slow
def test_a_pipe_and_json_get_the_same_line_as_ever(screens: Screens, bailian: Run) -> None:
    piped = bailian("batch", "run", written(), "--dry-run").out
    assert piped.count("\n") == 1
    assert list(json.loads(piped)) == [
        "dry_run", "to_run", "done", "rows", "requests", "results", "cost", "seconds", "models", "notices",
    ]  # fmt: skip
    assert list(json.loads(piped)["models"]["qwen-plus"]) == [
        "kind", "rows", "requests", "submit_per_s", "submit_s", "running_limit", "typical_s", "running_s", "seconds",
    ]  # fmt: skip
    terminal = screens.terminal(4000)
    assert screens.run(terminal, "batch", "run", "店铺.json", "--dry-run", "--json") == 0
    assert json.loads(terminal.text) == json.loads(piped)


@pytest.mark.slow
def test_one_request_can_be_read(screens: Screens, box: Sandbox) -> None:
    terminal = screens.terminal(120)
    words = ("一只猫", "-s", "16:9", "--dry-run")
    assert screens.run(terminal, *words, command="from text2image import main") == 0
    text = terminal.text
    assert text.startswith("POST http://127.0.0.1:")
    assert '    "prompt": "一只猫"\n' in text
    assert "\nat most 0.14 CNY\nnote: the size 16:9 is sent as 1280*720\nnothing was sent" in text
    wide = screens.terminal(4000)
    assert screens.run(wide, *words, "--json", command="from text2image import main") == 0
    assert json.loads(wide.text)["dry_run"] is True
    assert box.requests == []
