"""Recordings to text: as a task, or in one call; what was said becomes txt, srt, vtt, tsv, json, lrc or ass.

Facts: docs/wire.md "Recognition" and "Recognition of today". What the JSON behind `transcription_url` says is put into
the answer by `with_document`; without it the answer of a task is only a link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from bailian.catalog import Catalog, Mode, Model
from bailian.files import subtitles
from bailian.modalities.recognition import hot_words, transcription_prices, transcription_rules
from bailian.modalities.recognition.transcription_answers import (
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
from bailian.modalities.recognition.transcription_bodies import body_of, call_headers
from bailian.modalities.recognition.transcription_request import FORMATS, TranscriptionRequest, from_config, with_lists
from bailian.modalities.rules import choice, fields
from bailian.types import Input, Notice, Prepared, TranscriptionContext

__all__ = [  # what a modality provides
    "answer_notices",
    "asked_prompt",
    "call_headers",
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
FAST_MODELS = ("qwen3-asr-flash",)
INPUT_FIELDS = ("file",)
WORD_LIST_FIELDS = ("hot_words",)
RESULT_SUFFIXES: tuple[str, ...] = ()
FILE_SUFFIXES = FORMATS
RETRY_SAFE = False


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields against the model and build the documented body.

    The cost is known only where the recording's duration is; else `unit_cny` is None and the price is in
    the context. It is a ceiling: only speech is billed, each channel by itself (PF-REST).

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    request = fields.parse(TranscriptionRequest, with_lists(values))
    chosen = choice.choose(request.model, KIND, FAST_MODELS if request.fast else DEFAULT_MODELS, catalog, region)
    model = chosen.model
    found = (inputs or {}).get(request.file[0] if request.file else "", Input((request.file or [""])[0]))
    entries = None if request.hot_words is None else hot_words.entries_of(request.hot_words)
    problems = transcription_rules.problems_of(request, model, catalog, found, entries)
    fields.raise_if_any([*fields.region_problems(model, region), *problems])
    wire_model = model.wire_name(region)
    asked = request.model_copy(
        update={
            "model": model.name,
            "format": _formats(request.format),
            "language": list(dict.fromkeys(request.language)),
            "hot_words": entries,
        }
    )
    inline = entries if entries and model.inline_words else []
    second_cny = transcription_prices.most_a_second_cny(model, region)
    duration_s = found.recording.duration_s if found.recording else None
    return Prepared(
        model=model,
        wire_model=wire_model,
        request=asked.model_dump(exclude_none=True),
        body=body_of(asked, model, wire_model, found, inline),
        unit_cny=None if duration_s is None else second_cny,
        # Begun seconds, as `usage.duration` counts: the estimate is what it costs at most.
        units=ceil(duration_s or 0) * len(asked.channel_id),
        count=len(asked.format),
        notices=(
            *choice.notices(chosen, wire_model, region, catalog),
            *([found.notice] if found.notice else []),
            *transcription_rules.notices_of(asked, model),
            *_price_notices(asked, model, catalog, region),
            *hot_words.list_notices([] if inline else entries or []),
        ),
        upload=model.mode == Mode.TASK,
        context=TranscriptionContext(
            retired=choice.retirement(chosen, catalog, region),
            alternatives=transcription_rules.alternatives(model, catalog) if model.unknown_to_service else "",
            second_cny=second_cny,
            token_cny=transcription_prices.token_prices(model, region),
            formats=tuple(asked.format),
            language=_only_language(asked, model),
            hot_words=() if inline else tuple(entries or ()),
        ),
    )


def _formats(asked: Sequence[str]) -> list[str]:
    """Return each format once; "all" are those of whisper, and others may be asked for beside them."""
    return list(dict.fromkeys(one for name in asked for one in (subtitles.FORMATS if name == "all" else (name,))))


def _price_notices(request: TranscriptionRequest, model: Model, catalog: Catalog, region: str) -> list[Notice]:
    usual = choice.choose(None, KIND, DEFAULT_MODELS, catalog, region).model
    return transcription_prices.price_notices(model, usual, region, fast=request.fast)


def _only_language(request: TranscriptionRequest, model: Model) -> str | None:
    spoken = request.language or model.languages
    return spoken[0] if len(spoken) == 1 else None
