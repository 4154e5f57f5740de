"""What a file is, by its bytes: names and headers of a server are not evidence."""

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
# What a file or a link holds, where its name tells.
SUFFIXES = {
    "picture": ("png", "jpg", "jpeg", "webp", "bmp", "tiff", "tif", "gif"),
    "film": ("mp4", "mov", "m4v", "avi", "mkv", "webm", "flv", "wmv", "mpeg", "mpg"),
    "sound": ("mp3", "wav", "m4a", "aac", "flac", "ogg", "opus", "amr", "wma"),
}
PICTURES = ("png", "jpg", "webp", "bmp", "tiff", "gif")
FILMS = ("mp4",)
# The service counts the encoded string, at most 10 MiB each; it advises raw files below 7 MB (error page, 2025-12).
DATA_URI_MAX_BYTES = 7_000_000


def suffix_of(head: bytes) -> str | None:
    """Return the usual suffix ("png", "mp4", …) for a file that starts so, or None if it is none we know."""
    for offset, magic, suffix in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return suffix
    return None


def sort_by_name(url: str) -> str:
    """Return "picture", "film" or "sound" by the suffix of a path or link; "" if it does not tell."""
    suffix = url.partition("?")[0].partition("#")[0].rpartition("/")[2].rpartition(".")[2].lower()
    return next((sort for sort, suffixes in SUFFIXES.items() if suffix in suffixes), "")


def is_complete(path: Path, suffix: str) -> bool:
    """Return whether a result holds all that its format says; a few right bytes at its start prove nothing.

    A picture is decoded (PNG has checksums instead: see `png.is_whole`), a film's boxes are followed to its end.
    """
    if suffix == "png":
        return path.stat().st_size > 0
    if suffix in PICTURES:
        return _shows(path.read_bytes(), suffix)
    return _has_all_boxes(path) if suffix in FILMS else path.stat().st_size > 0


def _shows(data: bytes, suffix: str) -> bool:
    from bailian.files import pictures

    try:
        if suffix == "jpg" and pictures.end_is_missing(data, "JPEG"):
            return False  # decoders fill up what a cut has taken from the last blocks, and say nothing
        with pictures.opened(data) as image:
            for frame in range(getattr(image, "n_frames", 1)):
                image.seek(frame)
                image.load()
    except Exception:  # noqa: BLE001 - no list of what parsers raise was ever complete
        return False
    return True


def _has_all_boxes(path: Path) -> bool:
    """Follow the boxes of an MP4 (ISO 14496-12, 4.2): there must be a movie and its data, and nothing cut."""
    size, place, found = path.stat().st_size, 0, set()
    with path.open("rb") as file:
        while place < size:
            file.seek(place)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            elif length == 0:
                length = size - place  # up to the end of the file
            if length < 8 or place + length > size:
                return False
            found.add(head[4:8])
            place += length
    return {b"moov", b"mdat"} <= found or {b"moov", b"moof"} <= found
