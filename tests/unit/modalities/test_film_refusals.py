"""Films: what a model does not take is refused before a byte is sent; the service would take it and fail it minutes later."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from bailian.errors import InvalidRequest
from bailian.types import Film, Input, Mask, Probe, Recording
from tests.unit.modalities.film_requests import (
    CAT,
    CLIP,
    DAY,
    FILM_LINK,
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
    picture,
    refusal,
    sound,
)

I2V, R2V, EDIT, WAN3, HORSE_EDIT = (
    "wan2.7-i2v", "wan2.7-r2v", "wan2.7-videoedit", "wan3.0-video", "happyhorse-1.0-video-edit",
)  # fmt: skip
VACE_MODEL = "wanx2.1-vace-plus"

# ── which inputs go together ──

SETS = {
    "a text model takes no picture": (
        "wan2.1-t2v-turbo",
        {"image": [DAY]},
        "image: wan2.1-t2v-turbo does not take image; it takes: a text alone; these inputs are for wan2.2-i2v-flash",
    ),
    "a frame without its references": (
        R2V,
        {"image": [DAY]},
        "references: wan2.7-r2v needs references (picture) or references (film) beside image",
    ),
    "a document of no named model": (None, {"document": [PLAN]}, "name a model that takes these inputs: wan3.0-video"),
    "a picture model needs one": ("wan2.2-i2v-flash", {}, "image: wan2.2-i2v-flash needs an input: image"),
    "its sound comes with 2.5": (
        "wan2.2-i2v-flash",
        {"image": [DAY], "audio": [SONG]},
        "these inputs are for wan2.5-i2v-preview, wan2.6-i2v, wan2.6-i2v-flash, wan2.7-i2v",
    ),
    "a last frame alone": ("wan2.2-kf2v-flash", {"last_frame": [NIGHT]}, "needs the frame that the film begins with"),
    "a template with a last frame": (
        "wanx2.1-kf2v-plus",
        {"image": [DAY], "last_frame": [NIGHT], "template": "mech1"},
        "does not take image + last_frame; it takes: image",
    ),
    "frame and clip": (
        I2V,
        {"image": [DAY], "continue_": [CLIP]},
        "continue: stands beside image: image begins a new film",
    ),
    "clip and sound": (I2V, {"continue_": [CLIP], "audio": [SONG]}, "does not take audio + continue"),
    "an edit to a film of references": (
        R2V,
        {"video": [CLIP]},
        "these inputs are for wan2.7-videoedit, happyhorse-1.0-video-edit, wan3",
    ),
    "a reference that is a sound": (R2V, {"references": [DAY, SONG]}, "references (sound)"),
    "a voice without a reference": (R2V, {"reference_voices": [VOICE]}, "a voice for reference 1 of 0"),
    "voices of 2.6": (
        "wan2.6-r2v",
        {"references": [DAY], "reference_voices": [VOICE]},
        "these inputs are for wan2.7-r2v",
    ),
    "references that are films to HappyHorse": (
        "happyhorse-1.1-r2v",
        {"references": [FILM_LINK]},
        "does not take references (film); it takes: references (picture)",
    ),
    "frames exclude references": (WAN3, {"image": [DAY], "references": [CAT]}, "does not take image + references"),
    "frames exclude documents": (WAN3, {"image": [DAY], "document": [PLAN]}, "does not take image + document"),
    "a document excludes a link": (WAN3, {"document": [PLAN], "link": "https://h/p"}, "does not take document + link"),
    "nothing at all": (WAN3, {"prompt": None}, "prompt: is required"),
    "wan3's last frame alone": (WAN3, {"last_frame": [DAY]}, "last_frame: needs the frame that the film begins with"),
    "a document without a model": (
        None,
        {"document": [PLAN]},
        "name a model that takes these inputs: wan3.0-video, wan3.0-video-prime",
    ),
    "two first frames": (I2V, {"image": [DAY, CAT]}, "image: 2 pictures: one is the first frame"),
    "an edit of two films": (EDIT, {"video": [CLIP, CLIP]}, "video: at most 1, not 2"),
    "five pictures to an edit": (EDIT, {"video": [CLIP], "references": [DAY] * 5}, "references: at most 4, not 5"),
    "six references": (R2V, {"references": [DAY] * 3 + [CLIP] * 3}, "references: at most 5 together, not 6"),
    "four films to 2.6": ("wan2.6-r2v", {"references": [CLIP] * 4}, "references: at most 3, not 4"),
    "ten pictures to HappyHorse": ("happyhorse-1.0-r2v", {"references": [DAY] * 10}, "at most 9, not 10"),
    "eleven pictures to wan3": (WAN3, {"references": [DAY] * 11}, "at most 10, not 11"),
}


@pytest.mark.few(5)
@pytest.mark.parametrize("model, fields, says", SETS.values(), ids=SETS)
def test_inputs_that_do_not_go_together(model: str | None, fields: dict[str, Any], says: str) -> None:
    assert says in "\n".join(refusal(model, **fields))


# One letter a thing that goes in: first frame, last frame, picture, film and sound as references, film to edit, clip to
# go on from, sound, document. The lists are the pages' own; "-" is a text alone.
THINGS: dict[str, dict[str, Any]] = {
    "f": {"image": [DAY]}, "l": {"last_frame": [NIGHT]}, "p": {"references": [LINK]}, "m": {"references": [FILM_LINK]},
    "s": {"references": ["https://h/a.mp3"]}, "e": {"video": [FILM_LINK]}, "c": {"continue_": [CLIP]},
    "a": {"audio": [SONG]}, "d": {"document": [PLAN]},
}  # fmt: skip
ONLY = {
    "- ": ["wan2.1-t2v-turbo", "wan2.1-t2v-plus", "wan2.2-t2v-plus", "happyhorse-1.1-t2v", "happyhorse-1.0-t2v"],
    "- a": ["wan2.5-t2v-preview", "wan2.6-t2v", "wan2.7-t2v"],
    "f": ["wanx2.1-i2v-turbo", "wanx2.1-i2v-plus", "wan2.2-i2v-flash", "happyhorse-1.1-i2v", "happyhorse-1.0-i2v"],
    "f fa": ["wan2.5-i2v-preview", "wan2.6-i2v", "wan2.6-i2v-flash"],
    "f fl": ["wan2.2-kf2v-flash", "wanx2.1-kf2v-plus"],
    "f fl fa fla c lc": ["wan2.7-i2v"],
    "p m pm": ["wan2.6-r2v", "wan2.6-r2v-flash"],
    "p m pm fp fm fpm": ["wan2.7-r2v"],
    "p": ["happyhorse-1.1-r2v", "happyhorse-1.0-r2v"],
    "e pe": ["wan2.7-videoedit", "happyhorse-1.0-video-edit"],
    "- f fl p m s pm ps ms pms d pd md sd pmd psd msd a pa ma sa pma psa msa e pe me se pme pse mse ea pea mea sea ed "
    "c pc mc sc pmc psc msc ca pca mca sca cd ad pcd mcd scd pad mad sad ead cad ped med sed": ["wan3.0-video"],
}


@pytest.mark.few(2)
@pytest.mark.parametrize("sets, name", [(sets, name) for sets, names in ONLY.items() for name in names])
def test_of_all_sets_of_up_to_three_inputs_only_the_documented_are_taken(sets: str, name: str) -> None:
    taken = set()
    for size in range(4):
        for letters in combinations(THINGS, size):
            fields: dict[str, Any] = {}
            for letter in letters:
                for field, urls in THINGS[letter].items():
                    fields[field] = [*fields.get(field, []), *urls]
            try:
                made(name, **fields)
            except InvalidRequest:
                continue
            taken.add("".join(letters) or "-")
    assert taken == {"".join(sorted(word, key="-flpmsecad".index)) for word in sets.split()}


# ── what each of them may be ──

BIG = 30 * 1024**2


def input_(url: str, of: Probe | Film | Recording | None, mask: Mask | None = None) -> Input:
    return Input(
        url,
        of if isinstance(of, Probe) else None,
        mask,
        of if isinstance(of, Recording) else None,
        of if isinstance(of, Film) else None,
    )


LIMITS = {
    "a picture of 2.2 above 10 MB": (
        "wan2.2-i2v-flash",
        "image",
        picture(size_bytes=11_000_000),
        "11.0 MB, at most 10.5",
    ),
    "of 2.6 up to 20": ("wan2.6-i2v", "image", picture(size_bytes=11_000_000), None),
    "of 2.6 above": ("wan2.6-i2v", "image", picture(size_bytes=BIG), "31.5 MB, at most 21.0"),
    "transparent": ("wan2.6-i2v", "image", picture("PNG", alpha=True), "has transparency"),
    "a TIFF": ("wan2.6-i2v", "image", picture("TIFF"), "is TIFF; wan2.6-i2v takes JPEG, PNG, BMP, WEBP"),
    "too small": (I2V, "image", picture(sides=(239, 400)), "each side must be 240 to 8000 px"),
    "too long": (I2V, "image", picture(sides=(2400, 240)), "width / height must be 0.125 to 8"),
    "a long one to 2.6": ("wan2.6-i2v", "image", picture(sides=(2400, 240)), None),
    "no picture": (I2V, "image", film(), "is no picture"),
    "small for HappyHorse": ("happyhorse-1.1-i2v", "image", picture(sides=(299, 400)), "each side must be 300"),
    "narrow for HappyHorse": ("happyhorse-1.1-i2v", "image", picture(sides=(300, 800)), "must be 0.4 to 2.5"),
    "BMP to HappyHorse": ("happyhorse-1.0-i2v", "image", picture("BMP"), "is BMP"),
    "above what goes inline": (
        "happyhorse-1.1-i2v",
        "image",
        picture(size_bytes=7_000_001),
        "up to 7 MB, larger ones as a",
    ),
    "a reference of HappyHorse": ("happyhorse-1.1-r2v", "references", picture(sides=(399, 800)), "must be 400"),
    "a short clip": (I2V, "continue_", film(1.9), "lasts 1.9 s; 2 to 10 s are taken"),
    "a long clip": (I2V, "continue_", film(10.1), "lasts 10.1 s"),
    "a clip of one frame more": (I2V, "continue_", film(10.04), None),
    "a clip as AVI": (I2V, "continue_", film(format="avi"), "is avi; wan2.7-i2v takes mp4, mov"),
    "a clip of 101 MB": (I2V, "continue_", film(size_bytes=106_000_000), "106.0 MB, at most 104.9"),
    "a narrow clip": (I2V, "continue_", film(sides=(240, 2000)), "width / height must be 0.125 to 8"),
    "a clip of which nothing is known": (I2V, "continue_", film(None, (None, None), None), None),
    "a short reference": (R2V, "references", film(0.5), "lasts 0.5 s; 1 to 30 s"),
    "a film to edit": (EDIT, "video", film(11), "lasts 11 s; 2 to 10 s"),
    "a large film to edit": (EDIT, "video", film(sides=(4098, 1000)), "each side must be 240 to 4096 px"),
    "a film of this machine to HappyHorse": (HORSE_EDIT, "video", film(), "only as a public link (https://…)"),
    "sixteen seconds to wan3": (WAN3, "references", film(16), "lasts 16 s; 1 to 15 s"),
    "a long song to wan3": (WAN3, "audio", sound(15.5), "lasts 15.5 s; 1 to 15 s"),
    "a song as OGG": (WAN3, "audio", sound(format="ogg"), "is ogg; wan3.0-video takes wav, mp3"),
    "a document of another kind": (WAN3, "document", sound(None, "zip"), "is zip"),
}


@pytest.mark.few(5)
@pytest.mark.parametrize("model, field, of, says", LIMITS.values(), ids=LIMITS)
def test_what_goes_in_is_within_the_models_limits(
    model: str, field: str, of: Probe | Film | Recording, says: str | None
) -> None:
    url = "file:///given"
    asked: dict[str, Any] = {field: [url], "duration": 15 if field == "continue_" else None}
    found = {url: input_(url, of)}
    if says is None:
        made(model, found=found, **asked)
    else:
        (told,) = refusal(model, found=found, **asked)
        assert told.startswith(field.removesuffix("_"))
        assert says in told


def test_a_document_is_known_by_its_suffix() -> None:
    assert refusal(WAN3, document=["file:///plan.zip"]) == [
        "document: is zip; wan3.0-video takes docx, doc, xlsx, xls, pptx, ppt, pdf, txt, key, pages, numbers, md"
    ]


@pytest.mark.parametrize(
    "model, fields, seconds, says",
    [
        ("wan2.5-i2v-preview", {"image": [DAY]}, 2.0, "lasts 2 s; 3 to 30 s"),
        (I2V, {"image": [DAY]}, 2.0, None),
        (I2V, {"image": [DAY]}, 31.0, "lasts 31 s; 2 to 30 s"),
        ("wan2.6-t2v", {}, 31.0, "lasts 31 s; 3 to 30 s"),
        ("wan2.7-t2v", {}, 1.0, "lasts 1 s; 2 to 30 s"),
    ],
)
def test_a_sound_has_its_length(model: str, fields: dict[str, Any], seconds: float, says: str | None) -> None:
    found = {SONG: Input(SONG, recording=sound(seconds))}
    if says is None:
        made(model, found=found, audio=[SONG], **fields)
    else:
        assert says in str(refusal(model, found=found, audio=[SONG], **fields))


def test_a_voice_has_its_length_and_is_named_by_its_place() -> None:
    found = {VOICE: Input(VOICE, recording=sound(11.0, "wav"))}
    assert refusal(R2V, found=found, references=[DAY, CAT], reference_voices=["", VOICE]) == [
        "reference_voices[1]: lasts 11 s; 1 to 10 s are taken"
    ]


LONG, SHORT = "file:///long.mp4", "file:///short.mp4"
FILMS = {LONG: Input(LONG, film=film(10.0)), SHORT: Input(SHORT, film=film(6.0))}


@pytest.mark.parametrize(
    "model, fields, says",
    [
        (WAN3, {"references": [LONG, SHORT]}, ["references: last 16 s together, at most 15"]),
        (WAN3, {"references": [LONG], "duration": 21}, ["duration: 21 s and the 10 s that go in are more than 30 s"]),
        (WAN3, {"references": [LONG], "duration": 20}, []),
        (WAN3, {"references": [LONG], "duration": -1}, []),
        (WAN3, {"video": [LONG], "references": [SHORT]}, ["references: last 16 s together, at most 15"]),
        (WAN3, {"references": [SONG, SONG]}, ["references: last 16 s together, at most 15"]),
        (I2V, {"continue_": [LONG], "duration": 10}, ["duration: 10 s add nothing: the 10 s of the clip"]),
        (I2V, {"continue_": [LONG], "duration": 11}, []),
        (VACE_MODEL, {"vace": "video_extension", "continue_": [SHORT]}, ["continue: last 6 s together, at most 3"]),
    ],
)
def test_what_goes_in_is_short_enough_together(model: str, fields: dict[str, Any], says: list[str]) -> None:
    if not says:
        made(model, found=FILMS, **fields)
        return
    told = refusal(model, found=FILMS, **fields)
    assert all(any(text in one for one in told) for text in says), told


@pytest.mark.parametrize("model", [R2V, "wan2.6-r2v"])
def test_one_fault_is_told_once(model: str) -> None:
    assert refusal(model, references=[DAY] * 6) == ["references: at most 5, not 6"]
    told = refusal(model, references=[DAY] * 6 + [CLIP])
    assert told == ["references: at most 5, not 6", "references: at most 5 together, not 7"]


def test_a_length_that_was_worked_out_from_a_clip_is_said() -> None:
    (told,) = [one.message for one in made(I2V, continue_=[CLIP]).notices if one.code == "clip_is_part"]
    assert told == (
        "the 5 s of the clip are part of the film: 10 s in all are made and billed, unless duration says otherwise"
    )
    assert "clip_is_part" not in {one.code for one in made(I2V, continue_=[CLIP], duration=10).notices}


@pytest.mark.parametrize(
    "model, prompt, says",
    [
        ("wan2.6-r2v", "图1 走过 图2", "knows the first reference as character1"),
        ("wan2.6-r2v-flash", "视频1 走", "as character1"),
        ("wan2.6-r2v", "character1 走", ""),
        ("happyhorse-1.1-r2v", "图1 走", "as [Image 1]"),
        ("happyhorse-1.0-r2v", "[Image 1] 走", ""),
        (R2V, "图1 走", ""),
    ],
)
def test_a_reference_that_is_called_otherwise_is_noted(model: str, prompt: str, says: str) -> None:
    told = [one.message for one in made(model, prompt=prompt, references=[DAY]).notices if one.code == "reference_name"]
    assert (says in told[0]) if says else not told


def test_a_regions_name_and_lengths_are_said_where_they_are_news() -> None:
    codes = [
        [one.code for one in made(name, "virginia", image=[DAY]).notices] for name in ("wan2.6-i2v", "wan2.6-i2v-us")
    ]
    assert ["name_in_region" in one for one in codes] == [True, False]
    (told,) = refusal("wan2.6-i2v", "virginia", image=[DAY], duration=7)
    assert told == "duration: wan2.6-i2v in virginia makes 5, 10, 15 s, not 7"


def test_a_clip_without_a_duration_gets_five_seconds_more() -> None:
    """Its own count: five in all would add nothing to it, and be paid."""
    assert made(I2V, continue_=[CLIP]).body["parameters"]["duration"] == 10
    assert made(I2V, found=FILMS, continue_=[LONG]).body["parameters"]["duration"] == 15
    (told,) = refusal(I2V, continue_=[FILM_LINK])
    assert "duration: how long continue lasts is not known here" in told
    assert made(I2V, continue_=[FILM_LINK], duration=15).units == 15
    assert made(I2V, continue_=["result-of:a/1.mp4"]).units == 15, "the longest, until it is there"


# ── how it reaches the service ──


@pytest.mark.parametrize(
    "model, field, url, says",
    [
        (HORSE_EDIT, "video", "oss://bucket/clip.mp4", "only as a public link"),
        (HORSE_EDIT, "video", FILM_LINK, None),
        ("happyhorse-1.1-i2v", "image", "oss://bucket/a.jpg", "only as a public link"),
        ("happyhorse-1.1-i2v", "image", LINK, None),
        ("wan2.6-i2v", "image", "oss://bucket/a.jpg", None),
        (EDIT, "video", "oss://bucket/clip.mp4", None),
    ],
)
def test_links_and_uploads(model: str, field: str, url: str, says: str | None) -> None:
    if says is None:
        made(model, **{field: [url]})  # type: ignore[arg-type]
    else:
        assert says in str(refusal(model, **{field: [url]}))


def test_pictures_are_uploaded_where_the_model_takes_links_only() -> None:
    assert made(VACE_MODEL, vace="image_reference", references=[DAY]).upload
    assert not made(VACE_MODEL, vace="image_reference", references=[LINK]).upload
    assert made("wan2.6-r2v", references=[CLIP, DAY]).upload
    assert not made("wan2.7-r2v", references=[CLIP, DAY]).upload
    assert not made("wan2.6-i2v", image=[DAY]).upload


# ── what a model does not document ──

UNDOCUMENTED = {
    "a switch for sound": ("wan2.6-t2v", {"no_audio": True}, "no_audio: wan2.6-t2v has no such parameter here"),
    "silence and a sound": (
        "wan2.6-i2v-flash",
        {"image": [DAY], "audio": [SONG], "no_audio": True},
        "stands beside audio",
    ),
    "shots of no named model": (
        None,
        {"shots": "multi"},
        "shots: wan2.1-t2v-turbo, the usual model, has no such parameter here: name a model that has it: wan2.6-t2v",
    ),
    "a template of no named model": (
        None,
        {"image": [DAY], "template": "mermaid"},
        "name a model that has it: wanx2.1-i2v-plus",
    ),
    "seconds of no named model": (
        None,
        {"image": [DAY], "duration": 10},
        "wan2.2-i2v-flash makes 5 s, not 10; name a model that makes it: wan2.5-i2v-preview, wan2.6-i2v",
    ),
    "shots of 2.5": ("wan2.5-t2v-preview", {"shots": "multi"}, "shots: wan2.5-t2v-preview has no such parameter"),
    "shots of 2.7": ("wan2.7-t2v", {"shots": "multi"}, "(wan2.6-t2v have it)"),
    "shots without extension": ("wan2.6-t2v", {"shots": "multi", "prompt_extend": False}, "shots: needs prompt_extend"),
    "other shots": ("wan2.6-t2v", {"shots": "many"}, "shots: 'many' is none of single, multi"),
    "no negative prompt": (
        "happyhorse-1.1-t2v",
        {"negative_prompt": "雨"},
        "negative_prompt: happyhorse-1.1-t2v has no",
    ),
    "no extension": ("happyhorse-1.1-t2v", {"prompt_extend": False}, "prompt_extend: happyhorse-1.1-t2v has no"),
    "wan3's negative prompt": (WAN3, {"negative_prompt": "雨"}, "negative_prompt: wan3.0-video has no such"),
    "a document without extension": (
        WAN3,
        {"document": [PLAN], "prompt_extend": False},
        "document: needs prompt_extend",
    ),
    "a link without extension": (WAN3, {"link": "https://h/p", "prompt_extend": False}, "link: needs prompt_extend"),
    "no link": (WAN3, {"link": "page.html"}, "link: must begin with https://"),
    "a template of 2.2": (
        "wan2.2-i2v-flash",
        {"image": [DAY], "template": "hug"},
        "(wanx2.1-i2v-turbo, wanx2.1-i2v-plus",
    ),
    "a template of plus": ("wanx2.1-i2v-turbo", {"image": [DAY], "template": "mermaid"}, "'mermaid' is none of squish"),
    "an audio setting": ("wan2.6-t2v", {"audio_setting": "auto"}, "audio_setting: wan2.6-t2v has no such parameter"),
    "another audio setting": (EDIT, {"video": [CLIP], "audio_setting": "loud"}, "'loud' is none of auto, origin"),
    "a shape of a picture's film": (I2V, {"image": [DAY], "ratio": "16:9"}, "is that of its input: leave 16:9 out"),
    "a shape beside a first frame": (R2V, {"image": [DAY], "references": [CAT], "ratio": "1:1"}, "ratio: "),
    "another shape": ("wan2.7-t2v", {"ratio": "21:9"}, "ratio: wan2.7-t2v takes 16:9, 9:16, 1:1, 4:3, 3:4, not 21:9"),
    "a shape that goes on": (
        WAN3,
        {"continue_": [CLIP], "ratio": "16:9"},
        "ratio: wan3.0-video takes adaptive, not 16:9",
    ),
    "a tier": ("happyhorse-1.0-t2v", {"size": "480P"}, "size: happyhorse-1.0-t2v takes 720P, 1080P, not 480P"),
    "a size of a tier": (
        "wan2.2-i2v-flash",
        {"image": [DAY], "size": "1280*720"},
        "takes 480P, 720P, 1080P, not 1280*720",
    ),
    "a size of none": ("wan2.7-t2v", {"size": "1000*1000"}, "does not take 1000*1000; 720P: 1280*720"),
    "two shapes": ("wan2.7-t2v", {"size": "1280*720", "ratio": "9:16"}, "ratio: 9:16 is not 16:9 of the size"),
    "two sizes": ("wan2.7-t2v", {"size": "720P", "resolution": "1080P"}, "resolution: says something else than size"),
    "seconds": ("wan2.2-i2v-flash", {"image": [DAY], "duration": 10}, "duration: wan2.2-i2v-flash makes 5 s, not 10"),
    "seconds with a film": (R2V, {"references": [CLIP], "duration": 11}, "makes 2 to 10 s, not 11"),
    "seconds of an edit": (EDIT, {"video": [CLIP], "duration": 1}, "makes 0 (as the input), 2 to 10 s, not 1"),
    "seconds of HappyHorse's edit": (HORSE_EDIT, {"video": [FILM_LINK], "duration": 5}, "is as long as its input"),
    "seconds of wan3": (WAN3, {"duration": 31}, "makes -1 (the model decides), 2 to 30 s, not 31"),
    "seconds that the model decides": ("wan2.7-t2v", {"duration": -1}, "s, not -1"),
    "a long prompt": ("wan2.2-i2v-flash", {"image": [DAY], "prompt": "海" * 801}, "801 characters, at most 800"),
    "a long prompt of 2.7": ("wan2.7-t2v", {"prompt": "a" * 5001}, "5001 characters, at most 5000"),
    "a long Chinese prompt": ("happyhorse-1.1-t2v", {"prompt": "海" * 2501}, "at most 5000, or 2500 Chinese ones"),
    "a mixed one": ("happyhorse-1.1-t2v", {"prompt": "海" * 2000 + "a" * 1001}, "2000 of them Chinese"),
    "no prompt": ("happyhorse-1.1-r2v", {"references": [DAY], "prompt": None}, "prompt: is required"),
    "a function of another": (
        "wan2.7-t2v",
        {"vace": "video_edit"},
        "vace: wan2.7-t2v has no functions; wanx2.1-vace-plus",
    ),
    "no function": (VACE_MODEL, {"video": [CLIP]}, "vace: wanx2.1-vace-plus needs one of image_reference"),
    "an odd function": (VACE_MODEL, {"vace": "video_edt"}, "did you mean video_edit"),
    "a mark of a kind": (
        R2V,
        {"references": [DAY], "reference_types": ["film"]},
        "'film' is none of image, video, audio",
    ),
}


@pytest.mark.few(6)
@pytest.mark.parametrize("model, fields, says", UNDOCUMENTED.values(), ids=UNDOCUMENTED)
def test_what_a_model_does_not_have_is_refused(model: str, fields: dict[str, Any], says: str) -> None:
    assert says in "\n".join(refusal(model, **fields))


@pytest.mark.parametrize(
    "model, fields",
    [
        ("happyhorse-1.1-t2v", {"prompt": "海" * 2500}),
        ("happyhorse-1.1-t2v", {"prompt": "a" * 5000}),
        ("happyhorse-1.1-t2v", {"prompt": "海" * 2000 + "a" * 1000}),
        ("wan3.0-video", {"prompt": "海" * 20_000}),
        ("wan2.2-i2v-flash", {"image": [DAY], "no_audio": True}),  # it makes none
        ("happyhorse-1.1-t2v", {"watermark": True}),
        ("wan2.7-r2v", {"references": [DAY], "duration": 15}),
    ],
)
def test_what_is_just_allowed(model: str, fields: dict[str, Any]) -> None:
    made(model, **fields)


def test_several_faults_are_told_at_once() -> None:
    told = refusal("wan2.2-i2v-flash", image=[DAY], audio=[SONG], duration=7, shots="x", size="2K", seed=-1)
    assert [text.partition(":")[0] for text in told] == ["image", "size", "duration", "shots", "seed"]


@pytest.mark.parametrize(
    "model, region, fields, says",
    [
        (
            "wan2.2-i2v-flash",
            "singapore",
            {"image": [DAY], "size": "1080P"},
            "has no 1080P in singapore; there: 480P, 720P",
        ),
        ("wan2.2-kf2v-flash", "singapore", {"image": [DAY]}, "is offered in beijing, not in singapore"),
        ("wan2.6-i2v", "virginia", {"image": [DAY], "duration": 7}, "makes 5, 10, 15 s, not 7"),
        ("wan2.6-t2v", "virginia", {"duration": 15}, "makes 5, 10 s, not 15"),
        ("happyhorse-1.0-t2v", "tokyo", {}, "not in tokyo"),
    ],
)
def test_regions_differ(model: str, region: str, fields: dict[str, Any], says: str) -> None:
    assert says in str(refusal(model, region, **fields))


# ── functions of the old editing model ──

FUNCTIONS = {
    "an argument of another": ("video_repainting", {"mask_type": "fixed"}, "mask_type: wanx2.1-vace-plus has no such"),
    "and who has it": ("video_repainting", {"mask_type": "fixed"}, "(video_edit have it)"),
    "a size": ("video_outpainting", {"size": "720P"}, "size: wanx2.1-vace-plus chooses it itself"),
    "seconds": ("video_outpainting", {"duration": 10}, "makes 5 s, not 10"),
    "strength": ("video_repainting", {"strength": 1.1}, "strength: 1.1 is not in 0 to 1"),
    "what is kept": ("video_repainting", {"control_condition": None}, "control_condition: is required: one of posebodyface"),
    "what is kept, otherwise": ("video_repainting", {"control_condition": ""}, "takes posebodyface, posebody, depth, scribble"),
    "what an edit keeps": ("video_edit", {"control_condition": "scribble"}, 'takes "", posebodyface, depth'),
    "what an extension keeps": ("video_extension", {"control_condition": "depth"}, "control_condition: needs a video"),
    "no mask": ("video_edit", {"mask": []}, "mask: wanx2.1-vace-plus video_edit needs mask (picture) or mask (film) beside video; it takes: video + mask"),
    "two masks": ("video_edit", {"mask": [MASK, MASK_FILM]}, "does not take video + mask (picture) + mask (film)"),
    "a frame of a film's mask": ("video_edit", {"mask": [MASK_FILM], "mask_frame_id": 1}, "needs a mask that is a picture"),
    "a frame number": ("video_edit", {"mask_frame_id": 0}, "mask_frame_id: 0 is not in 1"),
    "expand_ratio": ("video_edit", {"expand_ratio": -0.1}, "expand_ratio: -0.1 is not in 0 to 1"),
    "expand_mode": ("video_edit", {"expand_mode": "round"}, "'round' is none of hull, bbox, original"),
    "scales": ("video_outpainting", {"top_scale": 2.5}, "top_scale: 2.5 is not in 1 to 2"),
    "two references without a word": ("image_reference", {"references": [DAY, CAT]}, "for each reference: 2, not 0"),
    "too few words": ("image_reference", {"references": [DAY, CAT], "obj_or_bg": ["obj"]}, "for each reference: 2, not 1"),
    "two backgrounds": ("image_reference", {"references": [DAY, CAT], "obj_or_bg": ["bg", "bg"]}, "at most one can be bg"),
    "other words": ("image_reference", {"references": [DAY], "obj_or_bg": ["sky"]}, "each must be obj or bg"),
    "four references": ("image_reference", {"references": [DAY] * 4, "obj_or_bg": ["obj"] * 4}, "at most 3, not 4"),
    "another size": ("image_reference", {"size": "640*480"}, "does not take 640*480"),
    "two references to a repainting": ("video_repainting", {"references": [DAY, CAT]}, "references: at most 1, not 2"),
    "frame and clip": ("video_extension", {"continue_": [CLIP]}, "does not take image + continue"),
    "sound": ("video_outpainting", {"audio": [SONG]}, "does not take"),
    "a negative prompt": ("video_outpainting", {"negative_prompt": "雨"}, "negative_prompt: wanx2.1-vace-plus has no"),
}  # fmt: skip


@pytest.mark.few(6)
@pytest.mark.parametrize("function, fields, says", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_has_its_own_rules(function: str, fields: dict[str, Any], says: str) -> None:
    told = refusal(VACE_MODEL, **{"vace": function, **VACE[function], **fields})
    assert says in "\n".join(told)


@pytest.mark.parametrize(
    "of, mask, says",
    [
        (picture("PNG", (640, 480)), Mask(0.5, pure=True), "is 640*480; it must have the video's size, 1280*720"),
        (picture("PNG"), Mask(0.5, pure=False), "must be pure black and white"),
        (film(sides=(640, 360)), None, "it must have the video's size"),
        (picture("PNG", (300, 300)), Mask(0.5, pure=True), "each side must be 360 to 2000 px"),
    ],
)
def test_a_mask_fits_its_film(of: Probe | Film, mask: Mask | None, says: str) -> None:
    url = "file:///m"
    told = refusal(VACE_MODEL, found={url: input_(url, of, mask)}, vace="video_edit", video=[CLIP], mask=[url])
    assert says in "\n".join(told)


def test_a_slow_film_is_too_slow() -> None:
    found = {CLIP: Input(CLIP, film=film(fps=12.0))}
    assert "has 12 frames a second; at least 16" in str(
        refusal(VACE_MODEL, found=found, vace="video_outpainting", video=[CLIP])
    )
