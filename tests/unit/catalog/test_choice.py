"""Which model is sent, on which day, and what is said about it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bailian.catalog import KINDS, Catalog, Model, load
from bailian.errors import InvalidRequest
from bailian.modalities import modality_of
from bailian.modalities.rules import choice
from bailian.modalities.rules.choice import choose
from bailian.types import Input, Prepared, Probe

BEFORE, EVE, DAY, AFTER = date(2026, 6, 1), date(2026, 10, 9), date(2026, 10, 10), date(2026, 11, 28)
LEAST: dict[str, dict[str, Any]] = {
    "image": {"prompt": "猫"},
    "image_edit": {"prompt": "改", "image": ["https://example.com/a.png"]},
    "wanx_edit": {"function": "colorization", "image": ["https://example.com/a.png"]},
    "video": {"prompt": "海"},
    "text": {"prompt": "你好"},
    "speech": {"prompt": "你好"},
    "transcription": {"file": ["https://example.com/a.wav"]},
    "embedding": {"text": "你好"},
}
"""The least that a request of each kind must say."""
NAMED = {"image": "qwen-image", "image_edit": "qwen-image-edit", "text": "qwen-turbo", "transcription": "paraformer-v1"}
"""A name of the seed document's that is retired on 2026-10-10, by kind."""


def prepared(kind: str, today: date, *, use_successor: bool = False, **own: Any) -> Prepared:
    return modality_of(kind).prepare({**LEAST[kind], **own}, load(today=today, use_successor=use_successor), "beijing")


def codes(made: Prepared) -> list[str]:
    return [notice.code for notice in made.notices]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("today", [BEFORE, EVE, DAY, AFTER])
def test_a_default_lives_on_its_day(kind: str, today: date) -> None:
    """Who names no model gets the document's, or the first after it that lives, and is told so."""
    made = prepared(kind, today)
    names = modality_of(kind).DEFAULT_MODELS  # type: ignore[attr-defined]
    moved = today >= DAY and kind in ("image_edit", "transcription")
    assert made.model.name == names[1 if moved else 0]
    assert not made.model.retired(today)
    assert ("default_model" in codes(made)) == moved
    assert made.request["model"] == made.model.name


def test_a_default_that_moved_says_when_and_what() -> None:
    (notice,) = prepared("image_edit", AFTER).notices
    assert notice.message == (
        "qwen-image-edit was retired on 2026-10-10; the default is now qwen-image-2.0 (--model takes another)"
    )


def test_the_price_is_the_model_that_is_sent() -> None:
    """0.30 was qwen-image-edit's, 0.20 is qwen-image-2.0's."""
    assert [prepared("image_edit", day).estimate_cny for day in (BEFORE, AFTER)] == [0.3, 0.2]
    assert prepared("image_edit", AFTER, model="qwen-image-edit").estimate_cny == 0.3
    assert prepared("image_edit", AFTER, use_successor=True, model="qwen-image-edit").estimate_cny == 0.2


@pytest.mark.parametrize("kind", NAMED)
def test_a_named_model_is_sent_as_named(kind: str) -> None:
    """Price and result would change: nobody exchanges it silently, on no day."""
    for today in (BEFORE, EVE, DAY, AFTER):
        made = prepared(kind, today, model=NAMED[kind])
        assert made.body["model"] == made.model.name == NAMED[kind]
    (notice,) = prepared(kind, AFTER, model=NAMED[kind]).notices
    successor = made.model.successor
    assert notice.code == "model_retired"
    assert notice.message == f"{NAMED[kind]} was retired on 2026-10-10; use {successor}: --use-successor"


@pytest.mark.parametrize("kind", NAMED)
def test_use_successor_sends_what_took_over(kind: str) -> None:
    """From the day on, checks, price and all; before it the name still means itself."""
    assert prepared(kind, EVE, use_successor=True, model=NAMED[kind]).model.name == NAMED[kind]
    made = prepared(kind, DAY, use_successor=True, model=NAMED[kind])
    successor = load()[NAMED[kind]].successor
    assert made.body["model"] == made.request["model"] == made.model.name == successor
    assert made.model.kind == kind
    assert codes(made) == ["successor_sent"]
    said = made.notices[0].message
    assert said.startswith(f"{NAMED[kind]} was retired on 2026-10-10; {successor} is sent (")
    assert "CNY / " in said, "another one has another price"


def test_use_successor_checks_what_the_successor_takes() -> None:
    """One picture a call was qwen-image's limit; its successor makes six, and takes a seed."""
    assert prepared("image", DAY, use_successor=True, model="qwen-image", n=6, seed=1).count == 6
    with pytest.raises(InvalidRequest):
        prepared("image", DAY, model="qwen-image", n=6, seed=1)


def test_use_successor_leaves_living_models_alone() -> None:
    for kind in KINDS:
        made = prepared(kind, EVE, use_successor=True)
        assert made.model.name == modality_of(kind).DEFAULT_MODELS[0]  # type: ignore[attr-defined]


def test_an_empty_name_is_no_wish_for_the_default() -> None:
    """`--model "$MODEL"` with an unset variable is a mistake, not a choice."""
    with pytest.raises(InvalidRequest, match="unknown model ''"):
        prepared("image", BEFORE, model="")


def entry(name: str, ended: str = "", successor: str = "", **own: Any) -> Model:
    return Model(name=name, kind="text", mode="sync", route="/t", retired_on=ended, successor=successor, **own)


def test_where_every_default_is_retired_a_successor_stands_in() -> None:
    """The list of a version that is old by then: better what took over than a call that must fail."""
    models = [entry("a", "2026-02-01", "c"), entry("b", "2026-03-01", "c"), entry("c")]
    chosen = choose(None, "text", ("a", "b"), Catalog(models, AFTER), "beijing")
    assert (chosen.model.name, chosen.instead_of and chosen.instead_of.name) == ("c", "a")


def test_where_nothing_lives_the_last_default_is_sent() -> None:
    """The service has the last word on what lives."""
    models = [entry("a", "2026-02-01"), entry("b", "2026-03-01")]
    assert choose(None, "text", ("a", "b"), Catalog(models, AFTER), "beijing").model.name == "b"


def test_a_user_who_says_that_a_default_lives_is_believed() -> None:
    """The user's models.toml may know of a postponement: the date decides, not the code."""
    models = [entry("a", "2027-02-01"), entry("b")]
    assert choose(None, "text", ("a", "b"), Catalog(models, AFTER), "beijing").model.name == "a"


@pytest.mark.parametrize(
    "own, today, text",
    [
        ({"ended": "2026-03-01", "successor": "n"}, "2026-02-28", "m retires on 2026-03-01; use n"),
        ({"ended": "2026-03-01", "successor": "n"}, "2025-11-29", "m retires on 2026-03-01; use n"),
        ({"ended": "2026-03-01", "successor": "n"}, "2025-11-28", ""),
        (
            {"ended": "2026-03-01", "successor": "n"},
            "2026-03-01",
            "m was retired on 2026-03-01; use n: --use-successor",
        ),
        ({"ended": "2026-03-01", "successor": "gone"}, "2026-03-01", "m was retired on 2026-03-01"),
        ({"ended": "2026-03-01"}, "2026-02-28", "m retires on 2026-03-01"),
        ({"successor": "n"}, "2026-03-01", "m is no longer developed; use n"),
        ({"unknown_to_service": True}, "2026-03-01", "the service has never listed m; sent as named"),
        ({"aliases": {"singapore": "m-intl"}}, "2026-03-01", ""),
    ],
)
def test_a_models_life_is_told(own: dict[str, Any], today: str, text: str) -> None:
    """Retired and unknown names still run, with a dated notice; an end is told from three months before."""
    catalog = Catalog([entry("m", **own), entry("n")], date.fromisoformat(today))
    chosen = choose("m", "text", (), catalog, "beijing")
    assert [one.message for one in choice.notices(chosen, "m", "beijing", catalog)] == [text] * bool(text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_tells_the_engine_what_a_refusal_may_mean(kind: str) -> None:
    """The journal keeps date and advice, so that another process can say them too."""
    assert prepared(kind, BEFORE, model=modality_of(kind).DEFAULT_MODELS[-1]).context.retired is None  # type: ignore[attr-defined]
    if kind in NAMED:
        facts = prepared(kind, AFTER, model=NAMED[kind]).context.to_json()["retired"]
        successor = load()[NAMED[kind]].successor
        assert facts == {
            "on": "2026-10-10",
            "message": f"{NAMED[kind]} was retired on 2026-10-10",
            "advice": f"run it with --use-successor, or with --model {successor}",
        }


# ── qwen-image-2.0 edits ──


def test_without_a_picture_only_a_model_that_is_named_draws() -> None:
    """Who forgot the picture did not ask for a drawing."""
    made = prepared("image_edit", AFTER, model="qwen-image-2.0", image=[])
    assert made.body["input"]["messages"][0]["content"] == [{"text": "改"}]
    assert made.body["parameters"]["size"] == "1024*1024"
    for how in ({}, {"use_successor": True, "model": "qwen-image-edit"}):
        with pytest.raises(InvalidRequest, match="give 1-3 pictures, not 0"):
            prepared("image_edit", AFTER, image=[], **how)


def test_up_to_three_pictures_are_edited() -> None:
    urls = [f"https://example.com/{number}.png" for number in range(4)]
    made = prepared("image_edit", AFTER, image=urls[:3], n=6, size="1024*1024", seed=1)
    assert [part["image"] for part in made.body["input"]["messages"][0]["content"][:3]] == urls[:3]
    assert made.body["parameters"] == {
        "n": 6, "watermark": False, "size": "1024*1024", "prompt_extend": True, "seed": 1,
    }  # fmt: skip
    with pytest.raises(InvalidRequest, match="give 0-3 pictures, not 4"):
        prepared("image_edit", AFTER, model="qwen-image-2.0", image=urls)


def test_the_size_of_an_edit_is_left_to_the_picture() -> None:
    """Of a link nobody here knows the shape: the service makes about 1024*1024 in its ratio, unless a size is given."""
    assert "size" not in prepared("image_edit", AFTER).body["parameters"]


@pytest.mark.parametrize("size, told", [((384, 3072), False), ((383, 600), True), ((600, 3073), True)])
def test_sides_that_are_advised_are_a_notice_not_a_refusal(size: tuple[int, int], told: bool) -> None:
    """384 to 3072 was qwen-image-edit's rule; for 2.0 it is advice, so the picture is sent."""
    url = LEAST["image_edit"]["image"][0]
    given = {url: Input(url, Probe("PNG", *size, 1000))}
    made = modality_of("image_edit").prepare(
        {**LEAST["image_edit"], "model": "qwen-image-2.0"}, load(today=AFTER), "beijing", given
    )
    assert ("picture_size_unadvised" in codes(made)) == told
