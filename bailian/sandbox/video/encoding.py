"""Writes films: H.264 and, where a film has sound, AAC in MP4. Importing this needs Pillow; writing needs PyAV."""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from typing import Any

from PIL import Image

SOUND_HZ = 24000

_OPTIONS = {"preset": "ultrafast", "tune": "zerolatency", "qp": "26"}
"""No look-ahead: frames that repeat cost the encoder next to nothing."""

_SOUND_FRAME = 1024
"""Samples in a frame of AAC."""


def write_film(
    images: Iterable[tuple[Image.Image, int]], size: tuple[int, int], fps: int, *, comment: str, prompt: str,
    sound: bytes = b"",
) -> bytes:  # fmt: skip
    """Return the MP4's bytes; the same film gives the same bytes.

    Args:
        images: what is seen, each with the number of frames for which it stays.
        size: sides in pixels, both even; an image of another size is stretched.
        fps: frames a second.
        comment: what the file says about itself.
        prompt: what it was made for; the file says so, too.
        sound: 16-bit samples, mono, `SOUND_HZ`; empty: a silent film.
    """
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        container.metadata["comment"] = comment
        container.metadata["description"] = prompt
        stream = container.add_stream("libx264", rate=fps, options=_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.thread_count = 1  # the pool has the threads; and so the bytes are always the same
        voice = container.add_stream("aac", rate=SOUND_HZ, layout="mono") if sound else None
        frame_class: Any = av.VideoFrame  # only partly typed
        number = 0
        for image, count in images:
            frame = frame_class.from_image(image if image.size == size else image.resize(size))
            frame = frame.reformat(format="yuv420p")
            for _ in range(count):
                frame.pts, frame.time_base = number, Fraction(1, fps)
                container.mux(stream.encode(frame))
                number += 1
        container.mux(stream.encode())
        if voice is not None:
            _write_sound(container, voice, sound)
    return file.getvalue()


def _write_sound(container: Any, stream: Any, sound: bytes) -> None:
    import av

    frame_class: Any = av.AudioFrame
    width = 2 * _SOUND_FRAME
    for begin in range(0, len(sound), width):
        part = sound[begin : begin + width]
        frame = frame_class(format="s16", layout="mono", samples=len(part) // 2)
        frame.planes[0].update(part + bytes(frame.planes[0].buffer_size - len(part)))
        frame.sample_rate, frame.pts, frame.time_base = SOUND_HZ, begin // 2, Fraction(1, SOUND_HZ)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def even(width: int, height: int) -> tuple[int, int]:
    """Return sides that H.264 takes in this colour format; only a fault asks for others."""
    return max(16, width // 2 * 2), max(16, height // 2 * 2)


def counts(frames: int, steps: int) -> list[int]:
    """Return for how many frames each of `steps` images stays; together they are `frames`."""
    edges = [frames * step // steps for step in range(steps + 1)]
    return [end - begin for begin, end in pairwise(edges)]
