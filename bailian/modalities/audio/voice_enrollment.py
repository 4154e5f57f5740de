"""Voices of one's own: what is refused of a new one, and what is sent. Facts: docs/wire.md "Speech" (CLONE, ERR). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from bailian.catalog import Catalog, Model
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.modalities.audio.speech_rules import HINTS
from bailian.modalities.rules import fields
from bailian.text.storage_path import StoragePath
from bailian.types.json_values import text_of

ROUTE = "/services/audio/tts/customization"
MODEL = "voice-enrollment"
PROMPT_CHARS = 500
PREVIEW_CHARS = (15, 200)
PAGE_SIZE = 100
_NAME = re.compile(r"[A-Za-z0-9]{1,10}")


def request(action: str, **inputs: Any) -> dict[str, Any]:
    """Return the body of one action; what is None is left out."""
    return {"model": MODEL, "input": {"action": action, **{name: v for name, v in inputs.items() if v is not None}}}


def clone(model: Model, name: str, url: str, language: str | None) -> dict[str, Any]:
    """Return the body that makes a voice of a recording."""
    hints = [language] if language else None
    return request("create_voice", target_model=model.name, prefix=name, url=url, language_hints=hints)


def design(model: Model, name: str, prompt: str, preview: str, language: str | None) -> dict[str, Any]:
    """Return the body that makes a voice of words; its answer has the preview as a WAV."""
    hints = [language] if language else None
    told = {"voice_prompt": prompt, "preview_text": preview, "language_hints": hints}
    body = request("create_voice", target_model=model.name, prefix=name, **told)
    return {**body, "parameters": {"sample_rate": 24000, "response_format": "wav"}}


def problems(model: Model, way: str, name: str, language: str | None, catalog: Catalog, region: str) -> list[Problem]:
    """Return what is wrong with any new voice; `way` is "clone" or "design"."""
    found = fields.region_problems(model, region)
    if way not in model.own_voices:
        able = ", ".join(one.name for one in catalog.of_kind("speech") if way in one.own_voices)
        text = tr(
            f"{model.name} has no {way}; those that have it: {able}", f"{model.name} 不支持 {way}；支持的有：{able}"
        )
        found.append(Problem("model", text))
    if not _NAME.fullmatch(name):
        found.append(
            Problem("name", tr(f"{name!r} is not 1 to 10 letters and digits", f"{name!r} 须为 1 到 10 个字母或数字"))
        )
    if language is not None and language not in HINTS:
        shown = ", ".join(HINTS)
        text = tr(f"{language!r} is not one of {shown}", f"{language!r} 不在允许的取值之内：{shown}")
        found.append(Problem("language", text))
    return found


def recording_problems(url: str) -> list[Problem]:
    """Return what is wrong with the address of a recording: the service fetches it itself."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if good:
        return []
    text = tr(
        f"{url!r} is no public URL: the service fetches the recording itself (10 to 15 s of speech)",
        f"{url!r} 不是公网链接：录音由服务端自行下载（10 到 15 秒语音）",
    )
    return [Problem("url", text)]


def design_problems(prompt: str, preview: str) -> list[Problem]:
    low, high = PREVIEW_CHARS
    found = fields.check_prompt("prompt", prompt, PROMPT_CHARS)
    if not low <= len(preview) <= high:
        text = tr(
            f"has {len(preview)} characters, not {low} to {high}", f"共 {len(preview)} 个字符，须为 {low} 到 {high} 个"
        )
        found.append(Problem("preview", text))
    return found


def preview_problems(output: str | None) -> list[Problem]:
    """Return what is wrong with the name of the preview's file: the sound is a WAV."""
    if output and StoragePath.parse(output):
        text = tr("the preview goes into a file of this machine", "试听只能保存到本机文件")
        return [Problem("output", text)]
    if not output or output.lower().endswith(".wav"):
        return []
    return [
        Problem(
            "output",
            tr(f"{output}: the preview is a WAV: name it NAME.wav", f"{output}：试听为 WAV：文件名应以 .wav 结尾"),
        )
    ]


def same_name(model: str, name: str, voices: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the id of a voice of this model that was made under this name and can be used, or is being made."""
    begins = (f"{model}-{name}-", f"{model}-vd-{name}-")
    usable = (text_of(voice.get("voice_id")) for voice in voices if voice.get("status") != "UNDEPLOYED")
    return next((voice_id for voice_id in usable if voice_id.startswith(begins)), None)
