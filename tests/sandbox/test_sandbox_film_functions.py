"""The functions of the "all in one" film model: what each did to the given film can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from film_bodies import DAY, NIGHT, SAME, Seen, clip, distance, film, finished, seen
from PIL import Image, ImageDraw

from tests.support.pictures import bytes_of
from tests.support.sandbox_client import Client
from tests.support.served_files import ServedFiles

pytestmark = pytest.mark.slow

pytest.importorskip("av")

SIZE = (480, 368)
BOX = (120, 160, 320, 300)
MASK = Image.new("L", SIZE)
ImageDraw.Draw(MASK).rectangle((BOX[0], BOX[1], BOX[2] - 1, BOX[3] - 1), fill=255)


@pytest.fixture(scope="module")
def own() -> Seen:
    return seen(clip(2, SIZE))


@pytest.fixture(scope="module")
def files() -> Iterator[ServedFiles]:
    made = {"clip": clip(2, SIZE), "long": clip(7, SIZE), "one": clip(1, SIZE)}
    pictures = {"day": bytes_of(DAY), "night": bytes_of(NIGHT), "mask": bytes_of(MASK)}
    with ServedFiles(**made, **pictures) as files:
        yield files


def made(client: Client, function: str, inputs: dict[str, Any], **parameters: Any) -> Seen:
    body = {"prompt": "a red cat", "function": function, **inputs}
    answer = finished(client, "wanx2.1-vace-plus", body, **parameters)
    shown = film(client, answer)
    seconds = round(shown.count / shown.fps)
    assert answer["usage"] == {"video_duration": seconds, "video_ratio": "standard", "video_count": 1}
    assert ("actual_prompt" in answer["output"]) == parameters.get("prompt_extend", True)
    assert shown.sound_s == 0
    return shown


def test_references_make_a_new_film(client: Client, files: ServedFiles) -> None:
    inputs = {"ref_images_url": [files["day"], files["night"]]}
    shown = made(client, "image_reference", inputs, obj_or_bg=["obj", "bg"], size="720*1280")
    assert (shown.size, shown.count) == ((720, 1280), 150)


@pytest.mark.parametrize("control", ["depth", "scribble", "posebody"])
def test_repainting_keeps_what_its_strength_leaves(client: Client, files: ServedFiles, own: Seen, control: str) -> None:
    how_far = []
    for strength in (0, 0.4, 1):
        shown = made(
            client, "video_repainting", {"video_url": files["clip"]}, control_condition=control, strength=strength
        )
        assert (shown.size, shown.count) == (SIZE, 60)
        how_far.append(distance(shown.frames[30].crop(BOX), own.frames[24].crop(BOX)))
    assert how_far[0] < SAME < how_far[1] < how_far[2]


def test_an_edit_changes_what_the_mask_names_alone(client: Client, files: ServedFiles, own: Seen) -> None:
    inputs = {"video_url": files["clip"], "mask_image_url": files["mask"], "mask_frame_id": 1}
    shown = made(client, "video_edit", inputs, mask_type="fixed", prompt_extend=False)
    new, old = shown.frames[30], own.frames[24]
    assert distance(new.crop(BOX), old.crop(BOX)) > SAME
    beside = (BOX[2] + 8, BOX[1], SIZE[0], BOX[3])
    assert distance(new.crop(beside), old.crop(beside)) < SAME


@pytest.mark.parametrize("inputs, first, last", [
    ({"first_frame_url": "day", "last_frame_url": "night"}, DAY, NIGHT),
    ({"first_frame_url": "day", "last_clip_url": "one"}, DAY, None),
    ({"first_clip_url": "one", "last_frame_url": "night"}, None, NIGHT),
    ({"first_clip_url": "one", "last_clip_url": "one"}, None, None),
])  # fmt: skip
def test_an_extension_begins_and_ends_as_given(
    client: Client, files: ServedFiles, inputs: dict[str, str], first: Image.Image | None, last: Image.Image | None
) -> None:
    shown = made(client, "video_extension", {name: files[file] for name, file in inputs.items()})
    assert shown.count == 150
    own = seen(clip(1, SIZE))
    for frame, picture, given in ((shown.frames[0], first, own.frames[0]), (shown.frames[-1], last, own.frames[-1])):
        if picture is not None:
            assert distance(frame, picture) < SAME
        else:
            middle = (frame.width // 4, frame.height // 3, frame.width * 3 // 4, frame.height * 9 // 10)
            assert distance(frame.crop(middle), given.resize(frame.size).crop(middle)) < 2 * SAME


def test_outpainting_makes_room_around_the_film(client: Client, files: ServedFiles, own: Seen) -> None:
    scales = {"left_scale": 2.0, "right_scale": 1.0, "top_scale": 1.0, "bottom_scale": 2.0}
    shown = made(client, "video_outpainting", {"video_url": files["clip"]}, **scales)
    assert shown.size == (720, 544)
    width, height = round(720 * 2 / 3), round(544 * 2 / 3)
    kept = shown.frames[30].crop((720 - width, 0, 720, height)).crop((10, height // 3, width, height))
    given = own.frames[24].resize((width, height)).crop((10, height // 3, width, height))
    assert distance(kept, given) < 2 * SAME


def test_of_a_longer_film_the_first_five_seconds_are_used(client: Client, files: ServedFiles) -> None:
    assert made(client, "video_outpainting", {"video_url": files["long"]}, top_scale=1.5).count == 150
