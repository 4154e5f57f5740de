"""Files that people give for pictures or recordings and that are neither: what they are, and the cure.

By their first bytes. The table is the formats' own specifications; a new one is a row.
"""

from __future__ import annotations

import re
from pathlib import Path

from bailian.i18n import tr

HEAD_BYTES = 512
_SVG = ("SVG", "", "magick IN OUT.png")
# Offset, bytes: name, in Chinese where it differs, and the command that cures.
_NAMES: tuple[tuple[int, bytes, tuple[str, str, str]], ...] = (
    (0, b"8BPS", ("PSD (Photoshop)", "", "magick 'IN[0]' OUT.png")),
    (0, b"GIF8", ("GIF", "", "magick 'IN[0]' OUT.png")),
    (0, b"\xff\x0a", ("JPEG XL", "", "djxl IN OUT.png")),
    (0, b"\0\0\0\x0cJXL ", ("JPEG XL", "", "djxl IN OUT.png")),
    (0, b"<svg", _SVG),
    (0, b"%PDF", ("PDF", "", "pdftoppm -png -singlefile IN OUT")),
    (0, b"PK\x03\x04", ("ZIP", "", "unzip IN")),
    (0, b"\x1f\x8b", ("gzip", "", "gunzip IN")),
    (0, b"Rar!", ("RAR", "", "unrar x IN")),
    (0, b"7z\xbc\xaf", ("7z", "", "7z x IN")),
    (0, b"FORM", ("AIFF", "", "ffmpeg -i IN OUT.wav")),
    (0, b"caff", ("CAF", "", "ffmpeg -i IN OUT.wav")),
    (0, b".snd", ("AU", "", "ffmpeg -i IN OUT.wav")),
    (0, b"MThd", ("MIDI", "", "timidity IN -Ow -o OUT.wav")),
)
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF = (b"avif", b"avis")
_APPLE = (b"\0\x05\x16\x07", b"\0\x05\x16\0")
_SILK = b"#!SILK_V3"


def name_of(head: bytes, file_name: str = "") -> str:
    """Return what a file that starts so is, with the command that cures it; "" if it is none of these.

    `file_name` stands in the command where a shell takes it as it is; else IN and OUT do.
    """
    found = _name_of(head)
    if re.fullmatch(r"[\w./+-]+", file_name) and not file_name.startswith("-"):
        stem = Path(file_name).stem
        found = re.sub(r"\bIN\b", lambda _: file_name, re.sub(r"\bOUT\b", lambda _: stem, found))
    return found


def _name_of(head: bytes) -> str:
    own = _special(head)
    if own:
        return own
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if bare.startswith(b"<svg") or (bare.startswith(b"<?xml") and b"<svg" in bare):
        head = b"<svg"
    for offset, magic, (name, chinese, command) in _NAMES:
        if head.startswith(magic, offset):
            return tr(f"{name} (convert it: {command})", f"{chinese or name}（请转换：{command}）")
    if bare.startswith((b"<!doctype", b"<html")):
        return tr("an HTML page (a download that asked for a login?)", "HTML 网页（下载时可能需要登录）")
    return tr("text", "文本") if is_text(head) else ""


def _special(head: bytes) -> str:
    if head[4:8] == b"ftyp" and head[8:12] in _AVIF:
        return tr("AVIF (convert it: avifdec IN OUT.png)", "AVIF（请转换：avifdec IN OUT.png）")
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF:
        return tr(
            "HEIC, a photo of an iPhone (convert it: heif-convert IN OUT.jpg, on a Mac: sips -s format jpeg IN --out OUT.jpg)",
            "HEIC（iPhone 照片；请转换：heif-convert IN OUT.jpg，macOS：sips -s format jpeg IN --out OUT.jpg）",
        )
    if head.startswith(_APPLE):
        return tr(
            "what macOS keeps beside a file (AppleDouble): take the file whose name has no ._",
            "macOS 的附属文件（AppleDouble）：请使用文件名不带 ._ 的那个文件",
        )
    if head.removeprefix(b"\x02").startswith(_SILK):
        commands = (
            "pip install pilk; python -c \"import pilk; pilk.decode('IN', 'OUT.pcm')\"; "
            "ffmpeg -f s16le -ar 24000 -ac 1 -i OUT.pcm OUT.wav"
        )
        return tr(
            f"a voice message of WeChat or QQ (SILK), which ffmpeg cannot read (decode it: {commands})",
            f"微信或 QQ 语音（SILK），ffmpeg 无法读取（请解码：{commands}）",
        )
    if len(head) >= HEAD_BYTES and not any(head):
        return tr("zeros (a download or copy that never came to its end?)", "全零数据（下载或复制可能未完成）")
    return ""


def is_text(head: bytes) -> bool:
    """In any encoding: a recording or picture has control bytes among its first hundreds, a text has none."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return bool(head) and all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in head)
