"""Films: without a model the inputs decide; sizes as people write them, as each model has them; answers and notices."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import load
from bailian.errors import InvalidRequest, SetupError
from bailian.modalities.video import video
from bailian.types import Input, Notice, StoredRequest
from tests.unit.modalities.film_requests import (
    CAT,
    CATALOG,
    CLIP,
    DAY,
    FILM_LINK,
    LINK,
    MASK,
    NIGHT,
    SONG,
    made,
    picture,
    refusal,
)

# ── the model ──

CHOSEN: list[tuple[dict[str, Any], str]] = [
    ({}, "wan2.1-t2v-turbo"),
    ({"image": [DAY]}, "wan2.2-i2v-flash"),
    ({"image": [DAY], "audio": [SONG]}, "wan2.6-i2v-flash"),
    ({"image": [DAY], "last_frame": [NIGHT]}, "wan2.2-kf2v-flash"),
    ({"image": [DAY], "last_frame": [NIGHT], "audio": [SONG]}, "wan2.7-i2v"),
    ({"references": [DAY, CLIP]}, "wan2.7-r2v"),
    ({"references": [DAY], "image": [CAT]}, "wan2.7-r2v"),
    ({"video": [CLIP]}, "wan2.7-videoedit"),
    ({"video": [CLIP], "references": [DAY]}, "wan2.7-videoedit"),
    ({"continue_": [CLIP]}, "wan2.7-i2v"),
    ({"continue_": [CLIP], "last_frame": [NIGHT]}, "wan2.7-i2v"),
    ({"audio": [SONG]}, "wan2.6-t2v"),
    ({"vace": "video_outpainting", "video": [CLIP], "top_scale": 1.5}, "wanx2.1-vace-plus"),
    ({"vace": "video_edit", "video": [CLIP], "mask": [MASK]}, "wanx2.1-vace-plus"),
]


@pytest.mark.parametrize("fields, name", CHOSEN)
def test_the_inputs_decide(fields: dict[str, Any], name: str) -> None:
    prepared = made(**fields)
    assert prepared.model.name == name
    assert "default_model" not in [notice.code for notice in prepared.notices]


@pytest.mark.parametrize(
    "fields, before, after",
    [
        ({"image": [DAY]}, "wan2.2-i2v-flash", "wan2.6-i2v-flash"),
        ({"image": [DAY], "last_frame": [NIGHT]}, "wan2.2-kf2v-flash", "wan2.7-i2v"),
    ],
)
def test_the_first_that_lives_is_taken(tmp_path: Path, fields: dict[str, Any], before: str, after: str) -> None:
    (tmp_path / "models.toml").write_text(f'[models."{before}"]\nretired_on = "2026-12-01"\n', encoding="utf-8")
    living, ended = (load(tmp_path, today=date(2026, month, 1)) for month in (11, 12))
    assert made(catalog=living, **fields).model.name == before
    prepared = made(catalog=ended, **fields)
    assert prepared.model.name == after
    assert f"the default is now {after}" in "".join(notice.message for notice in prepared.notices)


def test_the_region_has_its_own_first() -> None:
    assert made(None, "singapore", image=[DAY], last_frame=[NIGHT]).model.name == "wan2.7-i2v"
    assert made(None, "singapore", image=[DAY]).model.name == "wan2.2-i2v-flash"


# ── sizes ──


@pytest.mark.parametrize(
    "model, fields, sent",
    [
        ("wan2.6-t2v", {}, {"size": "1280*720"}),
        ("wan2.5-t2v-preview", {}, {"size": "1280*720"}),
        ("wan2.2-t2v-plus", {}, {"size": "832*480"}),
        ("wan2.1-t2v-turbo", {}, {"size": "720*1280"}),
        ("wan2.6-t2v", {"ratio": "9:16"}, {"size": "720*1280"}),
        ("wan2.6-t2v", {"size": "1080P", "ratio": "1:1"}, {"size": "1440*1440"}),
        ("wan2.6-t2v", {"size": "1080P 3:4"}, {"size": "1248*1632"}),
        ("wan2.7-t2v", {"size": "16:9"}, {"resolution": "720P", "ratio": "16:9"}),
        ("wan2.7-t2v", {"size": "9：16"}, {"resolution": "720P", "ratio": "9:16"}),
        ("wan2.7-t2v", {"resolution": "1080p"}, {"resolution": "1080P", "ratio": "16:9"}),
        ("wan2.7-t2v", {"size": "1248x1648"}, {"resolution": "1080P", "ratio": "3:4"}),
        ("wan2.7-t2v", {"size": "1080P, 3:4"}, {"resolution": "1080P", "ratio": "3:4"}),
        ("wan2.7-t2v", {"size": "1280*720", "ratio": "16:9"}, {"resolution": "720P", "ratio": "16:9"}),
        ("wan2.7-videoedit", {"video": [CLIP], "size": "1:1"}, {"resolution": "720P", "ratio": "1:1"}),
        ("wan2.7-videoedit", {"video": [CLIP]}, {"resolution": "720P"}),
        ("wan2.2-i2v-flash", {"image": [DAY], "size": "480p"}, {"resolution": "480P"}),
        ("happyhorse-1.1-t2v", {"ratio": "9:21"}, {"resolution": "720P", "ratio": "9:21"}),
        ("wan3.0-video", {"ratio": "Adaptive"}, {"resolution": "720P", "ratio": "adaptive"}),
    ],
)
def test_a_size_is_sent_as_the_model_has_it(model: str, fields: dict[str, Any], sent: dict[str, str]) -> None:
    parameters = made(model, **fields).body["parameters"]
    assert {name: parameters[name] for name in ("size", "resolution", "ratio") if name in parameters} == sent


def test_a_size_that_becomes_a_tier_and_a_shape_is_said() -> None:
    told = {notice.code: notice.message for notice in made("wan2.7-t2v", size="1104*832").notices}
    assert told["size_written"] == "the size 1104*832 is sent as 720P 4:3"


@given(st.text("0123456789:*xXpP ,169", max_size=12), st.sampled_from(["", "16:9", "1:1", "adaptive"]))
def test_any_size_is_one_of_the_model_or_refused(size: str, ratio: str) -> None:
    for name in ("wan2.6-t2v", "wan2.7-t2v", "wan3.0-video"):
        try:
            prepared = made(name, size=size, ratio=ratio)
        except InvalidRequest:
            continue
        model, parameters = prepared.model, prepared.body["parameters"]
        if "size" in parameters:
            assert parameters["size"] in [known for sizes in model.size_tiers.values() for known in sizes]
        else:
            assert parameters["resolution"] in model.size_tiers
            assert parameters["ratio"] in model.ratios
        assert prepared.unit_cny in dict(model.price_cny or {}).values()  # type: ignore[arg-type]


# ── what is said ──


def codes(prepared: Any) -> list[str]:
    return [notice.code for notice in prepared.notices]


def test_what_the_service_would_ignore_is_said() -> None:
    assert "prompt_ignored" in codes(made("wanx2.1-i2v-turbo", image=[DAY], template="hug"))
    assert "nothing_to_expand" in codes(made(vace="video_outpainting", video=[CLIP]))
    assert "nothing_to_expand" not in codes(made(vace="video_outpainting", video=[CLIP], left_scale=1.2))
    assert "fps_not_sent" in codes(made("wan2.7-t2v", fps=24))


def test_what_was_found_about_an_input_is_said_also_of_a_voice() -> None:
    notice = Notice("url_encoded", "the URL is sent as …")
    found = {LINK: Input(LINK, notice=notice), "https://h/v.mp3": Input("https://h/v.mp3", notice=notice)}
    prepared = made("wan2.7-r2v", found=found, references=[LINK], reference_voices=["https://h/v.mp3"])
    assert codes(prepared).count("url_encoded") == 2


def test_names_differ_by_region() -> None:
    for name, region, wire in [
        ("wanx2.1-i2v-turbo", "singapore", "wan2.1-i2v-turbo"),
        ("wanx2.1-kf2v-plus", "singapore", "wan2.1-kf2v-plus"),
        ("wan2.6-i2v", "virginia", "wan2.6-i2v-us"),
    ]:
        assert made(name, region, image=[DAY]).body["model"] == wire
    outpainting = made(None, "singapore", vace="video_outpainting", video=[CLIP], top_scale=1.5)
    assert outpainting.body["model"] == "wan2.1-vace-plus"


# ── answers ──


@pytest.mark.parametrize(
    "output, urls",
    [
        ({"task_status": "SUCCEEDED", "video_url": "https://h/x.mp4?Expires=1", "orig_prompt": "猫"}, ["https://h/x.mp4?Expires=1"]),
        ({"task_status": "FAILED", "code": "InvalidParameter", "message": "Field required: input.media"}, []),
        ({"video_url": ""}, []),
        ({"video_url": ["https://h/x.mp4"]}, []),
        ({"video_url": "ftp://h/x"}, []),
        (None, []),
    ],
)  # fmt: skip
def test_an_answer_holds_one_film_or_none(output: Any, urls: list[str]) -> None:
    assert [item.url for item in video.items({"output": output}, StoredRequest())] == urls


def test_a_film_without_a_prompt_was_asked_for_without_one() -> None:
    assert video.asked_prompt(made("wan2.7-i2v", image=[DAY], prompt=None).body) == ""
    assert video.asked_prompt(made("wan2.7-i2v", image=[DAY]).body) == "猫"


# ── a user's models.toml ──


def user_catalog(folder: Path, text: str) -> Any:
    (folder / "models.toml").write_text(text, encoding="utf-8")
    return load(folder)


def test_a_new_film_model_is_a_table(tmp_path: Path) -> None:
    catalog = user_catalog(
        tmp_path,
        '[models."wan9-i2v"]\nlike = "wan2.7-i2v"\ninput_sets = [["first_frame", "link?"]]\n'
        '[models."wan9-i2v".inputs]\nlink = { max = 1 }\nfirst_frame = { like = "picture", side_px = [100, 200] }\n',
    )
    assert made("wan9-i2v", catalog=catalog, image=[LINK], link="https://h/p").body["input"]["media"] == [
        {"type": "first_frame", "url": LINK},
        {"type": "link", "url": "https://h/p"},
    ]
    assert "each side must be 100 to 200 px" in str(refusal("wan9-i2v", catalog=catalog, image=[DAY]))
    found = {DAY: Input(DAY, picture("TIFF", (150, 150)))}
    assert "takes JPEG, PNG, BMP, WEBP" in str(refusal("wan9-i2v", catalog=catalog, found=found, image=[DAY]))


def test_a_table_of_before_films_of_today_makes_films_from_texts(tmp_path: Path) -> None:
    catalog = user_catalog(
        tmp_path,
        '[models."my-t2v"]\nkind = "video"\nmode = "task"\nroute = "/services/x"\ndefault_size = "1280*720"\n'
        'durations_s = [5, 10]\ndefault_duration_s = 5\nprice_cny = { 720P = 0.1 }\nsize_tiers = { 720P = ["1280*720"] }\n',
    )
    prepared = made("my-t2v", catalog=catalog, duration=10, seed=3)
    assert prepared.body["parameters"] == {
        "size": "1280*720", "duration": 10, "prompt_extend": True, "watermark": False, "seed": 3,
    }  # fmt: skip
    assert prepared.estimate_cny == pytest.approx(1.0)


@pytest.mark.few(4)
@pytest.mark.parametrize(
    "table, text",
    [
        ('inputs = { first_frame = "none" }', "no limits are called 'none'"),
        ("inputs = { frame = {} }", "each key one of first_frame"),
        ("inputs = { first_frame = { max = 0 } }", "max must be a whole number from 1"),
        ("inputs = { first_frame = { nonsense = 1 } }", "nonsense must be left out"),
        ("inputs = 1", "a table"),
        ('input_sets = [["frame"]]', "each one of first_frame"),
        ("input_sets = ['first_frame']", "a list"),
        ("together = [{ roles = [], max = 2 }]", "roles must be a list"),
        ('roles = { video = "film" }', "one of first_frame"),
        ('ratios = ["wide"]', "a shape such as 16:9"),
        ("durations_s = [-2]", "a whole number from -1"),
        ('style = "telegram"', "one of prompt"),
        ('ways.first_frame.inputs.first_frame = "none"', "no limits are called 'none'"),
        ('length_of = "image"', "first_clip"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, table: str, text: str) -> None:
    with pytest.raises(SetupError, match=text):
        user_catalog(tmp_path, f'[models."wan2.7-i2v"]\n{table}\n')


def test_every_default_model_is_in_the_catalog() -> None:
    assert all(name in CATALOG for _, name in CHOSEN)
    assert made("wan2.7-videoedit", video=[FILM_LINK]).body["parameters"]["duration"] == 0
