"""What reaches the terminal cannot drive it, and what goes to another program is what it was."""

from __future__ import annotations

import io
import json
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bailian.cli.output.terminal import print_data, print_err, print_error, print_json, print_notices, printable
from bailian.config.settings import Secret
from bailian.errors import BailianError, InvalidRequest
from bailian.service.error_codes import service_error
from bailian.types import Notice

ANY_TEXT = st.text(st.characters(exclude_categories=()))
REORDERING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


class Printed:
    """A stream of a given encoding, as a shell or a pipe has it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
        self._bytes = io.BytesIO()
        stream = io.TextIOWrapper(self._bytes, encoding=encoding, newline="\n")
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        self._encoding = encoding

    @property
    def text(self) -> str:
        return self._bytes.getvalue().decode(self._encoding)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31mred", r"\x9b31mred"),
        ("over\rwrite", r"over\x0dwrite"),
        ("a\x08b\x7f", r"a\x08b\x7f"),
        ("photo\u202egnp.exe", r"photo\x202egnp.exe"),
        ("a\u2066b\u2069", r"a\x2066b\x2069"),
        ("a\u200fb\u061cc\u200e", r"a\x200fb\x61cc\x200e"),
        ("one\u2028two\u2029", r"one\x2028two\x2029"),
        ("\ufeffa\u2060", r"\xfeffa\x2060"),
        ("👨\u200d👩", "👨\u200d👩"),
        ("half \ud83d", r"half \xd83d"),
        ("\x00", r"\x00"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("一只猫 😀 é", "一只猫 😀 é"),
        ("[bold]no markup[/bold]", "[bold]no markup[/bold]"),
    ],
)
def test_what_a_terminal_would_obey_is_made_visible(text: str, shown: str) -> None:
    """Escape sequences, overwriting, reordering marks and half characters; everything else stays."""
    assert printable(text) == shown


@given(ANY_TEXT)
@example(REORDERING)
@example("".join(map(chr, range(0x100))))
def test_nothing_printable_is_dangerous(text: str) -> None:
    """Of any text nothing is left that moves the cursor, changes colours or reorders, and it can be encoded."""
    shown = printable(text)
    assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") and char not in "\t\n"]
    assert not set(shown) & set(REORDERING)
    assert printable(shown) == shown
    shown.encode("utf-8")


@given(ANY_TEXT)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    """Only what is dangerous is replaced; everything else keeps its order."""
    assert len(printable(text)) >= len(text)
    if text.isprintable():
        assert printable(text) == text


@given(st.dictionaries(ANY_TEXT, JSON, max_size=4))
def test_json_says_what_it_was_given_on_one_harmless_line(value: dict[str, object]) -> None:
    """Another program reads back the same value; a terminal that shows it is not driven by it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        printed = Printed(monkeypatch, "utf-8")
        print_json(value)
        text = printed.text
    assert json.loads(text) == value
    assert text.endswith("\n")
    assert printable(text) == text
    assert text.count("\n") == 1


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252", "gbk", "latin-1"])
def test_json_is_json_in_every_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """A pipe on Windows, or LC_ALL=C: characters that the encoding lacks are escaped as JSON has it."""
    value = {"prompt": "一只猫 é 😀 \x85 \u202e"}
    printed = Printed(monkeypatch, encoding)
    print_json(value)
    assert json.loads(printed.text) == value


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
def test_no_encoding_makes_talking_fail(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """A path or a message that the terminal cannot show is escaped; a paid result is not lost over it."""
    printed = Printed(monkeypatch, encoding)
    print_data("outputs/一只猫_😀.png")
    print_err("done \ud83d")
    assert printed.text.count("\n") == 2


def test_a_key_does_not_show_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    """What JSON does not know is shown by its text, and a key's text is its mask."""
    print_json({"key": Secret("sk-0123456789abcdef")})
    assert json.loads(capsys.readouterr().out) == {"key": "Secret(sk-…cdef)"}


def test_data_goes_to_stdout_and_talk_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """stdout is data, stderr is talk."""
    print_data("outputs/1.png")
    print_err("done")
    print_notices([Notice("a", "first"), Notice("b", "second")])
    out, err = capsys.readouterr()
    assert (out, err) == ("outputs/1.png\n", "done\nnote: first\nnote: second\n")


def test_an_error_says_what_why_and_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """The message, what to do, and the ids that support asks for; once each."""
    error = service_error("Throttling", "slow\x1b[31m down", 429, request_id="r-1", task_id="t-1")
    print_error(error)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        r"error: slow\x1b[31m down",
        f"  try: {error.advice}",
        "  (RateLimitExceeded · Throttling · HTTP 429 · request id r-1 · task id t-1)",
    ]


def test_a_code_is_not_said_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the service's code is ours, once is enough; without advice there is no empty line."""
    print_error(BailianError("bad", code="InvalidParameter", wire_code="InvalidParameter", advice=""))
    assert capsys.readouterr().err.splitlines() == ["error: bad", "  (InvalidParameter)"]


def test_every_problem_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal of several fields is a list, and a message cannot pretend to be another error."""
    print_error(InvalidRequest.one("n", "too many\nerror: forged"))
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert (first, second) == ("error: n: too many", "       error: forged")
