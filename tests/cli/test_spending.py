"""Before money is spent: rows, money and time are said, much is asked about, and a "no" leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from tests.support.batches import jobs, pictures, texts
from tests.support.commands import Run

pytest.importorskip("fcntl", reason="POSIX terminals")

from tests.support.screens import Screens

ASKED = "send them? [y/N]"
TEXT2IMAGE = "from text2image import main"


@pytest.fixture
def screens(box: Sandbox, quick: None) -> Iterator[Screens]:
    screens = Screens(box)
    yield screens
    screens.close()


def written(count: int = 2) -> str:
    Path("店铺.json").write_text(json.dumps(pictures(count)), "utf-8")
    return "店铺.json"


def ask_above(cny: str) -> None:
    Path("bailian").mkdir(exist_ok=True)
    Path("bailian/settings.toml").write_text(f"[budget]\nask_above_cny = {cny}\n", "utf-8")


def answered(screens: Screens, keys: bytes, *words: str, columns: int = 80) -> tuple[int, str]:
    terminal = screens.terminal(columns)
    process = screens.start(terminal, "batch", "run", *words)
    assert terminal.read("[y/N]"), terminal.text
    os.write(terminal.master, keys)
    terminal.read()
    return process.wait(), terminal.text


@pytest.mark.slow
def test_a_batch_says_rows_money_and_time_first(bailian: Run, box: Sandbox) -> None:
    Path("all.json").write_text(json.dumps([*pictures(20), *texts(3)]), "utf-8")
    err = bailian("batch", "run", "all.json").err
    assert "to send: at most 2.80" in err
    assert "CNY (text2image 2.8, text2text 0.00" in err
    assert "), at least 3 min 20 s by the account's limits" in err
    assert "to send:" not in bailian("batch", "run", "all.json", "--fresh", "-q").err


@pytest.mark.slow
def test_rows_that_wait_since_an_earlier_run_are_still_to_be_paid(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", written(3), "--max-cost", "0.3", exits=3)
    assert [job["state"] for job in jobs()].count("waiting") == 1
    assert "to send: at most 0.14 CNY" in bailian("batch", "run", "店铺.json").err
    assert "to send" not in bailian("batch", "run", "店铺.json").err


@pytest.mark.slow
def test_by_the_batch_api_it_is_half(bailian: Run, box: Sandbox) -> None:
    Path("all.json").write_text(json.dumps(texts(4)), "utf-8")
    whole_cny = bailian("batch", "run", "all.json", "--dry-run").json["cost"]["estimate"]
    err = bailian("batch", "run", "all.json", "--batch-api", "--no-wait", exits=6).err
    found = re.search(r"to send: at most ([\d.]+) CNY, within 24 hours", err)
    assert found, err
    assert float(found[1]) == pytest.approx(whole_cny / 2, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("keys", [b"n\n", b"\n", b"\x03", b"\x04", b"maybe\n"], ids=["n", "enter", "^C", "^D", "maybe"])
def test_no_leaves_nothing_behind(screens: Screens, box: Sandbox, keys: bytes) -> None:
    ask_above("0.2")
    code, text = answered(screens, keys, written())
    assert code == 130
    assert "at most 0.28 CNY: send them? [y/N]" in text
    assert text.splitlines()[-1] == "nothing was sent"
    assert box.requests == []
    assert jobs() == []
    assert not Path("outputs").exists()


def test_yes_sends_them(screens: Screens, box: Sandbox) -> None:
    ask_above("0.2")
    code, text = answered(screens, b"y\n", written())
    assert code == 0
    assert text.count("to send: at most 0.28 CNY") == text.count(ASKED) == 1
    assert len(box.tasks) == 2


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_question_in_chinese(screens: Screens, box: Sandbox, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    ask_above("0")
    code, text = answered(screens, "是\n".encode(), written(), columns=columns)
    assert code == 0
    assert "待发送：最多 0.28 元" in text
    assert "最多 0.28 元：是否发送？[y/N]" in text


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize(
    "words, limit", [(["--yes"], "0"), (["-y"], "0"), ([], '"never"'), ([], "0.28"), (["--cron"], "0")]
)
def test_who_is_not_asked(screens: Screens, box: Sandbox, words: list[str], limit: str) -> None:
    ask_above(limit)
    terminal = screens.terminal()
    assert screens.run(terminal, "batch", "run", written(), *words) == 0
    assert "[y/N]" not in terminal.text
    assert len(box.tasks) == 2


@pytest.mark.slow
def test_nobody_is_asked_without_a_terminal(bailian: Run, box: Sandbox) -> None:
    ask_above("0")
    assert "[y/N]" not in bailian("batch", "run", written()).err
    assert len(box.tasks) == 2


@pytest.mark.slow
def test_while_a_person_thinks_another_process_may_run_the_batch(screens: Screens, bailian: Run, box: Sandbox) -> None:
    """What it has paid is not paid again after the yes."""
    ask_above("0.2")
    terminal = screens.terminal()
    process = screens.start(terminal, "batch", "run", written())
    assert terminal.read(ASKED)
    bailian("batch", "run", "店铺.json", "--cron")
    os.write(terminal.master, b"y\n")
    terminal.read()
    assert process.wait() == 0
    assert "all 2 rows were done before" in terminal.text
    assert len(box.tasks) == 2


@pytest.mark.slow
def test_a_file_that_costs_more_after_the_yes_is_asked_about_again(screens: Screens, box: Sandbox) -> None:
    ask_above("0.2")
    terminal = screens.terminal()
    process = screens.start(terminal, "batch", "run", written())
    assert terminal.read(ASKED)
    written(4)
    os.write(terminal.master, b"y\n")
    assert terminal.read("at most 0.56 CNY: " + ASKED)
    os.write(terminal.master, b"n\n")
    terminal.read()
    assert process.wait() == 130
    assert box.requests == []


@pytest.mark.slow
def test_one_request_is_asked_about_too(screens: Screens, box: Sandbox) -> None:
    ask_above("0.5")
    terminal = screens.terminal()
    process = screens.start(terminal, "猫", "--n", "4", "-o", "猫/", command=TEXT2IMAGE)
    assert terminal.read("at most 0.56 CNY: send it? [y/N]")
    os.write(terminal.master, b"n\n")
    terminal.read()
    assert process.wait() == 130
    assert box.requests == []
    assert not Path("猫").exists()
    assert screens.run(screens.terminal(), "猫", "-y", "-n", "4", command=TEXT2IMAGE) == 0


@pytest.mark.slow
def test_a_wrong_limit_is_told(bailian: Run) -> None:
    ask_above('"sometimes"')
    err = bailian("config", "show", exits=3).err
    assert "ask_above_cny" in err
    assert 'or "never"' in err


@pytest.mark.slow
def test_the_limit_is_shown(bailian: Run) -> None:
    rows = {row["setting"]: row for row in bailian("config", "show", "--json").json["settings"]}
    assert (rows["ask_above_cny"]["value"], rows["ask_above_cny"]["from"]) == (10.0, "default")
    ask_above('"never"')
    rows = {row["setting"]: row for row in bailian("config", "show", "--json").json["settings"]}
    assert (rows["ask_above_cny"]["value"], rows["ask_above_cny"]["from"]) == ("never", "settings.toml")
