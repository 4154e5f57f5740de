"""Masks: pure black and white, of the picture's size, whatever they were made from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from bailian.errors import InvalidRequest
from bailian.files import pictures
from bailian.inputs import masks
from bailian.modalities.rules import mask_rules
from bailian.types import Input

SIZE = (60, 40)


def white(mask: Image.Image) -> int:
    assert set(mask.tobytes()) <= {0, 255}
    return mask.tobytes().count(255)


def drawn(shape: str, text: str) -> Image.Image:
    mask = masks.empty(SIZE)
    masks.add_shape(mask, shape, masks.numbers("m", text, SIZE, None if shape == "polygon" else 4))
    return mask


def problems(mask: Image.Image) -> list[str]:
    found = mask_rules.problems(Input("https://e.com/a.png"), Input("file:///m.png", mask=masks.look(mask)))
    return [problem.message for problem in found]


def test_a_box_covers_exactly_its_pixels() -> None:
    mask = drawn("box", "10,5,20,30")
    assert white(mask) == 20 * 30
    assert (mask.getpixel((10, 5)), mask.getpixel((29, 34)), mask.getpixel((30, 34))) == (255, 255, 0)


def test_percent_is_of_width_and_height() -> None:
    assert drawn("box", "50%,50%,50%,50%").tobytes() == drawn("box", "30,20,30,20").tobytes()


def test_ellipse_and_polygon_stay_inside_their_outline() -> None:
    assert 0 < white(drawn("ellipse", "10,5,20,30")) < 20 * 30
    assert 0 < white(drawn("polygon", "0,0, 59,0, 0,39")) < 60 * 40


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1;2;3;4", "%,%,%,%"])
def test_what_is_no_area_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="x,y,w,h"):
        masks.numbers("mask_box", text, SIZE, 4)


def test_an_area_without_extent_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        drawn("box", "5,5,0,10")


def test_a_colour_is_found_with_tolerance() -> None:
    image = Image.new("RGB", SIZE, "blue")
    ImageDraw.Draw(image).rectangle((0, 0, 9, 9), fill=(250, 10, 10))
    assert white(masks.of_color(image, "#ff0000")) == 100
    with pytest.raises(InvalidRequest, match="colour"):
        masks.of_color(image, "nocolour")


def test_transparency_is_the_region() -> None:
    image = Image.new("RGBA", SIZE, (9, 9, 9, 255))
    image.paste((0, 0, 0, 0), (0, 0, 10, 10))
    assert white(masks.of_alpha(image)) == 100
    with pytest.raises(InvalidRequest, match="transparency"):
        masks.of_alpha(image.convert("RGB"))


def test_a_painted_copy_shows_the_region_in_spite_of_jpeg_noise(tmp_path: Path) -> None:
    image = Image.effect_noise((64, 64), 40).convert("RGB").resize((256, 256))
    copy = image.copy()
    ImageDraw.Draw(copy).rectangle((64, 64, 127, 127), fill=(255, 0, 255))
    copy.save(tmp_path / "copy.jpg", quality=95)
    mask = masks.of_difference(image, pictures.as_seen((tmp_path / "copy.jpg").read_bytes()))
    assert 0.9 * 64 * 64 < white(mask) < 1.3 * 64 * 64
    with pytest.raises(InvalidRequest, match="256"):
        masks.of_difference(image, copy.resize((10, 10)))


@given(st.integers(1, 5))
def test_growing_and_shrinking_go_by_pixels(radius_px: int) -> None:
    mask = masks.empty((60, 60))
    masks.add_shape(mask, "box", (20, 20, 20, 20))
    assert white(masks.grown(mask, radius_px)) == (20 + 2 * radius_px) ** 2
    assert white(masks.grown(mask, -radius_px)) == (20 - 2 * radius_px) ** 2


def test_inverted_twice_is_the_same() -> None:
    mask = drawn("ellipse", "10,5,20,30")
    assert masks.inverted(masks.inverted(mask)).tobytes() == mask.tobytes()
    assert white(mask) + white(masks.inverted(mask)) == 60 * 40


@given(st.sampled_from(["L", "RGB", "RGBA", "P", "1", "LA"]), st.integers(1, 90), st.integers(1, 90))
def test_anything_can_be_repaired(mode: str, width: int, height: int) -> None:
    """The result is pure and has the picture's size; the rules complain at most of too much or too little."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGBA").convert(mode)
    mask = masks.repaired(image, SIZE)
    white(mask)
    assert mask.size == SIZE


@pytest.mark.parametrize(
    "color, says",
    [((128, 128, 128), "pure"), ((255, 0, 0), "pure"), ((0, 0, 0), "all black"), ((255, 255, 255), "all white")],
)
def test_an_unusable_mask_is_refused(color: tuple[int, int, int], says: str) -> None:
    (problem,) = problems(Image.new("RGB", SIZE, color))
    assert says in problem


def test_a_good_mask_passes_in_any_mode() -> None:
    for mode in ("1", "L", "RGB", "RGBA", "P"):
        assert problems(drawn("box", "1,1,5,5").convert(mode)) == []


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_exif_rotation_is_counted_once(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / f"turned.{suffix}", exif=exif)
    data = (tmp_path / f"turned.{suffix}").read_bytes()
    assert pictures.as_seen(data).size == (20, 30)
    upright, _suffix = pictures.upright(data)
    with pictures.opened(upright) as image:
        assert image.size == (20, 30)
        assert pictures.orientation(image) == 1


def test_the_preview_colours_only_the_region() -> None:
    image = Image.new("RGB", SIZE, (10, 20, 30))
    shown = masks.preview(image, drawn("box", "0,0,10,10"))
    assert shown.getpixel((50, 30)) == (10, 20, 30)
    assert shown.getpixel((5, 5)) != (10, 20, 30)
