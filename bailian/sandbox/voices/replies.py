"""The frames and bodies that are answered, key for key (COSY-SE, COSY-HTTP, QTTS)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.sandbox.speech.sentences import split_words
from bailian.sandbox.speech.synthesis import AudioPart

Output = dict[str, Any]


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
