"""Films from pictures, films and sounds: each model makes a film in which what it was given can be seen and heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from film_bodies import (
    DAY,
    DAY_URI,
    FRAMES,
    NIGHT,
    NIGHT_URI,
    SAME,
    Files,
    clip,
    distance,
    film,
    finished,
    media,
    recording,
)

from tests.support.sandbox_client import Client

pytest.importorskip("av")


@pytest.fixture(scope="module")
def files() -> Iterator[Files]:
    made = {"clip": clip(3, sound=True), "mute": clip(3), "two": clip(2), "song": recording(3), "voice": recording(2)}
    with Files(**made) as files:
        yield files


DAY_FIRST = ("first_frame", DAY_URI)
NIGHT_LAST = ("last_frame", NIGHT_URI)

FROM_A_PICTURE: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], tuple[int, int, float]]] = [
    # model, input, parameters; usage; frames a second, frames, whether there is sound
    ("wanx2.1-i2v-turbo", {"img_url": DAY_URI}, {"resolution": "480P", "duration": 3},
     {"video_duration": 3, "video_ratio": "standard", "video_count": 1}, (30, 90, 0)),
    ("wanx2.1-i2v-plus", {"img_url": DAY_URI, "prompt": "a cat"}, {},
     {"video_duration": 5, "video_ratio": "standard", "video_count": 1}, (30, 150, 0)),
    ("wan2.2-i2v-flash", {"img_url": DAY_URI}, {"resolution": "480P"},
     {"duration": 5, "video_count": 1, "SR": 480}, (30, 150, 0)),
    ("wan2.2-i2v-plus", {"img_url": DAY_URI}, {"resolution": "480P"},
     {"duration": 5, "video_count": 1, "SR": 480}, (30, 150, 0)),
    ("wan2.5-i2v-preview", {"img_url": DAY_URI}, {"resolution": "480P"},
     {"duration": 5, "video_count": 1, "SR": 480}, (24, 120, 1)),
    ("wan2.6-i2v", {"img_url": DAY_URI}, {"resolution": "720P", "duration": 2},
     {"duration": 2, "input_video_duration": 0, "output_video_duration": 2, "video_count": 1, "SR": "720"},
     (24, 48, 1)),
    ("wan2.6-i2v-flash", {"img_url": DAY_URI}, {"resolution": "720P", "duration": 2, "audio": False},
     {"duration": 2, "input_video_duration": 0, "output_video_duration": 2, "video_count": 1, "SR": "720",
      "audio": False}, (24, 48, 0)),
    ("wan2.7-i2v", media(DAY_FIRST), {"resolution": "720P", "duration": 2},
     {"duration": 2, "input_video_duration": 0, "output_video_duration": 2, "video_count": 1, "SR": 720}, (24, 48, 1)),
    ("wan2.7-i2v-2026-04-25", media(DAY_FIRST), {"resolution": "720P", "duration": 2},
     {"duration": 2, "input_video_duration": 0, "output_video_duration": 2, "video_count": 1, "SR": 720}, (24, 48, 1)),
    ("happyhorse-1.0-i2v", media(DAY_FIRST), {"resolution": "720P", "duration": 3},
     {"duration": 3, "input_video_duration": 0, "output_video_duration": 3, "video_count": 1, "SR": 720}, (24, 72, 1)),
    ("happyhorse-1.1-i2v", media(DAY_FIRST), {"resolution": "480P", "duration": 3, "watermark": False},
     {"duration": 3, "input_video_duration": 0, "output_video_duration": 3, "video_count": 1, "SR": 480}, (24, 72, 1)),
    ("wan2.7-r2v", media(DAY_FIRST, ("reference_image", NIGHT_URI)), {"resolution": "720P", "duration": 2},
     {"duration": 2, "input_video_duration": 0, "output_video_duration": 2, "video_count": 1, "SR": 720,
      "ratio": "16:9"}, (24, 48, 1)),
    ("wan3.0-video", media(DAY_FIRST), {"resolution": "480P", "duration": 2, "audio": False},
     {"duration": 2.0, "input_video_duration": 0, "output_video_duration": 2, "video_count": 1, "SR": 480, "fps": 30,
      "ratio": "adaptive"}, (30, 60, 0)),
    ("wan3.0-video-prime", media(DAY_FIRST), {"resolution": "480P", "duration": 2},
     {"duration": 2.0, "input_video_duration": 0, "output_video_duration": 2, "video_count": 1, "SR": 480, "fps": 30,
      "ratio": "adaptive"}, (30, 60, 1)),
]  # fmt: skip


@pytest.mark.parametrize("model, inputs, parameters, usage, facts", FROM_A_PICTURE)
def test_the_first_frame_is_the_given_picture(
    client: Client, model: str, inputs: Any, parameters: Any, usage: dict[str, Any], facts: tuple[int, int, int]
) -> None:
    answer = finished(client, model, inputs, **parameters)

    assert answer["usage"] == usage
    assert {key: type(value) for key, value in answer["usage"].items()} == {k: type(v) for k, v in usage.items()}
    made = film(client, answer)
    assert (made.codec, made.fps, made.count, made.sound_s > 0) == ("h264", *facts[:2], bool(facts[2]))
    assert all(side % 16 == 0 for side in made.size)
    assert distance(made.frames[0], DAY) < SAME
    assert distance(made.frames[-1], DAY) > SAME, "it moves"


@pytest.mark.parametrize(
    "model, inputs, path",
    [
        ("wan2.2-kf2v-flash", {"first_frame_url": DAY_URI, "last_frame_url": NIGHT_URI}, FRAMES),
        ("wanx2.1-kf2v-plus", {"first_frame_url": DAY_URI, "last_frame_url": NIGHT_URI, "prompt": "x"}, FRAMES),
        ("wan2.7-i2v", media(DAY_FIRST, NIGHT_LAST), None),
        ("wan3.0-video", media(NIGHT_LAST, DAY_FIRST), None),
    ],
)
def test_the_last_frame_is_the_other_picture(client: Client, model: str, inputs: Any, path: str | None) -> None:
    where = {} if path is None else {"path": path}
    answer = finished(client, model, inputs, **where, resolution="720P", duration=5)
    made = film(client, answer)
    assert distance(made.frames[0], DAY) < SAME
    assert distance(made.frames[-1], NIGHT) < SAME
    if path:
        assert answer["usage"] == {"video_duration": 5, "video_count": 1, "SR": 720}
        assert "actual_prompt" in answer["output"]
