"""The vendor's own SDK as judge of the films: pictures, frames and media, also from files it uploads itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from film_bodies import DAY, DAY_URI, NIGHT, SAME, Seen, clip, distance, recording, seen

from bailian.sandbox import Sandbox
from tests.support.sandbox_client import Client

pytest.importorskip("av")

# What the SDK itself or what it imports deprecates is not ours to mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def films(sdk: Any, box: Sandbox) -> Any:
    box.settings.task_s = 0  # who asks once before the end waits a second
    return sdk.VideoSynthesis


@pytest.fixture
def local(tmp_path: Path) -> dict[str, str]:
    """Files on disk, as the SDK wants them named."""
    DAY.save(tmp_path / "day.png")
    NIGHT.save(tmp_path / "night.jpg", quality=95)
    (tmp_path / "clip.mp4").write_bytes(clip(3, sound=True))
    (tmp_path / "song.wav").write_bytes(recording(3))
    return {path.stem: f"file://{path}" for path in tmp_path.iterdir() if path.is_file()}


def film_of(client: Client, answer: Any) -> Seen:
    assert (answer.status_code, answer.output.task_status) == (200, "SUCCEEDED"), answer
    return seen(client.download(answer.output.video_url).content)


@pytest.mark.slow
def test_a_film_from_a_picture(films: Any, client: Client, local: dict[str, str]) -> None:
    answer = films.call("wan2.2-i2v-flash", prompt="一只猫", img_url=local["day"], resolution="480P", watermark=False)
    made = film_of(client, answer)
    assert distance(made.frames[0], DAY) < SAME
    assert (answer.usage["duration"], answer.usage["SR"]) == (5, 480)
    assert client.box.tasks[0].body["input"]["img_url"].startswith("oss://")


@pytest.mark.slow
def test_a_film_with_the_given_sound(films: Any, client: Client, local: dict[str, str]) -> None:
    answer = films.call(
        "wan2.6-i2v-flash", prompt="唱", img_url=local["day"], audio_url=local["song"], resolution="720P", duration=2
    )
    assert film_of(client, answer).sound_s == pytest.approx(2, abs=0.1)
    assert answer.usage["audio"] is True


@pytest.mark.slow
def test_a_film_between_two_frames(films: Any, client: Client, local: dict[str, str]) -> None:
    """For this kind of model the SDK takes the other path by itself."""
    answer = films.call(
        "wan2.2-kf2v-flash",
        prompt="日夜交替",
        first_frame_url=local["day"],
        last_frame_url=local["night"],
        resolution="480P",
    )
    made = film_of(client, answer)
    assert (distance(made.frames[0], DAY) < SAME, distance(made.frames[-1], NIGHT) < SAME) == (True, True)
    assert answer.output["actual_prompt"]


MEDIA = [
    ("wan2.7-i2v", ["first_frame:day", "last_frame:night", "driving_audio:song"], {"duration": 2}),
    ("wan2.7-i2v", ["first_clip:clip"], {"duration": 5}),
    ("wan2.7-r2v", ["reference_image:day", "reference_video:clip"], {"duration": 2, "ratio": "9:16"}),
    ("wan2.7-videoedit", ["video:clip", "reference_image:day"], {"audio_setting": "origin"}),
    ("wan3.0-video", ["first_frame:day"], {"duration": 2}),
    ("wan3.0-video-prime", ["reference_image:day", "reference_video:clip", "reference_audio:song"], {"duration": 2}),
]


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize("model, parts, parameters", MEDIA)
def test_a_list_of_media(
    films: Any, client: Client, local: dict[str, str], model: str, parts: list[str], parameters: dict[str, Any]
) -> None:
    named = [part.split(":") for part in parts]
    media = [{"type": role, "url": local[name]} for role, name in named]
    answer = films.call(model, prompt="图1 走过", media=media, resolution="720P", watermark=False, **parameters)
    made = film_of(client, answer)
    assert made.sound_s > 0
    assert [one["role"] for one in client.box.tasks[0].request.details["inputs"]] == [role for role, _ in named]
    assert answer.usage["SR"] == 720


@pytest.mark.slow
def test_references_by_their_addresses(films: Any, client: Client, local: dict[str, str]) -> None:
    answer = films.call(
        "wan2.6-r2v", prompt="character1", reference_urls=[local["day"], local["clip"]], size="1280*720", duration=2
    )
    assert film_of(client, answer).size == (1280, 720)
    assert answer.usage["size"] == "1280*720"
    assert answer.usage["duration"] == 4.5


@pytest.mark.slow
def test_pictures_of_horses_may_be_inline_and_nothing_may_be_uploaded(
    films: Any, client: Client, local: dict[str, str]
) -> None:
    first = {"type": "first_frame", "url": DAY_URI}
    answer = films.call("happyhorse-1.1-i2v", prompt="x", media=[first], resolution="480P", duration=3)
    assert distance(film_of(client, answer).frames[0], DAY) < SAME

    failed = films.call("happyhorse-1.0-video-edit", prompt="x", media=[{"type": "video", "url": local["clip"]}])
    assert (failed.output.task_status, failed.output["code"]) == ("FAILED", "InvalidParameter")
    assert failed.output["message"].startswith("Failed to download oss://")


@pytest.mark.parametrize("model", ["wan2.7-i2v", "happyhorse-1.1-i2v"])
def test_the_old_field_is_accepted_and_fails_late(films: Any, model: str) -> None:
    """What several clients send to these models, the vendor's among them."""
    answer = films.call(model, prompt="x", img_url=DAY_URI)
    assert answer.output.task_status == "FAILED"
    assert (answer.output["code"], answer.output["message"]) == ("InvalidParameter", "Field required: input.media")


@pytest.mark.slow
def test_a_film_from_a_text(films: Any, client: Client) -> None:
    answer = films.call("wan2.7-t2v", prompt="一只猫", resolution="720P", ratio="3:4", duration=2)
    made = film_of(client, answer)
    assert (made.size, answer.usage["ratio"]) == ((832, 1104), "3:4")


def test_cancel_and_list(films: Any, box: Sandbox) -> None:
    box.settings.task_s = 3600
    first = {"type": "first_frame", "url": DAY_URI}
    submitted = films.async_call("wan2.7-i2v", prompt="x", media=[first])
    assert films.list(model_name="wan2.7-i2v").output["total"] == 1
    assert films.cancel(submitted).status_code == 200
    assert films.fetch(submitted).output.task_status == "CANCELED"
