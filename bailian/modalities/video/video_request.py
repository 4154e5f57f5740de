"""What a user asks of a film, in our words; and the service's own words, put into ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.modalities.rules.values import pieces
from bailian.modalities.video.voices import in_their_places

INPUT_FIELDS: tuple[str, ...] = (
    "image", "last_frame", "references", "reference_voices", "video", "continue", "last_clip", "audio", "document", "mask",
)  # fmt: skip
MEDIA = ("image", "video", "audio")


class VideoRequest(BaseModel):
    """What a user asks for. `resolution` is the seed document's name for `size`."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    prompt: str = ""
    negative_prompt: str = ""
    size: str = ""
    resolution: str = ""
    ratio: str = ""
    duration: int | None = None
    fps: int | None = None
    seed: int | None = None
    prompt_extend: bool | None = None
    watermark: bool = False
    # What goes in. One file each, but for `references`; `inputs.lookup` has put links and paths in their places.
    image: list[str] = []
    last_frame: list[str] = []
    references: list[str] = []
    reference_voices: list[str] = []
    """Beside `references`; "": it has none."""
    reference_types: list[str] = []
    """Beside `references`; of `MEDIA`, "": its bytes or its suffix tell."""
    video: list[str] = []
    continue_: list[str] = Field(default=[], alias="continue")
    last_clip: list[str] = []
    audio: list[str] = []
    document: list[str] = []
    link: str = ""
    no_audio: bool | None = None
    audio_setting: str = ""
    shots: str = ""
    template: str = ""
    # Of the models that are called by a function; the names are the service's own.
    vace: str = ""
    mask: list[str] = []
    mask_media: str = ""
    """"image" or "video"; "": its bytes or its suffix tell."""
    mask_frame_id: int | None = None
    mask_type: str = ""
    control_condition: str | None = None
    strength: float | None = None
    expand_ratio: float | None = None
    expand_mode: str = ""
    obj_or_bg: list[str] = []
    top_scale: float | None = None
    bottom_scale: float | None = None
    left_scale: float | None = None
    right_scale: float | None = None


NAMES = {
    "img_url": "image",
    "first_frame_url": "image",
    "last_frame_url": "last_frame",
    "audio_url": "audio",
    "video_url": "video",
    "mask_image_url": "mask",
    "mask_video_url": "mask",
    "first_clip_url": "continue",
    "last_clip_url": "last_clip",
    "shot_type": "shots",
    "function": "vace",
    "continue_": "continue",
}
"""The service's name → ours."""
LISTS = {"reference_urls": "", "ref_images_url": "image", "reference_video_urls": "video"}
"""The service's lists of references → what stands in them; "": their suffixes tell."""
MASKS = {"mask_image_url": "image", "mask_video_url": "video"}
MEDIA_FIELDS = {
    "first_frame": "image",
    "last_frame": "last_frame",
    "driving_audio": "audio",
    "first_clip": "continue",
    "video": "video",
    "file": "document",
    "link": "link",
}
"""Type of an entry of `media` → our field, where it is no reference."""
REFERENCE_TYPES = {f"reference_{media}": media for media in MEDIA}
BESIDE_REFERENCES = ("reference_voices", "reference_types")
REFERENCE_KEYS = ("file", "voice", "type")


def from_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return flat fields under our names; references as words, with their voices and types beside them.

    Raises:
        InvalidRequest: a field that is given twice, or `media` that the service would not read.
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        for own, inner in _translated(name, value).items():
            if own in flat:
                raise InvalidRequest.one(name, tr(f"is {own}, which is given, too", f"与 {own} 重复"))
            flat[own] = inner
    if "references" in flat:  # what a file's defaults say beside their own references is not about these
        flat = {**{name: [] for name in BESIDE_REFERENCES}, **flat}
    return flat


def _translated(name: str, value: Any) -> dict[str, Any]:
    if name == "media":
        return _of_media(value)
    if name == "audio" and (isinstance(value, bool) or value in ("true", "false")):
        return {"no_audio": value in (False, "false")}  # the service's switch has the name of our sound
    if name in LISTS:
        words = value if isinstance(value, list) else [value]
        return _references([{"file": word, "type": LISTS[name]} for word in words])
    if name == "references" and isinstance(value, list | dict):
        return _references([_reference(one) for one in (value if isinstance(value, list) else [value])])
    if name == "reference_voices" and isinstance(value, list | str):
        words = pieces(value) if isinstance(value, str) else value
        return {name: in_their_places(words) if all(isinstance(word, str) for word in words) else words}
    if name in MASKS:
        return {"mask": value, "mask_media": MASKS[name]}
    return {NAMES.get(name, name): value}


def _reference(one: Any) -> dict[str, Any]:
    """Return one reference of a row: `{"file": …, "voice": …}`, or the file alone."""
    if not isinstance(one, dict) or "file" not in one:
        return {"file": one}
    wrong = next((key for key in one if key not in REFERENCE_KEYS), None)
    if wrong is not None:
        allowed = ", ".join(REFERENCE_KEYS)
        raise InvalidRequest.one(
            "references", tr(f"has {wrong!r}; allowed: {allowed}", f"含有 {wrong!r}；可用：{allowed}")
        )
    media = str(one.get("type") or "")
    return {**one, "type": REFERENCE_TYPES.get(media, media)}


def _references(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return references as three lists side by side; the last two only where something stands in them."""
    lists = {
        "references": [one["file"] for one in entries],
        "reference_voices": [one.get("voice") or "" for one in entries],
        "reference_types": [one.get("type") or "" for one in entries],
    }
    return {name: words for name, words in lists.items() if name == "references" or any(words)}


def _of_media(media: Any) -> dict[str, Any]:
    """Return our fields for the entries of `media`."""
    known = (*MEDIA_FIELDS, *REFERENCE_TYPES)
    if not isinstance(media, list) or not all(isinstance(one, dict) and one.get("type") in known for one in media):
        types = ", ".join(known)
        text = tr(f"must be a list of objects with type ({types}) and url", f"应为对象列表，含 type（{types}）和 url")
        raise InvalidRequest.one("media", text)
    entries, fields = [], {}
    for one in media:
        kind, url = one["type"], one.get("url")
        if kind in REFERENCE_TYPES:
            entries.append({"file": url, "voice": one.get("reference_voice"), "type": REFERENCE_TYPES[kind]})
        elif MEDIA_FIELDS[kind] == "link":
            fields["link"] = url
        else:
            fields.setdefault(MEDIA_FIELDS[kind], []).append(url)
    return {**fields, **(_references(entries) if entries else {})}
