"""What text to image refuses before a byte leaves, each with what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from bailian.catalog import load
from bailian.errors import InvalidRequest
from bailian.modalities.picture import image

CATALOG = load()
FIVE_SIZES = r"1328\*1328, 1664\*928, 1472\*1140, 1140\*1472, 928\*1664"
COMBINED = "e\u0301" * 400 + "e"

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"n": 0}, r"n: 0 is not in 1 to 4"),
    ({"n": 5}, r"n: 5 is not in 1 to 4"),
    ({"n": -1}, r"n: -1 is not in 1 to 4"),
    ({"n": 10**30}, r"n: 1(0{30}) is not in 1 to 4"),
    ({"n": 2, "model": "qwen-image"}, r"n: qwen-image makes 1 picture a call"),
    ({"n": 0, "model": "qwen-image"}, r"n: 0 is not in 1 to 1"),
    ({"size": "big"}, r"size: 'big' is not WIDTH\*HEIGHT, a shape \(16:9\) or a tier \(720P\)$"),
    ({"size": "1920x1080"}, r"size: 1920\*1080: each side must be 512 to 1440 px; 1440\*810 has the same shape"),
    ({"size": "1080P"}, r"size: 1920\*1080: each side must be 512 to 1440 px; 1440\*810 has the same shape"),
    ({"size": "21:9", "model": "qwen-image"}, r"'21:9' .* takes only"),
    ({"size": "100:1"}, r"'100:1' is not WIDTH\*HEIGHT"),
    ({"size": "-512*512"}, r"size: '-512\*512' is not WIDTH\*HEIGHT"),
    ({"size": "512*511"}, r"size: 512\*511: each side must be 512 to 1440 px"),
    ({"size": "1441*512"}, r"each side must be 512 to 1440 px"),
    ({"size": "1440*1440"}, r"1440\*1440 has 2,073,600 pixels, at most 2,000,000 are allowed; 1414\*1414"),
    ({"size": "1440*1440", "model": "wanx2.0-t2i-turbo"}, r"at most 2,000,000"),
    ({"size": "1024*1024", "model": "qwen-image"}, rf"size: qwen-image takes only {FIVE_SIZES} \(1024\*1024\)"),
    ({"seed": -1}, r"seed: -1 is not in 0 to 2147483647"),
    ({"seed": 2147483648}, r"seed: 2147483648 is not in 0 to 2147483647"),
    ({"seed": 2147483647, "n": 2}, r"seed: 2 pictures use the seeds 2147483647 to 2147483648.*at most 2147483646"),
    ({"seed": 2147483645, "n": 4}, r"at most 2147483644"),
    ({"seed": 1, "model": "qwen-image"}, r"seed: qwen-image takes no seed"),
    ({"seed": 0, "model": "qwen-image"}, r"seed: qwen-image takes no seed"),
    ({"prompt": "猫" * 801}, r"prompt: has 801 characters, at most 800 are allowed: remove 1"),
    ({"prompt": "😀" * 801}, r"prompt: has 801 characters"),
    ({"prompt": COMBINED}, r"prompt: has 801 characters"),
    ({"prompt": "x" * 801, "model": "qwen-image"}, r"prompt: has 801 characters"),
    ({"prompt": ""}, r"prompt: is empty"),
    ({"prompt": " \n\u3000"}, r"prompt: is empty"),
    ({"prompt": None}, r"prompt: is required"),
    ({"prompt": "a\x00b"}, r"prompt: holds U\+0000 \(NUL\) in line 1, column 2: "),
    ({"prompt": "half \ud83d"}, r"prompt: holds U\+D83D"),
    ({"negative_prompt": "猫" * 501}, r"negative_prompt: has 501 characters, at most 500"),
    ({"negative_prompt": "x" * 501, "model": "qwen-image"}, r"negative_prompt: has 501 characters"),
    ({"model": "wan2.2-t2i-falsh"}, r"model: unknown model 'wan2.2-t2i-falsh'; did you mean .*wan2.2-t2i-flash"),
    ({"model": "Qwen-Image"}, r"did you mean .*qwen-image"),
    ({"model": ""}, r"model: unknown model ''"),
    ({"model": "wan2.1-t2v-plus"}, r"is a model for kind video, not for kind image"),
    ({"promptt": "x"}, r"promptt: unknown field; did you mean prompt"),
    ({"sise": "x"}, r"sise: unknown field; did you mean .*size"),
    ({"negativ": None}, r"negativ: unknown field; did you mean negative_prompt"),
    ({"n": "two"}, r"n: 'two' is not a whole number"),
    ({"watermark": "none"}, r"watermark: 'none' is not true or false"),
]

ALLOWED: list[dict[str, Any]] = [
    {"n": 1},
    {"n": 4},
    {"size": "512*512"},
    {"size": "1440*1388"},
    {"size": "512*1440", "model": "wan2.2-t2i-plus"},
    *({"size": size, "model": "qwen-image"} for size in CATALOG["qwen-image"].sizes),
    {"seed": 0},
    {"seed": 2147483647},
    {"seed": 2147483644, "n": 4},
    {"prompt": "猫" * 800},
    {"prompt": "😀" * 800},
    {"prompt": COMBINED[:800]},
    {"prompt": "one\ntwo\tthree"},
    {"negative_prompt": "猫" * 500},
    {"negative_prompt": ""},
    {"seed": None, "model": "qwen-image"},
]


def name(values: dict[str, Any]) -> str:
    return "-".join(f"{key}={str(value)[:20]}" for key, value in values.items())


@pytest.mark.parametrize("values, text", REFUSED, ids=[name(values) for values, _ in REFUSED])
def test_refused_with_what_is_allowed(values: dict[str, Any], text: str) -> None:
    """Nothing invalid is sent: exit 2, naming the field and what it takes."""
    with pytest.raises(InvalidRequest, match=text) as raised:
        image.prepare({"prompt": "a cat", **values}, CATALOG, "beijing")
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("values", ALLOWED, ids=name)
def test_the_limits_themselves_are_allowed(values: dict[str, Any]) -> None:
    """The last value inside each limit passes."""
    assert image.prepare({"prompt": "a cat", **values}, CATALOG, "beijing").body


def test_all_problems_are_told_at_once() -> None:
    """One look is enough to put a request right."""
    values = {"prompt": "", "n": 9, "seed": -1, "size": "1*1", "negative_prompt": "x" * 501}
    with pytest.raises(InvalidRequest) as raised:
        image.prepare(values, CATALOG, "beijing")
    assert {problem.field for problem in raised.value.problems} == values.keys()


@pytest.mark.parametrize(
    "model, region", [("wanx2.0-t2i-turbo", "singapore"), ("qwen-image", "virginia"), ("wan2.2-t2i-flash", "hongkong")]
)
def test_a_model_is_refused_where_it_is_not_offered(model: str, region: str) -> None:
    """The refusal names the regions that have it."""
    with pytest.raises(InvalidRequest, match=f"model: {model} is offered in beijing.*, not in {region}"):
        image.prepare({"prompt": "a cat", "model": model}, CATALOG, region)
