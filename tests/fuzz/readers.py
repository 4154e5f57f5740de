"""Every function that takes something the service sent, as one that takes bytes: it reads them, or raises our error.

What a reader returns is checked where it stands: money is finite and not negative, text can be written as UTF-8.
"""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bailian.catalog import Mode, load
from bailian.engine.adopt import _results_announced
from bailian.engine.job import Job, OutputSpec
from bailian.engine.steps.file_names import plain_stem, stem_of
from bailian.engine.steps.poll import _output, _queued_s, to_result
from bailian.engine.steps.save import verdict
from bailian.engine.task_identity import failure, is_ours, shown_prompts
from bailian.files.naming import DEFAULT_TEMPLATE
from bailian.files.recipe import png_texts, recipe
from bailian.files.subtitles import WRITERS
from bailian.modalities import answer_notices, modality_of, succeeded
from bailian.modalities.recognition import transcription_answers
from bailian.service.json_reader import json_object
from bailian.types import StoredRequest, TranscriptionContext
from tests.fuzz import answers
from tests.fuzz.mutations import odd_json

CATALOG = load()
STATUSES = (200, 200, 200, 201, 302, 400, 401, 404, 429, 500, 503)
PNG = "data:image/png;base64,iVBORw0KGgo="


@dataclass(frozen=True)
class Reader:
    """What is read, from which good answers, and how odd ones are made of them."""

    read: Callable[[bytes], None]
    good: list[bytes]
    odd: Callable[[bytes, random.Random], bytes] = odd_json


def is_money(value: object) -> None:
    assert value is None or (isinstance(value, float | int) and math.isfinite(value) and value >= 0), value


def is_writable(value: object) -> None:
    """The journal, a file and `--json` can hold it."""
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def any_age(data: bytes) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield an answer as it is read now; and as older versions kept it: with NaN, Infinity and 10^400 in it."""
    value = json_object(data)
    if value is not None:
        yield value, True
    try:
        old = json.loads(data)
    except (ValueError, RecursionError):
        return
    if (
        isinstance(old, dict) and old != value and data.count(b"[") + data.count(b"{") < 500
    ):  # what copying recurses into was refused
        yield old, False


def job_of(kind: str, **request: Any) -> Job:
    prepared = modality_of(kind).prepare(request, CATALOG, "beijing")
    kept = StoredRequest.from_json(json.loads(json.dumps(prepared.stored().to_json())), kind)
    return Job(
        *("j-1", kind, prepared.model.name, prepared.wire_model, dict(prepared.request), kept),
        saving=OutputSpec.from_json({"template": DEFAULT_TEMPLATE}),
        created_at_s=1_790_000_000.0,
        estimate_cny=prepared.estimate_cny,
    )


def answer_reader(kind: str, **request: Any) -> Callable[[bytes], None]:
    """Return a reader of one kind's answers, by the modality and by the engine's pure steps."""
    job_now = job_of(kind, **request)
    adopted = StoredRequest(mode=Mode.TASK, count=1)

    def read(data: bytes) -> None:
        for answer, is_new in any_age(data):
            job = copy.copy(job_now)
            if job.mode == Mode.TASK and len(data) % 3 == 0:
                job.prepared = adopted
            job.notices = []
            read_answer(job, answer, is_new=is_new)

    return read


def read_answer(job: Job, answer: dict[str, Any], *, is_new: bool) -> None:
    own = modality_of(job.kind)
    items = own.items(answer, job.prepared)
    for item in items:
        assert item.good or item.code
        assert isinstance(item.url, str | None)
        assert isinstance(item.text, str | None)
        assert isinstance(item.code, str)
        assert isinstance(item.message, str)
        if is_new:  # older versions wrote "?" for half a character
            (item.text or "").encode()
        plain_stem(job, item)
        stem_of(job, item)
        png_texts(recipe(job, item, 0.1))
    ended = to_result(job, answer)
    is_money(ended.charged_cny)
    is_money(ended.run_s)
    assert isinstance(job.request_id, str | None)
    shown = own.with_paths(answer, job.prepared, {0: "a.png"})
    outcome = verdict(job, items, {})
    notices = answer_notices(job.kind, answer, job.prepared)
    if is_new:
        is_writable([shown, answer, [vars(notice) for notice in notices], outcome.error and outcome.error.to_json()])
    if job.mode == Mode.TASK:
        _read_task(job, answer)


def _read_task(job: Job, answer: dict[str, Any]) -> None:
    assert is_ours(job, answer) in (True, False, None)
    assert all(isinstance(prompt, str) for prompt in shown_prompts(answer))
    output = answer.get("output")
    if isinstance(output, dict):
        assert _results_announced(output) >= 1
        assert isinstance(str(failure(output, "FAILED", "t", answer.get("request_id"))), str)
        for status in ("SUCCEEDED", "FAILED"):
            succeeded(job.kind, output, status)
        is_money(_queued_s(output))
    _output(answer)


def read_document(data: bytes) -> None:
    """A transcript behind a link, in every form of file."""
    document = json_object(data)
    if document is None:
        return
    link = json.loads(answers.TRANSCRIPTIONS[0])
    whole = transcription_answers.with_document(link, document)
    formats = StoredRequest(
        context=TranscriptionContext(formats=("txt", "srt", "vtt", "tsv", "json"), second_cny=0.00008)
    )
    for item in transcription_answers.items(whole, formats):
        (item.text or "").encode()
    cues = transcription_answers.cues_of(document)
    for write in WRITERS.values():
        write(cues).encode()
    is_writable(transcription_answers.with_paths(whole, formats, {0: "a", 1: "b"}))


READERS: dict[str, Reader] = {
    "transcript": Reader(read_document, answers.DOCUMENTS),
    "image": Reader(answer_reader("image", prompt="猫", size="1024*1024"), answers.PICTURES),
    "image_edit": Reader(answer_reader("image_edit", prompt="猫", image=[PNG]), answers.PICTURES),
    "wanx_edit": Reader(
        answer_reader("wanx_edit", prompt="猫", function="description_edit", image=[PNG]), answers.PICTURES
    ),
    "video": Reader(answer_reader("video", prompt="日出"), answers.VIDEOS),
    "text": Reader(answer_reader("text", prompt="床前"), answers.TEXTS),
    "speech": Reader(answer_reader("speech", prompt="床前明月光", subtitles="vtt"), answers.SOUNDS),
    "transcription": Reader(
        answer_reader("transcription", file=["https://a/b.mp3"], format=["srt", "json"]), answers.TRANSCRIPTIONS
    ),
}
