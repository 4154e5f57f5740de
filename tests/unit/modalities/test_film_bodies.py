"""Films: for every model of the service's pages the exact body, in the dialect of that model (docs/wire.md "Films of today")."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bailian.modalities import modality_of
from bailian.types import Input, Prepared
from tests.unit.modalities.film_requests import (
    CAT,
    CATALOG,
    CLIP,
    DAY,
    FILM_LINK,
    FILM_MODELS,
    FOUND,
    LINK,
    MASK,
    MASK_FILM,
    NIGHT,
    PLAN,
    SONG,
    VACE,
    VOICE,
    film,
    made,
    shortest,
)

VIDEO = "/services/aigc/video-generation/video-synthesis"
FRAMES = "/services/aigc/image2video/video-synthesis"
OLD = {"resolution": "720P", "duration": 5, "prompt_extend": True, "watermark": False}
CHEAP = {**OLD, "resolution": "480P"}
NEW = {**OLD, "ratio": "16:9"}
HORSE = {"resolution": "720P", "duration": 5, "watermark": False}
WAN3 = {**OLD, "ratio": "adaptive", "audio": True}
P = {"prompt": "猫"}


def media(*entries: tuple[str, str] | tuple[str, str, str]) -> list[dict[str, str]]:
    return [dict(zip(("type", "url", "reference_voice"), entry, strict=False)) for entry in entries]


BODIES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # ── from a text ──
    ("wan2.1-t2v-turbo", {}, P, {"size": "720*1280", "prompt_extend": True, "watermark": False}),
    ("wan2.1-t2v-plus", {}, P, {"size": "720*1280", "prompt_extend": True, "watermark": False}),
    ("wan2.2-t2v-plus", {}, P, {"size": "832*480", "prompt_extend": True, "watermark": False}),
    (
        "wan2.5-t2v-preview",
        {"audio": [SONG], "negative_prompt": "雨"},
        {**P, "negative_prompt": "雨", "audio_url": SONG},
        {"size": "1280*720", "duration": 5, "prompt_extend": True, "watermark": False},
    ),
    (
        "wan2.6-t2v",
        {"shots": "multi", "ratio": "9:16", "seed": 7},
        P,
        {"size": "720*1280", "duration": 5, "prompt_extend": True, "watermark": False, "shot_type": "multi", "seed": 7},
    ),
    ("wan2.7-t2v", {"audio": [SONG]}, {**P, "audio_url": SONG}, NEW),
    ("wan2.7-t2v-2026-04-25", {"size": "1104*832"}, P, {**NEW, "ratio": "4:3"}),
    ("wan2.7-t2v-2026-06-12", {"resolution": "1080P 9:16"}, P, {**NEW, "resolution": "1080P", "ratio": "9:16"}),
    ("happyhorse-1.1-t2v", {}, P, {**HORSE, "ratio": "16:9"}),
    ("happyhorse-1.0-t2v", {"ratio": "21:9", "duration": 3}, P, {**HORSE, "ratio": "21:9", "duration": 3}),
    # ── from a picture ──
    ("wanx2.1-i2v-turbo", {"image": [DAY], "duration": 3}, {**P, "img_url": DAY}, {**OLD, "duration": 3}),
    (
        "wanx2.1-i2v-plus",
        {"image": [DAY], "template": "flying", "prompt": None},
        {"template": "flying", "img_url": DAY},
        OLD,
    ),
    ("wan2.2-i2v-flash", {"image": [LINK]}, {**P, "img_url": LINK}, OLD),
    ("wan2.2-i2v-plus", {"image": [DAY]}, {**P, "img_url": DAY}, CHEAP),
    (
        "wan2.5-i2v-preview",
        {"image": [DAY], "audio": [SONG], "duration": 10},
        {**P, "img_url": DAY, "audio_url": SONG},
        {**OLD, "duration": 10},
    ),
    (
        "wan2.6-i2v",
        {"image": [DAY], "shots": "single", "negative_prompt": "雨", "prompt": None},
        {"negative_prompt": "雨", "img_url": DAY},
        {**OLD, "shot_type": "single"},
    ),
    ("wan2.6-i2v-flash", {"image": [DAY]}, {**P, "img_url": DAY}, {**OLD, "audio": True}),
    ("wan2.6-i2v-flash", {"image": [DAY], "no_audio": True}, {**P, "img_url": DAY}, {**OLD, "audio": False}),
    ("wan2.7-i2v", {"image": [DAY]}, {**P, "media": media(("first_frame", DAY))}, OLD),
    (
        "wan2.7-i2v",
        {"image": [DAY], "last_frame": [NIGHT], "audio": [SONG], "size": "1080p", "duration": 15},
        {**P, "media": media(("first_frame", DAY), ("last_frame", NIGHT), ("driving_audio", SONG))},
        {**OLD, "resolution": "1080P", "duration": 15},
    ),
    (
        "wan2.7-i2v-2026-04-25",
        {"continue_": [CLIP], "last_frame": [NIGHT], "duration": 10},
        {**P, "media": media(("last_frame", NIGHT), ("first_clip", CLIP))},
        {**OLD, "duration": 10},
    ),
    ("happyhorse-1.1-i2v", {"image": [DAY], "prompt": None}, {"media": media(("first_frame", DAY))}, HORSE),
    ("happyhorse-1.0-i2v", {"image": [LINK]}, {**P, "media": media(("first_frame", LINK))}, HORSE),
    # ── between two frames ──
    (
        "wan2.2-kf2v-flash",
        {"image": [DAY], "last_frame": [NIGHT]},
        {**P, "first_frame_url": DAY, "last_frame_url": NIGHT},
        OLD,
    ),
    ("wan2.2-kf2v-flash", {"image": [DAY], "resolution": "480P"}, {**P, "first_frame_url": DAY}, CHEAP),
    (
        "wanx2.1-kf2v-plus",
        {"image": [DAY], "template": "hanfu-1", "prompt": None},
        {"template": "hanfu-1", "first_frame_url": DAY},
        OLD,
    ),
    # ── with references ──
    (
        "wan2.6-r2v",
        {"references": [CLIP, DAY], "shots": "multi", "duration": 10},
        {**P, "reference_urls": [CLIP, DAY]},
        {"size": "1280*720", "duration": 10, "shot_type": "multi", "watermark": False},
    ),
    (
        "wan2.6-r2v-flash",
        {"references": [DAY], "no_audio": True, "size": "1080P 1:1"},
        {**P, "reference_urls": [DAY]},
        {"size": "1440*1440", "duration": 5, "audio": False, "watermark": False},
    ),
    (
        "wan2.7-r2v",
        {"references": [DAY, CLIP], "reference_voices": [VOICE, ""], "prompt_extend": False, "ratio": "9:16"},
        {**P, "media": media(("reference_image", DAY, VOICE), ("reference_video", CLIP))},
        {**NEW, "ratio": "9:16", "prompt_extend": False},
    ),
    (
        "wan2.7-r2v-2026-06-12",
        {"references": [CAT], "image": [DAY], "duration": 15},
        {**P, "media": media(("first_frame", DAY), ("reference_image", CAT))},
        {**OLD, "duration": 15},
    ),
    (
        "happyhorse-1.1-r2v",
        {"references": [DAY, LINK], "size": "480P"},
        {**P, "media": media(("reference_image", DAY), ("reference_image", LINK))},
        {**HORSE, "ratio": "16:9", "resolution": "480P"},
    ),
    (
        "happyhorse-1.0-r2v",
        {"references": [DAY], "ratio": "4:5"},
        {**P, "media": media(("reference_image", DAY))},
        {**HORSE, "ratio": "4:5"},
    ),
    # ── edits ──
    (
        "wan2.7-videoedit",
        {"video": [CLIP], "references": [DAY], "audio_setting": "origin"},
        {**P, "media": media(("video", CLIP), ("reference_image", DAY))},
        {**OLD, "duration": 0, "audio_setting": "origin"},
    ),
    (
        "wan2.7-videoedit",
        {"video": [CLIP], "duration": 3, "ratio": "1:1"},
        {**P, "media": media(("video", CLIP))},
        {**OLD, "duration": 3, "ratio": "1:1"},
    ),
    (
        "happyhorse-1.0-video-edit",
        {"video": [FILM_LINK], "references": [DAY], "audio_setting": "origin"},
        {**P, "media": media(("video", FILM_LINK), ("reference_image", DAY))},
        {"resolution": "720P", "audio_setting": "origin", "watermark": False},
    ),
    # ── wan3.0 ──
    ("wan3.0-video", {}, P, WAN3),
    (
        "wan3.0-video",
        {"image": [DAY], "last_frame": [NIGHT], "duration": -1, "no_audio": True},
        {**P, "media": media(("first_frame", DAY), ("last_frame", NIGHT))},
        {**WAN3, "duration": -1, "audio": False},
    ),
    (
        "wan3.0-video",
        {"references": [DAY, CLIP, SONG], "ratio": "1:1", "duration": 30 - 5},
        {**P, "media": media(("reference_image", DAY), ("reference_video", CLIP), ("reference_audio", SONG))},
        {**WAN3, "ratio": "1:1", "duration": 25},
    ),
    ("wan3.0-video", {"video": [CLIP]}, {**P, "media": media(("reference_video", CLIP))}, WAN3),
    ("wan3.0-video-prime", {"continue_": [CLIP]}, {**P, "media": media(("reference_video", CLIP))}, WAN3),
    (
        "wan3.0-video-prime",
        {"audio": [SONG], "document": [PLAN], "prompt": None},
        {"media": media(("reference_audio", SONG), ("file", PLAN))},
        WAN3,
    ),
    ("wan3.0-video", {"link": "https://h/page"}, {**P, "media": media(("link", "https://h/page"))}, WAN3),
]
VACE_MODEL = "wanx2.1-vace-plus"
MARK = {"watermark": False}
PLAIN = {"prompt_extend": False, **MARK}
FUNCTIONS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (
        "image_reference",
        {"references": [DAY, CAT], "obj_or_bg": ["obj", "bg"], "size": "1:1"},
        {"ref_images_url": [DAY, CAT]},
        {"prompt_extend": True, **MARK, "obj_or_bg": ["obj", "bg"], "size": "960*960"},
    ),
    (
        "video_repainting",
        {"video": [CLIP], "references": [DAY], "control_condition": "depth", "strength": 0.5, "seed": 1},
        {"video_url": CLIP, "ref_images_url": [DAY]},
        {**PLAIN, "control_condition": "depth", "strength": 0.5, "seed": 1},
    ),
    (
        "video_edit",
        {"video": [CLIP], "mask": [MASK], "mask_frame_id": 1, "mask_type": "tracking", "expand_ratio": 0.1},
        {"video_url": CLIP, "mask_image_url": MASK, "mask_frame_id": 1},
        {**PLAIN, "mask_type": "tracking", "expand_ratio": 0.1},
    ),
    (
        "video_edit",
        {"video": [CLIP], "mask": [MASK_FILM], "control_condition": "", "expand_mode": "bbox", "prompt_extend": True},
        {"video_url": CLIP, "mask_video_url": MASK_FILM},
        {"prompt_extend": True, **MARK, "control_condition": "", "expand_mode": "bbox"},
    ),
    (
        "video_extension",
        {"continue_": [CLIP], "last_clip": [CLIP], "video": [CLIP], "control_condition": "depth"},
        {"video_url": CLIP, "first_clip_url": CLIP, "last_clip_url": CLIP},
        {**PLAIN, "control_condition": "depth"},
    ),
    (
        "video_extension",
        {"image": [DAY], "last_frame": [NIGHT]},
        {"first_frame_url": DAY, "last_frame_url": NIGHT},
        PLAIN,
    ),
    (
        "video_outpainting",
        {"video": [CLIP], "top_scale": 1.5, "left_scale": 2.0},
        {"video_url": CLIP},
        {**PLAIN, "top_scale": 1.5, "left_scale": 2.0},
    ),
]
"""Of wanx2.1-vace-plus. Clips of five seconds stand for those of a second: `SHORT` gives their length."""
SHORT = {**FOUND, CLIP: Input(CLIP, film=film(1.5))}


def prepared_of(name: str, fields: dict[str, Any]) -> Prepared:
    fields = {key: value for key, value in fields.items() if key != "model"}
    return made(name, found=SHORT if name == VACE_MODEL else FOUND, **fields)


CASES = [
    *BODIES,
    *(
        (VACE_MODEL, {"vace": one, **fields}, {"function": one, **P, **own}, own_parameters)
        for one, fields, own, own_parameters in FUNCTIONS
    ),
]


@pytest.mark.few(6)
@pytest.mark.parametrize("name, fields, wire_input, parameters", CASES)
def test_the_body_is_the_documented_one(
    name: str, fields: dict[str, Any], wire_input: dict[str, Any], parameters: dict[str, Any]
) -> None:
    prepared = prepared_of(name, fields)
    model = CATALOG[name].wire_name("beijing")
    assert prepared.body == {"model": model, "input": wire_input, "parameters": parameters}
    assert prepared.model.route == (FRAMES if "kf2v" in name else VIDEO)


def test_every_model_and_every_function_has_a_body_here() -> None:
    assert {name for name, *_ in CASES} == set(FILM_MODELS)
    assert {name for name, *_ in FUNCTIONS} == set(VACE)


@pytest.mark.few(6)
@pytest.mark.parametrize("name, fields", [(name, fields) for name, fields, *_ in CASES])
def test_the_services_own_json_is_read(name: str, fields: dict[str, Any]) -> None:
    """What the toolkit sends is what it reads: the same body comes of it."""
    body = prepared_of(name, fields).body
    flat = modality_of("video").from_config({"model": body["model"], **body["input"], **body["parameters"]})
    lists = ("image", "last_frame", "video", "audio", "mask", "continue", "last_clip", "document")
    own = {field: [value] if field in lists and isinstance(value, str) else value for field, value in flat.items()}
    assert prepared_of(name, {"prompt": None, **own}).body == body


@pytest.mark.few(6)
@pytest.mark.parametrize("name, fields", [(name, fields) for name, fields, *_ in CASES])
def test_the_request_makes_the_same_film_again(name: str, fields: dict[str, Any]) -> None:
    prepared = prepared_of(name, fields)
    again = json.loads(json.dumps(dict(prepared.request)))
    assert prepared_of(name, again).body == prepared.body


@pytest.mark.few(3)
@pytest.mark.parametrize("name", FILM_MODELS)
def test_nothing_undocumented_is_sent_and_no_default_is_left_to_the_service(name: str) -> None:
    """Its own are the dearest size, and HappyHorse's mark on every film."""
    prepared = made(name, **shortest(name))
    parameters = prepared.body["parameters"]
    documented = prepared.model.parameters
    assert set(parameters) <= set(documented)
    always = {"watermark", "resolution", "size", "audio", "duration"} | (
        {"ratio"} if prepared.model.default_ratio else set()
    )
    assert always & set(documented) <= set(parameters)
    assert parameters["watermark"] is False


@pytest.mark.parametrize(
    "row, own",
    [
        ({"references": "a.jpg"}, {"references": "a.jpg"}),
        ({"references": ["a.jpg", "b.mp4"]}, {"references": ["a.jpg", "b.mp4"]}),
        (
            {"references": [{"file": "a.jpg", "voice": "v.wav"}, "b.jpg"]},
            {"references": ["a.jpg", "b.jpg"], "reference_voices": ["v.wav", ""]},
        ),
        (
            {"references": [{"file": "https://h/x", "type": "reference_video"}, {"file": "b.jpg"}]},
            {"references": ["https://h/x", "b.jpg"], "reference_types": ["video", ""]},
        ),
        ({"reference_urls": ["https://h/x"]}, {"references": ["https://h/x"]}),
        ({"reference_video_urls": ["https://h/x"]}, {"references": ["https://h/x"], "reference_types": ["video"]}),
        ({"img_url": "a.jpg", "audio": False}, {"image": "a.jpg", "no_audio": True}),
        ({"audio_url": "a.mp3", "audio": True}, {"audio": "a.mp3", "no_audio": False}),
        ({"audio": "true"}, {"no_audio": False}),
        ({"audio": "a.mp3"}, {"audio": "a.mp3"}),
        ({"mask_video_url": "https://h/x"}, {"mask": "https://h/x", "mask_media": "video"}),
        ({"media": [{"type": "link", "url": "https://h"}]}, {"link": "https://h"}),
        (
            {"media": [{"type": "reference_audio", "url": "https://h/x"}]},
            {"references": ["https://h/x"], "reference_types": ["audio"]},
        ),
    ],
)
def test_a_row_is_brought_into_one_form(row: dict[str, Any], own: dict[str, Any]) -> None:
    assert modality_of("video").from_config(row) == own


@pytest.mark.parametrize(
    "said, role, guessed",
    [
        ("", "reference_image", True),
        ("image", "reference_image", False),
        ("video", "reference_video", False),
        ("audio", "reference_audio", False),
    ],
)
def test_what_a_link_without_a_suffix_is_can_be_said(said: str, role: str, guessed: bool) -> None:
    prepared = made("wan3.0-video", references=["https://h/file?id=1"], reference_types=[said])
    assert [entry["type"] for entry in prepared.body["input"]["media"]] == [role]
    assert ("reference_guessed" in [notice.code for notice in prepared.notices]) == guessed
