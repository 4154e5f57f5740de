"""Bodies for the film models, and a look into what comes back."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageChops, ImageStat

from bailian.sandbox.images.drawing import Picture
from bailian.sandbox.video.drawing import Video, draw_video
from bailian.sandbox.video.tones import tone
from tests.support.pictures import drawn, uri
from tests.support.recordings import wav
from tests.support.sandbox_client import Client

FILMS = "/services/aigc/video-generation/video-synthesis"
FRAMES = "/services/aigc/image2video/video-synthesis"

DAY = drawn((640, 480))
NIGHT = drawn((640, 480), (20, 20, 70))
DAY_URI, NIGHT_URI = uri(DAY), uri(NIGHT)

SAME = 6.0
"""How far a frame may be from the picture it shows: what the codec loses."""


def media(*parts: tuple[str, str], prompt: str = "a cat", **fields: Any) -> dict[str, Any]:
    """Return an `input` with a list of media."""
    return {"prompt": prompt, "media": [{"type": role, "url": url} for role, url in parts], **fields}


def clip(seconds: int = 3, size: tuple[int, int] = (480, 368), fps: int = 24, *, sound: bool = False) -> bytes:
    heard = tone("clip", seconds) if sound else b""
    return draw_video(Video(Picture("a clip", 1, 0, *size, "clip"), seconds, fps, heard))


def recording(seconds: int) -> bytes:
    return wav(b"\1\2" * 16000 * seconds)


def submit(client: Client, model: str, inputs: Any, path: str = FILMS, **parameters: Any) -> Any:
    return client.post(path, {"model": model, "input": inputs, "parameters": parameters})


def finished(client: Client, model: str, inputs: Any, path: str = FILMS, **parameters: Any) -> dict[str, Any]:
    answer = submit(client, model, inputs, path, **parameters)
    assert answer.status_code == 200, answer.text
    return client.wait(answer.json()["output"]["task_id"])


class Frames:
    """The frames of a film; one becomes a picture when it is looked at."""

    def __init__(self, frames: list[Any]) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, number: int) -> Image.Image:
        image: Image.Image = self._frames[number].to_image()
        return image


@dataclass(frozen=True)
class Seen:
    """A film that was opened with PyAV."""

    codec: str
    size: tuple[int, int]
    fps: int
    count: int
    sound_s: float
    """0: a silent film."""
    frames: Frames


def seen(data: bytes) -> Seen:
    import av

    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        sounds = container.streams.audio
        sound_s = float(sounds[0].duration * sounds[0].time_base) if sounds else 0.0
        frames = Frames(list(container.decode(stream)))
        rate = round(float(stream.average_rate))
        size = (stream.width, stream.height)
        return Seen(stream.codec_context.name, size, rate, len(frames), sound_s, frames)


def film(client: Client, answer: dict[str, Any]) -> Seen:
    assert answer["output"]["task_status"] == "SUCCEEDED", answer
    got = client.download(answer["output"]["video_url"])
    assert got.headers["Content-Type"] == "video/mp4"
    return seen(got.content)


def distance(image: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures, 0 to 255; the other is stretched."""
    stretched = other.convert("RGB").resize(image.size)
    return sum(ImageStat.Stat(ImageChops.difference(image.convert("RGB"), stretched)).mean) / 3
