"""Films from pictures, films and sounds: each model makes a film in which what it was given can be seen and heard."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from film_bodies import (
    DAY,
    DAY_URI,
    FILMS,
    FRAMES,
    NIGHT,
    NIGHT_URI,
    SAME,
    clip,
    distance,
    film,
    finished,
    media,
    recording,
    seen,
    submit,
)
from PIL import Image, ImageOps

from bailian.sandbox import Sandbox
from bailian.sandbox.films.drawing import draw_film
from bailian.sandbox.films.film import Film, ShownInput
from bailian.sandbox.films.models import film_models
from bailian.sandbox.films.scenes import strip_px
from bailian.sandbox.images.drawing import Picture
from bailian.sandbox.video.clips import samples_of
from tests.support.pictures import bytes_of, drawn, uri
from tests.support.sandbox_client import Client
from tests.support.served_files import ServedFiles

pytestmark = pytest.mark.slow

pytest.importorskip("av")


@pytest.fixture(scope="module")
def files() -> Iterator[ServedFiles]:
    made = {
        "clip": clip(3, sound=True),
        "mute": clip(3),
        "two": clip(2),
        "song": recording(3),
        "voice": recording(2),
        "day": bytes_of(DAY),
    }
    with ServedFiles(**made) as files:
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


def test_a_clip_goes_on(client: Client, files: ServedFiles) -> None:
    """The film begins with the clip, whose seconds count in its length and in the bill."""
    answer = finished(
        client, "wan2.7-i2v", media(("first_clip", files["clip"]), NIGHT_LAST), resolution="720P", duration=5
    )
    made = film(client, answer)
    usage = answer["usage"]
    assert (usage["duration"], usage["input_video_duration"], usage["output_video_duration"]) == (5, 3, 2)
    assert made.count == 5 * 24
    assert distance(below_the_words(made.frames[0]), below_the_words(seen(clip(3)).frames[0])) < 2 * SAME
    assert distance(made.frames[-1], NIGHT) < SAME


def below_the_words(image: Image.Image) -> Image.Image:
    return image.crop((0, image.height // 3, image.width, image.height * 9 // 10))


def beside(image: Image.Image, left_share: float) -> Image.Image:
    return image.crop((int(image.width * left_share), 0, image.width, image.height))


@pytest.mark.parametrize("seed", [0, 7, 2147483647])
def test_an_edit_shows_the_films_own_frames(client: Client, files: ServedFiles, seed: int) -> None:
    """The seed chooses the tint; the small reference picture at the lower edge is left out of the comparison."""
    parts = media(("video", files["clip"]), ("reference_image", DAY_URI), prompt="换成雪景")
    answer = finished(client, "wan2.7-videoedit", parts, resolution="720P", seed=seed)
    assert answer["usage"] == {
        "duration": 6, "input_video_duration": 3, "output_video_duration": 3, "video_count": 1, "SR": 720,
    }  # fmt: skip
    made, own = film(client, answer), seen(clip(3))
    assert made.count == 3 * 24
    side, gap = strip_px(made.size, 1)
    right = (side + 2 * gap) / made.size[0]
    edited, given = (beside(below_the_words(frames[20]), right) for frames in (made.frames, own.frames))
    assert distance(*(ImageOps.equalize(image.convert("L")) for image in (edited, given))) < 30, "the same shapes"
    assert distance(edited, given) > SAME, "in other colours"


def test_references_stand_in_the_film(client: Client, files: ServedFiles) -> None:
    """Each as it is, small, with the name that prompts have for it."""
    parts = media(("reference_image", DAY_URI), ("reference_video", files["clip"]), ("reference_image", NIGHT_URI))
    answer = finished(client, "wan2.7-r2v", parts, resolution="720P", ratio="16:9", duration=2)
    frame = film(client, answer).frames[30]
    side, gap = strip_px(frame.size, 3)
    top = frame.height - side - 2 * gap
    for place, picture in enumerate((DAY, seen(clip(3)).frames[0], NIGHT)):
        small = picture.copy()
        small.thumbnail((side, side))
        left = gap + place * (side + gap)
        box = (left, top + small.height // 3, left + small.width, top + small.height - 2)
        own = small.crop((0, small.height // 3, small.width, small.height - 2))
        assert distance(frame.crop(box), own) < 2 * SAME, place


SIZES = [
    ("wan2.2-i2v-flash", {"img_url": uri(drawn((750, 1000)))}, {"resolution": "720P"}, (816, 1104)),
    ("wan2.2-i2v-flash", {"img_url": uri(drawn((1920, 1080)))}, {"resolution": "480P"}, (832, 464)),
    ("wan2.7-t2v", {"prompt": "x"}, {"resolution": "720P", "ratio": "4:3", "duration": 2}, (1104, 832)),
    ("wan2.7-t2v", {"prompt": "x"}, {"duration": 2}, (1920, 1080)),
    ("happyhorse-1.1-t2v", {"prompt": "x"}, {"resolution": "480P", "ratio": "9:21", "duration": 3}, (400, 960)),
    ("wan3.0-video", {"prompt": "x"}, {"resolution": "480P", "duration": 2}, (832, 480)),
    ("wan3.0-video", media(("reference_image", DAY_URI)), {"resolution": "720P", "duration": 2}, (1104, 816)),
    ("wan2.7-r2v", media(("reference_image", DAY_URI)), {"resolution": "720P", "ratio": "9:16", "duration": 2}, (720, 1280)),
]  # fmt: skip


@pytest.mark.parametrize("model, inputs, parameters, size", SIZES)
def test_the_tier_sets_the_area_and_ratio_or_picture_the_shape(
    client: Client, box: Sandbox, model: str, inputs: Any, parameters: Any, size: tuple[int, int]
) -> None:
    finished(client, model, inputs, **parameters)
    assert (box.tasks[0].request.width, box.tasks[0].request.height) == size


@pytest.mark.parametrize("inputs, parameters, heard", [
    ({}, {}, "tone"),
    ({"audio_url": "song"}, {}, "given"),
    ({"audio_url": "song"}, {"audio": False}, ""),
])  # fmt: skip
def test_the_sound(client: Client, files: ServedFiles, inputs: Any, parameters: Any, heard: str) -> None:
    named = {name: files[file] for name, file in inputs.items()}
    answer = finished(
        client, "wan2.6-i2v-flash", {"img_url": DAY_URI, **named}, resolution="720P", duration=5, **parameters
    )
    data = client.download(answer["output"]["video_url"]).content
    assert answer["usage"]["audio"] == (heard != "")
    if not heard:
        assert seen(data).sound_s == 0
        return
    samples = array("h", samples_of(data, 5))
    second = len(samples) // 5
    loud = [max(map(abs, samples[at * second + 1000 : (at + 1) * second - 1000])) > 50 for at in range(5)]
    assert loud == ([True] * 5 if heard == "tone" else [True, True, True, False, False]), "silence follows a short one"


def test_a_kept_sound_is_the_films_own(client: Client, box: Sandbox, files: ServedFiles) -> None:
    for name, kept in (("clip", True), ("mute", False)):
        answer = finished(
            client, "wan2.7-videoedit", media(("video", files[name])), resolution="720P", audio_setting="origin"
        )
        assert (film(client, answer).sound_s > 0) == kept


def test_a_horse_marks_its_films_unless_told_not_to(client: Client) -> None:
    corners = []
    for parameters in ({}, {"watermark": False}):
        first = media(DAY_FIRST)
        made = film(client, finished(client, "happyhorse-1.1-i2v", first, resolution="480P", duration=3, **parameters))
        width, height = made.size
        corners.append(made.frames[0].crop((width * 3 // 4, height * 9 // 10, width, height)))
    assert distance(*corners) > SAME


BILLS = [
    ("wan2.7-r2v", ["reference_video:clip"], {"duration": 2}, 3 + 2),
    ("wan2.7-r2v", ["reference_video:clip"] * 2 + ["reference_image:day"], {"duration": 2}, 2 * 2.5 + 2),
    ("wan2.7-r2v", ["reference_video:clip"] * 3, {"duration": 2}, 3 * 1.65 + 2),
    ("wan2.7-r2v", ["reference_image:day"] * 2, {"duration": 2}, 2),
    ("wan2.7-videoedit", ["video:clip"], {"duration": 2}, 3 + 2),
    ("happyhorse-1.0-video-edit", ["video:clip"], {}, 3 + 3),
    ("wan3.0-video", ["reference_video:clip", "reference_audio:song"], {"duration": 2}, 3 + 3 + 2),
    ("wan3.0-video", ["first_frame:day"], {"duration": -1}, 10),
]


@pytest.mark.parametrize("model, parts, parameters, billed", BILLS)
def test_seconds_of_inputs_are_billed(
    client: Client, files: ServedFiles, model: str, parts: list[str], parameters: Any, billed: float
) -> None:
    named = [(role, DAY_URI if name == "day" else files[name]) for role, name in (part.split(":") for part in parts)]
    usage = finished(client, model, media(*named), resolution="720P", **parameters)["usage"]
    assert usage["duration"] == pytest.approx(billed)
    assert usage["input_video_duration"] + usage["output_video_duration"] == pytest.approx(billed)


def test_of_mixed_references_all_share_the_seconds(client: Client, files: ServedFiles) -> None:
    inputs = {"prompt": "character1", "reference_urls": [files["clip"], files["day"]]}
    usage = finished(client, "wan2.6-r2v-flash", inputs, size="1280*720", duration=2, audio=False)["usage"]
    assert usage == {
        "duration": 4.5, "input_video_duration": 2.5, "output_video_duration": 2, "video_count": 1, "SR": 720,
        "size": "1280*720", "audio": False,
    }  # fmt: skip
    old = {"prompt": "character1", "reference_video_urls": [files["clip"]]}
    assert finished(client, "wan2.6-r2v", old, size="1280*720", duration=2)["usage"]["duration"] == 5.0


@pytest.mark.parametrize("region, names", [
    ("singapore", ["wan2.1-t2v-turbo", "wan2.1-t2v-plus", "wan2.1-i2v-turbo", "wan2.1-i2v-plus", "wan2.1-kf2v-plus", "wan2.1-vace-plus"]),
    ("virginia", ["wan2.6-i2v-us", "wan2.6-t2v-us"]),
])  # fmt: skip
def test_some_names_are_another_regions(client: Client, box: Sandbox, region: str, names: list[str]) -> None:
    inputs = {"img_url": DAY_URI, "first_frame_url": DAY_URI, "prompt": "x", "function": "image_reference"}
    inputs["ref_images_url"] = [DAY_URI]  # type: ignore[assignment]
    for name in names:
        path = FRAMES if "kf2v" in name else FILMS
        answer = submit(client, name, inputs, path)
        assert answer.json()["message"] == "Model not exist."
        box.settings.change({"region": region})
        answer = submit(client, name, inputs, path)
        assert answer.json().get("message") != "Model not exist.", name
        box.settings.change({"region": "beijing"})


def test_every_model_is_listed_and_has_a_path(client: Client) -> None:
    pages = [client.get("/models", page_size=100, page_no=page).json()["output"]["models"] for page in (1, 2)]
    listed = [row for page in pages for row in page]
    kinds = {row["model"]: row["inference_metadata"]["response_modality"] for row in listed}
    for name, model in film_models([]).items():
        if not model.region:
            assert kinds[name] == ["Video"], name


def test_a_film_is_cheap(files: ServedFiles) -> None:
    inputs = (ShownInput("first_frame", "image", "day"), ShownInput("last_frame", "image", "day"))
    begin = time.process_time()
    draw_film(Film(Picture("x", 1, 0, 1280, 720, "m"), 5, 24, inputs, ("tone", "")), lambda _: bytes_of(DAY))
    assert time.process_time() - begin < 4  # 0.5 s on an idle machine


@pytest.mark.parametrize("model, prompt, kept", [
    ("wan2.7-t2v", "猫" * 5001, 5000), ("happyhorse-1.1-t2v", "猫" * 2501, 2500), ("happyhorse-1.1-t2v", "x" * 5001, 5000),
])  # fmt: skip
def test_a_long_prompt_is_cut_without_a_word(client: Client, box: Sandbox, model: str, prompt: str, kept: int) -> None:
    answer = finished(client, model, {"prompt": prompt}, duration=5, resolution="720P")
    assert answer["output"]["orig_prompt"] == prompt
    assert box.tasks[0].request.read_prompt == prompt[:kept]


def test_a_later_sandbox_on_the_same_file_makes_the_same_film(tmp_path: Path) -> None:
    films = []
    path = tmp_path / "state.sqlite3"
    with Sandbox(task_s=0, state_path=path) as box:
        client = Client(box)
        answer = finished(client, "wan2.7-i2v", media(DAY_FIRST, NIGHT_LAST), resolution="720P", duration=2, seed=1)
        films.append(client.download(answer["output"]["video_url"]).content)
    with Sandbox(task_s=0, state_path=path) as box:
        client = Client(box)
        answer = client.poll(answer["output"]["task_id"]).json()
        assert answer["usage"]["duration"] == 2
        films.append(client.download(answer["output"]["video_url"]).content)
    assert films[0] == films[1]
