"""The bytes of a text → the text: its BOM decides, then strict UTF-8, then GB18030 with a remark. Nothing else is guessed.

Chinese Excel, WPS and Notepad write GBK, which GB18030 contains; Windows' "Unicode" is UTF-16 with a BOM. Almost any
bytes can be read as GB18030, so what comes out must look like Chinese: Big5, Shift-JIS and Latin-1 do not.
"""

from __future__ import annotations

import codecs
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from bailian.i18n import tr

# The longer ones first: UTF-32's begins with UTF-16's.
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GB18030_BOM = "\ufeff".encode("gb18030")
CHUNK_BYTES = 1 << 20
PREVIEW_CHARS = 16
# Of a Chinese text 98 % of the signs beyond ASCII are common ones; of Big5 or Shift-JIS read as GB18030, a third is.
COMMON_SHARE = 0.75
# GB2312 and Big5 both have their frequent characters first.
_FREQUENT = (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6))


class NotText(ValueError):
    """The bytes are no text that can be read for certain. The message says where, and what to do."""


@dataclass(frozen=True)
class Decoded:
    """A text, and what is to be said about how it was read; "" if nothing is."""

    text: str
    remark: str = ""


def decoded(data: bytes, source: str) -> Decoded:
    """Return the text of some bytes, without its BOM; `source` is what people know it by.

    Raises:
        NotText: it is in no encoding that can be told for certain.
    """
    with io.BytesIO(data) as file:
        text, remark = opened(file, source, newline="")
        return Decoded(text.read(), remark)


def read_text(path: Path) -> Decoded:
    """Return a file's text, line ends as "\\n".

    Raises:
        NotText: see `decoded`.
        OSError: it cannot be read.
    """
    found = decoded(path.read_bytes(), str(path))
    return Decoded(found.text.replace("\r\n", "\n").replace("\r", "\n"), found.remark)


def read_stdin(source: str) -> Decoded:
    """Return what is piped in, or typed; see `read_text`."""
    file = getattr(sys.stdin, "buffer", None)
    if file is None:  # a program has put its own in the place
        return Decoded(sys.stdin.read().removeprefix("\ufeff"))
    found = decoded(file.read(), source)
    return Decoded(found.text.replace("\r\n", "\n").replace("\r", "\n"), found.remark)


def opened(file: BinaryIO, source: str, *, newline: str | None = None) -> tuple[TextIO, str]:
    """Return a file to be read as text, line by line, and the remark. It is looked through once before.

    Raises:
        NotText: see `decoded`.
    """
    if not file.seekable():
        file = copied(file)
    start = file.tell()
    encoding, remark = _encoding_of(file, source, start)
    file.seek(start)
    if encoding == "gb18030" and file.read(len(GB18030_BOM)) != GB18030_BOM:
        file.seek(start)
    return io.TextIOWrapper(file, encoding=encoding, newline=newline), remark


def copied(file: BinaryIO) -> BinaryIO:
    """Return a pipe's bytes as a file: it is read twice."""
    import shutil
    from tempfile import TemporaryFile

    copy: Any = TemporaryFile()  # noqa: SIM115 - closed when nobody holds it
    shutil.copyfileobj(file, copy)
    copy.seek(0)
    return copy  # type: ignore[no-any-return]


def _encoding_of(file: BinaryIO, source: str, start: int) -> tuple[str, str]:
    def texts(encoding: str, errors: str = "strict") -> Iterator[str]:
        file.seek(start)
        return _decoded_parts(file, encoding, errors)

    head = file.read(4)
    named = next((name for bom, name in BOMS if head.startswith(bom)), None)
    if named is not None:
        try:
            for _ in texts(named):
                pass
        except UnicodeError as error:
            shown = named.removesuffix("-sig").upper()
            raise NotText(
                tr(
                    f"{source} begins as {shown} and goes on as something else: save it as UTF-8",
                    f"{source} 开头是 {shown}，后面却不是：请另存为 UTF-8",
                )
            ) from error
        return named, ""
    try:
        _refuse_utf16(texts("utf-8"), source)
    except UnicodeDecodeError:
        return "gb18030", _as_gb18030(texts, source)
    file.seek(start)
    _refuse_doubtful(file.read(CHUNK_BYTES), source)
    return "utf-8", ""


def _decoded_parts(file: BinaryIO, encoding: str, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    while part := file.read(CHUNK_BYTES):
        yield decoder.decode(part)
    yield decoder.decode(b"", final=True)


def _refuse_utf16(parts: Iterator[str], source: str) -> None:
    """Every second byte of UTF-16's Latin letters, digits and line ends is a NUL, which no text has.

    Raises:
        NotText: so it is in the first part. A UnicodeDecodeError is passed on.
    """
    first = next(parts)
    even, odd = first[::2].count("\0"), first[1::2].count("\0")
    if max(even, odd) * 4 > len(first) and not min(even, odd):
        raise NotText(_utf16("UTF-16LE" if odd else "UTF-16BE", source))
    for _ in parts:
        pass


def _utf16(name: str, source: str) -> str:
    return tr(
        f"{source} looks like {name} without a BOM: save it as UTF-8, or `iconv -f {name} -t UTF-8`",
        f"{source} 像是没有 BOM 的 {name}：请另存为 UTF-8，或使用 `iconv -f {name} -t UTF-8` 转换",
    )


def _as_gb18030(texts: Callable[..., Iterator[str]], source: str) -> str:
    """Return the remark for a text that can be taken for Chinese.

    Raises:
        NotText: it cannot.
    """
    counts: Counter[str] = Counter()
    preview = ""
    try:
        for part in texts("gb18030"):
            counts.update(part)
            preview = preview or _preview(part)
    except UnicodeDecodeError:
        raise NotText(_neither(texts, source)) from None
    if counts["\0"]:
        raise NotText(_utf16("UTF-16", source))
    if not _is_chinese(counts):
        raise NotText(_neither(texts, source))
    return tr(
        f"{source} is not UTF-8: it is read as GB18030 (GBK), “{preview}”",
        f"{source} 不是 UTF-8，按 GB18030（GBK）读取：“{preview}”",
    )


def _preview(text: str) -> str:
    """Return the first words that the encoding matters for, so that people see whether it was right."""
    at = next((index for index, char in enumerate(text) if char > "\x7f"), None)
    return "" if at is None else " ".join(text[at : at + PREVIEW_CHARS].split())


def _is_chinese(counts: Counter[str]) -> bool:
    beyond = {char: count for char, count in counts.items() if char > "\x7f"}
    if any("\ue000" <= char <= "\uf8ff" for char in beyond):  # private use: no Chinese text has any
        return False
    return sum(count for char, count in beyond.items() if _is_common(char)) >= COMMON_SHARE * sum(beyond.values())


def _is_common(char: str) -> bool:
    """Return whether a sign is Chinese punctuation, a full-width form, or a frequent character."""
    if "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uffef" or "\u2010" <= char <= "\u2027" or char in "·×°":
        return True
    if not "\u4e00" <= char <= "\u9fff":
        return False
    for name, first, last in _FREQUENT:
        code = char.encode(name, "ignore")
        if code and first <= code[0] <= last:
            return True
    return False


def _neither(texts: Callable[..., Iterator[str]], source: str) -> str:
    """Say what a text that is no Chinese may be: UTF-8 with a wrong byte, or another encoding."""
    good = wrong = line = column = 0
    for part in texts("utf-8", "replace"):
        before = part.partition("\ufffd")[0]
        if not wrong:
            line += before.count("\n")
            column = len(before) - before.rfind("\n") if "\n" in before else column + len(before) + 1
        wrong += part.count("\ufffd")
        good += sum(char > "\x7f" for char in part)
    good -= wrong
    if good >= 4 * wrong:
        return tr(
            f"{source} is UTF-8 but for a byte in line {line + 1}, column {column}: save it as UTF-8 again",
            f"{source} 在第 {line + 1} 行第 {column} 列有一个字节不是 UTF-8：请重新另存为 UTF-8",
        )
    return tr(
        f"{source} is not UTF-8, and does not read as GBK: save it as UTF-8, or convert it from what it is, "
        "as in `iconv -f BIG5 -t UTF-8`",
        f"{source} 不是 UTF-8，按 GBK 也读不通：请另存为 UTF-8，或从原编码转换，例如 `iconv -f BIG5 -t UTF-8`",
    )


def _refuse_doubtful(data: bytes, source: str) -> None:
    """A few words of GBK can be UTF-8 by chance: letters of Latin Extended, Armenian and the like stand side by side.

    Raises:
        NotText: so it is, and as GBK the text would be Chinese.
    """
    if data.isascii():
        return
    text = data.decode("utf-8", "ignore")
    if max(text) > "\u07ff" or not any("\u0180" <= char <= "\u036f" or "\u0530" <= char <= "\u058f" for char in text):
        return
    try:
        other = data.decode("gb2312")
    except UnicodeDecodeError:
        return
    if _blocks(text) > 1 and _is_chinese(Counter(other)):
        raise NotText(
            tr(
                f"{source} can be read as UTF-8, “{_preview(text)}”, and as GBK, “{_preview(other)}”: "
                "save it as UTF-8 with a BOM, or `iconv -f GBK -t UTF-8`",
                f"{source} 既可按 UTF-8 读作“{_preview(text)}”，也可按 GBK 读作“{_preview(other)}”："
                "请另存为带 BOM 的 UTF-8，或使用 `iconv -f GBK -t UTF-8` 转换",
            )
        )


def _blocks(text: str) -> int:
    """Return of how many alphabets the letters beyond ASCII are: Latin, phonetic, Greek, Cyrillic, Armenian, Semitic."""
    bounds = (0x80, 0x250, 0x370, 0x400, 0x530, 0x590)
    return len({sum(ord(char) >= bound for bound in bounds) for char in text if char > "\x7f"})
