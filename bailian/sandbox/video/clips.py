"""Looks into films and recordings that come along: their facts, some of their frames, their sound. Needs PyAV."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from PIL import Image

from bailian.sandbox.video.encoding import SOUND_HZ

_OPTIONS = {"format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,wav,mp3,aac,flac,ogg,avi,matroska,webm,flv,mpegts,mpeg,asf"}
"""Containers alone: a play list could lead to other files and computers."""


class UnreadableClip(Exception):
    """No film and no recording; the text is the service's (D-ERR)."""


@dataclass(frozen=True)
class Clip:
    """The facts of a film, or of a recording (no sides)."""

    format: str
    """As FFmpeg names it: `mov,mp4,m4a,3gp,3g2,mj2`, `wav`, `mp3`."""
    duration_s: float
    width: int = 0
    height: int = 0
    fps: float = 0.0
    sound: bool = False


def probe(data: bytes) -> Clip:
    """Return the facts; one frame is decoded, to know that the others can be.

    Raises:
        UnreadableClip: it is neither film nor recording.
    """
    import av

    try:
        with av.open(io.BytesIO(data), options=_OPTIONS) as container:
            duration_s = _seconds(container)
            sound = bool(container.streams.audio)
            if not container.streams.video:
                return Clip(container.format.name, duration_s, sound=sound)
            stream = container.streams.video[0]
            fps = float(stream.average_rate or 0)
            if next(container.decode(stream), None) is None:
                raise UnreadableClip("read video error.")
            return Clip(container.format.name, duration_s, stream.width, stream.height, fps, sound)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UnreadableClip("Invalid video file.") from error


def _seconds(container: Any) -> float:
    """The longest stream's, as that of sound is a little longer than its film's."""
    stream = next(iter(container.streams.video), None)
    if stream is not None and stream.duration:
        return round(float(stream.duration * stream.time_base), 2)
    return round((container.duration or 0) / 1_000_000, 2)


def frames_at(data: bytes, moments_s: Sequence[float], size: tuple[int, int]) -> list[Image.Image]:
    """Return the frames shown at these moments (ascending), stretched to a size; after the end the last one.

    A film that breaks off ends there.
    """
    import av

    wanted = list(moments_s)
    images: list[Image.Image] = []
    shown: Any = None
    with av.open(io.BytesIO(data), options=_OPTIONS) as container, suppress(av.FFmpegError):
        for frame in container.decode(video=0):
            while wanted and shown is not None and (frame.time or 0.0) > wanted[0] + 1e-6:
                images.append(_image(shown, size))
                wanted.pop(0)
            shown = frame
            if not wanted:
                break
    last = Image.new("RGB", size) if shown is None else _image(shown, size)
    return images + [last] * len(wanted)


def _image(frame: Any, size: tuple[int, int]) -> Image.Image:
    image: Image.Image = frame.to_image()
    return image if image.size == size else image.resize(size)


def samples_of(data: bytes, seconds: float) -> bytes:
    """Return the first seconds of the sound, as `write_film` takes them; silence follows a shorter one."""
    import av

    length = round(seconds * SOUND_HZ) * 2
    heard = bytearray()
    with av.open(io.BytesIO(data), options=_OPTIONS) as container, suppress(av.FFmpegError):
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SOUND_HZ)
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                heard += bytes(part.planes[0])[: part.samples * 2]
            if len(heard) >= length:
                break
    return bytes(heard[:length]) + bytes(max(0, length - len(heard)))
