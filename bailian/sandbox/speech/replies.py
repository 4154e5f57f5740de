"""The frames of the speech socket, key for key (SAM-SE, SAM-WS, CAP socket-speech-synthesizer)."""

from __future__ import annotations

from typing import Any

from bailian.sandbox.speech.requests import SpeechFailure, SpeechRequest
from bailian.sandbox.speech.synthesis import AudioPart


def started(task_id: str, request_id: str) -> dict[str, Any]:
    return {"header": _header(task_id, "task-started", request_id), "payload": {}}


def failed(task_id: str, request_id: str, failure: SpeechFailure) -> dict[str, Any]:
    header = _header(task_id, "task-failed", request_id)
    attributes = header.pop("attributes")
    pair = {"error_code": failure.code, "error_message": failure.message}
    return {"header": {**header, **pair, "attributes": attributes}, "payload": {}}


def result(task_id: str, request_id: str, sentence: dict[str, Any], characters: int | None) -> dict[str, Any]:
    """`characters` None: `usage` is null, as SAM-WS(Q) shows it."""
    usage = None if characters is None else {"characters": characters}
    payload = {"output": {"sentence": sentence}, "usage": usage}
    return {"header": _header(task_id, "result-generated", request_id), "payload": payload}


def finished(task_id: str, request_id: str, characters: int, kind: str = "") -> dict[str, Any]:
    """SAM-WS(Q); on demand SAM-SE's shape without output ("bare_finish") or CAP's ("sentence_finish").

    Of the three the first is the only one with which the official SDK shows the usage.
    """
    payload: dict[str, Any] = {"output": None, "usage": {"characters": characters}}
    if kind == "bare_finish":
        del payload["output"]
    elif kind == "sentence_finish":
        payload["output"] = {"sentence": {"words": []}}
    return {"header": _header(task_id, "task-finished", request_id), "payload": payload}


def sentences(request: SpeechRequest, part: AudioPart) -> list[dict[str, Any]]:
    """Return the states of one sentence that are sent: a long one half-way too, with the same begin."""
    if not request.word_times:
        return [{"words": []}]
    words = [_word(request, part, index) for index in range(len(part.spoken.words))]
    whole = {"begin_time": part.begin, "end_time": part.begin + part.spoken.duration_ms, "words": words}
    if len(words) < 6 or words[2]["end_time"] == whole["end_time"]:
        return [whole]
    return [{"begin_time": part.begin, "end_time": words[2]["end_time"], "words": words[:3]}, whole]


def _word(request: SpeechRequest, part: AudioPart, index: int) -> dict[str, Any]:
    word = part.spoken.words[index]
    begin, end = part.begin + word.begin, part.begin + word.end
    entry: dict[str, Any] = {"text": word.text, "begin_time": begin, "end_time": end}
    if request.phoneme_times:
        middle = (begin + end) // 2
        tone = sum(word.text.encode()) % 5 + 1
        entry["phonemes"] = [  # made-up sounds; their keys are SAM-SE's
            {"begin_time": begin, "end_time": middle, "text": "s_c", "tone": tone},
            {"begin_time": middle, "end_time": end, "text": "a_c", "tone": tone},
        ]
    return entry


def _header(task_id: str, event: str, request_id: str) -> dict[str, Any]:
    """CAP: `request_uuid` is the service's own id."""
    attributes = {} if event == "result-generated" else {"request_uuid": request_id}
    return {"task_id": task_id, "event": event, "attributes": attributes}
