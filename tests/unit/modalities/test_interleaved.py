"""A text with pictures in it: pictures as files, and one Markdown text that links them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import load
from bailian.modalities.picture import image
from bailian.modalities.picture.picture_answers import linked_text
from bailian.types import Prepared

CATALOG = load()
FIRST, SECOND = {"type": "image", "image": "https://h/1.png"}, {"type": "image", "image": "https://h/2.png"}


def prepared(**values: Any) -> Prepared:
    return image.prepare({"model": "wan2.6-image", "prompt": "p", "interleave": True, **values}, CATALOG, "beijing")


def answer(*parts: Any, **usage: Any) -> dict[str, Any]:
    choices = [{"finish_reason": "stop", "message": {"role": "assistant", "content": list(parts)}}]
    return {"request_id": "r", "output": {"choices": choices, "finished": True}, "usage": usage}


STORY = answer(
    {"type": "text", "text": "One"}, {"type": "text", "text": " day.\n"}, FIRST, {"text": "Then"}, SECOND, image_count=2
)


def test_the_text_comes_after_the_pictures_it_links() -> None:
    items = image.items(STORY, prepared(n=3).stored())
    assert [(item.url, item.suffix, item.links, item.good) for item in items] == [
        ("https://h/1.png", "", False, True),
        ("https://h/2.png", "", False, True),
        (None, "md", True, True),
    ]
    assert image.charged_cny(STORY, prepared(n=3).stored()) == pytest.approx(0.4)


def test_the_service_decides_how_many() -> None:
    """`n` is the most; fewer are no failure."""
    made = prepared(n=5).stored().to_json()
    assert (made["count"], made["open_count"]) == (5, True)
    assert "open_count" not in prepared(interleave=None, n=1, model="wan2.7-image").stored().to_json()
    assert prepared(interleave=None, set=4, model="wan2.7-image").stored().to_json()["open_count"]


def test_the_text_of_a_story() -> None:
    assert linked_text(STORY, {0: "a_1.png", 1: "a b_2.png"}) == (
        "One day.\n\n![](<a_1.png>)\n\nThen\n\n![](<a b_2.png>)\n"
    )
    assert linked_text(STORY, {1: "a.png"}) == "One day.\nThen\n\n![](<a.png>)\n", "one picture failed"


def test_a_text_alone_is_a_result() -> None:
    (item,) = image.items(answer({"text": "no pictures"}), prepared().stored())
    assert (item.links, item.index) == (True, 0)
    assert image.items(answer(), prepared().stored()) == [], "an empty answer is none"


def test_paths_stand_in_the_answer() -> None:
    shown = image.with_paths(STORY, prepared().stored(), {0: "/o/1.png", 1: "/o/2.png", 2: "/o/t.md"})
    assert shown["path"] == "/o/t.md"
    content = shown["choices"][0]["message"]["content"]
    assert [part.get("path") for part in content] == [None, None, "/o/1.png", None, "/o/2.png"]


names = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=20)


@given(names)
def test_any_name_can_be_linked(name: str) -> None:
    """In brackets a link may hold anything but brackets, line ends and what would be decoded."""
    text = linked_text(answer(FIRST), {0: name})
    link = re.fullmatch(r"!\[\]\(<([^<>\r\n]*)>\)\n", text)
    assert link
    assert unquote(link[1]) == name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PART = st.fixed_dictionaries({}, optional={"text": JSON, "image": JSON | st.just("https://h/1.png")}) | JSON
RESULT = st.fixed_dictionaries({"url": st.just("https://h/0.png")}) | JSON


@pytest.mark.slow
@given(st.lists(PART, max_size=5) | JSON, st.none() | st.lists(RESULT, max_size=2), JSON)
def test_any_answer_is_a_text_or_none(content: Any, results: list[Any] | None, usage: Any) -> None:
    """Whatever stands in the place of a text or a picture, each link leads to the picture that stands there."""
    output = {"choices": [{"message": {"content": content}}], **({"results": results} if results else {})}
    came = {"output": output, "usage": usage}
    made = prepared(n=3).stored()
    items = image.items(came, made)
    pictures = {item.index: f"{item.index}.png" for item in items if item.url and item.wire.get("image")}
    if any(item.links for item in items):
        text = linked_text(came, pictures)
        assert [f"{index}.png" for index in pictures] == re.findall(r"!\[\]\(<([0-9]+\.png)>\)", text)
    image.charged_cny(came, made)
    image.with_paths(came, made, {item.index: "p" for item in items if item.good})
