"""What the models that draw and edit in one call draw shows what was asked for."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from typing import Any

import pytest
from message_bodies import blocking, finished, links_of, opened, picture
from PIL import Image, ImageChops

from bailian.sandbox import Sandbox
from bailian.sandbox.edits.drawing import opened as picture_of
from bailian.sandbox.images.drawing import Picture, png_of, scene
from bailian.sandbox.message_images.drawing import (
    BOX_COLOUR,
    MessagePicture,
    draw_message_picture,
    in_palette,
    places_of,
)
from bailian.sandbox.results import picture_of_result as draws_of
from bailian.sandbox.tasks.requests import SEED_MAX
from tests.support.sandbox_client import Client

pytestmark = pytest.mark.slow

COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0)}


def stored(name: str) -> bytes:
    """A store of pictures in one colour, by the colour's name."""
    return png_of(Image.new("RGB", (400, 300), name), "x")


def drawn(**changes: Any) -> Image.Image:
    wanted: dict[str, Any] = {
        "picture": Picture("a cat", 7, 0, 640, 480, "wan2.7-image"),
        "number": 1,
        "total": 1,
        "scenario": "t2i",
    }
    return Image.open(io.BytesIO(draw_message_picture(MessagePicture(**{**wanted, **changes}), stored)))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_input_is_shown_in_its_order(count: int) -> None:
    names = tuple(list(COLOURS)[:count])
    image = drawn(inputs=names, scenario="i2i")
    for name, (left, top, side) in zip(names, places_of(image.size, count), strict=True):
        assert image.getpixel((left + side * 3 // 4, top + side // 2)) == COLOURS[name]


@pytest.mark.parametrize("size", [(512, 512), (768, 1376), (4096, 512)])
def test_ten_inputs_have_room(size: tuple[int, int]) -> None:
    places = places_of(size, 10)
    assert all(left + side <= size[0] and 0 < top < top + side <= size[1] for left, top, side in places)
    assert all(one[0] + one[2] < other[0] for one, other in itertools.pairwise(places))


def test_boxes_are_drawn_where_they_were_asked_for() -> None:
    """In the small picture; the large one is tinted, but changes there, too."""
    box = (100, 60, 300, 240)
    image = drawn(inputs=("red", "blue"), boxes=((box,), ()), scenario="i2i")
    left, top, side = places_of(image.size, 2)[0]
    scale = side / 400
    edge = image.getpixel((left + round(box[0] * scale), top + round(150 * scale)))
    assert isinstance(edge, tuple)
    assert edge != COLOURS["red"]
    assert edge[2] > 100, f"towards {BOX_COLOUR}"
    bare, last = (drawn(inputs=("red", "blue"), boxes=boxes, scenario="i2i") for boxes in ((), ((), (box,))))
    left, top, right, _ = ImageChops.difference(bare, last).crop((0, 60, 640, 300)).getbbox() or (0, 0, 0, 0)
    assert (left, top + 60, right) == pytest.approx((160, 96, 480), abs=4), "1.6 times as large as the picture"


def test_a_palette_gives_the_colours_in_their_shares() -> None:
    palette = [("#102030", 0.5), ("#c04040", 0.2), ("#f0e0a0", 0.3)]
    image = in_palette(scene(Picture("a cat", 7, 0, 640, 480, "x")), palette)
    counts = {colour: count for count, colour in image.getcolors() or []}
    assert set(counts) == {(0x10, 0x20, 0x30), (0xC0, 0x40, 0x40), (0xF0, 0xE0, 0xA0)}
    for name, share in palette:
        colour = tuple(bytes.fromhex(name[1:]))
        assert counts[colour] / (640 * 480) == pytest.approx(share, abs=0.12)


def test_what_makes_a_difference_is_seen() -> None:
    """Ribbon and number say which picture of how many this is, and from which seed."""
    base = Picture("a cat", 7, 0, 640, 480, "wan2.7-image")
    made = [
        drawn(picture=base),
        drawn(picture=base, total=2),
        drawn(picture=base, total=2, scenario="sequential"),
        drawn(picture=Picture("a cat", 7, 1, 640, 480, "wan2.7-image"), total=2),
        drawn(picture=Picture("a cat", 8, 0, 640, 480, "wan2.7-image")),
        drawn(picture=Picture("a dog", 7, 0, 640, 480, "wan2.7-image")),
        drawn(picture=Picture("a cat", 7, 0, 640, 480, "wan2.6-image")),
        drawn(palette=(("#ff0000", 0.5), ("#00ff00", 0.5))),
    ]
    assert len({image.tobytes() for image in made}) == len(made)
    assert drawn(picture=base).tobytes() == made[0].tobytes(), "the same request gives the same picture"


def test_a_prompt_that_asks_for_it_gets_a_transparent_ground(client: Client) -> None:
    """Of 2.1 alone."""
    clear = opened(
        client, links_of(blocking(client, "qwen-image-2.1-pro", text="a cat, transparent background").json())[0]
    )
    assert clear.mode == "RGBA"
    assert clear.getchannel("A").getextrema() == (0, 255)
    for model, text in (("qwen-image-2.1-pro", "a cat"), ("qwen-image-3.0", "a cat, transparent background")):
        assert opened(client, links_of(blocking(client, model, text=text).json())[0]).mode == "RGB"


def test_a_watermark_stays_on_a_transparent_ground() -> None:
    base = Picture("a cat", 7, 0, 640, 480, "qwen-image-2.1-pro")
    for watermark, alpha in (("", 0), ("Qwen-Image", 255)):
        image = drawn(picture=replace(base, watermark=watermark), clear=True)
        assert image.getchannel("A").getpixel((620, 465)) == alpha


def test_a_seed_that_is_picked_is_one_that_could_be_asked_for(client: Client, box: Sandbox) -> None:
    for _ in range(20):
        blocking(client, "z-image-turbo")
    seeds = {draws_of(task, 0).seed for task in box.sync_calls}
    assert len(seeds) == 20
    assert max(seeds) <= SEED_MAX


@pytest.mark.parametrize(
    "model, pictures, parameters",
    [
        ("qwen-image-3.0", [], {"size": "777*1001", "n": 2}),
        ("qwen-image-3.0", [picture((768, 1376))], {}),
        ("wan2.7-image-pro", [], {"size": "4K", "n": 1}),
        ("wan2.7-image", [picture((900, 300))] * 2, {"size": "1K", "n": 2}),
        ("wan2.7-image", [], {"enable_sequential": True, "n": 3, "size": "1K"}),
        ("wan2.6-image", [picture()], {"n": 2}),
    ],
)  # fmt: skip
def test_files_are_as_large_as_the_usage_says(
    client: Client, model: str, pictures: list[str], parameters: dict[str, Any]
) -> None:
    answer = blocking(client, model, pictures, **parameters).json()
    usage = answer["usage"]
    size = usage.get("size") or f"{usage['output_width']}*{usage['output_height']}"
    images = [opened(client, link) for link in links_of(answer)]
    assert {f"{image.width}*{image.height}" for image in images} == {size}
    assert len({image.tobytes() for image in images}) == len(images)


def test_picture_i_of_a_list_of_pictures_uses_the_next_seed(client: Client) -> None:
    """The ribbons differ, what is under them does not."""

    def middle(seed: int, n: int) -> list[bytes]:
        answer = finished(client, "wan2.5-i2i-preview", [picture()], "any", seed=seed, n=n)
        links = [result["url"] for result in answer["output"]["results"]]
        return [opened(client, link).crop((300, 200, 900, 700)).tobytes() for link in links]

    assert middle(5, 2)[1] == middle(6, 1)[0]


def test_an_input_is_kept_as_it_came(client: Client) -> None:
    """Transparent parts are shown white."""
    answer = blocking(client, "qwen-image-3.0", [picture(mode="RGBA", colour="red")]).json()
    assert opened(client, links_of(answer)[0]).mode == "RGB"
    assert picture_of(stored("red")).getpixel((1, 1)) == (255, 0, 0)
