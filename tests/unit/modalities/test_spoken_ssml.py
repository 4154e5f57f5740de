"""Subtitles of a text in SSML: what is said of it, in the marks that stand there."""

from __future__ import annotations

from typing import Any

import pytest

from bailian.modalities.audio import speech_answers
from bailian.modalities.audio.speech_answers import said_of
from bailian.types import SpeechContext, StoredRequest


@pytest.mark.parametrize(
    "ssml, said",
    [
        ("<speak>你好，<break time='1s'/>世界。</speak>", "你好，世界。"),
        ("<speak>R&amp;D &lt;b&gt;.</speak>", "R&D <b>."),
        ("<speak><sub alias='万维网联盟'>W3C</sub>说。</speak>", "万维网联盟说。"),
        ("<speak rate='2'><say-as interpret-as='digits'>12</say-as>!</speak><speak>二</speak>", "12!二"),
        ("no <xml", "no <xml"),
    ],
)
def test_what_is_said_of_a_text_in_ssml(ssml: str, said: str) -> None:
    assert said_of(ssml) == said


def test_subtitles_of_ssml_have_no_tags_and_every_mark() -> None:
    text = "<speak>Q&amp;A：<break time='1s'/>你好。</speak>"
    words = [{"text": word, "begin_time": at * 100, "end_time": at * 100 + 99} for at, word in enumerate("QA你好")]
    body: dict[str, Any] = {"input": {"text": text}, "parameters": {"enable_ssml": True}}
    prepared = StoredRequest(body=body, context=SpeechContext(parts=(text,), subtitles="srt"))
    answer = {"output": {"audio_bytes": 9, "sentences": [{"words": words}]}}
    subtitles = speech_answers.items(answer, prepared)[1]
    assert subtitles.text == "1\n00:00:00,000 --> 00:00:00,399\nQ&A：你好。\n\n"
