"""The answers of a recognition in one call, key for key (QASR, FUNF)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bailian.sandbox.speech.audio_watermark import RecognizedSentence
from bailian.sandbox.transcription.transcripts import word_times

TOKENS_A_SECOND = 25
"""QASR: what a second of sound counts."""


def message_answer(text: str, language: str, seconds: int, *, reason: str = "stop") -> dict[str, Any]:
    """Qwen3: a message with one text, no times."""
    annotation = {"type": "audio_info", "language": language, "emotion": "neutral"}
    content = [{"text": text}] if text else []
    message = {"role": "assistant", "content": content, "annotations": [annotation]}
    usage = {
        "seconds": seconds,
        "input_tokens_details": {"text_tokens": 0, "audio_tokens": TOKENS_A_SECOND * seconds},
        "output_tokens_details": {"text_tokens": len(text)},
    }
    return {"output": {"choices": [{"finish_reason": reason, "message": message}]}, "usage": usage}


def message_frames(text: str, language: str, seconds: int, *, grows: bool) -> Iterator[dict[str, Any]]:
    """Yield a few characters a frame, or all so far; the last frame ends it."""
    step = 8
    for end in range(step, len(text) + step, step):
        piece = text[:end] if grows else text[end - step : end]
        yield message_answer(piece, language, seconds, reason="null")
    yield message_answer(text if grows else "", language, seconds)


def sentence_answer(sentences: Sequence[RecognizedSentence], seconds: int, *, nested: bool = False) -> dict[str, Any]:
    """Fun-ASR and Qwen-Audio: one sentence for the whole recording; `nested`: one level deeper, as a guide shows it."""
    words: list[dict[str, Any]] = []
    for sentence in sentences:
        if words and sentence.text[:1].isspace():  # the space between two sentences is of the first
            words[-1]["punctuation"] += " "
        words += word_times(sentence)
    text = "".join(sentence.text for sentence in sentences).strip()
    times = {"begin_time": words[0]["begin_time"], "end_time": words[-1]["end_time"]} if words else {}
    output: dict[str, Any] = {"text": text, "sentence": {**times, "text": text, "words": words}}
    return {"output": {"output": output} if nested else output, "usage": {"duration": seconds}}


def sentence_frames(sentences: Sequence[RecognizedSentence], seconds: int) -> Iterator[dict[str, Any]]:
    """Yield what was heard so far, sentence by sentence."""
    for count in range(1, len(sentences)):
        yield sentence_answer(sentences[:count], seconds)
    yield sentence_answer(sentences, seconds)
