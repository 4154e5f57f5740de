"""What films cost: the most before sending, and what `usage` says afterwards, in each of its dialects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.modalities.video import video
from bailian.types import Input, Prepared, StoredRequest
from tests.unit.modalities.film_requests import (
    CATALOG,
    CLIP,
    DAY,
    FILM_LINK,
    FILM_MODELS,
    NIGHT,
    SONG,
    VACE,
    film,
    made,
    shortest,
    sound,
)

HORSE_EDIT = "happyhorse-1.0-video-edit"


def clips(*seconds: float | None) -> tuple[list[str], Mapping[str, Input]]:
    """Return films of these lengths; None: a link."""
    found = {f"file:///{place}.mp4": Input(f"file:///{place}.mp4", film=film(one)) for place, one in enumerate(seconds)}
    return list(found), found


def lasting(model: str, field: str, *seconds: float | None, **fields: Any) -> Prepared:
    urls, found = clips(*seconds)
    fields[field] = [*fields.get(field, []), *urls]
    return made(model, found=found, **fields)


# ── before ──

TIERS = [
    ("wan2.1-t2v-turbo", 1.20), ("wan2.1-t2v-plus", 3.50), ("wan2.2-t2v-plus", 0.70), ("wan2.5-t2v-preview", 3.00),
    ("wan2.6-t2v", 3.00), ("wan2.7-t2v", 3.00), ("wan2.2-i2v-flash", 1.00), ("wan2.2-i2v-plus", 0.70),
    ("wanx2.1-i2v-turbo", 1.20), ("wanx2.1-i2v-plus", 3.50), ("wan2.5-i2v-preview", 3.00), ("wan2.6-i2v", 3.00),
    ("wan2.6-i2v-flash", 1.50), ("wan2.2-kf2v-flash", 1.00), ("wanx2.1-kf2v-plus", 3.50), ("wan2.7-i2v", 3.00),
    ("wan2.6-r2v", 3.00), ("wan2.6-r2v-flash", 1.50), ("wan2.7-r2v", 3.00), ("wan2.7-videoedit", 6.00),
    ("wanx2.1-vace-plus", 3.50), ("happyhorse-1.1-t2v", 4.50), ("happyhorse-1.1-i2v", 4.50),
    ("happyhorse-1.1-r2v", 4.50), ("happyhorse-1.0-t2v", 4.50), ("happyhorse-1.0-i2v", 4.50),
    ("happyhorse-1.0-r2v", 4.50), (HORSE_EDIT, 27.00), ("wan3.0-video", 3.00), ("wan3.0-video-prime", 4.50),
]  # fmt: skip
"""Each model's shortest request: 720P where there is one, five seconds; edits by the length of their film."""


@pytest.mark.few(4)
@pytest.mark.parametrize("name, estimate_cny", TIERS)
def test_the_usual_film_of_each_model(name: str, estimate_cny: float) -> None:
    assert made(name, **shortest(name)).estimate_cny == pytest.approx(estimate_cny)


def test_every_model_has_a_price_here() -> None:
    assert {name for name, _ in TIERS} == {name for name in FILM_MODELS if not CATALOG[name].is_snapshot}


@pytest.mark.few(5)
@pytest.mark.parametrize(
    "prepared, estimate_cny",
    [
        (made("wan2.2-i2v-flash", image=[DAY], size="480P"), 0.50),
        (made("wan2.2-i2v-flash", image=[DAY], size="1080P"), 2.40),
        (made("wan2.2-i2v-flash", "singapore", image=[DAY]), 1.321065),
        (made("wan2.6-i2v-flash", image=[DAY], no_audio=True), 0.75),
        (made("wan2.6-i2v-flash", image=[DAY], no_audio=True, size="1080P", duration=15), 3.75),
        (made("wan2.6-i2v-flash", "singapore", image=[DAY], no_audio=True), 0.917405),
        (made("wan3.0-video", no_audio=True), 3.00),  # the same either way
        (made("wan3.0-video", duration=-1), 18.00),  # thirty seconds are reserved
        (made("wan3.0-video", duration=-1, size="480P"), 9.00),
        # input seconds: of references a share of five
        (lasting("wan2.6-r2v", "references", 4.0), 5.40),
        (lasting("wan2.6-r2v", "references", 30.0), 6.00),
        (lasting("wan2.6-r2v", "references", 30.0, references=[DAY]), 4.50),
        (lasting("wan2.6-r2v-flash", "references", 30.0, 30.0, references=[DAY, DAY, DAY], no_audio=True), 1.05),
        # a link whose body says no type: it may be a film
        (made("wan2.6-r2v", references=["https://h/a"]), 6.00),
        (made("wan2.6-r2v-flash", references=["https://h/a", DAY]), 2.25),
        (made("wan2.6-r2v", references=["https://h/a"], reference_types=["image"]), 3.00),
        (made("wan2.7-r2v", references=["https://h/a"]), 3.00),
        (lasting("wan2.7-r2v", "references", 30.0, references=[DAY]), 6.00),
        (lasting("wan2.7-r2v", "references", 30.0, 1.0), 5.10),
        (lasting("wan2.7-r2v", "references", 30.0, None), 6.00),
        (lasting("wan2.7-r2v", "references", 30.0, 30.0, 30.0), 6.00),
        # edits: as long as the film, and the film again
        (lasting("wan2.7-videoedit", "video", 5.02), 6.024),
        (lasting("wan2.7-videoedit", "video", 10.0, size="1080P"), 20.00),
        (lasting("wan2.7-videoedit", "video", None), 12.00),
        (lasting("wan2.7-videoedit", "video", 10.04), 12.048),  # a frame above the limit is let in, and billed
        (lasting("wan2.7-videoedit", "video", 10.04, duration=2), 7.224),
        (lasting("wan3.0-video", "references", 15.04), 12.024),
        (lasting("wan3.0-video", "references", 10.02, duration=20), 18.012),
        (lasting("wan2.7-videoedit", "video", 10.0, duration=2), 7.20),
        (made(HORSE_EDIT, video=[FILM_LINK]), 27.00),
        # wan3.0: all seconds that go in, with the film's own at most thirty
        (lasting("wan3.0-video", "references", 5.0), 6.00),
        (lasting("wan3.0-video", "references", None), 12.00),
        (lasting("wan3.0-video", "references", None, None, None), 12.00),
        (lasting("wan3.0-video", "references", None, duration=20), 18.00),
        (lasting("wan3.0-video", "references", None, duration=-1), 18.00),
        (lasting("wan3.0-video", "video", 5.0, duration=10), 9.00),
        (made("wan3.0-video", references=[SONG]), 7.80),
        (made("wan3.0-video", image=[DAY], last_frame=[NIGHT], duration=30), 18.00),
        # what a film goes on from is part of it
        (made("wan2.7-i2v", continue_=[CLIP], duration=15), 9.00),
        (made("wan2.7-i2v", image=[DAY], audio=[SONG]), 3.00),
        (made("wanx2.1-vace-plus", vace="video_repainting", **VACE["video_repainting"]), 3.50),
    ],
)  # fmt: skip
def test_the_most_it_can_cost_is_known_before(prepared: Prepared, estimate_cny: float) -> None:
    assert prepared.estimate_cny == pytest.approx(estimate_cny)


@given(st.lists(st.none() | st.floats(1, 15), min_size=1, max_size=5), st.sampled_from([-1, *range(2, 31)]))
def test_no_known_length_costs_more_than_an_unknown_one(seconds: list[float | None], duration: int) -> None:
    """The estimate is an upper bound: whatever a link's length turns out to be, it is within it."""
    for model in ("wan2.7-r2v", "wan3.0-video"):
        if duration not in CATALOG[model].durations_s or (model == "wan2.7-r2v" and duration > 10):
            continue
        known = sum(one or 0 for one in seconds)
        if model == "wan3.0-video" and (known > 15 or known + duration > 30):
            continue
        prepared = lasting(model, "references", *seconds, duration=duration)
        unknown = lasting(model, "references", *[None] * len(seconds), duration=duration)
        assert duration <= prepared.units <= unknown.units + 1e-9
        assert unknown.units <= (30 if duration == -1 else duration + 15)


@pytest.mark.parametrize(
    "prepared, about",
    [
        (made("wan2.6-i2v-flash", image=[DAY]), {"silent_price": "with sound a second costs 0.3 CNY; without (--no-audio) 0.15"}),
        (made("wan2.6-r2v-flash", references=[DAY], size="1920*1080"), {"silent_price": "0.5 CNY; without (--no-audio) 0.25"}),
        (made("wan2.6-i2v-flash", image=[DAY], no_audio=True), {}),
        (made("wan2.6-i2v-flash", image=[DAY], no_audio=False), {}),
        (made("wan3.0-video"), {}),
        (made("wan2.7-videoedit", video=[FILM_LINK]), {"length_unknown": "how long video lasts"}),
        (made("wan2.7-r2v", references=[FILM_LINK, DAY]), {"length_unknown": "how long references[0] lasts"}),
        (made("wan2.7-r2v", references=[DAY]), {}),
        (made("wan2.7-r2v", references=["https://h/a"]), {"reference_guessed": "it is sent as a picture"}),
        (
            made("wan2.6-r2v", references=["https://h/a"]),
            {"reference_guessed": "the service decides", "length_unknown": "references[0]"},
        ),
        (made("wan2.7-r2v", "singapore", references=[DAY]), {"price_assumed": "in singapore is published; 0.733924"}),
        (made("wan2.7-t2v", "singapore"), {}),
        (made("happyhorse-1.1-t2v", "tokyo"), {"price_assumed": "in tokyo is published; 1.049188 CNY a second"}),
    ],
)  # fmt: skip
def test_what_is_cheaper_or_not_known_is_said(prepared: Prepared, about: dict[str, str]) -> None:
    told = {notice.code: notice.message for notice in prepared.notices if notice.code != "name_in_region"}
    assert set(told) == set(about)
    assert all(text in told[code] for code, text in about.items())


# ── after ──


def charged(prepared: Prepared, usage: Any) -> float | None:
    kept = StoredRequest.from_json(json.loads(json.dumps(prepared.stored().to_json())), "video")  # by another process
    return video.charged_cny({"output": {"video_url": "https://h/a.mp4"}, "usage": usage}, kept)


I2V_FLASH = made("wan2.6-i2v-flash", image=[DAY], size="1080P")
SILENT = made("wan2.6-i2v-flash", image=[DAY], size="1080P", no_audio=True)
EDIT = made("wan2.7-videoedit", video=[FILM_LINK])
KF2V = made("wan2.2-kf2v-flash", image=[DAY])


@pytest.mark.parametrize(
    "prepared, usage, charged_cny",
    [
        # 2.1, vace; kf2v; 2.2, 2.5
        (made("wanx2.1-i2v-turbo", image=[DAY]), {"video_duration": 5, "video_count": 1, "video_ratio": "standard"}, 1.2),
        (KF2V, {"video_duration": 5, "video_count": 1, "SR": 480}, 0.5),
        (KF2V, {"duration": 5, "video_count": 1, "SR": "1080"}, 2.4),
        # 2.6: sound or none
        (I2V_FLASH, {"duration": 5, "input_video_duration": 0, "output_video_duration": 5, "SR": 1080, "audio": True}, 2.5),
        (I2V_FLASH, {"duration": 5, "output_video_duration": 5, "SR": 1080, "audio": False}, 1.25),
        (I2V_FLASH, {"duration": 5, "SR": 720, "audio": "false"}, 0.75),
        (SILENT, {"duration": 5, "SR": 1080}, 1.25),
        (SILENT, {"duration": 5, "SR": "1080P", "audio": True}, 2.5),
        (made("wan2.6-r2v", references=[DAY]), {"duration": 7.5, "size": "1280*720", "SR": 720}, 4.5),
        # 2.7, HappyHorse; wan3
        (EDIT, {"duration": 10.04, "input_video_duration": 5.02, "output_video_duration": 5.02, "video_count": 1, "SR": 720}, 6.024),
        (EDIT, {"input_video_duration": 5.02, "output_video_duration": 5.02, "SR": 720}, 6.024),
        (EDIT, {"duration": "10.04", "SR": "1080", "video_duration": 0, "video_ratio": ""}, 10.04),
        (EDIT, {"duration": 0, "video_duration": "4", "SR": 720}, 2.4),
        (made("wan3.0-video", duration=2, size="480P"), {"duration": 2.0, "fps": 30, "ratio": "16:9", "SR": 480}, 0.6),
        (made("wan3.0-video", duration=-1), {"duration": 17.3, "SR": 720}, 10.38),
        # what it leaves open is as asked for, what it says in nonsense is not known
        (EDIT, {}, 12.0),
        (EDIT, None, 12.0),
        (EDIT, {"SR": 1080}, 20.0),
        (EDIT, {"duration": 4, "SR": 4000}, 2.4),
        (EDIT, {"duration": 4, "SR": None}, 2.4),
        (EDIT, {"duration": 0}, None),
        (EDIT, {"duration": "soon", "video_duration": -4}, None),
        (EDIT, {"output_video_duration": True}, None),
    ],
)  # fmt: skip
def test_the_bill_is_what_usage_says(prepared: Prepared, usage: Any, charged_cny: float | None) -> None:
    assert charged(prepared, usage) == (None if charged_cny is None else pytest.approx(charged_cny))


def test_a_job_of_an_older_version_is_settled_at_the_price_it_was_sent_at() -> None:
    old = StoredRequest.from_json(
        {"mode": "task", "body": {"input": {}}, "unit_cny": 0.7, "units": 5, "count": 1}, "video"
    )
    assert video.charged_cny({"usage": {"video_duration": 5, "SR": 480}}, old) == pytest.approx(3.5)
    assert video.charged_cny({"usage": {}}, old) == pytest.approx(3.5)


JSON: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("720") | st.just([])
)
KEYS = ["duration", "video_duration", "input_video_duration", "output_video_duration", "SR", "audio"]


@given(st.dictionaries(st.sampled_from(KEYS), JSON) | JSON)
def test_no_usage_makes_a_bill_of_nonsense(usage: Any) -> None:
    found = charged(I2V_FLASH, usage)
    assert found is None or 0 <= found < 1e8


def test_a_length_of_a_sound_counts_where_it_is_billed() -> None:
    found = {SONG: Input(SONG, recording=sound(4.0))}
    assert made("wan3.0-video", found=found, audio=[SONG]).units == 9
    assert made("wan2.7-t2v", found=found, audio=[SONG]).units == 5
