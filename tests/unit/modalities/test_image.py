"""Text to image: reading the service's answers, and what they cost."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import load
from bailian.modalities import MODULES, Modality, modality_of
from bailian.modalities.picture import image
from bailian.types import StoredRequest

CATALOG = load()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PICTURE = st.fixed_dictionaries({}, optional=dict.fromkeys(("url", "image", "code", "message"), JSON)) | JSON
NO_LIST = st.sampled_from([1, True, 0.5, "text", {"url": "https://h"}]) | JSON
CHOICE = (
    st.fixed_dictionaries({"message": st.fixed_dictionaries({"content": st.lists(PICTURE) | NO_LIST}) | JSON}) | JSON
)
OUTPUT = st.fixed_dictionaries(
    {}, optional={"results": st.lists(PICTURE) | NO_LIST, "choices": st.lists(CHOICE, max_size=3) | NO_LIST}
)
ANSWER = st.fixed_dictionaries({"output": OUTPUT | OUTPUT | JSON}, optional={"usage": JSON})

FAILED = {"code": "InternalError.Timeout", "message": "too slow"}
TASK = {
    "request_id": "r",
    "output": {
        "task_id": "t",
        "task_status": "SUCCEEDED",
        "results": [{"orig_prompt": "p", "url": "https://h/1.png?a=b"}, FAILED, {"url": "https://h/3.png"}],
        "task_metrics": {"TOTAL": 3, "SUCCEEDED": 2, "FAILED": 1},
    },
    "usage": {"image_count": 2},
}
MESSAGE = {
    "request_id": "r",
    "output": {
        "choices": [
            {
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": [{"text": "here"}, {"image": "https://h/1.png"}]},
            }
        ],
        "task_metric": {"FAILED": 0, "SUCCEEDED": 1, "TOTAL": 1},
    },
    "usage": {"height": 928, "image_count": 1, "width": 1664},
}


def prepared(**own: Any) -> StoredRequest:
    values = {"prompt": "a cat", "model": "wan2.2-t2i-flash", "n": 3, **own}
    return image.prepare(values, CATALOG, "beijing").stored()


@pytest.mark.parametrize("kind", MODULES)
def test_the_module_is_found_by_its_kind(kind: str) -> None:
    """`of` loads the module of a kind, with all of `Modality`."""
    module = modality_of(kind)
    assert all(hasattr(module, name) for name in Modality.__annotations__)
    assert all(hasattr(module, name) for name in vars(Modality) if not name.startswith("_"))


def test_pictures_of_a_task_are_read_in_order_good_and_failed() -> None:
    """One good picture makes a task SUCCEEDED; the failed one keeps its place and its reason."""
    items = image.items(TASK, prepared())
    assert [(item.index, item.url, item.code, item.message) for item in items] == [
        (0, "https://h/1.png?a=b", "", ""),
        (1, None, "InternalError.Timeout", "too slow"),
        (2, "https://h/3.png", "", ""),
    ]


def test_each_picture_gets_its_own_seed() -> None:
    """The service counts up from the seed, failed pictures included."""
    items = image.items(TASK, prepared(seed=7))
    assert [item.wire.get("seed") for item in items] == [7, 8, 9]
    assert all("seed" not in item.wire for item in image.items(TASK, prepared()))


def test_pictures_of_a_message_are_read() -> None:
    """Message style holds them between texts."""
    assert [item.url for item in image.items(MESSAGE, prepared())] == ["https://h/1.png"]


@pytest.mark.parametrize("link", ["file:///etc/passwd", "ftp://h/1.png", "/etc/passwd", "", None, 5, ["https://h"]])
def test_only_web_links_are_followed(link: object) -> None:
    """A link is untrusted: anything but http and https is a failed picture."""
    (item,) = image.items({"output": {"results": [{"url": link}]}}, prepared(n=1))
    assert (item.url, item.code) == (None, "unknown")


@pytest.mark.parametrize("answer", [{}, {"output": None}, {"output": []}, {"output": {"results": None}}])
def test_an_answer_without_pictures_has_none(answer: dict[str, Any]) -> None:
    """PENDING, RUNNING and FAILED answers hold no results."""
    assert image.items(answer, prepared()) == []


@pytest.mark.parametrize(
    "output", [{"results": 5}, {"choices": 5}, {"choices": [{"message": {"content": 5}}]}, {"results": {"url": "x"}}]
)
def test_nonsense_in_an_answer_is_no_picture(output: dict[str, Any]) -> None:
    """A field of another type than documented is not a bug of ours."""
    assert image.items({"output": output}, prepared()) == []


@pytest.mark.slow
@given(ANSWER)
def test_any_answer_can_be_read(answer: dict[str, Any]) -> None:
    """Items and cost of whatever JSON the service sends."""
    items = image.items(answer, prepared())
    assert all(item.url or item.code for item in items)
    image.charged_cny(answer, prepared())


@pytest.mark.slow
@given(ANSWER)
def test_any_answer_can_be_shown(answer: dict[str, Any]) -> None:
    """`--json` shows whatever JSON the service sends, without changing it."""
    before = repr(answer)
    image.with_paths(answer, prepared(), {0: "outputs/1.png"})
    assert repr(answer) == before


def test_cost_counts_the_pictures_made() -> None:
    """Failed pictures are not billed; without a count the good links are counted."""
    assert image.charged_cny(TASK, prepared()) == pytest.approx(0.28)
    assert image.charged_cny({**TASK, "usage": None}, prepared()) == pytest.approx(0.28)
    assert image.charged_cny(TASK, replace(prepared(), unit_cny=None)) is None


def test_paths_stand_beside_their_links() -> None:
    """A failed picture has no path, and the next one keeps its own."""
    output = image.with_paths(TASK, prepared(seed=7), {0: "a.png", 2: "b.png"})
    assert output["results"] == [
        {"orig_prompt": "p", "url": "https://h/1.png?a=b", "seed": 7, "path": "a.png"},
        {**FAILED, "seed": 8},
        {"url": "https://h/3.png", "seed": 9, "path": "b.png"},
    ]
    assert output["task_metrics"] == {"TOTAL": 3, "SUCCEEDED": 2, "FAILED": 1}


def test_paths_stand_in_messages_too() -> None:
    """Message style keeps its shape, with the text parts untouched."""
    output = image.with_paths(MESSAGE, prepared(), {0: "a.png"})
    assert output["choices"][0]["message"]["content"] == [
        {"text": "here"},
        {"image": "https://h/1.png", "path": "a.png"},
    ]
    assert "path" not in str(MESSAGE)


@pytest.mark.parametrize("name", ["wan2.2-t2i-flash", "qwen-image-max"])
def test_the_prompt_as_sent_is_found_in_both_styles(name: str) -> None:
    """It is what tells a lost task of ours from somebody else's."""
    made = image.prepare({"prompt": "一只猫", "model": name}, CATALOG, "beijing")
    assert image.asked_prompt(made.body) == "一只猫"


def test_the_journals_form_is_plain_json() -> None:
    """What another process needs to go on: route, body, count, unit price, notices."""
    kept = prepared(prompt="x" * 501)
    assert (kept.mode, kept.count, kept.unit_cny) == ("task", 3, pytest.approx(0.14))
    data = kept.to_json()
    assert data["route"] == "/services/aigc/text2image/image-synthesis"
    assert [notice["code"] for notice in data["notices"]] == ["prompt_cut"]
    assert StoredRequest.from_json(json.loads(json.dumps(data)), "image") == kept


@pytest.mark.parametrize("count", [None, -1000, 10**400, float("nan"), True, "2", 2.5, 1])
def test_a_count_that_cannot_be_is_no_bill(count: object) -> None:
    """Two pictures came, so even 1 is wrong. The charge is unknown then, and the estimate stands for it."""
    assert image.charged_cny({**TASK, "usage": {"image_count": count}}, prepared()) is None


@pytest.mark.parametrize("results", [True, [], ["https://a/b.png"], [[]], None])
def test_results_that_cannot_be_read_are_not_free(results: object) -> None:
    """Nothing can be counted, and nobody said that nothing is billed."""
    assert image.charged_cny({"output": {"results": results}}, prepared()) is None


def test_pictures_that_all_failed_are_free() -> None:
    """Failed pictures are not billed."""
    assert image.charged_cny({"output": {"results": [{"code": "InternalError.Algo"}]}}, prepared()) == 0.0
