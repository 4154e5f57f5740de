"""Models that are told a voice: which model a voice takes, what is sent, refused and paid."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import load
from bailian.errors import InvalidRequest
from bailian.files.sentences import split_text
from bailian.modalities.audio import speech
from bailian.modalities.audio.speech_answers import payload_of
from bailian.text.characters import has_nothing_to_say
from bailian.text.counting import counted
from bailian.types import Prepared, SpeechContext, StoredRequest

CATALOG = load()
POEM = "床前明月光，疑是地上霜。"
OWN = "cosyvoice-v3.5-flash-anna-0123456789abcdef"
SOUND = {"format": "wav", "sample_rate": 22050, "volume": 50, "rate": 1.0, "pitch": 1.0}


def prepare(**values: Any) -> Prepared:
    return speech.prepare({"prompt": POEM, **values}, CATALOG, "beijing")


@pytest.mark.parametrize(
    "own, model, voice",
    [
        ({}, "sambert-zhichu-v1", None),
        ({"voice": "sambert-beth-v1"}, "sambert-beth-v1", None),
        ({"model": "sambert-beth-v1"}, "sambert-beth-v1", None),
        ({"model": "sambert-beth-v1", "voice": "sambert-beth-v1"}, "sambert-beth-v1", None),
        ({"voice": "sambert-en-v1"}, "sambert-en-v1", None),
        ({"voice": "longanyang"}, "cosyvoice-v3-flash", "longanyang"),
        ({"voice": "longanyang", "model": "cosyvoice-v3-plus"}, "cosyvoice-v3-plus", "longanyang"),
        ({"voice": "Cherry"}, "qwen3-tts-flash", "Cherry"),
        ({"model": "qwen3-tts-flash"}, "qwen3-tts-flash", "Cherry"),
        ({"model": "cosyvoice-v3-flash"}, "cosyvoice-v3-flash", "longanyang"),
        ({"voice": OWN}, "cosyvoice-v3.5-flash", OWN),
        ({"voice": "cosyvoice-v3-flash-vd-me-1"}, "cosyvoice-v3-flash", "cosyvoice-v3-flash-vd-me-1"),
        ({"voice": "qwen-audio-3.0-tts-flash-loonga"}, "qwen-audio-3.0-tts-flash", "qwen-audio-3.0-tts-flash-loonga"),
    ],
)
def test_which_model_speaks_with_which_voice(own: dict[str, Any], model: str, voice: str | None) -> None:
    prepared = prepare(**own)
    assert (prepared.wire_model, prepared.request.get("voice")) == (model, voice)
    assert bool([n for n in prepared.notices if n.code == "default_voice"]) == (
        voice is not None and "voice" not in own
    )


@pytest.mark.parametrize(
    "own, text",
    [
        ({"voice": " "}, "voice: is empty: name a voice, or leave it out"),
        ({"prompt": "……？！ —"}, "prompt: has only punctuation: there is nothing to say"),
        ({"voice": "longanyan"}, "voice: unknown voice 'longanyan'; did you mean longanyang"),
        ({"voice": "cherry"}, "did you mean Cherry"),
        ({"voice": "longanyang", "model": "cosyvoice-v2"}, "is a voice of cosyvoice-v3-flash, cosyvoice-v3-plus, not of"),
        ({"voice": "Cherry", "model": "sambert-beth-v1"}, "Cherry is a voice of qwen3-tts-flash"),
        ({"voice": OWN, "model": "cosyvoice-v3-flash"}, "is a voice of cosyvoice-v3.5-flash, not of cosyvoice-v3-flash"),
        ({"voice": "sambert-beth-v1", "model": "cosyvoice-v3-flash"}, "is a voice of sambert-beth-v1"),
        ({"voice": "cosyvoice-v3-flash"}, "is a model, not a voice"),
        ({"model": "cosyvoice-v3.5-plus"}, "has no stock voice"),
        ({"format": "opus"}, "format: 'opus' is not one of wav, mp3, pcm; those that have it: cosyvoice-v3-flash"),
        ({"seed": 1}, "seed: sambert-zhichu-v1 has no seed; those that have it: cosyvoice-v3-flash"),
        ({"seed": 0}, "seed: sambert-zhichu-v1 has no seed"),
        ({"http": True}, "http: sambert-zhichu-v1 has no http"),
        ({"language": "zh"}, "language: sambert-zhichu-v1 has no language"),
        ({"ssml": True}, "ssml: sambert-zhichu-v1 has no ssml; those that have it: cosyvoice-v3-flash"),
        ({"instruct": "happy"}, "instruct: sambert-zhichu-v1 has no instruct"),
        ({"voice": "longanyang", "seed": 65_536}, "seed: 65536 is not in 0 to 65535"),
        ({"voice": "longanyang", "bit_rate": 64}, "bit_rate: wav has no bit rate"),
        ({"voice": "longanyang", "bit_rate": 5, "format": "opus"}, "bit_rate: 5 is not in 6 to 510"),
        ({"voice": "longanyang", "language": "xx"}, "language: 'xx' is not one of zh, en, fr"),
        ({"voice": "longanyang", "sample_rate": 12000}, "sample_rate: 12000 is not one of 8000"),
        ({"voice": "longanyang", "instruct": "happy"}, "takes this sentence only"),
        ({"voice": "longxiaochun_v3", "instruct": "你说话的情感是happy。"}, "have it: longanyang, longanhuan_v3, longhuhu_v3"),
        ({"voice": OWN, "instruct": "高" * 51}, "instruct: counts 102, at most 100"),
        ({"voice": "loongbeth_v3", "ssml": True, "prompt": "<speak>a</speak>"}, "ssml: loongbeth_v3 of cosyvoice-v3-flash"),
        ({"voice": "longanyang", "ssml": True}, "prompt: is no SSML"),
        ({"voice": "longanyang", "ssml": True, "prompt": "<speak>a & b</speak>"}, "prompt: is no SSML"),
        ({"voice": "longanyang", "ssml": True, "prompt": f"<speak>{'这' * 10_000}</speak>"}, "SSML goes in one piece: 20015"),
        ({"voice": "longanyang", "pronounce": {"天气": 1}}, "pronounce: is"),
        ({"voice": "longxiaochun_v2", "pronounce": {"a": "b"}}, "pronounce: cosyvoice-v2 has no pronounce"),
        ({"voice": "longanyang", "http": True, "subtitles": "srt"}, "subtitles: word times come over the socket only"),
        ({"voice": "loongbeth_v3", "subtitles": "srt"}, "loongbeth_v3 of cosyvoice-v3-flash tells no word times"),
        ({"voice": "Cherry", "subtitles": "srt"}, "tells no word times"),
        ({"voice": "Cherry", "format": "mp3"}, "format: 'mp3' is not one of wav"),
        ({"voice": "Cherry", "rate": 1.5}, "rate: qwen3-tts-flash has no rate"),
        ({"voice": "Cherry", "sample_rate": 24000}, "sample_rate: qwen3-tts-flash has no sample_rate"),
        ({"voice": "Cherry", "language": "ar"}, "language: 'ar' is not one of zh, en"),
    ],
)  # fmt: skip
def test_refused(own: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        prepare(**own)
    assert text in str(refused.value)
    assert len(refused.value.problems) == 1


def test_the_body_of_the_socket() -> None:
    body = prepare(
        voice="longanyang", format="opus", sample_rate=48000, bit_rate=64, seed=0, language="en", subtitles="lrc",
        instruct="你说话的情感是happy。", pronounce={"天气": "tian1 qi4"},
    ).body  # fmt: skip
    assert body == {
        "model": "cosyvoice-v3-flash", "task_group": "audio", "task": "tts", "function": "SpeechSynthesizer",
        "input": {"text": POEM},
        "parameters": {
            "text_type": "PlainText", "voice": "longanyang", "format": "opus", "sample_rate": 48000, "volume": 50,
            "rate": 1.0, "pitch": 1.0, "bit_rate": 64, "seed": 0, "language_hints": ["en"],
            "instruction": "你说话的情感是happy。", "hot_fix": {"pronunciation": [{"天气": "tian1 qi4"}]},
            "word_timestamp_enabled": True,
        },
    }  # fmt: skip


def test_the_bodies_over_http() -> None:
    cosy = prepare(voice="longanyang", http=True, ssml=True, prompt="<speak>好</speak>")
    assert (str(cosy.model.mode), cosy.stored().route) == ("sync", "/services/audio/tts/SpeechSynthesizer")
    options = {"voice": "longanyang", **SOUND, "enable_ssml": True}
    assert cosy.body == {"model": "cosyvoice-v3-flash", "input": {"text": "<speak>好</speak>", **options}}
    qwen = prepare(voice="Cherry", language="zh")
    assert qwen.stored().route == "/services/aigc/multimodal-generation/generation"
    assert qwen.body == {
        "model": "qwen3-tts-flash",
        "input": {"text": POEM, "voice": "Cherry", "language_type": "Chinese"},
    }
    assert payload_of(qwen.body, "好")["input"] == {"text": "好", "voice": "Cherry", "language_type": "Chinese"}


@pytest.mark.parametrize(
    "own, cny",
    [
        ({}, 12 * 1.0), ({"voice": "longanyang"}, 22 * 1.0), ({"voice": "longanyang", "model": "cosyvoice-v3-plus"}, 22 * 2.0),
        ({"voice": OWN}, 22 * 0.8), ({"voice": "Cherry"}, 22 * 0.8), ({"voice": "longanlingxin"}, 22 * 1.4),
    ],
)  # fmt: skip
def test_what_it_costs(own: dict[str, Any], cny: float) -> None:
    """Ten Han characters and two signs: those are full stops and commas of Han texts, but no Han characters."""
    assert prepare(**own).estimate_cny == pytest.approx(cny / 10_000)


def test_a_price_by_tokens_is_not_known_before_and_counted_after() -> None:
    prepared = prepare(voice="longanyang_v3.1")
    assert prepared.estimate_cny is None
    assert "price_unknown" in [notice.code for notice in prepared.notices]
    stored = StoredRequest.from_json(json.loads(json.dumps(prepared.stored().to_json())), "speech")
    assert stored.context == prepared.context
    assert speech.charged_cny({"usage": {"input_tokens": 1000, "output_tokens": 1000}}, stored) == 0.0135
    assert speech.charged_cny({"usage": {"characters": 22}}, stored) is None


@pytest.mark.parametrize(
    "own, chars, parts",
    [
        ({"voice": "longanyang"}, 100_000, 1),
        ({"voice": "longanyang"}, 100_001, 2),
        ({"voice": "longanyang", "http": True}, 10_001, 2),
        ({"voice": "Cherry"}, 300, 1),
        ({"voice": "Cherry"}, 301, 2),
        ({}, 10_000, 1),
    ],
)
def test_how_a_long_text_is_cut(own: dict[str, Any], chars: int, parts: int) -> None:
    context = SpeechContext.of(prepare(prompt="这" * chars, **own).context)
    assert len(context.parts) == parts
    assert sum(map(len, context.parts)) == chars


@given(st.text("这a。 ，é\u0301", max_size=60), st.integers(2, 9))
def test_pieces_are_the_text_and_none_counts_more(text: str, limit: int) -> None:
    pieces = split_text(text, limit, 2)
    assert "".join(pieces) == text
    assert all(counted(piece, 2) <= limit for piece in pieces)


def test_the_services_own_names_are_understood() -> None:
    ours = speech.from_config(
        {"text": "好", "voice": "longanyang", "instruction": "x", "enable_ssml": True, "language_hints": ["en"],
         "hot_fix": {"replace": [{"a": "b"}]}, "text_type": "PlainText"},
    )  # fmt: skip
    assert ours == {
        "prompt": "好", "voice": "longanyang", "instruct": "x", "ssml": True, "language": "en",
        "pronounce": {"replace": [{"a": "b"}]},
    }  # fmt: skip
    assert speech.from_config({"text": "好", "language_type": "Chinese"})["language"] == "zh"
    with pytest.raises(InvalidRequest, match="another name of instruct"):
        speech.from_config({"instruction": "x", "instruct": "y"})


@pytest.mark.parametrize(
    "message, says",
    [
        ("[tts:]Engine return error code: 418", "does not know the voice"),
        ("[qwen-audio:]Engine return error code: 411", "does not know the voice"),
        ("[tts:]Engine return error code: 428", "--instruct in these words"),
        ("[tts:]Engine return error code: 999", ""),
        ("something else", ""),
    ],
)
def test_a_number_of_the_service_is_said_in_words(message: str, says: str) -> None:
    advice = speech.refusal_advice(message)
    assert (says in advice) if says else advice == ""


@pytest.mark.parametrize(
    "text, silent", [("。", True), ("——……！", True), ("50%", False), ("&", False), ("😀", False), ("a", False)]
)
def test_marks_alone_say_nothing(text: str, silent: bool) -> None:
    assert has_nothing_to_say(text) is silent
