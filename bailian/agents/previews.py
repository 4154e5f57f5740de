"""Small pictures of what was made, for an agent that can see: a few KB each."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

from bailian.files.storage.local_copies import local_copy
from bailian.text.storage_path import ResultPath

SIDE_PX = 320
MAX_BYTES = 24 * 1024
MAX_PICTURES = 4
QUALITIES = (80, 60, 40, 25)
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def previews(files: Iterable[ResultPath]) -> list[str]:
    """Return small JPEG pictures, as Base64, of those files that are pictures."""
    found = (_preview(path) for path in [path for path in files if path.suffix.lower() in SUFFIXES][:MAX_PICTURES])
    return [base64.b64encode(data).decode() for data in found if data]


def _preview(path: ResultPath) -> bytes | None:
    """Return a picture as a JPEG of at most `MAX_BYTES`; None: it cannot be read, or shown so small."""
    from PIL import Image

    try:
        with local_copy(path) as copy, Image.open(copy) as image:
            small = image.convert("RGB")
    except OSError:
        return None
    small.thumbnail((SIDE_PX, SIDE_PX))
    for quality in QUALITIES:
        file = io.BytesIO()
        small.save(file, "JPEG", quality=quality)
        if file.tell() <= MAX_BYTES:
            return file.getvalue()
    return None
