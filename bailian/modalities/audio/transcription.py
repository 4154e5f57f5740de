"""Recordings to text: Paraformer, always a task with one file; its transcript becomes txt, srt, vtt, tsv or json.

Facts: docs/wire.md "Recognition" (PF-REST, PF-PY, ERR, 2026). What the JSON behind `transcription_url` says is
put into the answer by `with_document`; without it the answer is only a link.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import ceil
from typing import Any

from pydantic import BaseModel, ConfigDict

from bailian.catalog import Catalog, Model, did_you_mean
from bailian.errors import InvalidRequest, Problem
from bailian.files import subtitles
from bailian.i18n import tr
from bailian.modalities.audio.transcription_answers import (
    answer_notices,
    asked_prompt,
    charged_cny,
    document_url,
    items,
    matches,
    no_speech,
    with_document,
    with_paths,
)
from bailian.modalities.rules import choice, fields
from bailian.types import Input, Notice, Prepared, TranscriptionContext

__all__ = [  # what a modality provides
    "answer_notices",
    "asked_prompt",
    "charged_cny",
    "document_url",
    "from_config",
    "items",
    "matches",
    "no_speech",
    "prepare",
    "with_document",
    "with_paths",
]

KIND = "transcription"
DEFAULT_MODELS = ("paraformer-v1", "paraformer-v2")
INPUT_FIELDS = ("file",)
RESULT_SUFFIXES: tuple[str, ...] = ()
FILE_SUFFIXES = ("txt", "srt", "vtt", "tsv", "json")
RETRY_SAFE = False

SPEAKERS = (2, 100)
FILTER_KEYS = ("filter_with_signed", "filter_with_empty", "system_reserved_filter")
_LISTS = ("file", "format", "language", "channel_id")


class TranscriptionRequest(BaseModel):
    """What a user asks for. `format` is ours: the files to write; `language` becomes `language_hints`."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    file: list[str]
    format: list[str] = ["txt"]
    language: list[str] = []
    channel_id: list[int] = [0]
    diarization_enabled: bool = False
    speaker_count: int | None = None
    disfluency_removal_enabled: bool = False
    timestamp_alignment_enabled: bool = False
    vocabulary_id: str = ""
    special_word_filter: Any = None


def from_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return our names for `file_urls` and `language_hints`.

    Raises:
        InvalidRequest: a field under both names.
    """
    flat = dict(values)
    for theirs, ours in (("file_urls", "file"), ("language_hints", "language")):
        if theirs in flat:
            if ours in flat:
                raise InvalidRequest.one(
                    theirs, tr(f"is the same as {ours}: give one", f"与 {ours} 相同：只需给出一个")
                )
            flat[ours] = flat.pop(theirs)
    return flat


def _with_lists(values: Mapping[str, Any]) -> dict[str, Any]:
    """One value stands for a list of one: `"format": "srt"`."""
    given = dict(values)
    for name in _LISTS:
        value = given.get(name)
        if isinstance(value, tuple):
            given[name] = list(value)
        elif isinstance(value, str) or type(value) is int:
            given[name] = [value]
    return given


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields against the model and build the documented body.

    The cost is known only where the recording's duration is; else `unit_cny` is None and the price is in
    the context. It is a ceiling: only speech is billed, each channel by itself (PF-REST).

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    request = fields.parse(TranscriptionRequest, _with_lists(values))
    chosen = choice.choose(request.model, KIND, DEFAULT_MODELS, catalog, region)
    model = chosen.model
    fields.raise_if_any([*fields.region_problems(model, region), *_problems(request, model, catalog)])
    wire_model = model.wire_name(region)
    found = (inputs or {}).get(request.file[0], Input(request.file[0]))
    formats = list(subtitles.FORMATS) if "all" in request.format else list(dict.fromkeys(request.format))
    asked = request.model_copy(
        update={"model": model.name, "format": formats, "language": list(dict.fromkeys(request.language))}
    )
    second_cny = fields.price_cny(model, region)
    duration_s = found.recording.duration_s if found.recording else None
    return Prepared(
        model=model,
        wire_model=wire_model,
        request=asked.model_dump(exclude_none=True),
        body=_body(asked, model, wire_model),
        unit_cny=None if duration_s is None else second_cny,
        # Begun seconds, as `usage.duration` counts: the estimate is what it costs at most.
        units=ceil(duration_s or 0) * len(asked.channel_id),
        count=len(formats),
        notices=(
            *choice.notices(chosen, wire_model, region, catalog),
            *([found.notice] if found.notice else []),
            *_notices(asked, model),
        ),
        upload=True,
        context=TranscriptionContext(
            retired=choice.retirement(chosen, catalog, region),
            alternatives=_alternatives(model, catalog) if model.unknown_to_service else "",
            second_cny=second_cny,
            formats=tuple(formats),
            language=_only_language(asked, model),
        ),
    )


def _problems(request: TranscriptionRequest, model: Model, catalog: Catalog) -> list[Problem]:
    problems = []
    if len(request.file) != 1:
        text = tr(
            f"one recording a request, not {len(request.file)}: several recordings are several requests",
            f"每个请求一个录音，给出了 {len(request.file)} 个：多个录音请分成多个请求",
        )
        problems.append(Problem("file", text))
    known = (*subtitles.FORMATS, "all")
    wrong = [name for name in request.format if name not in known]
    if wrong or not request.format:
        text = tr(f"{', '.join(wrong) or 'nothing'} is none of ", f"{'、'.join(wrong) or '空'} 不在可选范围内：")
        problems.append(Problem("format", text + ", ".join(known) + did_you_mean((wrong or [""])[0], known)))
    if not request.channel_id or min(request.channel_id) < 0 or len({*request.channel_id}) < len(request.channel_id):
        text = tr("numbers of channels, from 0, each once", "应为从 0 开始的音轨编号，每个一次")
        problems.append(Problem("channel_id", f"{request.channel_id}: {text}"))
    if request.speaker_count is not None and not request.diarization_enabled:
        problems.append(Problem("speaker_count", tr("needs diarization_enabled", "需要 diarization_enabled")))
    if request.vocabulary_id and not model.vocabulary:
        problems.append(
            Problem("vocabulary_id", _not_taken(model, [m.name for m in _offered(catalog) if m.vocabulary]))
        )
    return [
        *problems,
        *fields.check_range("speaker_count", request.speaker_count, *SPEAKERS),
        *fields.check_prompt("vocabulary_id", request.vocabulary_id, None, required=False),
        *_filter_problems(request.special_word_filter),
        *_language_problems(request.language, model, catalog),
    ]


def _offered(catalog: Catalog) -> list[Model]:
    """Return what can be advised: models that exist, and live."""
    return [m for m in catalog.of_kind(KIND) if not m.unknown_to_service and not m.retired(catalog.today)]


def _not_taken(model: Model, others: list[str]) -> str:
    text = tr(f"{model.name} does not take it", f"{model.name} 不支持")
    return text + (tr("; use ", "；请使用 ") + ", ".join(others) if others else "")


def _language_problems(languages: list[str], model: Model, catalog: Catalog) -> list[Problem]:
    problems = []
    for language in languages:
        if language not in model.languages:
            others = [other.name for other in _offered(catalog) if language in other.languages]
            text = tr(
                f"{model.name} knows {', '.join(model.languages)}, not {language!r}",
                f"{model.name} 支持 {', '.join(model.languages)}，不支持 {language!r}",
            )
            elsewhere = tr("; use ", "；请使用 ") + ", ".join(others) if others else ""
            problems.append(Problem("language", text + elsewhere))
    return problems


def _filter_text(given: Any) -> str:
    """Return `special_word_filter` as it is sent: text that holds JSON (PF-REST)."""
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def _filter_problems(given: Any) -> list[Problem]:
    if given is None:
        return []
    try:
        text = _filter_text(given)
        text.encode()
        keys = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        keys = None
    if not isinstance(keys, dict):
        return [Problem("special_word_filter", tr("must be an object, or JSON of one", "应为对象，或其 JSON 文本"))]
    return [
        Problem("special_word_filter", tr(f"unknown key {key!r}", f"未知的键 {key!r}") + did_you_mean(key, FILTER_KEYS))
        for key in keys
        if key not in FILTER_KEYS
    ]


def _notices(request: TranscriptionRequest, model: Model) -> list[Notice]:
    notices = []
    if request.language and not model.language_hints:
        text = tr(
            f"{model.name} finds the language out itself; {', '.join(request.language)} is not sent",
            f"{model.name} 自动判断语种，{', '.join(request.language)} 不会发送",
        )
        notices.append(Notice("language_not_sent", text))
    if request.diarization_enabled and len(request.channel_id) > 1:
        text = tr("speakers are told apart in mono recordings only", "说话人分离只支持单声道录音")
        notices.append(Notice("diarization_mono", text))
    return notices


def _body(request: TranscriptionRequest, model: Model, wire_model: str) -> dict[str, Any]:
    """Build the body, always with `parameters`: a workspace host fails the task without them (FUN)."""
    parameters: dict[str, Any] = {
        "channel_id": request.channel_id,
        "disfluency_removal_enabled": request.disfluency_removal_enabled,
        "timestamp_alignment_enabled": request.timestamp_alignment_enabled,
        "diarization_enabled": request.diarization_enabled,
    }
    if request.language and model.language_hints:
        parameters["language_hints"] = request.language
    if request.speaker_count is not None:
        parameters["speaker_count"] = request.speaker_count
    if request.vocabulary_id:
        parameters["vocabulary_id"] = request.vocabulary_id
    if request.special_word_filter is not None:
        parameters["special_word_filter"] = _filter_text(request.special_word_filter)
    return {"model": wire_model, "input": {"file_urls": request.file}, "parameters": parameters}


def _only_language(request: TranscriptionRequest, model: Model) -> str | None:
    spoken = request.language or model.languages
    return spoken[0] if len(spoken) == 1 else None


def _alternatives(model: Model, catalog: Catalog) -> str:
    """Name a model that finds the same languages out itself, and one that is told: "" if there is none."""
    fit = [other for other in _offered(catalog) if {*model.languages} <= {*other.languages}]
    language = (*model.languages, "zh")[0]
    itself = [other.name for other in fit if not other.language_hints]
    told = [
        tr(f"{other.name} with --language {language}", f"{other.name}（--language {language}）")
        for other in fit
        if other.language_hints
    ]
    names = itself[:1] + told[:1]
    return tr("use ", "请使用 ") + tr(", or ", "，或 ").join(names) if names else ""
