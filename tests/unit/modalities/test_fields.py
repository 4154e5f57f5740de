"""Rules that kinds of models share: typed fields, prompts, sizes, seeds, notices."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import Model, load
from bailian.errors import InvalidRequest
from bailian.modalities.picture.image import ImageRequest
from bailian.modalities.rules import fields

CATALOG = load()
IMAGE_MODELS = CATALOG.of_kind("image")
SIDES = st.integers(1, 999_999)
SIZE = re.compile(r"[1-9][0-9]*\*[1-9][0-9]*")


def model(**own: Any) -> Model:
    return Model(**{"name": "m", "kind": "image", "mode": "task", "route": "/r", **own})


def said(problems: list[Any]) -> str:
    return "\n".join(f"{problem.field}: {problem.message}" for problem in problems)


def test_absent_fields_get_their_defaults() -> None:
    """None is the same as not given."""
    request = fields.parse(ImageRequest, {"prompt": "x", "seed": None, "n": None})
    assert (request.n, request.seed, request.prompt_extend) == (1, None, True)


def test_all_problems_are_told_at_once() -> None:
    """Unknown fields and wrong types stand in one refusal."""
    with pytest.raises(InvalidRequest) as raised:
        fields.parse(ImageRequest, {"promt": "x", "n": "two", "seed": 1.5})
    assert {problem.field for problem in raised.value.problems} == {"promt", "n", "seed", "prompt"}


@pytest.mark.parametrize(
    "name, near", [("promt", "prompt"), ("negativ_prompt", "negative_prompt"), ("watermarks", "watermark")]
)
def test_an_unknown_field_names_the_nearest(name: str, near: str) -> None:
    """A typing error in a config file is refused, with what may have been meant and what is allowed."""
    with pytest.raises(InvalidRequest, match=f"{name}: unknown field; did you mean .*{near}") as raised:
        fields.parse(ImageRequest, {"prompt": "x", name: "y"})
    assert "negative_prompt" in raised.value.advice


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("n", "two", "'two' is not a whole number"),
        ("n", 2.5, "is not a whole number"),
        ("n", "2.5", "is not a whole number"),
        ("n", "2e0", "is not a whole number"),
        ("n", True, "is not a whole number"),
        ("prompt_extend", "maybe", "'maybe' is not true or false"),
        ("watermark", 2, "2 is not true or false"),
        ("prompt", 5, "5 is not a text"),
        ("size", ["1024*1024"], "is not a text"),
    ],
)
def test_a_wrong_type_is_not_converted(name: str, value: object, text: str) -> None:
    """A paid request is not guessed at."""
    with pytest.raises(InvalidRequest, match=text):
        fields.parse(ImageRequest, {"prompt": "x", name: value})


def test_a_missing_prompt_is_said() -> None:
    """The one field without a default."""
    with pytest.raises(InvalidRequest, match="prompt: is required"):
        fields.parse(ImageRequest, {})


@pytest.mark.parametrize("char", ["a", "猫", "，", "😀", "\u0301"])
def test_every_character_counts_one(char: str) -> None:
    """A letter, a Han character, an emoji and a combining mark alike."""
    text = char * 800 if char != "\u0301" else "e" + char * 799
    assert not fields.check_prompt("prompt", text, 800)
    assert "has 801 characters, at most 800 are allowed: remove 1" in said(
        fields.check_prompt("prompt", text + char, 800)
    )


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u3000"])
def test_a_blank_prompt_is_empty(text: str) -> None:
    """Spaces of any width are no prompt; an optional text may be blank."""
    assert "is empty" in said(fields.check_prompt("prompt", text, 800))
    assert not fields.check_prompt("negative_prompt", text, 500, required=False)


@pytest.mark.parametrize("text", ["\ud83d", "a\x00b", "a\x1b[2J", "\x7f"])
def test_what_is_no_text_is_refused(text: str) -> None:
    """Half characters and control characters never reach the service."""
    assert "prompt: holds U+" in said(fields.check_prompt("prompt", text, None))


@pytest.mark.parametrize("before", ["\ufeff", "\ufeff\ufeff", "\n\ufeff", "\ufeff \ufeff"])
def test_a_bom_is_never_sent(before: str) -> None:
    """Nor what stands round it; inside a text it is a sign like others."""
    request, told = fields.clean_texts(fields.parse(ImageRequest, {"prompt": f"{before}猫\ufeff狗"}), "prompt")
    assert request.prompt == "猫\ufeff狗"
    assert not told


def test_lines_and_tabs_are_text() -> None:
    """A prompt may have several lines."""
    assert not fields.check_prompt("prompt", "one\r\n\ttwo", 800)


@given(SIDES, SIDES)
def test_a_size_written_right_is_read(width: int, height: int) -> None:
    """W*H is what it says."""
    assert fields.parse_size(f"{width}*{height}") == (width, height)


@given(st.text() | st.from_regex(r"[0-9xX×*, ]{1,12}", fullmatch=True))
def test_only_one_spelling_is_a_size(text: str) -> None:
    """What is read is written back the same: no spaces, no leading zeros, no foreign digits."""
    pixels = fields.parse_size(text)
    assert pixels is None or f"{pixels[0]}*{pixels[1]}" == text


@given(st.text() | st.from_regex(r"[0-9xX×*, ]{1,12}", fullmatch=True), st.sampled_from(IMAGE_MODELS))
def test_any_text_is_a_size_or_a_problem(text: str, chosen: Model) -> None:
    """Nothing unreadable passes, whatever the model."""
    assert bool(fields.check_size(chosen, text)) or fields.parse_size(text) is not None


@pytest.mark.parametrize(
    "text, spelled",
    [
        ("1024x1024", "1024*1024"),
        ("1024×768", "1024*768"),
        ("１０２４＊７６８", "1024*768"),
        (" 512 , 512 ", "512*512"),
    ],
)
def test_another_spelling_is_refused_with_the_right_one(text: str, spelled: str) -> None:
    """1024x1024 and its relatives say how to write it."""
    assert f"write {spelled}" in said(fields.check_size(CATALOG["wan2.2-t2i-flash"], text))


@given(st.from_regex(r"[0-9٠-٩]{1,8}[xX×*, ][0-9٠-٩]{1,8}", fullmatch=True))
def test_a_suggested_spelling_is_a_size(text: str) -> None:
    """Following the suggestion leads out of the problem, not into the same one."""
    problems = said(fields.check_size(CATALOG["wan2.2-t2i-flash"], text))
    if "write " in problems:
        assert fields.parse_size(problems.rpartition("write ")[2]) is not None


@pytest.mark.few(5)
@pytest.mark.parametrize("chosen", [m for m in IMAGE_MODELS if not m.sizes], ids=lambda m: m.name)
@given(width=st.integers(1, 12_000), height=st.integers(1, 12_000))
def test_a_suggested_size_is_allowed(chosen: Model, width: int, height: int) -> None:
    """A size named in a refusal is one that the same model takes."""
    problems = said(fields.check_size(chosen, f"{width}*{height}"))
    if "same shape" in problems:
        assert not fields.check_size(chosen, SIZE.findall(problems)[-1])


@pytest.mark.parametrize("chosen", IMAGE_MODELS, ids=lambda m: m.name)
def test_every_size_the_catalog_names_is_allowed(chosen: Model) -> None:
    """Default, listed, suggested and adapted sizes pass their own model's check."""
    for size in (chosen.default_size, *chosen.sizes, *chosen.suggested_sizes, *chosen.size_aliases):
        assert not fields.check_size(chosen, size)


@pytest.mark.parametrize(
    "own, size, text",
    [
        ({"side_px": (512, 1440)}, "512*511", "each side must be 512 to 1440 px"),
        ({"side_px": (512, 1440)}, "1441*512", "each side must be 512 to 1440 px"),
        ({"max_pixels": 100}, "11*10", "has 110 pixels, at most 100 are allowed"),
        ({"min_pixels": 100}, "9*10", "has 90 pixels, at least 100 are needed"),
        ({"aspect": (0.25, 4.0)}, "41*10", "width / height must be 0.25 to 4"),
        ({"aspect": (0.25, 4.0)}, "10*41", "width / height must be 0.25 to 4"),
        ({"sizes": ("1*1", "2*2")}, "3*3", r"takes only 1\*1, 2\*2"),
    ],
)
def test_each_limit_of_a_size_is_kept(own: dict[str, Any], size: str, text: str) -> None:
    """Sides, pixels, aspect and lists, each said with its numbers."""
    assert re.search(text, said(fields.check_size(model(**own), size)))


@pytest.mark.parametrize(
    "own, size",
    [
        ({"side_px": (512, 1440)}, "512*1440"),
        ({"min_pixels": 100, "max_pixels": 100}, "10*10"),
        ({"aspect": (0.25, 4.0)}, "40*10"),
        ({"aspect": (0.25, 4.0)}, "10*40"),
        ({}, "1*999999"),
    ],
)
def test_the_limits_themselves_are_allowed(own: dict[str, Any], size: str) -> None:
    """A limit is the last value taken; a limit that is not known is not checked."""
    assert not fields.check_size(model(**own), size)


@pytest.mark.parametrize(
    "seed, n, text",
    [
        (-1, 1, "-1 is not in 0 to 2147483647"),
        (2147483648, 1, "2147483648 is not in 0 to 2147483647"),
        (2147483647, 2, "at most 2147483646"),
        (2147483644, 4, ""),
        (0, 4, ""),
        (None, 4, ""),
    ],
)
def test_the_last_pictures_seed_is_in_range_too(seed: int | None, n: int, text: str) -> None:
    """n pictures use seed, seed+1, …; all of them must exist."""
    assert text in said(fields.check_seed(model(), seed, n))
    assert bool(text) == bool(fields.check_seed(model(), seed, n))


def test_a_model_without_seeds_refuses_any() -> None:
    """Zero is a seed too."""
    assert "takes no seed" in said(fields.check_seed(model(seed=False), 0, 1))
    assert not fields.check_seed(model(seed=False), None, 1)


def test_a_price_is_the_regions_own() -> None:
    """Beijing's price is not shown for Singapore; a table of prices is no flat price."""
    priced = model(price_cny=0.2, region_price_cny={"singapore": 0.25})
    assert [fields.price_cny(priced, region) for region in ("beijing", "singapore", "virginia")] == [0.2, 0.25, None]
    assert fields.price_cny(model(price_cny={"720P": 0.1}), "beijing") is None
