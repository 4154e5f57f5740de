"""Fields of films, whatever stands in them: read into one form or refused, and never anything else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.errors import InvalidRequest
from bailian.modalities.video import video
from bailian.modalities.video.video_request import LISTS, MEDIA_FIELDS, NAMES, REFERENCE_TYPES, VideoRequest
from bailian.types import Prepared
from tests.unit.modalities.film_requests import CATALOG, CLIP, DAY, FILM_LINK, FOUND, LINK, SONG, made, refusal

WORDS = st.sampled_from(
    [DAY, CLIP, SONG, LINK, FILM_LINK, "", "720P", "16:9", "video_edit", "depth", "猫", "oss://b/a.png"]
)
LEAVES = st.none() | st.booleans() | st.integers(-2, 40) | st.floats() | st.text(max_size=3) | WORDS
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*MEDIA_FIELDS, *REFERENCE_TYPES, "film"]) | LEAVES,
        "url": LEAVES,
        "file": LEAVES,
        "voice": LEAVES,
        "reference_voice": LEAVES,
    },
)
VALUES = LEAVES | st.lists(LEAVES | ENTRIES, max_size=3) | ENTRIES
FIELDS = [*(field.alias or name for name, field in VideoRequest.model_fields.items()), *NAMES, *LISTS, "media", "other"]
MODELS = st.sampled_from(["wan3.0-video", "wan2.7-i2v", "wan2.7-r2v", "wanx2.1-vace-plus", "wan2.6-t2v", "no-model"])


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5), st.none() | MODELS)
def test_a_row_is_a_request_or_refused(row: dict[str, Any], model: str | None) -> None:
    """What stands in somebody's JSON, in any type: nothing of it is sent that the body's own shape does not have."""
    try:
        fields = video.from_config({"prompt": "猫", **row, **({"model": model} if model else {})})
        prepared = video.prepare(fields, CATALOG, "beijing", FOUND)
    except InvalidRequest:
        return
    assert isinstance(prepared, Prepared)
    assert prepared.estimate_cny is not None
    assert 0 < prepared.units <= 60
    texts = [prepared.body["input"].get(name, "x") for name in ("img_url", "prompt", "audio_url", "video_url")]
    assert all(isinstance(text, str) and text for text in texts)
    assert all(entry["url"] for entry in prepared.body["input"].get("media", []))


@pytest.mark.parametrize("field", ["image", "references", "audio", "continue_", "document"])
def test_an_empty_name_is_no_file(field: str) -> None:
    """A variable of the shell that is not set must not become a film of nothing."""
    assert f"{field.removesuffix('_')}: is empty" in refusal("wan3.0-video", **{field: [""]})


def test_python_and_json_name_one_field() -> None:
    for name in ("continue", "continue_"):
        fields = video.from_config({"prompt": "猫", name: [CLIP]})
        assert video.prepare(fields, CATALOG, "beijing", FOUND).body == made(continue_=[CLIP]).body


@pytest.mark.parametrize(
    "row, says",
    [
        ({"media": "a.jpg"}, "media: must be a list of objects with type (first_frame"),
        ({"media": [{"type": "frame", "url": "a"}]}, "media: must be a list of objects"),
        ({"media": [{"url": "a"}]}, "media: must be a list of objects"),
        ({"image": "a", "img_url": "b"}, "img_url: is image, which is given, too"),
        ({"references": [{"file": "a", "sound": "b"}]}, "references: has 'sound'; allowed: file, voice, type"),
    ],
)
def test_what_cannot_be_brought_into_one_form_is_named(row: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        video.from_config(row)
    assert says in str(caught.value)
