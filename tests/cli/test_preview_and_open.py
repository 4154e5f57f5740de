"""`--preview` and `--open`: what was made, where a person looks; stdout stays data."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bailian.sandbox import Sandbox
from tests.support.batches import texts, write
from tests.support.commands import Run

pytest.importorskip("fcntl", reason="POSIX terminals")
pytest.importorskip("textual_image", reason="the extra [preview]")

from tests.support.screens import Screens

TEXT2IMAGE = "from text2image import main"
HALF = "▀"
NO_SIXEL, SIXEL = b"\x1b[?62;22c", b"\x1b[?62;4;22c"
CELLS = b"\x1b[6;20;10t"


@pytest.fixture
def screens(box: Sandbox, quick: None) -> Iterator[Screens]:
    screens = Screens(box)
    yield screens
    screens.close()


@pytest.mark.few(1)
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_half_blocks_show_the_picture(screens: Screens, columns: int) -> None:
    """A terminal that answers nothing; the colours are the picture's."""
    terminal = screens.terminal(columns)
    words = ("猫", "-o", "猫.png", "--preview")
    assert screens.run(terminal, *words, command=TEXT2IMAGE, env={"COLORTERM": "truecolor"}) == 0
    drawn = [(number, row) for number, row in enumerate(terminal.rows) if row.startswith(HALF)]
    assert drawn
    assert {len(row) for _, row in drawn} == {len(drawn[0][1])}
    assert len(drawn) <= 20
    assert len(drawn[0][1]) < columns
    assert "Traceback" not in terminal.text
    cut = [*terminal.screen.history.top, *(terminal.screen.buffer[row] for row in range(terminal.screen.lines))]
    middle = drawn[len(drawn) // 2][0]
    with Image.open("猫.png") as picture:
        small = picture.convert("RGB").resize((len(drawn[0][1]), 2 * len(drawn)))
    wanted = small.getpixel((5, 2 * (middle - drawn[0][0])))
    assert isinstance(wanted, tuple)
    seen = bytes.fromhex(cut[middle][5].fg)
    assert all(abs(one - other) <= 2 for one, other in zip(seen, wanted, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "env", "mark"),
    [
        (SIXEL + CELLS, {}, r"\x1bP[\d;]*q"),
        (NO_SIXEL + b"\x1b_Gi=1;OK\x1b\\" + CELLS, {"TERM": "xterm-kitty"}, r"\x1b_G[^;]*f=100"),
    ],
    ids=["sixel", "kitty"],
)
@pytest.mark.few(1)
def test_a_terminal_that_can_do_more(screens: Screens, answers: bytes, env: dict[str, str], mark: str) -> None:
    """stdout is a pipe: it gets the path, and none of the picture."""
    terminal = screens.terminal()
    os.write(terminal.master, answers)
    with Path("out").open("wb") as out:
        process = screens.start(
            terminal, "猫", "-o", "猫.png", "--preview", command=TEXT2IMAGE, env=env, stdout=out.fileno()
        )
        terminal.read()
    assert process.wait() == 0
    assert Path("out").read_text("utf-8") == "猫.png\n"
    drawn = terminal.raw.decode("utf-8", "replace")
    assert re.search(mark, drawn)
    assert HALF not in drawn


@pytest.mark.slow
def test_no_terminal_gets_no_picture(text2image: Run, bailian: Run, box: Sandbox, quick: None) -> None:
    ran = text2image("猫", "-o", "猫.png", "--preview")
    assert ran.out == "猫.png\n"
    assert "note: --preview needs a terminal" in ran.err
    assert HALF not in ran.err
    Path("bailian/settings.toml").write_text("[output]\npreview = true\n", "utf-8")
    assert "preview" not in text2image("猫", "-o", "猫2.png").err


@pytest.mark.slow
def test_the_setting_and_show(screens: Screens) -> None:
    Path("bailian/settings.toml").write_text("[output]\npreview = true\n", "utf-8")
    terminal = screens.terminal()
    assert screens.run(terminal, "猫", "-o", "猫.png", command=TEXT2IMAGE) == 0
    assert HALF in terminal.text
    terminal = screens.terminal()
    assert screens.run(terminal, "show", "猫.png", "--preview") == 0
    assert HALF in terminal.text
    assert "wan2.2-t2i-flash" in terminal.text


@pytest.mark.slow
def test_a_films_first_picture(screens: Screens) -> None:
    terminal = screens.terminal()
    assert screens.run(terminal, "日出", "--preview", command="from text2video import main") == 0
    assert HALF in terminal.text


@pytest.mark.slow
def test_without_the_extra_nothing_is_sent(screens: Screens, box: Sandbox) -> None:
    terminal = screens.terminal(160)
    without = f"import sys; sys.modules['textual_image'] = None; {TEXT2IMAGE}"
    assert screens.run(terminal, "猫", "--preview", command=without) == 3
    assert "--preview needs the extra [preview]" in terminal.text
    assert re.search(r"try: .*pip install .*\[preview\]", terminal.text)
    assert box.requests == []


# ── --open ──


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program in xdg-open's place that writes down what it is to open, and says more than it should."""
    folder = Path("programs").absolute()
    folder.mkdir()
    program = folder / "xdg-open"
    program.write_text('#!/bin/sh\necho "talk"; echo "more" >&2; printf "%s\\n" "$1" >> opened\n', "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":0")
    return Path("opened")


linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="xdg-open")


def await_lines(path: Path, count: int) -> list[str]:
    from tests.support.processes import until

    until(lambda: path.exists() and len(path.read_text("utf-8").splitlines()) >= count)
    return path.read_text("utf-8").splitlines()


@pytest.mark.slow
@linux_only
def test_the_result_is_opened(screens: Screens, opened: Path) -> None:
    terminal = screens.terminal()
    assert screens.run(terminal, "猫", "-o", "猫.png", "--open", command=TEXT2IMAGE) == 0
    assert await_lines(opened, 1) == [str(Path("猫.png").absolute())]
    assert "talk" not in terminal.text
    assert "more" not in terminal.text


@linux_only
@pytest.mark.slow
def test_of_a_batch_the_page_is_opened(screens: Screens, opened: Path) -> None:
    terminal = screens.terminal()
    assert screens.run(terminal, "batch", "run", write(texts(2)), "--open") == 0
    assert await_lines(opened, 1) == [str(Path("outputs/all/gallery.html").absolute())]


@pytest.mark.slow
@linux_only
def test_where_nothing_opens_it_is_a_note(text2image: Run, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    ran = text2image("猫", "-o", "猫.png", "--open")
    assert ran.out == "猫.png\n"
    assert "note: --open: no screen or no program for 猫.png here" in ran.err
