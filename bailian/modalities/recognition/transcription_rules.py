"""What a recognition model does not take, said with what it takes, or with the models that take it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bailian.catalog import Catalog, Mode, Model, did_you_mean
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.modalities.recognition import hot_words
from bailian.modalities.recognition.recording_limits import recording_problems
from bailian.modalities.recognition.transcription_bodies import AUDIO_FORMATS, TAKEN, audio_format_of, filter_text
from bailian.modalities.recognition.transcription_request import FORMATS, TIMED_FORMATS, TranscriptionRequest, turns_of
from bailian.modalities.rules import fields
from bailian.types import Input, Notice

KIND = "transcription"
SPEAKERS = (2, 100)
FILTER_KEYS = ("filter_with_signed", "filter_with_empty", "system_reserved_filter")
CONTEXT_CHARS = 400
"""FUN, FUNF: of all texts before the recording; the rest would be cut off without a word."""
CONTEXT_TURNS = 5
LANGUAGE = re.compile("[a-z]{2,3}")
_WAYS = (
    "diarization_enabled",
    "disfluency_removal_enabled",
    "timestamp_alignment_enabled",
    "enable_itn",
    "enable_words",
)


def problems_of(
    request: TranscriptionRequest,
    model: Model,
    catalog: Catalog,
    found: Input,
    entries: Sequence[Mapping[str, Any]] | None,
) -> list[Problem]:
    """Return every problem of a request."""
    return [
        *_file_problems(request, model, found),
        *_format_problems(request, model, catalog),
        *_channel_problems(request),
        *_fast_problems(request, model, catalog),
        *_not_taken_problems(request, model, catalog),
        *fields.check_range("speaker_count", request.speaker_count, *SPEAKERS),
        *fields.check_prompt("vocabulary_id", request.vocabulary_id, None, required=False),
        *_filter_problems(request.special_word_filter),
        *_language_problems(request.language, model, catalog),
        *_context_problems(request, model),
        *_word_problems(request, model, entries),
    ]


def _file_problems(request: TranscriptionRequest, model: Model, found: Input) -> list[Problem]:
    if len(request.file) != 1:
        text = tr(
            f"one recording a request, not {len(request.file)}: several recordings are several requests",
            f"每个请求一个录音，给出了 {len(request.file)} 个：多个录音请分成多个请求",
        )
        return [Problem("file", text)]
    problems = recording_problems(found, model)
    if model.style == "input_audio":
        if request.audio_format and request.audio_format not in AUDIO_FORMATS:
            text = ", ".join(AUDIO_FORMATS) + did_you_mean(request.audio_format, AUDIO_FORMATS)
            problems.append(Problem("audio_format", tr(f"one of {text}", f"应为以下之一：{text}")))
        elif not audio_format_of(request, found):
            text = tr(
                f"{model.name} must be told what the recording is, and its name does not tell: "
                f"use a name that ends in .wav, .mp3, …, or --fast",
                f"{model.name} 需要知道录音格式，而文件名无法看出：请使用以 .wav、.mp3 等结尾的名称，或改用 --fast",
            )
            problems.append(Problem("file", text))
        if found.url.startswith("oss://"):
            text = tr(
                f"{model.name} takes a local file or a public link, not oss://",
                f"{model.name} 只支持本地文件或公网链接，不支持 oss://",
            )
            problems.append(Problem("file", text))
    return problems


def _format_problems(request: TranscriptionRequest, model: Model, catalog: Catalog) -> list[Problem]:
    known = (*FORMATS, "all")
    wrong = [name for name in request.format if name not in known]
    if wrong or not request.format:
        text = tr(f"{', '.join(wrong) or 'nothing'} is none of ", f"{'、'.join(wrong) or '空'} 不在可选范围内：")
        return [Problem("format", text + ", ".join(known) + did_you_mean((wrong or [""])[0], known))]
    timed = [name for name in request.format if name in (*TIMED_FORMATS, "all")]
    if timed and model.mode == Mode.SYNC and not model.word_times:
        text = tr(f"{model.name} gives no times, which {timed[0]} needs", f"{model.name} 不提供时间戳，{timed[0]} 需要")
        return [Problem("format", text + _instead(catalog, lambda other: other.word_times))]
    return []


def _channel_problems(request: TranscriptionRequest) -> list[Problem]:
    numbers = request.channel_id
    if numbers and min(numbers) >= 0 and len({*numbers}) == len(numbers):
        return []
    text = tr("numbers of channels, from 0, each once", "应为从 0 开始的音轨编号，每个一次")
    return [Problem("channel_id", f"{numbers}: {text}")]


def _fast_problems(request: TranscriptionRequest, model: Model, catalog: Catalog) -> list[Problem]:
    if not request.fast or model.mode == Mode.SYNC:
        return []
    text = tr(f"{model.name} is called as a task", f"{model.name} 只能以任务方式调用")
    return [Problem("fast", text + _instead(catalog, lambda other: other.mode == Mode.SYNC))]


def _not_taken_problems(request: TranscriptionRequest, model: Model, catalog: Catalog) -> list[Problem]:
    """Return what this model's body has no place for."""
    problems = []
    asked = [name for name in _WAYS if getattr(request, name)]
    asked += ["channel_id"] if request.channel_id not in ([0], []) else []
    asked += ["special_word_filter"] if request.special_word_filter is not None else []
    asked += ["speaker_count"] if request.speaker_count is not None and not request.diarization_enabled else []
    for name in asked:
        if not _takes(model, name):
            text = _not_taken(model, _instead(catalog, lambda other, name=name: _takes(other, name)))  # type: ignore[misc]
            problems.append(Problem(name, text))
        elif name == "speaker_count":
            problems.append(Problem(name, tr("needs diarization_enabled", "需要 diarization_enabled")))
    if request.vocabulary_id and not model.vocabulary:
        problems.append(Problem("vocabulary_id", _not_taken(model, _instead(catalog, lambda other: other.vocabulary))))
    if request.hot_words is not None and not (model.vocabulary or model.inline_words):
        problems.append(Problem("hot_words", _not_taken(model, _instead(catalog, lambda other: other.vocabulary))))
    if request.context and not model.context:
        problems.append(Problem("context", _not_taken(model, _instead(catalog, lambda other: other.context))))
    return problems


def _takes(model: Model, name: str) -> bool:
    return name in TAKEN.get(model.style, TAKEN["prompt"])


def offered(catalog: Catalog) -> list[Model]:
    """Return what can be advised: models that exist, and live."""
    return [m for m in catalog.of_kind(KIND) if not m.unknown_to_service and not m.retired(catalog.today)]


def _instead(catalog: Catalog, fits: Callable[[Model], bool]) -> str:
    others = [other.name for other in offered(catalog) if fits(other)]
    return tr("; use ", "；请使用 ") + ", ".join(others) if others else ""


def _not_taken(model: Model, instead: str) -> str:
    return tr(f"{model.name} does not take it", f"{model.name} 不支持") + instead


def _language_problems(languages: list[str], model: Model, catalog: Catalog) -> list[Problem]:
    problems = []
    for language in languages:
        known = language in model.languages if model.languages else LANGUAGE.fullmatch(language)
        if not known:
            listed = ", ".join(model.languages) or tr("codes such as zh, en", "zh、en 等代码")
            text = tr(
                f"{model.name} knows {listed}, not {language!r}", f"{model.name} 支持 {listed}，不支持 {language!r}"
            )
            problems.append(Problem("language", text + _instead(catalog, lambda m, one=language: one in m.languages)))  # type: ignore[misc]
    most = model.hints_max
    if not problems and most is not None and model.language_hints and len({*languages}) > most:
        text = tr(
            f"{model.name} is told {most} at most, not {len({*languages})}",
            f"{model.name} 最多指定 {most} 个，给出了 {len({*languages})} 个",
        )
        problems.append(Problem("language", text))
    return problems


def _context_problems(request: TranscriptionRequest, model: Model) -> list[Problem]:
    if not request.context or not model.context:
        return []
    turns = turns_of(request.context)
    if turns is None:
        return [Problem("context", tr("texts, or messages with a text", "应为文本，或含文本的消息"))]
    problems = [problem for _, text in turns for problem in fields.check_prompt("context", text, None)]
    if problems or model.style == "audio":
        return problems  # QASR: of the context of a system message no length is told
    for role in ("user", "assistant"):
        if sum(who == role for who, _ in turns) > CONTEXT_TURNS:
            return [Problem("context", tr(f"at most {CONTEXT_TURNS} texts", f"最多 {CONTEXT_TURNS} 段文本"))]
    return fields.check_prompt("context", "".join(text for _, text in turns), CONTEXT_CHARS)


def _word_problems(
    request: TranscriptionRequest, model: Model, entries: Sequence[Mapping[str, Any]] | None
) -> list[Problem]:
    if request.hot_words is None:
        return []
    if request.vocabulary_id:
        return [Problem("hot_words", tr("give these or vocabulary_id, not both", "与 vocabulary_id 只能给出一个"))]
    return hot_words.problems_of(entries, inline=model.inline_words)


def _filter_problems(given: Any) -> list[Problem]:
    if given is None:
        return []
    try:
        text = filter_text(given)
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


def notices_of(request: TranscriptionRequest, model: Model) -> list[Notice]:
    """Return what is sent otherwise than it was asked for."""
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


def alternatives(model: Model, catalog: Catalog) -> str:
    """Name a model that finds the same languages out itself, and one that is told: "" if there is none."""
    fit = [other for other in offered(catalog) if {*model.languages} <= {*other.languages}]
    language = (*model.languages, "zh")[0]
    itself = [other.name for other in fit if not other.language_hints]
    told = [
        tr(f"{other.name} with --language {language}", f"{other.name}（--language {language}）")
        for other in fit
        if other.language_hints
    ]
    names = itself[:1] + told[:1]
    return tr("use ", "请使用 ") + tr(", or ", "，或 ").join(names) if names else ""
