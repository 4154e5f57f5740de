"""English or Chinese, decided by the environment."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

import pytest

from bailian.i18n import language, reason_of, tr
from tests.support.setting import ROOT

VARIABLES = ("BAILIAN_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


@pytest.fixture(autouse=True)
def no_language(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    language.cache_clear()
    yield
    language.cache_clear()


@pytest.mark.parametrize("value", ["zh", "zh_CN.UTF-8", "ZH", " zh-Hant ", "zh_TW"])
@pytest.mark.parametrize("name", VARIABLES)
def test_chinese_where_any_variable_says_so(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Every spelling of Chinese in any of the four variables counts."""
    monkeypatch.setenv(name, value)
    assert language() == "zh"


@pytest.mark.parametrize("value", ["en", "C", "POSIX", "de_DE.UTF-8", "C.UTF-8"])
def test_all_other_languages_read_english(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """What is not Chinese reads English."""
    monkeypatch.setenv("LANG", value)
    assert language() == "en"


def test_english_without_any_variable() -> None:
    """An empty environment, as under cron, reads English."""
    assert language() == "en"


@pytest.mark.parametrize(
    "first, second", [("BAILIAN_LANG", "LC_ALL"), ("LC_ALL", "LC_MESSAGES"), ("LC_MESSAGES", "LANG")]
)
def test_earlier_variables_win(monkeypatch: pytest.MonkeyPatch, first: str, second: str) -> None:
    """BAILIAN_LANG stands above LC_ALL, above LC_MESSAGES, above LANG."""
    monkeypatch.setenv(first, "en")
    monkeypatch.setenv(second, "zh")
    assert language() == "en"


def test_an_empty_variable_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty value is as good as none."""
    monkeypatch.setenv("BAILIAN_LANG", " ")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert language() == "zh"


def test_say_picks_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """`say` returns the sentence of the user's language."""
    assert tr("yes", "是") == "yes"
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    language.cache_clear()
    assert tr("yes", "是") == "是"


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.EISDIR, errno.ENOSPC])
def test_what_the_system_says_is_said_in_the_users_language(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    error = OSError(number, os.strerror(number))
    assert reason_of(error) == os.strerror(number)
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    language.cache_clear()
    assert not reason_of(error).isascii()
    assert reason_of(OSError(99999, "odd")) == "odd"
    assert reason_of(ValueError("embedded null byte")) == "embedded null byte"


def test_no_sentence_takes_the_systems_words_as_they_are() -> None:
    """`reason_of` has them in Chinese; the sandbox is read by programs."""
    said = [path for path in (ROOT / "bailian").rglob("*.py") if "{error.strerror" in path.read_text(encoding="utf-8")]
    assert [path.name for path in said if "sandbox" not in path.parts] == []
