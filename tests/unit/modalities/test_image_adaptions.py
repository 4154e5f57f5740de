"""What text to image sends: every default said, and what today's service takes otherwise said aloud."""

from __future__ import annotations

from typing import Any

import pytest

from bailian.catalog import load
from bailian.modalities.picture import image
from bailian.types import Prepared

CATALOG = load()
IMAGE_MODELS = [model.name for model in CATALOG.of_kind("image") if not model.parameters]
"""What a page lists for the others is in test_pictures_of_today.py."""


def prepare(region: str = "beijing", **values: Any) -> Prepared:
    return image.prepare({"prompt": "a cat", **values}, CATALOG, region)


def codes(prepared: Prepared) -> list[str]:
    return [notice.code for notice in prepared.notices]


def test_the_whole_body_of_a_plain_request() -> None:
    """The documented form, with every default: the service's own n is 4, and billed."""
    assert prepare().body == {
        "model": "wan2.2-t2i-flash",
        "input": {"prompt": "a cat"},
        "parameters": {"size": "1024*1024", "n": 1, "prompt_extend": True, "watermark": False},
    }
    assert codes(prepare()) == []


def test_the_whole_body_of_a_full_request() -> None:
    """Every field goes where the service's reference has it."""
    prepared = prepare(
        negative_prompt="blurred",
        size="512*768",
        n=4,
        seed=0,
        prompt_extend=False,
        watermark=True,
        model="wan2.2-t2i-plus",
    )
    assert prepared.body == {
        "model": "wan2.2-t2i-plus",
        "input": {"prompt": "a cat", "negative_prompt": "blurred"},
        "parameters": {"size": "512*768", "n": 4, "prompt_extend": False, "watermark": True, "seed": 0},
    }
    assert prepared.estimate_cny == pytest.approx(0.8)


def test_the_whole_body_in_message_style() -> None:
    """One user message with one text; the negative prompt is a parameter here."""
    assert prepare(model="qwen-image-max", negative_prompt="blurred", seed=3).body == {
        "model": "qwen-image-max",
        "input": {"messages": [{"role": "user", "content": [{"text": "a cat"}]}]},
        "parameters": {
            "size": "1328*1328",
            "n": 1,
            "prompt_extend": True,
            "watermark": False,
            "seed": 3,
            "negative_prompt": "blurred",
        },
    }


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_defaults_are_always_sent(model: str) -> None:
    """n, size and watermark stand in every body, whatever the model."""
    prepared = prepare(model=model)
    parameters = prepared.body["parameters"]
    assert (parameters["n"], parameters["watermark"]) == (1, False)
    assert parameters["size"] == CATALOG[model].default_size == prepared.request["size"]
    assert "seed" not in parameters
    assert ("prompt_extend" in parameters) == CATALOG[model].prompt_extend


@pytest.mark.parametrize(
    "model, size",
    [
        ("wan2.2-t2i-flash", "1024*1024"),
        ("wanx2.1-t2i-turbo", "1024*1024"),
        ("wanx2.0-t2i-turbo", "1024*1024"),
        ("qwen-image", "1328*1328"),
    ],
)
def test_default_sizes(model: str, size: str) -> None:
    """The seed's default; qwen-image has no 1024*1024, so its own square."""
    assert prepare(model=model).body["parameters"]["size"] == size


@pytest.mark.parametrize("model", ["qwen-image", "qwen-image-plus"])
@pytest.mark.parametrize("asked, sent", [("1472*1140", "1472*1104"), ("1140*1472", "1104*1472")])
def test_sizes_the_service_has_renamed(model: str, asked: str, sent: str) -> None:
    """What the seed allows works today: sent as today's size, with a notice; the request keeps what was asked."""
    prepared = prepare(model=model, size=asked)
    assert (prepared.body["parameters"]["size"], prepared.request["size"]) == (sent, asked)
    assert codes(prepared) == ["size_adapted"]
    assert f"{asked} is sent as {sent}" in prepared.notices[0].message


@pytest.mark.parametrize("size", ["1664*928", "1328*1328", "928*1664", "1472*1104", "1104*1472"])
def test_todays_sizes_need_no_notice(size: str) -> None:
    """The service's own five go as they are."""
    prepared = prepare(model="qwen-image", size=size)
    assert (prepared.body["parameters"]["size"], codes(prepared)) == (size, [])


def test_a_size_that_may_be_refused_is_announced() -> None:
    """wanx2.0 is known to take eight sizes; another one inside the range is sent with a notice."""
    assert codes(prepare(model="wanx2.0-t2i-turbo", size="600*600")) == ["size_untested"]
    assert codes(prepare(model="wanx2.0-t2i-turbo", size="768*768")) == []


@pytest.mark.parametrize("model", ["wan2.2-t2i-flash", "wan2.2-t2i-plus", "wanx2.1-t2i-turbo", "wanx2.1-t2i-plus"])
def test_a_prompt_the_service_cuts_is_announced(model: str) -> None:
    """Between 500 and 800 characters the whole prompt is sent, and the cut is said."""
    prepared = prepare(model=model, prompt="猫" * 501)
    assert codes(prepared) == ["prompt_cut"]
    assert "cuts the last 1" in prepared.notices[0].message
    assert image.asked_prompt(prepared.body) == "猫" * 501
    assert codes(prepare(model=model, prompt="猫" * 500)) == []


@pytest.mark.parametrize("model", ["wanx2.0-t2i-turbo", "qwen-image"])
def test_models_that_read_800_characters_need_no_notice(model: str) -> None:
    """Only those that cut at 500 say so."""
    assert codes(prepare(model=model, prompt="x" * 800)) == []


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_a_negative_prompt_goes_where_the_style_has_it(model: str) -> None:
    """In `input` beside the prompt, in `parameters` beside messages, and nowhere without the other."""
    body = prepare(model=model, negative_prompt="blurred").body
    style, sent = CATALOG[model].style, CATALOG[model].negative_prompt_chars != 0
    assert ("negative_prompt" in body["input"]) == (sent and style == "prompt")
    assert ("negative_prompt" in body["parameters"]) == (sent and style == "messages")


@pytest.mark.parametrize("typed", ["wanx2.1-t2i-turbo", "wan2.1-t2i-turbo"])
@pytest.mark.parametrize("region, sent", [("beijing", "wanx2.1-t2i-turbo"), ("singapore", "wan2.1-t2i-turbo")])
def test_each_region_gets_its_own_name(typed: str, region: str, sent: str) -> None:
    """Either spelling works in either region; another name than the one that was typed is said."""
    prepared = prepare(region, model=typed)
    assert (prepared.wire_model, prepared.body["model"]) == (sent, sent)
    assert prepared.request["model"] == "wanx2.1-t2i-turbo"
    assert codes(prepared) == (["name_in_region"] if region == "singapore" and typed != sent else [])


def test_a_price_depends_on_region_count_and_prompt_extend() -> None:
    """Estimates are what the service would bill; an unknown price is None, never zero."""
    assert prepare(n=2).estimate_cny == pytest.approx(0.28)
    assert prepare("singapore", n=2).estimate_cny == pytest.approx(0.366962)
    assert prepare("singapore", model="wanx2.1-t2i-turbo").estimate_cny is None
    assert prepare(model="z-image-turbo", prompt_extend=True).estimate_cny == pytest.approx(0.2)
    assert prepare(model="z-image-turbo").estimate_cny == pytest.approx(0.1)


def test_the_request_makes_the_same_request_again() -> None:
    """What is stored is complete: preparing it again gives the same body."""
    first = prepare(model="qwen-image", size="1472*1140", negative_prompt="blurred", watermark=True)
    again = image.prepare(first.request, CATALOG, "beijing")
    assert (again.body, again.request) == (first.body, first.request)
