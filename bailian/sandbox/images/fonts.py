"""A font for the words on the pictures: one of the system's with Chinese, else Pillow's own (Latin only)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import ImageFont

_CHINESE = (
    "NotoSansCJK*", "NotoSerifCJK*", "NotoSansSC*", "SourceHanSans*", "wqy-*", "DroidSansFallback*",
    "PingFang*", "Hiragino Sans GB*", "STHeiti*", "Songti*", "msyh*", "simhei*", "simsun*", "Deng*",
)  # fmt: skip


def _folders() -> Iterator[Path]:
    if sys.platform == "win32":
        yield Path("C:/Windows/Fonts")
        return
    is_mac = sys.platform == "darwin"
    yield from map(
        Path, ("/System/Library/Fonts", "/Library/Fonts") if is_mac else ("/usr/share/fonts", "/usr/local/share/fonts")
    )
    with suppress(RuntimeError):  # a user id without a home, as in many containers
        yield Path.home() / ("Library/Fonts" if is_mac else ".local/share/fonts")


@lru_cache(maxsize=1)
def chinese_font() -> Path | None:
    """Return the file of a font with Chinese, or None."""
    for folder in _folders():
        for pattern in _CHINESE:
            for path in sorted(folder.rglob(pattern)):
                if path.suffix.lower() in (".ttf", ".ttc", ".otf"):
                    return path
    return None


@lru_cache(maxsize=64)
def font(size_px: int, *, chinese: bool) -> Any:
    """Return a Pillow font of that height."""
    path = chinese_font() if chinese else None
    return ImageFont.truetype(str(path), size_px) if path else ImageFont.load_default(size_px)


def drawable(text: str) -> str:
    """Return the text without what no font here can draw; runs of it become one ellipsis."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    if chinese_font() is not None:
        return " ".join(printable.split())
    words: list[str] = []
    for char in printable:
        mark = char if char.isascii() else "…"
        if mark != "…" or not words or words[-1] != "…":
            words.append(mark)
    shown = " ".join("".join(words).split())
    return shown if any(c.isalnum() for c in shown) else ""
