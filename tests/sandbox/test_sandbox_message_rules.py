"""What the models that draw and edit in one call take and refuse: tables, without a server."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from message_bodies import FAR, body_of
from message_drafts import ALL_2, ALL_3, ALL_21, ALL_27, IN_TURN, OFF, SET, draft, each, refusal, request

from bailian.sandbox.edits.input_images import InputImage
from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.images.models import IMAGE2IMAGE, IMAGE_GENERATION, MULTIMODAL
from bailian.sandbox.message_images.models import EVERY_PARAMETER, RULES, message_models
from bailian.sandbox.message_images.requests import read_draft, with_pictures
from bailian.sandbox.message_images.stream import streams
from bailian.sandbox.model_names import ModelName

pytestmark = pytest.mark.slow

LAST = "the last message must contain {} images"
PALETTE = [
    {"hex": "#FF0000", "ratio": "50.00%"},
    {"hex": "#00ff00", "ratio": "25.50%"},
    {"hex": "#0000FF", "ratio": "24.50%"},
]


# ── which path serves which model ──


@pytest.mark.parametrize(
    "model, paths",
    [
        *each((*ALL_3, *ALL_21, *ALL_27, "wan2.6-image", "wan2.6-t2i"), ({MULTIMODAL, IMAGE_GENERATION},)),
        *each((*ALL_2, "z-image-turbo"), ({MULTIMODAL},)),
        ("wan2.5-i2i-preview", {IMAGE2IMAGE}),
    ],
)
def test_paths(model: str, paths: set[str]) -> None:
    assert RULES[model].routes == paths


# ── how many pictures ──


@pytest.mark.parametrize(
    "model, parameters, fewest, most, words",
    [
        *each(ALL_2, ({}, 0, 3, "Model '{name}-2in1' supports 0~3 image content items.")),
        *each(ALL_3, ({}, 0, 3, "Model '{name}' supports 0~3 image content items.")),
        *each(ALL_21, ({}, 0, 10, "Model '{name}' supports 0~10 image content items.")),
        *each(ALL_27, ({}, 0, 9, LAST.format("0 to 9")), (SET, 0, 9, LAST.format("0 to 9"))),
        ("wan2.6-image", {}, 1, 4, LAST.format("1 to 4")),
        ("wan2.6-image", IN_TURN, 0, 1, LAST.format("0 to 1")),
        ("wan2.5-i2i-preview", {}, 1, 3, OFF + "images must have 1 to 3 items"),
        ("wan2.6-t2i", {}, 0, 0, "content length only support 1"),
        ("z-image-turbo", {}, 0, 0, "content length only support 1"),
    ],
)
def test_pictures(model: str, parameters: dict[str, Any], fewest: int, most: int, words: str) -> None:
    for count in (fewest, most):
        assert len(draft(model, count, **parameters).urls) == count
    for count in {fewest - 1, most + 1} - {-1}:
        assert refusal(model, count, **parameters) == words.format(name=model)


# ── n, and what it is when it is absent ──


@pytest.mark.parametrize(
    "model, pictures, parameters, default, most",
    [
        *each((*ALL_2, *ALL_3, *ALL_21), (0, {}, 1, 6), (1, {}, 1, 6)),
        *each(ALL_27, (0, {}, 4, 4), (2, {}, 4, 4), (0, SET, 12, 12), (2, SET, 12, 12)),
        ("wan2.6-image", 1, {}, 4, 4),
        ("wan2.6-image", 0, IN_TURN, 1, 1),
        ("wan2.5-i2i-preview", 1, {}, 4, 4),
        ("wan2.6-t2i", 0, {}, 4, 4),
        ("z-image-turbo", 0, {}, 1, 1),
    ],
)
def test_n(model: str, pictures: int, parameters: dict[str, Any], default: int, most: int) -> None:
    def asked(**more: Any) -> Any:
        return draft(model, pictures, **parameters, **more).request.details["asked_n"]

    assert asked() == default, "the service's own default is dear"
    assert asked(n=1) == 1
    assert asked(n=most) == most
    for wrong in (0, most + 1, "1", True, 1.0):
        words = refusal(model, pictures, **parameters, n=wrong)
        one = "num_images_per_prompt must be 1" if most == 1 and type(wrong) is int else OFF + "n must be "
        assert words.startswith(one)


def test_a_set_has_fewer_pictures_than_it_may() -> None:
    """The model decides how many; a client must not count on n."""
    made = [draft("wan2.7-image", enable_sequential=True, n=n).request.n for n in (1, 3, 4, 12)]
    assert made == [1, 3, 3, 9]


@pytest.mark.parametrize("value, made", [(None, 5), (1, 1), (5, 5)])
def test_max_images(value: int | None, made: int) -> None:
    assert draft("wan2.6-image", **IN_TURN, max_images=value).request.n == made


@pytest.mark.parametrize("value", [0, 6, "3", True])
def test_max_images_out_of_range(value: Any) -> None:
    assert refusal("wan2.6-image", **IN_TURN, max_images=value) == OFF + "max_images must be between 1 and 5"


# ── parameters by model and mode ──

_BOTH = {"seed": 5, "watermark": True}
_EXTEND = {"prompt_extend": False}
_NEGATIVE = {"negative_prompt": "低质量"}
_THINK = {"enable_thinking": True, "prompt_extend_mode": "direct"}
_BOX = {"bbox_list": [[[1, 2, 3, 4]]]}
_COLOURS = {"color_palette": PALETTE}


@pytest.mark.parametrize(
    "model, pictures, taken, refused",
    [
        *each(ALL_3, (0, [_BOTH, _EXTEND, _NEGATIVE, _THINK, {"prompt_extend_mode": "agent"}], [_COLOURS, SET, IN_TURN])),
        *each(ALL_3, (1, [_BOTH, _EXTEND, _NEGATIVE, _THINK], [{"prompt_extend_mode": "agent"}, _BOX])),
        ("qwen-image-2.1-pro", 0, [_BOTH, _EXTEND, _THINK], [_NEGATIVE]),
        ("qwen-image-2.1-turbo", 0, [_BOTH, _EXTEND, _NEGATIVE], [{"enable_thinking": True}, {"prompt_extend_mode": "direct"}]),
        *each(ALL_2, (1, [_BOTH, _EXTEND, _NEGATIVE], [{"enable_thinking": True}, {"thinking_mode": True}])),
        *each(ALL_27, (0, [_BOTH, _COLOURS, {"thinking_mode": True}, {"thinking_mode": False}], [_NEGATIVE, _EXTEND, _BOX])),
        *each(ALL_27, (1, [_BOTH, _COLOURS, _BOX, {"thinking_mode": False}], [{"thinking_mode": True}])),
        ("wan2.6-image", 1, [_BOTH, _EXTEND, _NEGATIVE, {"stream": False}], [{"stream": True}, {"max_images": 2}, _BOX]),
        ("wan2.5-i2i-preview", 1, [_BOTH, _EXTEND], [_NEGATIVE, _COLOURS]),
        ("wan2.6-t2i", 0, [_BOTH, _EXTEND, _NEGATIVE], [_COLOURS]),
        ("z-image-turbo", 0, [_BOTH, _EXTEND], [_NEGATIVE]),
    ],
)  # fmt: skip
def test_parameters(model: str, pictures: int, taken: list[dict[str, Any]], refused: list[dict[str, Any]]) -> None:
    for parameters in taken:
        assert draft(model, pictures, **parameters, unknown="is ignored")
    for parameters in refused:
        assert refusal(model, pictures, **parameters).startswith(OFF)


@pytest.mark.parametrize(
    "mode, parameters", [(SET, {"thinking_mode": True}), (SET, _COLOURS), (IN_TURN, {"prompt_extend": True})]
)
def test_parameters_of_another_mode(mode: dict[str, Any], parameters: dict[str, Any]) -> None:
    model = "wan2.7-image" if mode is SET else "wan2.6-image"
    assert draft(model, **mode)
    assert refusal(model, **mode, **parameters).startswith(OFF)


@pytest.mark.parametrize(
    "parameters",
    [
        {"seed": -1}, {"seed": 2**31}, {"seed": "1"}, {"watermark": "no"}, {"prompt_extend": 1}, {"negative_prompt": 5},
        {"prompt_extend_mode": "fast"}, {"enable_thinking": "yes"}, {"enable_thinking": True, "prompt_extend": False},
    ],
)  # fmt: skip
def test_values_that_make_no_sense(parameters: dict[str, Any]) -> None:
    assert refusal("qwen-image-3.0", **parameters).startswith(OFF)


@pytest.mark.parametrize(
    "palette",
    [
        PALETTE[:2], [*PALETTE, *PALETTE] * 2, [*PALETTE[:2], {"hex": "#0000FF", "ratio": "24.49%"}],
        [*PALETTE[:2], {"hex": "0000FF", "ratio": "24.50%"}], [*PALETTE[:2], {"hex": "#0000FF", "ratio": "24.5%"}],
        [*PALETTE[:2], {"hex": "#0000FF", "ratio": 24.5}], [*PALETTE[:2], "#0000FF"], "red",
    ],
)  # fmt: skip
def test_wrong_palettes(palette: Any) -> None:
    assert refusal("wan2.7-image", color_palette=palette).startswith(OFF + "color_palette")


def test_a_palette_has_up_to_ten_colours() -> None:
    ten = [{"hex": f"#0000{k:02x}", "ratio": "10.00%"} for k in range(10)]
    assert len(draft("wan2.7-image", color_palette=ten).request.details["palette"]) == 10


@pytest.mark.parametrize(
    "boxes",
    [
        [[[1, 2, 3, 4]]], [[], [], []], [[[1, 2, 3, 4]] * 3, []], [[1, 2, 3, 4], []], [[[1, 2, 3]], []],
        [[[3, 2, 1, 4]], []], [[[-1, 2, 3, 4]], []], [[[1, 2, 3, 4.0]], []], [[], [[0, 0, 601, 500]]], "x",
    ],
)  # fmt: skip
def test_wrong_boxes(boxes: Any) -> None:
    with pytest.raises(Refusal, match="bbox_list"):
        request("wan2.7-image", (600, 500), (600, 500), bbox_list=boxes)


def test_boxes_belong_to_their_pictures() -> None:
    boxes = [[], [[0, 0, 600, 500], [1, 2, 3, 4]]]
    made = request("wan2.7-image", (100, 100), (600, 500), bbox_list=boxes)
    assert [[list(box) for box in of_one] for of_one in made.details["boxes"]] == boxes


# ── messages and texts ──


@pytest.mark.parametrize(
    "body, words",
    [
        ({"messages": []}, "Field required: input.messages"),
        ({"input": {"prompt": "x"}}, "Field required: input.messages"),
        ({"input": {"messages": []}}, "No messages found in input"),
        ({"input": {"messages": [{"role": "user", "content": [{"text": "x"}]}] * 2}}, "messages length only support 1"),
        ({"input": {"messages": [{"role": "system", "content": [{"text": "x"}]}]}}, OFF + "messages[0].role must be user"),
        ({"input": {"messages": [{"role": "user", "content": "x"}]}}, "lack of image or text"),
        ({"input": {"messages": [{"role": "user", "content": [{"image": FAR}]}]}}, "lack of image or text"),
        ({"input": {"messages": [{"role": "user", "content": [{"text": " "}]}]}}, "lack of image or text"),
        ({"input": {"messages": [{"role": "user", "content": [{"text": "x"}, {"video": FAR}]}]}}, "lack of image or text"),
        (
            {"input": {"messages": [{"role": "user", "content": [{"text": "x"}, {"text": "y"}]}]}},
            OFF + "messages[0].content must have exactly one text",
        ),
    ],
)  # fmt: skip
def test_wrong_messages(body: dict[str, Any], words: str) -> None:
    for model in ("qwen-image-3.0", "wan2.7-image", "qwen-image-2.0"):
        with pytest.raises(Refusal) as caught:
            read_draft(model, RULES[model], MULTIMODAL, body)
        assert caught.value.message == words


def test_pictures_come_before_the_text_for_qwen() -> None:
    content = [{"text": "x"}, {"image": FAR}]
    body = {"input": {"messages": [{"role": "user", "content": content}]}}
    assert read_draft("wan2.7-image", RULES["wan2.7-image"], MULTIMODAL, body).urls == (FAR,)
    with pytest.raises(Refusal, match="the text must come after the images"):
        read_draft("qwen-image-3.0", RULES["qwen-image-3.0"], MULTIMODAL, body)


@pytest.mark.parametrize(
    "inputs, words",
    [
        ({"images": [FAR]}, "Field required: input.prompt"),
        ({"prompt": "x"}, "Field required: input.images"),
        ({"prompt": "x", "images": FAR}, OFF + "images must be a list of strings"),
        ({"prompt": "x", "images": []}, OFF + "images must have 1 to 3 items"),
    ],
)
def test_wrong_lists_of_pictures(inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_draft("wan2.5-i2i-preview", RULES["wan2.5-i2i-preview"], IMAGE2IMAGE, {"input": inputs})
    assert caught.value.message == words


@pytest.mark.parametrize(
    "model, limit",
    [
        *each(ALL_27, (5000,)),
        *each(("wan2.6-image", "wan2.5-i2i-preview"), (2000,)),
        *each(ALL_2, (1300,)),
        *each((*ALL_3, *ALL_21), (4500,)),
        ("wan2.6-t2i", 2100),
        ("z-image-turbo", 800),
    ],
)
def test_a_long_text_is_cut_without_a_word(model: str, limit: int) -> None:
    """A Han character is one character and, here, one token."""
    read = draft(model, int(RULES[model].draws is None), "长" * 6000).request
    assert (len(read.read_prompt), len(read.prompt)) == (limit, 6000)


def test_tokens_are_not_characters() -> None:
    assert len(draft("qwen-image-2.0", 0, "cats " * 1300).request.read_prompt.split()) == 1300


def test_a_long_negative_prompt_is_cut() -> None:
    assert len(draft("qwen-image-3.0", negative_prompt="x" * 600).request.negative_prompt) == 500


@pytest.mark.parametrize("model", sorted(RULES))
def test_uploads_are_taken_where_a_page_says_so(model: str) -> None:
    """The pages of the others name URL and base64 alone."""
    if RULES[model].edits is None:
        return
    path = IMAGE2IMAGE if model == "wan2.5-i2i-preview" else MULTIMODAL
    body = body_of(model, ["oss://dashscope-instant/x/a.png"])
    if model in (*ALL_2, "wan2.6-image"):
        assert read_draft(model, RULES[model], path, body).urls
        return
    with pytest.raises(Refusal) as caught:
        read_draft(model, RULES[model], path, body)
    assert caught.value.code == "InvalidURL"


def test_dated_names_have_the_rules_of_their_model() -> None:
    models = message_models([])
    assert models["qwen-image-2.0-pro-2026-04-22"] is RULES["qwen-image-2.0-pro"]
    overlay = [
        ModelName(name, ("image", "image_edit"), MULTIMODAL, "", None) for name in ("wan2.7-image-2026-11-01", "x")
    ]
    assert message_models(overlay)["wan2.7-image-2026-11-01"] is RULES["wan2.7-image"]
    assert message_models(overlay)["x"] is RULES["qwen-image-2.0"], "a model nobody has rules for"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
    | st.sampled_from(["1K", "1024*1024", "9999999*1", "agent", "#ff0000", "25.00%", "user", "oss://a/b"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["image", "text", "role", "content", "hex", "ratio", "messages"]), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@settings(deadline=None)
@given(
    model=st.sampled_from(sorted(RULES)),
    parameters=_JSON | st.dictionaries(st.sampled_from(sorted(EVERY_PARAMETER)), _JSON, max_size=6),
    content=_JSON | st.lists(st.fixed_dictionaries({"image": st.just(FAR)}) | st.just({"text": "x"}), max_size=4),
)
def test_whatever_comes_is_read_or_refused(model: str, parameters: Any, content: Any) -> None:
    path = IMAGE2IMAGE if model == "wan2.5-i2i-preview" else MULTIMODAL
    inputs = {"prompt": "x", "images": content, "messages": [{"role": "user", "content": content}]}
    body = {"model": model, "input": inputs, "parameters": parameters}
    try:
        streams(RULES[model], body, blocking=True, asks_events=False)
        made = read_draft(model, RULES[model], path, body)
        made = replace(made, request=with_pictures(made, [InputImage("x", 600, 500)] * len(made.urls)))
    except Refusal:
        return
    assert made.request.n >= 1
    assert made.request.width >= 16 <= made.request.height
    json.dumps(asdict(made.request))
