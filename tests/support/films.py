"""Films made of nothing, by an encoder that is not ours."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

WIDTH_PX, HEIGHT_PX = 320, 240
FPS = 24


def film(
    path: Path,
    *,
    form: str = "mp4",
    size_px: tuple[int, int] = (WIDTH_PX, HEIGHT_PX),
    seconds: float = 2,
    fps: int | Fraction = FPS,
    sound: bool = True,
    turned: bool = False,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a film: grey pictures that get lighter, and a low hum."""
    import av

    with av.open(str(path), "w", format=form, options=options or {}) as out:
        pictures: Any = out.add_stream("mpeg4", rate=fps)
        pictures.width, pictures.height, pictures.pix_fmt = *size_px, "yuv420p"
        hum: Any = out.add_stream("aac", rate=16000, layout="mono") if sound else None
        for number in range(round(seconds * fps)):
            frame = av.VideoFrame(*size_px, "yuv420p")
            for plane, value in zip(frame.planes, (number * 5 % 256, 128, 128), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            frame.pts = number
            out.mux(pictures.encode(frame))
        out.mux(pictures.encode(None))
        if hum is not None:
            _hum(out, hum, seconds)
    if turned:
        turn(path)
    return path


def _hum(out: Any, stream: Any, seconds: float) -> None:
    import av

    for start in range(0, int(16000 * seconds), 1000):
        frame = av.AudioFrame(format="s16", layout="mono", samples=1000)
        frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
        frame.planes[0].update(bytes(index // 40 % 2 * 20 for index in range(frame.planes[0].buffer_size)))
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def turn(path: Path) -> None:
    """Write the matrix of a phone that was held upright into the first track's header: a quarter to the right."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    data[matrix : matrix + 20] = b"".join(
        value.to_bytes(4, "big", signed=True) for value in (0, 0x10000, 0, -0x10000, 0)
    )
    path.write_bytes(data)
