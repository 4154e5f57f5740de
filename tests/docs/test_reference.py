"""Every row of docs/reference.md runs, and what the row says is what comes of it."""

from __future__ import annotations

import base64
import json
import re
import shlex
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from shutil import copytree
from typing import Any
from unittest.mock import ANY

import pytest
from PIL import Image

from bailian.sandbox import Fault, Sandbox, results
from bailian.sandbox.films.drawing import draw_film
from bailian.sandbox.images import drawing as pictures
from tests.support.clocks import SOON_S, deadline_comes_when
from tests.support.commands import Ran
from tests.support.setting import ROOT, run_on

KEY = "sk-test-0123456789"
TASK_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
LEFT_OUT = re.compile(
    r"wan2\.1-t2v-\w+ is called wanx2\.1-t2v-\w+ in beijing"
    r"|[\w.-]+ was retired on 2026-10-10; use [\w.-]+: --use-successor"
)
"""Notes that the table leaves out where a row is about something else; its introduction says so."""
DAY = date(2026, 11, 28)
"""On which the table was made."""


@dataclass(frozen=True)
class Row:
    """A row of the table: the commands of its second column, and what its third says becomes of them."""

    line: int
    commands: tuple[str, ...]
    becomes: str

    def carries_on(self, earlier: Row) -> bool:
        """Whether this row needs what `earlier` has left behind: its batch, or the task to wait for."""
        needs = re.search(r"configs/batch\.\w+ |tasks wait --all", self.commands[0])
        left = {"tasks wait --all": "--no-wait"}.get(needs[0], needs[0]) if needs else None
        return left is not None and earlier.line < self.line and left in earlier.commands[0]


def rows_of(name: str) -> list[Row]:
    """The rows of all tables in the first chapter."""
    rows, chapter = [], 0
    lines = (ROOT / "docs" / name).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        chapter += line.startswith("## ")
        if chapter == 1 and line.startswith("|") and not (line + lines[number]).count("|---"):
            _, command, becomes = re.split(r"(?<!\\)\|", line)[1:-1]
            commands = re.findall(r"`(.+?)`(?:<br>|$)", command.strip().replace(r"\|", "|"))
            assert commands, f"{name}:{number}: no command"
            rows.append(Row(number, tuple(commands), becomes.strip().replace(r"\*", "*")))
    return rows


ROWS = rows_of("reference.md")


def name_of(row: Row) -> str:
    """An id of plain ASCII; pytest would escape all else."""
    return f"line {row.line}: " + re.sub(r'[^ -~]+|"|python ', "", row.commands[-1])[:70]


# ── the files that the rows name ──


Make = Callable[[Path], object]


def _picture(width: int, height: int, mode: str = "RGB", colour: str = "teal", **how: Any) -> Make:
    return lambda path: Image.new(mode, (width, height), colour).save(path, **how)


def _mask(width: int, height: int) -> Make:
    mask = Image.new("1", (width, height))
    mask.paste(1, (20, 20, 60, 60))
    return mask.save


def _recording(path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        sound.writeframes(bytes(range(256)) * 64)


def _changed(config: str, **changes: Any) -> Make:
    """An example's body with another input."""
    body = json.loads((ROOT / "configs" / config).read_text(encoding="utf-8"))
    body["input"].update(changes)
    return lambda path: path.write_text(json.dumps(body), encoding="utf-8")


TURN = {"role": "user", "content": [{"image": "https://example.com/dog.jpg"}, {"text": "改"}]}
MASKED = {"function": "description_edit_with_mask", "mask_image_url": "http://example.com/mask.png"}
FILES: dict[str, Make] = {
    **dict.fromkeys(("dog.jpg", "dog.jpeg", "room.png"), _picture(640, 512)),
    **dict.fromkeys(("a.png", "a.bmp", "a.tiff", "a.webp", "a.gif"), _picture(512, 512)),
    "9mb.bmp": _picture(1750, 1750),
    "11mb.png": _picture(2000, 2000, compress_level=0),
    "mask.png": _mask(640, 512),
    "small-mask.png": _mask(100, 80),
    "grey.png": _picture(640, 512, "L", "grey"),
    "问候.wav": _recording,
    "two-turns.json": _changed("image_edit.json", messages=[TURN, TURN]),
    "mask.json": _changed("wanx_edit.json", **MASKED),
}


def make_files(command: str) -> None:
    """Make the files that a command names here: those above, `WxH.png` of that size, and `configs`."""
    for name in FILES:
        if name in command:
            FILES[name](Path(name))
    for name, width, height in re.findall(r"\b((\d+)x(\d+)\.png)", command):
        _picture(int(width), int(height))(Path(name))
    if "configs/" in command:
        copytree(ROOT / "configs", "configs", dirs_exist_ok=True)


# ── as much of a shell as the rows use ──


def pipelines(command: str) -> Iterator[list[list[str]]]:
    """Each pipeline of a command as its programs' words; a loop is several."""
    loop = re.fullmatch(r"for f in ([^;]+); do (.+); done", command)
    if loop:
        for item in loop[1].split():
            yield from pipelines(loop[2].replace("$f", item))
        return
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|")
    lexer.whitespace_split, lexer.commenters = True, ""
    stages: list[list[str]] = [[]]
    for word in lexer:
        if word == "|":
            stages.append([])
        else:
            stages[-1].append(_expanded(word))
    yield stages


def _expanded(word: str) -> str:
    word = re.sub(r"\$\(printf '(.)%\.0s' \{1\.\.(\d+)\}\)", lambda found: found[1] * int(found[2]), word)
    word = re.sub(r"\$\(base64 -w0 (\S+)\)", lambda found: base64.b64encode(Path(found[1]).read_bytes()).decode(), word)
    return word.replace("$PWD", Path.cwd().as_posix())


def jq(expression: str, value: Any) -> list[Any]:
    """The values that jq prints: paths, `keys`, `,`, `|` and parentheses that are not nested."""
    expression, *rest = re.split(r"\|(?![^()]*\))", expression.strip(), maxsplit=1)
    if rest:
        return [out for each in jq(expression, value) for out in jq(rest[0], each)]
    expression, *rest = re.split(r",(?![^()]*\))", expression.strip(), maxsplit=1)
    if rest:
        return jq(expression, value) + jq(rest[0], value)
    if expression.startswith("("):
        return jq(expression[1:-1], value)
    if expression == "keys":
        return [sorted(value)]
    assert re.fullmatch(r"(\.\w+|\[\d+\])+", expression), f"jq {expression}: not known here"
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", expression):
        value = value[name] if name else value[int(index)]
    return [value]


def _jq_line(value: Any, raw: bool) -> str:
    if raw and isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # jq has one kind of number
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def filtered(words: list[str], text: str) -> str:
    """What one of the small programs at the end of a pipe makes of a text."""
    if words[0] == "jq":
        return "\n".join(_jq_line(value, "-r" in words) for value in jq(words[-1], json.loads(text)))
    if words[:2] == ["grep", "-o"]:
        return "\n".join(found[0] for found in re.finditer(words[2], text))
    if words == ["head", "-1"]:
        return text.partition("\n")[0]
    assert words == ["wc", "-l"], f"{words}: not known here"
    return str(len(text.splitlines()))


class Shell:
    """Runs commands in this process against the sandbox."""

    def __init__(self, request: pytest.FixtureRequest, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self._request, self._box, self._monkeypatch = request, box, monkeypatch

    def run(self, command: str) -> list[tuple[Ran, str]]:
        """How each pipeline's first program ended, and what its last printed."""
        make_files(command)
        # Five times as long as usual must be long enough for somebody to see it run, on a busy machine too.
        self._box.settings.change({"task_s": 0.1 if "[sandbox:slow]" in command else 0.01})
        return [ended for stages in pipelines(command) if (ended := self._pipeline(*stages))]

    def _pipeline(self, first: list[str], *rest: list[str]) -> tuple[Ran, str] | None:
        if first[0] == "curl":
            assert first[1:3] == ["-X", "POST"], first
            self._box.faults.add(*(Fault.from_json(item) for item in json.loads(first[-1])))
            return None
        ran = self._program(first)
        text = ran.out + ran.err if "2>&1" in first else ran.out
        for words in rest:
            text = filtered(words, text)
        return ran, text

    def _program(self, words: list[str]) -> Ran:
        given = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
        name, *words = [word for word in words if word not in ("python", "2>&1") and not re.match(r"[A-Z_]+=", word)]
        if "--timeout" in words:
            words[words.index("--timeout") + 1] = str(SOON_S)  # over when it was refused twice
        run = self._request.getfixturevalue(name.removesuffix(".py"))
        with self._monkeypatch.context() as patch:
            patch.setenv("DASHSCOPE_API_KEY", given.pop("DASHSCOPE_API_KEY", KEY))
            for variable, value in given.items():
                patch.setenv(variable, value)
            if "--dry-run" in words:  # sends nothing, so the service's own address can be shown
                patch.delenv("DASHSCOPE_HTTP_BASE_URL")
            with deadline_comes_when(lambda: len(self._box.faults.fired) > 1 if "--timeout" in words else False):
                ran = run(*words, exits=ANY)
        assert isinstance(ran, Ran)
        return ran


# ── what is compared ──


def notes_of(ran: Ran) -> list[str]:
    """The notes a command gave: on stderr, or in what `--dry-run` shows."""
    shown = json.loads(ran.out)["notices"] if ran.out.startswith('{"dry_run"') else []
    return re.findall(r"^note: (.+)$", ran.err, re.MULTILINE) + [notice["message"] for notice in shown]


def failure_of(ran: Ran) -> tuple[str, str]:
    """The code of the error on stderr, and its text as the table writes it: `message → advice`."""
    found = re.search(r"^error: (.+?)(?:\n  try: (.+?))?\n  \((\w+)", ran.err, re.MULTILINE | re.DOTALL)
    assert found, ran.err
    message = re.sub(r"\n +", "; ", found[1])
    return found[3], message + (f" → {found[2]}" if found[2] else "")


def says(text: str, said: str) -> bool:
    """Whether `text` of the table is what was said; "…" stands for more, and a remark may follow its last "; "."""
    pattern = re.sub(TASK_ID, lambda _: TASK_ID, re.escape(text).replace(r"\-", "-"))
    pattern = re.sub(r"(?:\\ )?…", ".+", pattern)
    return any(re.fullmatch(each, said, re.DOTALL) for each in (pattern, pattern.rpartition(r";\ ")[0]))


def compare(becomes: str, ran: Ran, printed: str) -> None:
    """Fail unless a command ended as the third column says."""
    notes = notes_of(ran)
    if value := re.match(r"`(.+?)`(?:; |$)", becomes):
        assert printed.replace("\n", " ") == value[1]
        stated = re.search(r"; .*\bexit (\d)", becomes)
        assert ran.code == int(stated[1]) if stated else (ran.code != 0) == ('"error": {' in ran.out)
    elif re.match("as is(; |$)", becomes):
        assert [note for note in notes if not LEFT_OUT.fullmatch(note)] == []
        assert ran.code == 0
    elif becomes.startswith("note: "):
        note, _, failure = becomes.removeprefix("note: ").partition("; exit ")
        assert note in notes
        assert [each for each in notes if each != note and not LEFT_OUT.fullmatch(each)] == []
        assert ran.code == int(failure[:1] or 0)
        if failure:
            compare(f"exit {failure}", ran, printed)
    elif becomes.startswith("refused: "):
        code, said = failure_of(ran)
        assert (ran.code, code) == (2, "InvalidParameter")
        assert says(becomes.removeprefix("refused: "), said.partition(" → ")[0]), said
    elif ended := re.match(r"exit (\d), `(\w+)`: (.+)", becomes):
        code, said = failure_of(ran)
        assert (ran.code, code) == (int(ended[1]), ended[2])
        assert says(ended[3], said), said
    elif stopped := re.match(r"exit (\d); [^:]+: (.+)", becomes):
        assert ran.code == int(stopped[1])
        (said,) = re.findall(r"^stopped: (.+)$", ran.err, re.MULTILINE)
        assert says(stopped[2], said), said
    else:
        pytest.fail(f"no outcome this test knows: {becomes}")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """One for all rows, without limits as the document's was; what it draws is plain, and so is soon there."""
    with pytest.MonkeyPatch.context() as patch, Sandbox(enforce_limits=False) as box:
        patch.setattr(pictures, "scene", lambda picture: Image.new("RGB", (picture.width, picture.height), "teal"))
        patch.setattr(results, "draw_film", lambda film, load: draw_film(replace(film, fps=1), load))
        yield box


@pytest.fixture
def shell(request: pytest.FixtureRequest, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    run_on(DAY, monkeypatch, pause_scale=0.002)
    yield Shell(request, box, monkeypatch)
    box.faults.clear()


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=name_of)
@pytest.mark.few(10)
def test_what_a_row_says_is_what_becomes_of_its_command(shell: Shell, box: Sandbox, row: Row) -> None:
    for command in (command for earlier in ROWS if row.carries_on(earlier) for command in earlier.commands):
        shell.run(command)
    before = len(box.requests)
    ended = [each for command in row.commands for each in shell.run(command)]
    assert ended, "no command that this test can run"
    for ran, printed in ended:
        compare(row.becomes, ran, printed)
    sent = len(box.requests) > before
    if row.becomes.startswith("refused: ") or any("--dry-run" in command for command in row.commands):
        assert not sent
    elif row.becomes.startswith("as is"):
        assert sent


def test_the_chinese_table_has_the_same_commands_and_outcomes() -> None:
    chinese = rows_of("reference.zh-CN.md")
    assert [row.commands for row in chinese] == [row.commands for row in ROWS]
    for row, other in zip(ROWS, chinese, strict=True):
        assert outline(other.becomes) == outline(row.becomes), f"lines {row.line} and {other.line}"


def outline(becomes: str) -> list[str]:
    """How a row begins, in English, with the value it prints, or its code; and every exit code it names."""
    words = {"照用": "as is", "提示：": "note: ", "拒绝：": "refused: ", "退出码 ": "exit ", "，`": ", `"}
    for chinese, english in words.items():
        becomes = becomes.replace(chinese, english)
    found = re.match(r"as is|note: |refused: |exit \d(?:, `\w+`)?|`.+?`(?=[;；]|$)", becomes)
    assert found, becomes
    return [found[0], *re.findall(r"exit \d", becomes)]
