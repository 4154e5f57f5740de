"""How large the results of the newer picture models are, and which sizes they refuse: tables, without a server."""

from __future__ import annotations

from typing import Any

import pytest
from message_drafts import ALL_2, ALL_3, ALL_21, ALL_27, IN_TURN, OFF, SET, each, refusal, request

from bailian.sandbox.message_images.sizes import grown

pytestmark = pytest.mark.slow

FORMAT = "Expected format: '<width>*<height>'"


@pytest.mark.parametrize(
    "model, sizes, parameters, expected",
    [
        *each(ALL_2, ([], {}, (2048, 2048)), ([], {"size": "1000*600"}, (992, 608))),
        *each(ALL_2, ([(640, 512)], {}, (1152, 912)), ([(640, 512)], {"size": "1000*600"}, (992, 608))),
        *each((*ALL_3, *ALL_21), ([], {}, (2048, 2048)), ([], {"size": "2560*2560"}, (2560, 2560))),
        *each((*ALL_3, *ALL_21), ([], {"size": "512*512"}, (512, 512)), ([], {"size": "1001*777"}, (1001, 777))),
        *each(ALL_3, ([(768, 1376)], {}, (1520, 2736)), ([(768, 1376)], {"size": "512*512"}, (1520, 2736))),
        *each(ALL_3, ([(768, 1376), (100, 100)], {}, (2048, 2048))),
        *each(ALL_27, ([], {}, (2048, 2048)), ([], {"size": "1K"}, (1024, 1024)), ([], {"size": "960*1696"}, (960, 1696))),
        *each(ALL_27, ([(300, 600)], {"size": "1K"}, (720, 1456)), ([(300, 600)], {"size": "960*960"}, (960, 960))),
        *each(ALL_27, ([], {**SET, "size": "2K"}, (2048, 2048)), ([(600, 300), (300, 600)], SET, (1456, 2896))),
        ("wan2.7-image-pro", [], {"size": "4K"}, (4096, 4096)),
        ("wan2.7-image-pro", [], {"size": "4096*4096"}, (4096, 4096)),
        ("wan2.6-image", [(500, 500)], {}, (1280, 1280)),
        ("wan2.6-image", [(500, 500)], {"size": "2K"}, (2048, 2048)),
        ("wan2.6-image", [(500, 500)], {"size": "768*768"}, (768, 768)),
        ("wan2.6-image", [], IN_TURN, (1280, 1280)),
        ("wan2.5-i2i-preview", [(500, 500)], {"size": "1280*1280"}, (1280, 1280)),
        ("wan2.6-t2i", [], {}, (1280, 1280)),
        ("wan2.6-t2i", [], {"size": "1440*1440"}, (1440, 1440)),
        ("z-image-turbo", [], {"size": "512*512"}, (512, 512)),
    ],
)  # fmt: skip
def test_sizes(model: str, sizes: list[tuple[int, int]], parameters: dict[str, Any], expected: tuple[int, int]) -> None:
    made = request(model, *sizes, **parameters)
    assert (made.width, made.height) == expected


@pytest.mark.parametrize(
    "model, pictures, size, words",
    [
        *each((*ALL_2, *ALL_3, *ALL_21), (0, "1K", FORMAT), (0, "3:4", FORMAT), (1, "1024x1024", FORMAT)),
        *each((*ALL_2, *ALL_3, *ALL_21), (0, 1024, FORMAT), (0, "0*9", FORMAT), (0, " 512*512", FORMAT)),
        *each(ALL_2, (0, "511*512", "Size 511*512 is out of range [512*512, 2048*2048]")),
        *each(ALL_2, (1, "2048*2064", "Size 2048*2064 is out of range [512*512, 2048*2048]")),
        *each((*ALL_3, *ALL_21), (0, "2561*2560", "Image area must be between 262144 and 6553600")),
        *each((*ALL_3, *ALL_21), (1, "2049*2048", "Image area must be between 262144 and 4194304")),
        *each((*ALL_3, *ALL_21), (0, "4800*512", OFF + "size 4800*512: the ratio of width and height is out of range")),
        *each(ALL_27, (0, "720P", FORMAT), (0, "2k", FORMAT), (0, "1024x1024", FORMAT)),
        *each(ALL_27, (0, "767*768", "Total pixels (589056) must be between 589824 and {most}")),
        *each(ALL_27, (1, "4096*4096", "Total pixels (16777216) must be between 589824 and 4194304")),
        *each(ALL_27, (1, "4K", "Size 4K is not supported for i2i scenario. Maximum supported size is 2K")),
        *each(ALL_27, (0, "4000*400", OFF + "size 4000*400: the ratio of width and height is out of range")),
        ("wan2.7-image", 0, "4K", "Size 4K is not supported for t2i scenario. Maximum supported size is 2K"),
        ("wan2.7-image-pro", 0, "4097*4096", "Total pixels (16781312) must be between 589824 and 16777216"),
        ("wan2.6-image", 1, "4K", "Size 4K is not supported for i2i scenario. Maximum supported size is 2K"),
        ("wan2.6-image", 1, "3000*700", OFF + "size 3000*700: the ratio of width and height is out of range"),
        ("wan2.5-i2i-preview", 1, "1K", FORMAT),
        ("wan2.5-i2i-preview", 1, "1281*1280", "Total pixels (1639680) must be between 589824 and 1638400."),
        ("wan2.6-t2i", 0, "1441*1440", "Total pixels (2075040) must be between 589824 and 2073600."),
    ],
)  # fmt: skip
def test_wrong_sizes(model: str, pictures: int, size: Any, words: str) -> None:
    most = 16777216 if model.endswith("pro") else 4194304
    assert refusal(model, pictures, size=size) == words.replace("{most}", str(most))


@pytest.mark.parametrize("parameters", [{**SET, "size": "4K"}, {**SET, "size": "2049*2048"}])
def test_a_set_is_never_larger_than_2k(parameters: dict[str, Any]) -> None:
    words = refusal("wan2.7-image-pro", **parameters)
    assert words in (
        "Size 4K is not supported for sequential scenario. Maximum supported size is 2K",
        "Total pixels (4196352) must be between 589824 and 4194304",
    )


@pytest.mark.parametrize("size", ["1K", "1281*1280", "700*700"])
def test_texts_and_pictures_in_turn_have_their_own_sizes(size: str) -> None:
    assert refusal("wan2.6-image", **IN_TURN, size=size)


def test_a_grown_picture_has_at_most_the_area() -> None:
    assert grown(768, 1376, 2048 * 2048) == (1520, 2736)  # measured at the service
    for width in range(50, 1000, 37):
        wide, high = grown(width, 500, 2048 * 2048)
        assert wide * high <= 2048 * 2048
        assert wide % 16 == high % 16 == 0
