"""Names that a file system or a locale refuses: a shorter one, then an ASCII one, always some."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bailian.files import naming, publishing
from tests.support.file_names import ECRYPTFS_MAX_BYTES, assert_safe, refusing

LONG = "20260102-030405_wan2.2-t2i-flash_" + "猫" * 40 + "_s41_2"
FACTS = "20260102-030405_wan2.2-t2i-flash_s41_2"


def test_a_shorter_name_loses_of_the_prompt_only() -> None:
    short = naming.shorter(LONG)
    assert len((short + naming.ROOM).encode()) <= ECRYPTFS_MAX_BYTES
    assert short.startswith("20260102-030405_wan2.2-t2i-flash_猫猫")
    assert short.endswith("猫_s41_2")
    assert naming.shorter("short") == "short"


@pytest.mark.parametrize(
    "name, expected",
    [
        (LONG, FACTS),
        ("猫", FACTS),
        ("猫_s41", "s41_20260102-030405_wan2.2-t2i-flash_2"),
        ("会议-0412", "0412_" + FACTS),
        ("Café_s41_2", "Cafe_s41_2_20260102-030405_wan2.2-t2i-flash"),
    ],
)
def test_an_ascii_name_keeps_date_model_seed_and_index(name: str, expected: str) -> None:
    assert naming.plain(name, FACTS) == expected


@given(st.text(st.characters(exclude_characters="/\\\0", exclude_categories=("Cs", "Cc"))))
@example("")
@example("con")
@example("猫" * 200)
@example("_" * 300)
def test_every_name_has_a_short_and_an_ascii_one(name: str) -> None:
    """A name that came from a template comes out as safe as it was; the last one is ASCII and short on every system."""
    rendered = naming.render("{prompt}", {"prompt": name})
    for other in (naming.shorter(rendered), naming.plain(rendered)):
        assert_safe(other)
    assert naming.plain(rendered).isascii()
    assert len(naming.plain(rendered)) <= naming.PLAIN_MAX_BYTES + 1
    assert len(naming.shorter(rendered).encode()) <= naming.SHORT_MAX_BYTES + 1


@pytest.mark.parametrize(
    "error, refused",
    [
        (OSError(errno.ENAMETOOLONG, "x"), True),
        (OSError(errno.EILSEQ, "x"), True),
        (OSError(errno.EINVAL, "x"), True),
        (UnicodeEncodeError("gbk", "한", 0, 1, "x"), True),
        (OSError(errno.ENOSPC, "x"), False),
        (OSError(errno.EACCES, "x"), False),
        (FileNotFoundError(errno.ENOENT, "x"), False),
        (ValueError("x"), False),
    ],
)
def test_only_a_refused_name_is_worth_another_one(error: Exception, refused: bool) -> None:
    assert naming.refuses_name(error) is refused


@pytest.mark.parametrize("code", [3, 111, 123, 161, 206])
def test_what_windows_says_to_a_name(code: int) -> None:
    """More than 260 characters are "path not found" there, which Python calls ENOENT."""
    error = OSError(errno.ENOENT, "x")
    error.winerror = code  # type: ignore[attr-defined]
    assert naming.refuses_name(error)


@pytest.fixture
def ascii_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("link", "open", "mkdir"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name), lambda part: not part.isascii(), errno.EILSEQ))


@pytest.mark.usefixtures("ascii_only")
def test_the_first_name_that_is_not_refused_is_taken(tmp_path: Path) -> None:
    """Also when it is another file's: that stays, and ours gets a number."""
    whole, other = tmp_path / ".1.part", tmp_path / "s7.png"
    whole.write_text("ours")
    other.write_text("other")
    assert (
        publishing.publish_first(whole, publishing.fallbacks(tmp_path / "猫_s7.png", lambda: "s7"))
        == tmp_path / "s7-2.png"
    )
    assert (other.read_text(), whole.exists()) == ("other", False)


@pytest.mark.usefixtures("ascii_only")
def test_when_all_names_are_refused_the_file_stays_where_it_is(tmp_path: Path) -> None:
    whole = tmp_path / ".1.part"
    whole.write_text("ours")
    with pytest.raises(OSError, match="猫"):
        publishing.publish_first(whole, [tmp_path / "猫.png", tmp_path / "大猫.png"])
    assert whole.read_text() == "ours"


@pytest.mark.usefixtures("ascii_only")
def test_of_a_folder_only_the_refused_parts_change(tmp_path: Path) -> None:
    assert naming.made_folder(tmp_path / "shop" / "图片-7" / "s1") == tmp_path / "shop" / "7" / "s1"
    assert naming.made_folder(tmp_path / "猫") == tmp_path / "file"
    assert (tmp_path / "shop" / "7" / "s1").is_dir()


def test_a_folder_that_cannot_be_made_for_another_reason_is_no_question_of_names(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError, match="taken"):
        naming.made_folder(tmp_path / "taken" / "猫")
