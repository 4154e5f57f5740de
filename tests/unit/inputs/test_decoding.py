"""Bytes of a text: its BOM, strict UTF-8, GB18030 with a remark; and a question where nothing is certain."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.text.decoding import NotText, decoded, opened

CHINESE = "一只可爱的猫，坐在窗台上看夕阳"
TRADITIONAL = "一隻可愛的貓咪，坐在窗台上看著夕陽"
BOMS = ("utf-8-sig", "utf-16", "utf-32")


@pytest.mark.parametrize("encoding", [*BOMS, "utf-8"])
@pytest.mark.parametrize("text", ["cat", CHINESE, TRADITIONAL, "naïve 👍\n"])
def test_a_bom_or_utf8_is_certain(encoding: str, text: str) -> None:
    """Nothing is said about it, and the BOM is no part of the text."""
    found = decoded(text.encode(encoding), "a.txt")
    assert (found.text, found.remark) == (text, "")


@pytest.mark.parametrize("name, bom", [("utf-16-be", b"\xfe\xff"), ("utf-32-be", b"\0\0\xfe\xff")])
def test_the_other_byte_order(name: str, bom: bytes) -> None:
    assert decoded(bom + CHINESE.encode(name), "a.txt").text == CHINESE


@pytest.mark.parametrize("encoding", ["gbk", "gb18030"])
@pytest.mark.parametrize("text", [CHINESE, TRADITIONAL, "联通", f"prompt,size\n{CHINESE},1024*1024\n"])
def test_chinese_excel_and_wps_write_gbk(encoding: str, text: str) -> None:
    """The remark names the file, the encoding, and the first words, so that people see whether it was right."""
    found = decoded(text.encode(encoding), "a.csv")
    assert found.text == text
    assert "a.csv is not UTF-8: it is read as GB18030 (GBK), “" in found.remark


def test_gb18030_has_a_bom_too() -> None:
    assert decoded(("\ufeff" + CHINESE).encode("gb18030"), "a").text == CHINESE


REFUSED = {
    "Big5": (TRADITIONAL.encode("big5"), "iconv -f BIG5 -t UTF-8"),
    "Shift-JIS": ("吾輩は猫である。名前はまだ無い。".encode("shift_jis"), "does not read as GBK"),
    "Latin-1": ("Le café était fermé".encode("latin-1"), "does not read as GBK"),
    "UTF-16 without a BOM": ("a cat 猫".encode("utf-16-le"), "iconv -f UTF-16LE -t UTF-8"),
    "UTF-16 the other way round": ("a cat 猫".encode("utf-16-be"), "iconv -f UTF-16BE -t UTF-8"),
    "UTF-8 with a wrong byte": (f"{CHINESE}\n看".encode() + b"\xff" + CHINESE.encode(), "in line 2, column 2"),
    "a BOM, and something else": (b"\xef\xbb\xbf" + CHINESE.encode("gbk"), "begins as UTF-8"),
    "half a UTF-16": (b"\xff\xfea", "begins as UTF-16"),
    "GBK that is UTF-8 by chance": ("通知".encode("gbk"), "as GBK, “通知”"),
}


@pytest.mark.parametrize("data, told", REFUSED.values(), ids=REFUSED)
def test_what_is_not_certain_is_a_question(data: bytes, told: str) -> None:
    """A paid request is not made of a guess: the refusal names the file, and how to convert it."""
    with pytest.raises(NotText, match=r"a\.txt ") as refused:
        decoded(data, "a.txt")
    assert told in str(refused.value)


@pytest.mark.parametrize("text", ["но", "да", "Привет, мир", "Բարեւ", "čeština", "Ελλάδα", "שלום", "naïve", "½ × 3"])
def test_other_alphabets_in_utf8_are_no_question(text: str) -> None:
    """One alphabet is a language; only a mixture of several is GBK by chance."""
    assert decoded(text.encode(), "a").text == text


class _Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError("a pipe")


@pytest.mark.parametrize("encoding", [*BOMS, "utf-8", "gbk"])
def test_a_pipe_is_read_once(encoding: str) -> None:
    """It is looked through before it is read: what cannot be rewound is copied."""
    text, _ = opened(_Pipe(f"{CHINESE}\r\n{CHINESE}".encode(encoding)), "stdin", newline="")
    with text:
        assert list(text) == [f"{CHINESE}\r\n", CHINESE]


@given(st.text())
def test_any_text_in_utf8_comes_back(text: str) -> None:
    """With a BOM always; without one unless it looks like something else."""
    assert decoded(text.encode("utf-8-sig"), "a").text == text


@given(st.binary())
def test_any_bytes_are_a_text_or_refused(data: bytes) -> None:
    with suppress(NotText):
        decoded(data, "a")
