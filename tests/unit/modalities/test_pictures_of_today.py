"""The models that draw and edit in one call: the document's bodies, sizes, limits, and prices before and after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import load
from bailian.errors import InvalidRequest, SetupError
from bailian.modalities import modality_of
from bailian.modalities.picture import image
from bailian.modalities.rules import picture_marks, sizes
from bailian.modalities.rules.fields import check_size, parse_size
from bailian.modalities.rules.ways import called
from bailian.types import Input, Prepared, Probe, StoredRequest

CATALOG = load()
TODAY = [model.name for model in CATALOG.values() if model.parameters and model.kind != "video"]
DOG, CAT, LINK = "file:///dog.png", "file:///cat.png", "https://example.com/a.png"
PALETTE = "#C2D1E6:25%,#CDD8E9:25%,#B5C8DB:50%"
TEXT = {"text": "a cat"}


def prepare(kind: str, region: str = "beijing", probe: Probe | None = None, **values: Any) -> Prepared:
    inputs = {url: Input(url, probe or Probe("PNG", 1600, 900, 1000)) for url in (DOG, CAT)}
    return modality_of(kind).prepare({"prompt": "a cat", **values}, CATALOG, region, inputs)


def draw(model: str, **values: Any) -> Prepared:
    return prepare("image", model=model, **values)


def edit(model: str, *pictures: str, **values: Any) -> Prepared:
    return prepare("image_edit", model=model, image=list(pictures or (DOG,)), **values)


def refusal(prepared: Any, *args: Any, **values: Any) -> str:
    with pytest.raises(InvalidRequest) as raised:
        prepared(*args, **values)
    return str(raised.value)


def message(*content: dict[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}]}


BODIES = [
    # the least that can be asked for: size and n are always said
    (draw("qwen-image-2.0"), message(TEXT),
     {"size": "1024*1024", "n": 1, "watermark": False, "prompt_extend": True}),
    (draw("qwen-image-3.0"), message(TEXT),
     {"size": "1024*1024", "n": 1, "watermark": False, "prompt_extend": True}),
    (draw("qwen-image-2.1-turbo"), message(TEXT),
     {"size": "1024*1024", "n": 1, "watermark": False, "prompt_extend": True}),
    (draw("wan2.7-image"), message(TEXT), {"size": "1024*1024", "n": 1, "watermark": False}),
    (draw("z-image-turbo"), message(TEXT), {"size": "1024*1024", "prompt_extend": False}),
    (edit("qwen-image-3.0-pro"), message({"image": DOG}, TEXT),
     {"size": "1360*768", "n": 1, "watermark": False, "prompt_extend": True}),
    (edit("wan2.6-image"), message({"image": DOG}, TEXT),
     {"size": "1360*768", "n": 1, "watermark": False, "prompt_extend": True}),
    (edit("wan2.5-i2i-preview"), {"prompt": "a cat", "images": [DOG]},
     {"size": "1360*768", "n": 1, "watermark": False, "prompt_extend": True}),
    # all that a page documents
    (draw("qwen-image-3.0-pro", size="2048*2048", n=6, seed=1, negative_prompt="x", thinking=True,
          prompt_extend_mode="agent", watermark=True), message(TEXT),
     {"size": "2048*2048", "n": 6, "seed": 1, "negative_prompt": "x", "enable_thinking": True,
      "prompt_extend_mode": "agent", "watermark": True, "prompt_extend": True}),
    (edit("qwen-image-2.1-pro", *[DOG] * 10, n=2, thinking=False, prompt_extend_mode="direct", size="1024*1024"),
     message(*[{"image": DOG}] * 10, TEXT),
     {"size": "1024*1024", "n": 2, "enable_thinking": False, "prompt_extend_mode": "direct", "watermark": False,
      "prompt_extend": True}),
    (draw("wan2.7-image-pro", size="4K", thinking=True, palette=PALETTE), message(TEXT),
     {"size": "4K", "n": 1, "watermark": False, "thinking_mode": True, "color_palette": [
         {"hex": "#C2D1E6", "ratio": "25.00%"}, {"hex": "#CDD8E9", "ratio": "25.00%"},
         {"hex": "#B5C8DB", "ratio": "50.00%"}]}),
    (edit("wan2.7-image", DOG, CAT, box=["2:1,2,30,40", "2:5,6,7,8"], n=4), message({"image": DOG}, {"image": CAT}, TEXT),
     {"size": "1360*768", "n": 4, "watermark": False, "bbox_list": [[], [[1, 2, 30, 40], [5, 6, 7, 8]]]}),
    (draw("wan2.7-image", set=12, size="2K"), message(TEXT),
     {"size": "2K", "n": 12, "watermark": False, "enable_sequential": True}),
    (draw("wan2.6-image", interleave=True, n=3, size="1280*1280"), message(TEXT),
     {"size": "1280*1280", "n": 1, "watermark": False, "enable_interleave": True, "max_images": 3}),
    (edit("wan2.6-image", interleave=True), message({"image": DOG}, TEXT),
     {"size": "1360*768", "n": 1, "watermark": False, "enable_interleave": True, "max_images": 1}),
    (edit("wan2.5-i2i-preview", DOG, CAT, negative_prompt="x", seed=1, n=4),
     {"prompt": "a cat", "negative_prompt": "x", "images": [DOG, CAT]},
     {"size": "1360*768", "n": 4, "seed": 1, "watermark": False, "prompt_extend": True}),
]  # fmt: skip


@pytest.mark.parametrize("prepared, wire_input, parameters", BODIES)
def test_the_body_is_the_documents(prepared: Prepared, wire_input: Any, parameters: Any) -> None:
    """Pictures in front of one text, all that is asked for, every default, and nothing that no page lists."""
    assert prepared.body == {"model": prepared.model.name, "input": wire_input, "parameters": parameters}
    listed = set(prepared.model.parameters)
    assert set(parameters) | ({"negative_prompt"} & set(wire_input)) <= listed


@pytest.mark.parametrize(
    "name, mode, route",
    [
        ("qwen-image-3.0", "task", "/services/aigc/image-generation/generation"),
        ("wan2.7-image", "task", "/services/aigc/image-generation/generation"),
        ("wan2.6-image", "task", "/services/aigc/image-generation/generation"),
        ("wan2.5-i2i-preview", "task", "/services/aigc/image2image/image-synthesis"),
        ("qwen-image-2.0", "sync", "/services/aigc/multimodal-generation/generation"),
        ("qwen-image-2.1-pro", "sync", "/services/aigc/multimodal-generation/generation"),
    ],
)
def test_a_model_with_a_task_takes_the_task(name: str, mode: str, route: str) -> None:
    """A task survives a kill; 2.1's was not seen yet."""
    assert (CATALOG[name].mode, CATALOG[name].route) == (mode, route)


# ── sizes ──


@pytest.mark.parametrize(
    "prepared, size",
    [
        (draw("qwen-image-3.0", size="16:9"), "1280*720"),
        (draw("qwen-image-3.0", size="1024x1024"), "1024*1024"),
        (draw("qwen-image-3.0", size="2K"), "2048*2048"),
        (draw("qwen-image-3.0", size="2k 16:9"), "2560*1440"),
        (draw("wan2.7-image", size="2k"), "2K"),
        (draw("wan2.7-image", size="2K 16:9"), "2560*1440"),
        (draw("wan2.7-image-pro", size="4K 1:1"), "4096*4096"),
        (draw("z-image-turbo", size="2K"), "2048*2048"),
        (edit("qwen-image-3.0", size="2K"), "2720*1536"),
        (edit("qwen-image-3.0", LINK, size="2K"), "2048*2048"),
        (edit("qwen-image-2.0", size="16:9"), "1280*720"),
        (edit("wan2.7-image", size="16:9"), "1280*720"),
        (edit("wan2.6-image", LINK), "1K"),
        (edit("wan2.7-image", LINK), "1K"),
        (edit("qwen-image-3.0-pro", LINK), "1024*1024"),
        (edit("wan2.5-i2i-preview", LINK), "1024*1024"),
    ],
)
def test_a_size_is_what_people_call_it(prepared: Prepared, size: str) -> None:
    assert prepared.body["parameters"]["size"] == size


@pytest.mark.parametrize("name", ["qwen-image-2.0", "qwen-image-3.0", "qwen-image-2.1-turbo"])
def test_a_linked_picture_keeps_its_shape_where_that_costs_no_more(name: str) -> None:
    """Nobody here knows its shape: a square would be paid and wrong."""
    assert "size" not in edit(name, LINK).body["parameters"]


def test_what_was_meant_is_said() -> None:
    assert [n.message for n in draw("qwen-image-3.0", size="2K").notices] == ["the size 2K is sent as 2048*2048"]
    assert [n.code for n in edit("wan2.5-i2i-preview", LINK).notices] == ["shape_unknown"]


sides = st.integers(1, 12_000)


@given(sides, sides, st.sampled_from(TODAY), st.sampled_from(sorted(sizes.AREA_PX)))
def test_every_picture_has_a_size_that_the_model_takes(width: int, height: int, name: str, area: str) -> None:
    """Sides in steps, no more pixels than the area, and the shape within two steps."""
    model = called(CATALOG[name], ["edit"])
    size = sizes.fitted(model, (width, height), sizes.AREA_PX[area])
    assert check_size(model, size) == []
    pixels = parse_size(size)
    assert pixels
    assert all(side % model.size_step_px == 0 for side in pixels)
    assert pixels[0] * pixels[1] <= sizes.AREA_PX[area]


@given(st.integers(1, 99), st.integers(1, 99), st.sampled_from(TODAY), st.sampled_from(["", "1K ", "2K ", "4K "]))
def test_any_ratio_is_a_size_of_the_model_or_refused(width: int, height: int, name: str, area: str) -> None:
    written = f"{area}{width}:{height}"
    size, notices = sizes.resolved(CATALOG[name], written)
    assert (size == written) == (not notices)
    if notices:
        assert check_size(CATALOG[name], size) == []
        assert parse_size(size)
        assert int(size.split("*")[0]) * height == int(size.split("*")[1]) * width


# ── refusals ──

BIG = "x" * 5001
REFUSED = [
    (draw, "qwen-image-2.0", {"n": 7}, "n: 7 is not in 1 to 6"),
    (draw, "qwen-image-2.0", {"size": "256*256"}, "at least 262,144"),
    (draw, "qwen-image-2.0", {"size": "4K"}, "'4K' is not WIDTH*HEIGHT"),
    (draw, "qwen-image-2.0", {"negative_prompt": "x" * 501}, "at most 500"),
    (draw, "qwen-image-2.0", {"thinking": True}, "thinking: qwen-image-2.0 has no such parameter"),
    (draw, "qwen-image-3.0", {"size": "2576*2576"}, "at most 6,553,600"),
    (draw, "qwen-image-3.0", {"size": "4096*496"}, "width / height must be 0.125 to 8"),
    (draw, "qwen-image-3.0", {"prompt_extend": False, "thinking": True}, "thinking: needs prompt_extend"),
    (draw, "qwen-image-3.0", {"prompt_extend_mode": "wild"}, "takes direct, agent here"),
    (edit, "qwen-image-3.0", {"prompt_extend_mode": "agent"}, "'agent': qwen-image-3.0 takes direct here"),
    (edit, "qwen-image-3.0", {"image": [DOG] * 4}, "give 0-3 pictures, not 4"),
    (edit, "qwen-image-3.0", {"size": "2560*2560"}, "at most 4,194,304"),
    (edit, "qwen-image-2.1-pro", {"image": [DOG] * 11}, "give 0-10 pictures, not 11"),
    (draw, "qwen-image-2.1-pro", {"negative_prompt": "x"}, "negative_prompt: qwen-image-2.1-pro has no such"),
    (draw, "qwen-image-2.1-turbo", {"thinking": True}, "thinking: qwen-image-2.1-turbo has no such"),
    (draw, "qwen-image-2.1-turbo", {"prompt_extend_mode": "direct"}, "prompt_extend_mode: qwen-image-2.1-turbo"),
    (draw, "wan2.7-image", {"prompt": BIG}, "has 5001 characters, at most 5000"),
    (draw, "wan2.7-image", {"n": 5}, "n: 5 is not in 1 to 4"),
    (draw, "wan2.7-image", {"size": "4K"}, "wan2.7-image takes 1K, 2K here"),
    (draw, "wan2.7-image", {"size": "760*760"}, "at least 589,824"),
    (draw, "wan2.7-image", {"negative_prompt": "x"}, "negative_prompt: wan2.7-image has no such"),
    (draw, "wan2.7-image", {"set": 13}, "set: 13 is not in 1 to 12"),
    (draw, "wan2.7-image", {"set": 0}, "set: 0 is not in 1 to 12"),
    (draw, "wan2.7-image", {"set": 2, "n": 2}, "n: stands beside set"),
    (draw, "wan2.7-image", {"set": 2, "palette": PALETTE}, "palette: wan2.7-image has no such"),
    (draw, "wan2.7-image", {"set": 2, "thinking": True}, "thinking: wan2.7-image has no such"),
    (draw, "wan2.7-image", {"interleave": True}, "makes no texts with pictures in them; wan2.6-image can"),
    (draw, "qwen-image-3.0", {"set": 2}, "makes no picture sets; wan2.7-image, wan2.7-image-pro can"),
    (draw, "wan2.2-t2i-flash", {"set": 2}, "makes no picture sets; wan2.7-image, wan2.7-image-pro can"),
    (draw, "wan2.2-t2i-flash", {"palette": PALETTE}, "palette: wan2.2-t2i-flash has no such"),
    (draw, "wan2.7-image-pro", {"size": "4096*4112"}, "at most 16,777,216"),
    (draw, "wan2.7-image-pro", {"size": "4K", "set": 2}, "takes 1K, 2K here"),
    (edit, "wan2.7-image-pro", {"size": "4K"}, "takes 1K, 2K here"),
    (edit, "wan2.7-image-pro", {"size": "2304*2304"}, "at most 4,194,304"),
    (edit, "wan2.7-image", {"thinking": True}, "thinking: wan2.7-image has no such"),
    (edit, "wan2.7-image", {"image": [DOG] * 10}, "give 0-9 pictures, not 10"),
    (edit, "wan2.7-image", {"probe": Probe("PNG", 239, 400, 9)}, "each side must be 240 to 8000 px"),
    (edit, "wan2.7-image", {"probe": Probe("PNG", 8000, 900, 9)}, "width / height must be 0.125 to 8"),
    (edit, "wan2.7-image", {"probe": Probe("PNG", 400, 400, 20971521)}, "at most 21.0 are taken"),
    (edit, "wan2.7-image", {"probe": Probe("TIFF", 400, 400, 9)}, "is TIFF; wan2.7-image takes JPEG, PNG, BMP, WEBP"),
    (edit, "wan2.7-image", {"probe": Probe("PNG", 400, 400, 9, alpha=True)}, "has transparency"),
    (draw, "wan2.6-image", {}, "give 1-4 pictures, not 0: wan2.6-image draws from a text with interleave only"),
    (edit, "wan2.6-image", {"image": [DOG] * 5}, "give 1-4 pictures, not 5"),
    (edit, "wan2.6-image", {"prompt": "x" * 2001}, "at most 2000"),
    (edit, "wan2.6-image", {"size": "3072*768"}, ""),
    (edit, "wan2.6-image", {"size": "3088*768"}, "width / height must be 0.25 to 4"),
    (edit, "wan2.6-image", {"interleave": True, "image": [DOG, CAT]}, "give 0-1 pictures, not 2"),
    (draw, "wan2.6-image", {"interleave": True, "n": 6}, "n: 6 is not in 1 to 5"),
    (draw, "wan2.6-image", {"interleave": True, "size": "1296*1296"}, "at most 1,638,400"),
    (draw, "wan2.6-image", {"interleave": True, "size": "2K"}, "'2K' is not WIDTH*HEIGHT"),
    (edit, "wan2.5-i2i-preview", {"image": [DOG] * 4}, "give 1-3 pictures, not 4"),
    (edit, "wan2.5-i2i-preview", {"size": "2K"}, "'2K' is not WIDTH*HEIGHT"),
    (edit, "wan2.5-i2i-preview", {"probe": Probe("PNG", 383, 400, 9)}, "each side must be 384 to 5000"),
    (draw, "z-image-turbo", {"negative_prompt": "x"}, "negative_prompt: z-image-turbo has no such"),
    (draw, "z-image-turbo", {"watermark": True}, "watermark: z-image-turbo has no such"),
    (draw, "z-image-turbo", {"n": 2}, "makes 1 picture a call"),
    (draw, "wan2.7-image", {"prompt_extend": True}, "prompt_extend: wan2.7-image has no such"),
    (draw, "qwen-image-3.0-pro", {"prompt_extend": False, "prompt_extend_mode": "agent"}, "needs prompt_extend"),
    (edit, "wan2.7-image", {"box": ["1:1,2,3"]}, "'1:1,2,3' is not N:X,Y,X,Y"),
    (edit, "wan2.7-image", {"box": ["2:1,2,3,4"]}, "there is no picture 2, 1 are given"),
    (edit, "wan2.7-image", {"box": ["0:1,2,3,4"]}, "there is no picture 0"),
    (edit, "wan2.7-image", {"box": ["1:3,2,3,4"]}, "must be above and left of the second"),
    (edit, "wan2.7-image", {"box": ["1:1,2,1601,4"]}, "is outside of picture 1, which is 1600*900"),
    (edit, "wan2.7-image", {"box": ["1:1,2,3,4"] * 3}, "picture 1 has 3 boxes, at most 2"),
    (edit, "qwen-image-3.0", {"box": ["1:1,2,3,4"]}, "box: qwen-image-3.0 has no such"),
    (draw, "wan2.7-image", {"palette": "#fff:100%"}, "is not #RRGGBB:SHARE%"),
    (draw, "wan2.7-image", {"palette": "#ffffff:50%,#000000:50%"}, "has 2 colours; 3 to 10"),
    (draw, "wan2.7-image", {"palette": ",".join(["#ffffff:9%"] * 11)}, "has 11 colours; 3 to 10"),
    (draw, "wan2.7-image", {"palette": "#ffffff:50%,#000000:25%,#00ff00:24.99%"}, "make 99.99 %, not 100 %"),
]  # fmt: skip


@pytest.mark.parametrize("call, name, values, text", [row for row in REFUSED if row[3]])
def test_a_limit_is_refused_with_what_is_allowed(call: Any, name: str, values: dict[str, Any], text: str) -> None:
    pictures = values.get("image", [])
    rest = {key: value for key, value in values.items() if key != "image"}
    assert text in refusal(call, name, *pictures, **rest)


def test_the_limits_themselves_are_taken() -> None:
    draw("qwen-image-3.0", size="2560*2560", n=6)
    draw("wan2.7-image-pro", size="4096*4096", n=4)
    edit("wan2.7-image", *[DOG] * 9, probe=Probe("PNG", 240, 1920, 20971520), prompt="x" * 5000)
    draw("wan2.6-image", interleave=True, n=5, size="1280*1280")


def test_a_wish_that_the_model_cannot_go_against_is_met() -> None:
    """No thinking, no mark, no extension of a model that has none: nothing is sent, nothing refused."""
    prepared = edit("wan2.7-image", thinking=False, watermark=False, prompt_extend=False)
    assert set(prepared.body["parameters"]) == {"size", "n", "watermark"}


# ── boxes and palettes ──


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 99), st.integers(0, 99)), max_size=18))
def test_each_picture_has_its_own_list_of_boxes(given_boxes: list[tuple[int, int, int]]) -> None:
    boxes = [f"{n}: {left}, {top},{left + 1},{top + 2}" for n, left, top in given_boxes]
    wire = picture_marks.wire_boxes(boxes, 9)
    assert len(wire) == 9
    assert sorted((n, *box) for n, own in enumerate(wire, 1) for box in own) == sorted(
        (n, left, top, left + 1, top + 2) for n, left, top in given_boxes
    )
    assert picture_marks.wire_boxes(picture_marks.boxes_of(wire), 9) == wire


@given(st.text(alphabet="0123456789:,#%. abcdefABCDEF-", max_size=40))
def test_any_text_is_a_box_or_a_palette_or_refused(text: str) -> None:
    pictures = [Input(DOG, Probe("PNG", 1600, 900, 1))]
    if not picture_marks.box_problems([text], pictures):
        ((left, top, right, bottom),) = picture_marks.wire_boxes([text], 1)[0]
        assert 0 <= left < right <= 1600
        assert 0 <= top < bottom <= 900
    if not picture_marks.palette_problems(text):
        assert 3 <= len(picture_marks.wire_palette(text)) <= 10


@given(st.lists(st.integers(1, 9999), min_size=2, max_size=9).filter(lambda shares: sum(shares) < 10_000))
def test_a_palette_is_all_of_the_picture(shares: list[int]) -> None:
    whole = [*shares, 10_000 - sum(shares)]
    text = ",".join(f"#00ff{index:02x}:{share / 100:.2f}%" for index, share in enumerate(whole))
    assert picture_marks.palette_problems(text) == []
    wire = picture_marks.wire_palette(text)
    assert picture_marks.palette_of(wire) == text
    assert picture_marks.palette_problems(text.replace(f"{whole[0] / 100:.2f}%", f"{whole[0] / 100 + 0.01:.2f}%", 1))


# ── prices ──


@pytest.mark.parametrize(
    "prepared, estimate_cny",
    [
        (draw("qwen-image-2.0-pro", n=2), 1.0),
        (draw("qwen-image-3.0", n=2), 0.36),
        (edit("qwen-image-3.0", DOG, CAT), 0.22),
        (draw("qwen-image-3.0-pro", size="1500*1500"), 0.25),
        (draw("qwen-image-3.0-pro", size="1504*1504"), 0.50),
        (edit("qwen-image-3.0-pro"), 0.52),
        (prepare("image_edit", "singapore", model="qwen-image-3.0-pro", image=[DOG]), 0.584548),
        (edit("qwen-image-2.1-turbo", DOG), 0.12),
        (draw("wan2.7-image-pro", set=12), 6.0),
        (draw("wan2.6-image", interleave=True, n=5), 1.0),
        (edit("wan2.5-i2i-preview", n=4), 0.80),
        (draw("z-image-turbo", prompt_extend=True), 0.20),
        (draw("z-image-turbo"), 0.10),
    ],
)
def test_the_most_it_can_cost_is_known_before(prepared: Prepared, estimate_cny: float) -> None:
    """An edit may come out larger than asked for: whether the service keeps to the size is UNVERIFIED."""
    assert prepared.estimate_cny == pytest.approx(estimate_cny)


@pytest.mark.parametrize(
    "prepared, about",
    [
        (edit("qwen-image-2.1-pro"), ["a picture that goes in is not published; 0.02 CNY"]),
        (draw("qwen-image-2.1-pro"), []),
        (edit("qwen-image-3.0-pro"), ["keeps to a size is not known: up to 0.5 CNY a picture"]),
        (prepare("image", "tokyo", model="qwen-image-3.0"), ["in tokyo is published; 0.224826 CNY"]),
    ],
)
def test_a_price_that_nobody_published_is_said(prepared: Prepared, about: list[str]) -> None:
    told = [notice.message for notice in prepared.notices if notice.code == "price_assumed"]
    assert len(told) == len(about)
    assert all(text in notice for text, notice in zip(about, told, strict=True))


def answer(pictures: int, **usage: Any) -> dict[str, Any]:
    content = [{"image": f"https://h/{index}.png"} for index in range(pictures)]
    choices = [{"finish_reason": "stop", "message": {"role": "assistant", "content": content}}]
    return {"output": {"choices": choices}, "usage": usage}


QIMA = {"input_image_count": 1, "input_image_type": "qima_input_1k", "output_image_count": 1}


@pytest.mark.parametrize(
    "prepared, came, charged_cny",
    [
        (edit("qwen-image-3.0-pro"), answer(1, **QIMA, output_image_type="qima_output_1k"), 0.27),
        (edit("qwen-image-3.0-pro"), answer(1, **QIMA, output_image_type="qima_output_2k"), 0.52),
        (edit("qwen-image-3.0-pro"), answer(1, **QIMA, output_width=1520, output_height=2736), 0.52),
        (edit("qwen-image-3.0-pro"), answer(1, **QIMA, output_width=1024, output_height="1024"), 0.27),
        (edit("qwen-image-3.0-pro"), answer(1, **QIMA), 0.52),
        (draw("qwen-image-3.0-pro"), answer(1, image_count=1, size="1024*1024"), 0.25),
        (draw("qwen-image-3.0-pro", n=2), answer(2), 0.50),
        (edit("qwen-image-3.0", DOG, CAT), answer(1, output_image_count=1, input_image_count=2), 0.22),
        (edit("qwen-image-2.1-turbo"), answer(1, image_count=1, width=1024, height=1024), 0.12),
        (draw("qwen-image-2.0", n=2), answer(2, image_count=2, width=1024, height=1024), 0.40),
        (draw("wan2.7-image", set=12), answer(5, image_count=5, size="1024*1024"), 1.0),
        (draw("wan2.7-image"), answer(1, image_count=0), None),
        (draw("qwen-image-3.0"), answer(1, output_image_count="nonsense"), None),
        (draw("qwen-image-3.0", n=2), answer(1, output_image_count=2), 0.36),
    ],
)
def test_the_bill_is_what_usage_says(prepared: Prepared, came: dict[str, Any], charged_cny: float | None) -> None:
    """In every dialect of it; what it leaves open is reckoned as before sending."""
    kind = prepared.model.kind
    kept = StoredRequest.from_json(
        json.loads(json.dumps(prepared.stored().to_json())), kind
    )  # as another process reads it
    found = modality_of(kind).charged_cny(came, kept)
    assert found == (None if charged_cny is None else pytest.approx(charged_cny))


# ── the service's own words in a file ──


@pytest.mark.parametrize("prepared, _input, _parameters", BODIES)
def test_the_documents_body_is_a_config(prepared: Prepared, _input: Any, _parameters: Any) -> None:
    """What the toolkit sends is what it reads: the same body comes of it."""
    modality = modality_of(prepared.model.kind)
    body = prepared.body
    values = modality.from_config({"model": body["model"], **body["input"], **body["parameters"]})
    inputs = {url: Input(url, Probe("PNG", 1600, 900, 1000)) for url in (DOG, CAT)}
    assert modality.prepare(values, CATALOG, "beijing", inputs).body == body


@pytest.mark.parametrize("name", TODAY)
def test_the_request_makes_the_same_request_again(name: str) -> None:
    kind = CATALOG[name].kind
    prepared = edit(name) if kind == "image_edit" else draw(name, size="16:9")
    again = prepare(kind, **prepared.request)
    assert again.body == prepared.body


# ── a user's models.toml ──


def test_a_way_of_calling_is_corrected_field_by_field(tmp_path: Path) -> None:
    """Like the table around it: what is not named stays, also of a model that is `like` another."""
    (tmp_path / "models.toml").write_text(
        '[models."wan2.7-image".ways.set]\nn_max = 8\n[models."new"]\nlike = "wan2.7-image"\nprompt_chars = 9\n'
        '[models."new".ways.edit]\nimages_max = 2\n',
        encoding="utf-8",
    )
    catalog = load(tmp_path)
    body = image.prepare({"prompt": "p", "model": "wan2.7-image", "set": 8}, catalog, "beijing").body
    assert (body["parameters"]["n"], body["parameters"]["enable_sequential"]) == (8, True)
    with pytest.raises(InvalidRequest, match="9 is not in 1 to 8"):
        image.prepare({"prompt": "p", "model": "wan2.7-image", "set": 9}, catalog, "beijing")
    assert called(catalog["new"], ["edit", "set"]).images_max == 2
    assert called(catalog["new"], ["set"]).n_max == 8


def test_a_way_without_its_switch_is_none(tmp_path: Path) -> None:
    """Without it twelve single pictures would be paid for a set."""
    table = '[models."wan2.7-image".ways.set]\nparameters = ["size", "n"]\n'
    (tmp_path / "models.toml").write_text(table, encoding="utf-8")
    with pytest.raises(InvalidRequest, match="makes no picture sets"):
        image.prepare({"prompt": "p", "model": "wan2.7-image", "set": 2}, load(tmp_path), "beijing")


@pytest.mark.parametrize(
    "ways, text",
    [
        ("ways = 1", "a table of tables: edit, set, interleave"),
        ("ways.later = {}", "'later' is none"),
        ("ways.set = 1", "a table of tables"),
        ("ways.set.n_max = 0", "set.n_max must be a whole number from 1"),
        ("ways.set.route = '/x'", "set.route must be left out"),
        ("ways.set.nonsense = 1", "set.nonsense must be left out"),
    ],
)
def test_a_wrong_way_is_named(tmp_path: Path, ways: str, text: str) -> None:
    (tmp_path / "models.toml").write_text(f'[models."wan2.7-image"]\n{ways}\n', encoding="utf-8")
    with pytest.raises(SetupError, match=text):
        load(tmp_path)
