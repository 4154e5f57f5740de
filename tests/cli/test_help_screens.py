"""The pages of help: groups, examples, both languages, terminals of any width, colour where a person looks."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import click
import pytest

pytest.importorskip("fcntl", reason="POSIX terminals")
pytest.importorskip("wcwidth")

from wcwidth import wcswidth

from bailian.cli.main import bailian as command
from tests.support.commands import Run
from tests.support.films import film
from tests.support.help_pages import Page, commands, pages
from tests.support.pictures import drawn
from tests.support.recordings import humming, spoken
from tests.support.screen import Terminal
from tests.support.setting import ROOT

SCREENS = Path(__file__).with_name("screens")
LANGUAGES = ("en", "zh")
EXAMPLES = [
    pytest.param(context.command_path, pair[0], pair[1], id=f"{context.command_path} {pair[0]}")
    for context in commands(command, "bailian")
    for pair in getattr(context.command, "examples", ())
]


# ── all commands, by their properties ──


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_line_is_wider_than_the_terminal(language: str) -> None:
    wide = [
        (page.command, page.columns, line)
        for page in pages(language)
        for line in page.text.splitlines()
        if wcswidth(line) > page.columns
    ]
    assert wide == []


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_option_begins_a_line_of_its_own_and_is_whole(language: str) -> None:
    wrong = []
    for page in pages(language):
        begins = [re.split(r" {2,}", line.strip())[0] for line in page.option_lines if re.match(" {2,6}-", line)]
        names = [_names(spec) for spec in begins]
        wrong += [(page.command, page.columns, one) for one in page.options if names.count(sorted(one)) != 1]
    assert wrong == []


def _names(spec: str) -> list[str]:
    """Return the options that the beginning of a line names: `-n, --n N`, `--[no-]wait`."""
    found = re.findall(r"(?<!\S)--?(?:\[no-\])?[\w-]+", spec)
    return sorted(name for one in found for name in {one.replace("[no-]", ""), one.replace("[no-]", "no-")})


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_texts_of_a_page_stand_below_each_other(language: str) -> None:
    """Whatever is beside an option begins in one column, Chinese or not; on a narrow terminal it is below."""
    for page in pages(language):
        beside = {
            wcswidth(found[1]) for line in page.option_lines if (found := re.match(r"( {2,6}-\S.*? {2,})\S", line))
        }
        assert len(beside) <= (2 if page.columns == 60 else 1), (page.command, page.columns)


@pytest.mark.slow
@pytest.mark.process
def test_no_word_is_cut() -> None:
    """Joined again, the lines of each width are the same words; a backslash goes on with a command."""
    for language in LANGUAGES:
        by_command: dict[str, set[str]] = {}
        for page in pages(language):
            by_command.setdefault(page.command, set()).add(re.sub(r"\s+", "", page.text.replace(" \\\n", "")))
        assert [name for name, texts in by_command.items() if len(texts) != 1] == []
        tokens = {
            word for page in pages(language) for word in re.findall(r"[\w.*-]*[\w*]", page.text) if word.isascii()
        }
        narrow = {
            word for page in pages(language) if page.columns == 60 for word in re.findall(r"[\w.*-]*[\w*]", page.text)
        }
        assert {word for word in tokens if word.isascii()} == {word for word in narrow if word.isascii()}


@pytest.mark.process
@pytest.mark.parametrize(
    "language, titles",
    [("en", ["Request", "Before sending, and money", "Result"]), ("zh", ["请求", "发送之前与费用", "结果"])],
)
def test_what_scripts_share_stands_in_the_same_groups(language: str, titles: list[str]) -> None:
    scripts = ["text2image", "image-edit", "wanx-edit", "text2video", "text2text", "audio tts", "audio asr"]
    groups = {page.command: _options(page) for page in pages(language) if page.columns == 80}
    shared = [{name: groups[f"bailian {script}"][name] for name in titles[1:]} for script in scripts]
    assert [script for script in scripts if titles[0] not in groups[f"bailian {script}"]] == []
    names = [{title: set(options) - {"--upload", "--preview"} for title, options in one.items()} for one in shared]
    assert all(one == names[0] for one in names)


def _options(page: Page) -> dict[str, list[str]]:
    """Return the long names under each title."""
    return {
        title: re.findall(r"^ {2,6}(?:-\w, )?(--\S+)", "\n".join(lines), re.MULTILINE)
        for title, lines in page.groups.items()
    }


def test_the_short_words_are_there_wherever_the_long_ones_are() -> None:
    short = {"--model": "-m", "--size": "-s", "--n": "-n", "--image": "-i", "--help": "-h", "--output": "-o",
             "--quiet": "-q", "--verbose": "-v"}  # fmt: skip
    for context in commands(command, "bailian"):
        for param in context.command.get_params(context):
            for long in param.opts:
                assert short.get(long, long) in param.opts, (context.command_path, long)


# ── Chinese ──

NAMES = """API Key|JSON Schema|JSON|JSONL|CSV|Markdown|HTTP|WebSocket|MP4|SSML|PNG|Ctrl-C|WAV|MP3|MOV|URL|ID|PENDING|Sambert
    |KBPS|SHELL|YAML|YYYY|UNVERIFIED|token|stdin|stdout|stderr|mask"""


@pytest.mark.process
def test_no_english_sentence_is_left_in_chinese_help() -> None:
    """Three words in a row, or a title, that are neither names nor values."""
    left = []
    for page in pages("zh"):
        text = page.text.partition("示例:")[0].replace(page.command, "|")
        text = re.sub(r"`[^`]*`|\"[^\"]*\"|--?[\w-]+|\{[^}]*\}|\S*[\d_./*:|]\S*", "|", text)
        left += [(page.command, words) for words in re.findall(r"[A-Za-z]+(?:,? +[A-Za-z]+){2,}", text)]
        left += [(page.command, title) for title in re.findall(r"^[\x00-\x7f]+:$", page.text, re.MULTILINE)]
        left += [
            (page.command, word)
            for word in re.findall(r"\[[A-Z]{3,}|\b[A-Z]{4,}\b", text)
            if not re.search(rf"\b{word.strip('[')}\b", NAMES)
        ]
    assert left == []


# ── examples ──


def test_every_command_has_two_examples() -> None:
    assert [
        context.command_path
        for context in commands(command, "bailian")
        if len(getattr(context.command, "examples", ())) < 2
    ] == []


def make_files(words: list[str]) -> None:
    """Make the files that an example names."""
    for before, word in pairwise(["", *words]):
        path = Path(word)
        if before == "-o":
            continue
        if path.suffix in (".jpg", ".png"):
            drawn().save(path)
        elif path.suffix == ".mp4":
            film(path, size_px=(1280, 720), seconds=3)
        elif path.suffix in (".wav", ".mp3") and "://" not in word:
            path.write_bytes(
                humming(3) if path.suffix == ".wav" else spoken("hello world, how are you today? " * 3, "mp3")
            )
        elif path.suffix == ".txt":
            path.write_text("Once upon a time.", encoding="utf-8")
        elif path.suffix == ".csv":
            path.write_text("kind,prompt\nimage,cat\n", encoding="utf-8")


def test_every_example_is_a_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options are known and complete, in both languages."""
    called = []
    monkeypatch.setattr(click.Command, "invoke", lambda command, _context: called.append(command.name))
    for one in EXAMPLES:
        path, *examples = map(str, one.values)
        for example in examples:
            command.main([*path.split()[1:], *shlex.split(example)], "bailian", standalone_mode=False)
    assert len(called) >= 2 * len(EXAMPLES)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "path, english, chinese", [one for one in EXAMPLES if re.search("text2|edit|tts|asr|batch run", one.values[0])]
)
def test_every_example_of_a_request_passes_all_checks(bailian: Run, path: str, english: str, chinese: str) -> None:
    for example in (english, chinese):
        words = shlex.split(example)
        make_files(words)
        bailian(*path.split()[1:], *words, "--dry-run")


# ── on terminals ──


def shown(columns: int, language: str, *words: str, **env: str) -> Terminal:
    """Run a command on a terminal of so many columns."""
    terminal = Terminal(columns, 24)
    known = {"BAILIAN_LANG": language, "PATH": os.environ["PATH"], "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    process = terminal.start([sys.executable, "-m", "bailian", *words], {**known, "PYTHONPATH": str(ROOT), **env})
    terminal.read()
    assert not process.wait()
    terminal.close()
    return terminal


@pytest.mark.few(1)
@pytest.mark.process
@pytest.mark.parametrize(
    "columns, language, words",
    [(60, "zh", "text2image"), (80, "en", "text2image"), (80, "zh", "tasks"), (120, "en", "")],
)
def test_the_screen_is_as_it_was_looked_at(columns: int, language: str, words: str) -> None:
    """`UPDATE_SCREENS=1` takes the new ones: look at them."""
    terminal = shown(columns, language, *words.split(), "--help")
    file = SCREENS / f"{words or 'bailian'}.{language}.{columns}.txt"
    now = "\n".join(row for row in terminal.rows).rstrip() + "\n"
    if os.environ.get("UPDATE_SCREENS"):
        file.write_text(now, encoding="utf-8")
    assert now == file.read_text(encoding="utf-8")


BOLD = "\x1b[1m"


@pytest.mark.few(1)
@pytest.mark.process
@pytest.mark.parametrize("env, coloured", [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)], ids=str)
def test_colour_is_for_terminals_that_show_it(env: dict[str, str], coloured: bool) -> None:
    terminal = shown(80, "en", "cost", "--help", **env)
    assert (BOLD in terminal.raw.decode()) == coloured
    assert "Options:" in terminal.text


@pytest.mark.process
def test_a_pipe_has_no_colour() -> None:
    ran = subprocess.run([sys.executable, "-m", "bailian", "cost", "-h"], capture_output=True, text=True, check=True)
    assert "\x1b" not in ran.stdout


def test_a_program_that_asks_click_for_colour_has_it() -> None:
    context = next(commands(command, "bailian"))
    context.color = True
    assert BOLD in command.get_help(context)
