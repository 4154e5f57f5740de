"""Draws the videos: the camera pans over a landscape. H.264 in MP4, of exactly the asked size, length and rate (T2V).

Making one needs PyAV, loaded when the first one is made.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from PIL import Image, ImageDraw

from bailian.sandbox.images.drawing import Picture, label, scene

STEPS_PER_S = 6
"""The camera moves this often; the frames between repeat, which costs the encoder next to nothing."""

PAN = 0.25
"""The landscape is wider than the frame by this share."""


@dataclass(frozen=True)
class Video:
    """Everything a video depends on."""

    picture: Picture
    duration_s: int
    fps: int


def draw_video(video: Video) -> bytes:
    """Return the MP4's bytes; the same video gives the same bytes."""
    import av

    picture = _even(video.picture)
    words = _words(picture)
    wide = scene(replace(picture, width=int(picture.width * (1 + PAN))))
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        container.metadata["comment"] = f"Drawn by the sandbox, not by {picture.model}"
        stream = container.add_stream("libx264", rate=video.fps, options={"preset": "ultrafast", "crf": "28"})
        stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "yuv420p"
        stream.codec_context.thread_count = 1  # the pool has the threads; and so the bytes are always the same
        steps = video.duration_s * STEPS_PER_S
        shown = -1
        frame_class: Any = av.VideoFrame  # only partly typed
        for number in range(video.duration_s * video.fps):
            step = number * STEPS_PER_S // video.fps
            if step != shown:
                image, shown = _image(wide, words, step, steps), step
                frame = frame_class.from_image(image).reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, video.fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def _even(picture: Picture) -> Picture:
    """H.264 in this colour format has even sides; only a fault asks for others."""
    return replace(picture, width=max(16, picture.width // 2 * 2), height=max(16, picture.height // 2 * 2))


def _words(picture: Picture) -> Image.Image:
    layer = Image.new("RGBA", (picture.width, picture.height), (0, 0, 0, 0))
    label(picture, layer)
    return layer


def _image(wide: Image.Image, words: Image.Image, step: int, steps: int) -> Image.Image:
    """Return the landscape at one step, with the words and a bar that shows the time."""
    width, height = words.size
    left = (wide.width - width) * step // max(1, steps - 1)
    image = wide.crop((left, 0, left + width, height))
    image.paste(words, mask=words)
    bar = max(2, height // 120)
    ImageDraw.Draw(image).rectangle((0, height - bar, width * (step + 1) // steps, height), fill=(200, 30, 40))
    return image
