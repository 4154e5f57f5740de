"""The frames and bodies that are answered, key for key (COSY-SE, COSY-HTTP, QTTS)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bailian.sandbox.speech.sentences import split_words
from bailian.sandbox.speech.synthesis import AudioPart

Output = dict[str, Any]
PIECE_BYTES = 8192
"""How much sound a frame of a stream holds (a guess)."""


def event(task_id: str, output: Mapping[str, Any], characters: int | None = None) -> dict[str, Any]:
    """COSY-SE: `usage` is told at the end of a sentence only."""
    payload: dict[str, Any] = {"output": output}
    if characters is not None:
        payload["usage"] = {"characters": characters}
    header = {"task_id": task_id, "event": "result-generated", "attributes": {}}
    return {"header": header, "payload": payload}


def sentence_begin(index: int, text: str) -> Output:
    return {"type": "sentence-begin", "original_text": text, "sentence": {"index": index, "words": []}}


def sentence_sound(index: int) -> Output:
    return {"type": "sentence-synthesis", "sentence": {"index": index, "words": []}}


def sentence_end(index: int, words: list[dict[str, Any]]) -> Output:
    return {"type": "sentence-end", "sentence": {"index": index, "words": words}}


def words_of(part: AudioPart, *, restarting: bool = False) -> list[dict[str, Any]]:
    """Times run on across sentences; with `restarting` each begins at zero. Which of both is right is not known."""
    begin = 0 if restarting else part.begin
    starts = [start for start, _, _ in split_words(part.spoken.text)]
    return [
        {
            "text": word.text,
            "begin_index": start,
            "end_index": start + len(word.text),
            "begin_time": begin + word.begin,
            "end_time": begin + word.end,
        }
        for start, word in zip(starts, part.spoken.words, strict=False)
    ]


# ── over HTTP ──


def audio_of(task_id: str, expires: int, *, url: str = "", data: str = "") -> Output:
    return {"data": data, "url": url, "id": f"audio_{task_id}", "expires_at": expires}


def synthesizer_answer(audio: Output, characters: int) -> dict[str, Any]:
    return {"output": {"finish_reason": "stop", "audio": audio}, "usage": {"characters": characters}}


def synthesizer_frames(
    part: AudioPart, number: int, audio: Callable[[str], Output], words: list[dict[str, Any]], characters: int
) -> Iterator[dict[str, Any]]:
    """Yield the frames of one sentence: types as on the socket, the sound in each of the middle ones."""

    def frame(output: Output, data: str = "") -> dict[str, Any]:
        return {
            "output": {**output, "finish_reason": "null", "audio": audio(data)},
            "usage": {"characters": characters},
        }

    yield frame(sentence_begin(number, part.spoken.text))
    for data in pieces(part.data):
        yield frame(sentence_sound(number), data)
    yield frame(sentence_end(number, words))


def qwen_answer(audio: Output, characters: int, *, reason: str = "stop") -> dict[str, Any]:
    output = {"finish_reason": reason, "choices": None, "text": None, "audio": audio}
    return {"output": output, "usage": {"input_tokens": 0, "output_tokens": 0, "characters": characters}}


def pieces(data: bytes) -> Iterator[str]:
    """Yield a sentence's sound in base64, piece by piece."""
    for start in range(0, len(data), PIECE_BYTES):
        yield base64.b64encode(data[start : start + PIECE_BYTES]).decode()
