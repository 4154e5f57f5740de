"""What a file is, by its first bytes: names and headers of a server are not evidence."""

from __future__ import annotations

from pathlib import Path

# Magic numbers of the formats' own specifications; offset, bytes, suffix.
_MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpg"),
    (8, b"WEBP", "webp"),
    (0, b"BM", "bmp"),
    (0, b"II*\0", "tiff"),
    (0, b"MM\0*", "tiff"),
    (0, b"GIF8", "gif"),
    (8, b"WAVE", "wav"),
    (4, b"ftyp", "mp4"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"\xff\xf3", "mp3"),
)
HEAD_BYTES = 16
PICTURES = ("png", "jpg", "webp", "bmp", "tiff", "gif")
FILMS = ("mp4",)


def suffix_of(head: bytes) -> str | None:
    """Return the usual suffix ("png", "mp4", …) for a file that starts so, or None if it is none we know."""
    for offset, magic, suffix in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return suffix
    return None


def is_whole(path: Path, suffix: str) -> bool:
    """Return whether a file reaches its own end, where its format says where that is (PNG: see `png.is_whole`)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if suffix == "webp":
            head = file.read(8)
            return size >= 8 + int.from_bytes(head[4:8], "little")
        if suffix == "jpg":
            file.seek(max(0, size - 64))
            return b"\xff\xd9" in file.read()
    return size > 0
