"""The first frame of a film. PyAV reads it, which comes with the extra `sandbox`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

# Decoded, this is 150 MB.
LARGEST_PX = 50_000_000
# The only container that is looked for: a film that is a playlist could name other files of this machine.
CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".webm": "matroska"}


class TooLarge(Exception):
    """The picture has more pixels than are decoded to be looked at."""


def first_frame(path: Path) -> Image.Image:
    """Return the first frame of a film. Decoders raise anything on damaged bytes.

    Raises:
        ImportError: PyAV is not here.
        TooLarge: it has more than `LARGEST_PX`.
    """
    import av

    with path.open("rb") as file, av.open(file, format=CONTAINERS[path.suffix.lower()]) as film:
        stream = film.streams.video[0]
        if stream.width * stream.height > LARGEST_PX:
            raise TooLarge
        frame: Image.Image = next(film.decode(stream)).to_image()
        return frame
