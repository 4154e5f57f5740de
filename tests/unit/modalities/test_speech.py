"""Text to speech: what is refused, what is sent, what an answer holds, and what it costs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import Catalog, Model, load
from bailian.errors import InvalidRequest
from bailian.i18n import language
from bailian.modalities import Modality, modality_of
from bailian.modalities.audio import speech
from bailian.modalities.audio.speech import asked_prompt, charged_cny, from_config, items, with_paths
from bailian.modalities.audio.speech_answers import joined, payload_of
from bailian.types import Item, Prepared, SpeechContext, StoredRequest

CATALOG = load()
POEM = "床前明月光，疑是地上霜。"
RATES = "8000, 16000, 22050, 24000, 48000"
US_VOICES = (
    "sambert-beth-v1, sambert-betty-v1, sambert-cally-v1, sambert-cindy-v1, sambert-eva-v1, "
    "sambert-donna-v1, sambert-brian-v1"
)


def prepare(**values: Any) -> Prepared:
    return speech.prepare({"prompt": POEM, **values}, CATALOG, "beijing")


def kept(**values: Any) -> StoredRequest:
    """What the journal gives back to another process."""
    return StoredRequest.from_json(json.loads(json.dumps(prepare(**values).stored().to_json())), "speech")


def short(limit: int) -> Catalog:
    """The catalog with a voice that takes shorter texts."""
    own = replace(CATALOG["sambert-zhichu-v1"], prompt_chars=limit)
    return Catalog([own if model.name == own.name else model for model in CATALOG.values()])


def test_it_is_a_modality() -> None:
    module: Modality = modality_of("speech")
    assert (module.INPUT_FIELDS, module.RESULT_SUFFIXES, module.RETRY_SAFE) == (
        (),
        ("wav", "mp3", "pcm", "opus"),
        False,
    )
    assert all(name in CATALOG for name in speech.DEFAULT_MODELS)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ""}, "prompt: is empty"),
    ({"prompt": " \n\u3000"}, "prompt: is empty"),
    ({"prompt": None}, "prompt: is required"),
    ({"prompt": "a\x00b"}, "prompt: holds U+0000 (NUL) in line 1, column 2"),
    ({"prompt": "half \ud83d"}, "prompt: holds U+D83D"),
    ({"format": "ogg"}, "format: 'ogg' is not one of wav, mp3, pcm"),
    ({"format": "WAV"}, "format: 'WAV' is not one of wav, mp3, pcm"),
    ({"sample_rate": 44100}, f"sample_rate: 44100 is not one of {RATES}"),
    ({"sample_rate": 0}, f"sample_rate: 0 is not one of {RATES}"),
    ({"sample_rate": "16k"}, "sample_rate: '16k' is not a whole number"),
    ({"volume": -1}, "volume: -1 is not in 0 to 100"),
    ({"volume": 101}, "volume: 101 is not in 0 to 100"),
    ({"volume": 50.5}, "volume: 50.5 is not a whole number"),
    ({"volume": True}, "volume: True is not a whole number"),
    ({"rate": 0.49}, "rate: 0.49 is not in 0.5 to 2"),
    ({"rate": 2.01}, "rate: 2.01 is not in 0.5 to 2"),
    ({"rate": float("nan")}, "rate: nan is not in 0.5 to 2"),
    ({"pitch": float("inf")}, "pitch: inf is not in 0.5 to 2"),
    ({"pitch": -500}, "pitch: -500 is not in 0.5 to 2"),
    ({"pitch": "high"}, "pitch: 'high' is not a number"),
    ({"subtitles": "sub"}, "subtitles: 'sub' is not one of srt, vtt, lrc, ass"),
    ({"subtitles": "srt", "model": "sambert-camila-v1"}, "subtitles: sambert-camila-v1 tells no word times"),
    ({"subtitles": "vtt", "model": "sambert-en-v1"}, "subtitles: sambert-en-v1 tells no word times"),
    ({"model": "sambert-zhichu"}, "model: unknown model 'sambert-zhichu'; did you mean sambert-zhichu-v1"),
    ({"model": "paraformer-v1"}, "model: paraformer-v1 "),
    ({"voice": "zhichu"}, "voice: unknown voice 'zhichu'; did you mean sambert-zhichu-v1"),
    ({"sample_rat": 8000}, "sample_rat: unknown field; did you mean sample_rate"),
]


@pytest.mark.parametrize("own, text", REFUSED)
def test_refused(own: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        prepare(**own)
    assert text in str(refused.value)
    assert len(refused.value.problems) == 1


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as refused:
        speech.prepare({"prompt": "", "format": "ogg", "volume": 101, "rate": 3}, CATALOG, "singapore")
    assert {problem.field for problem in refused.value.problems} == {"prompt", "format", "volume", "rate", "model"}
    assert "sambert-zhichu-v1 is offered in beijing, not in singapore" in str(refused.value)


@pytest.mark.parametrize(
    "own",
    [
        {"volume": 0}, {"volume": 100}, {"rate": 0.5}, {"rate": 2}, {"pitch": 2.0}, {"format": "mp3"}, {"format": "pcm"},
        {"sample_rate": 8000}, {"sample_rate": 22050}, {"sample_rate": 48000}, {"sample_rate": None},
        {"subtitles": "srt"}, {"subtitles": ""}, {"subtitles": "vtt", "model": "sambert-beth-v1"},
        {"prompt": "one\ntwo\tthree"}, {"prompt": "<speak>你好</speak>"}, {"model": "sambert-camila-v1"},
    ],
)  # fmt: skip
def test_allowed(own: dict[str, Any]) -> None:
    assert prepare(**own).notices == ()


def test_the_body_says_everything() -> None:
    prepared = prepare()
    assert prepared.body == {
        "model": "sambert-zhichu-v1",
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "input": {"text": POEM},
        "parameters": {
            "text_type": "PlainText",
            "format": "wav",
            "sample_rate": 48000,
            "volume": 50,
            "rate": 1.0,
            "pitch": 1.0,
            "word_timestamp_enabled": False,
            "phoneme_timestamp_enabled": False,
        },
    }
    assert prepared.context == SpeechContext(parts=(POEM,))
    assert (prepared.count, prepared.wire_model, prepared.stream) == (1, "sambert-zhichu-v1", False)
    assert prepared.request == {
        "model": "sambert-zhichu-v1", "prompt": POEM, "format": "wav", "sample_rate": 48000, "volume": 50,
        "rate": 1.0, "pitch": 1.0, "subtitles": "",
    }  # fmt: skip


def test_the_request_makes_itself_again() -> None:
    own = {"format": "mp3", "sample_rate": 8000, "volume": 7, "rate": 2, "pitch": 0.5, "subtitles": "vtt"}
    prepared = prepare(model="sambert-beth-v1", **own)
    again = speech.prepare(prepared.request, CATALOG, "beijing")
    assert again == prepared
    parameters = prepared.body["parameters"]
    sent = {
        "format": "mp3",
        "sample_rate": 8000,
        "volume": 7,
        "rate": 2.0,
        "pitch": 0.5,
        "word_timestamp_enabled": True,
    }
    assert parameters == {"text_type": "PlainText", "phoneme_timestamp_enabled": False, **sent}
    assert isinstance(parameters["rate"], float)
    assert prepared.count == 2


@pytest.mark.parametrize(
    "model, rate_hz", [("sambert-zhichu-v1", 48000), ("sambert-zhimao-v1", 16000), ("sambert-en-v1", 16000)]
)
def test_the_models_own_rate_is_the_default(model: str, rate_hz: int) -> None:
    assert prepare(model=model).body["parameters"]["sample_rate"] == rate_hz


def test_a_higher_rate_is_a_notice() -> None:
    (notice,) = prepare(model="sambert-zhimao-v1", sample_rate=48000).notices
    assert notice.code == "upsampled"
    assert "speaks at 16000 Hz" in notice.message
    assert prepare(model="sambert-zhimao-v1", sample_rate=8000).notices == ()


def test_the_whole_body_is_sent_part_by_part() -> None:
    body = prepare().body
    payload = payload_of(body, "床前")
    assert payload == {**body, "input": {"text": "床前"}}
    payload["parameters"]["volume"] = 0
    assert body["parameters"]["volume"] == 50
    assert body["input"] == {"text": POEM}


def test_a_long_text_becomes_parts() -> None:
    text = "一二三四五六七八九。" * 2500 + "末尾"
    prepared = prepare(prompt=text)
    parts = SpeechContext.of(prepared.context).parts
    assert [len(part) for part in parts] == [10_000, 10_000, 5_002]
    assert "".join(parts) == text
    assert prepared.body["input"] == {"text": text}
    (notice,) = prepared.notices
    assert notice.code == "text_split"
    assert "at most 10000 characters at once: the text is sent in 3 parts" in notice.message
    assert SpeechContext.of(prepare(prompt="霜" * 10_000).context).parts == ("霜" * 10_000,)


def test_no_part_is_blank() -> None:
    text = "床前。" + "\n" * 21 + "明月。"
    prepared = speech.prepare({"prompt": text}, short(6), "beijing")
    parts = SpeechContext.of(prepared.context).parts
    assert [part.strip() for part in parts] == ["床前。", "明月。"]
    assert prepared.units == len(text)


def test_a_model_without_a_limit_takes_any_text() -> None:
    own = Model(name="long", kind="speech", mode="socket", route="/x")
    prepared = speech.prepare({"prompt": "霜" * 30_000, "model": "long"}, Catalog([own]), "beijing")
    assert (len(SpeechContext.of(prepared.context).parts), prepared.notices, prepared.unit_cny) == (1, (), None)


def test_a_name_the_service_never_had_is_sent_with_a_way_out() -> None:
    prepared = prepare(model="sambert-en-v1")
    assert prepared.body["model"] == "sambert-en-v1"
    assert [notice.code for notice in prepared.notices] == ["unknown_name"]
    assert prepared.context.alternatives == f"English voices: {US_VOICES}"
    assert (prepared.unit_cny, prepared.estimate_cny) == (None, None)


def test_the_way_out_is_told_in_chinese_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    language.cache_clear()
    assert prepare(model="sambert-en-v1").context.alternatives == f"英文音色：{US_VOICES}"


def test_a_language_nobody_speaks_names_all_voices() -> None:
    own = replace(CATALOG["sambert-en-v1"], name="sambert-xx-v1", languages=("xx",))
    prepared = speech.prepare({"prompt": "x", "model": own.name}, Catalog([*CATALOG.values(), own]), "beijing")
    assert prepared.context.alternatives.startswith("voices: sambert-zhichu-v1, ")
    assert prepared.context.alternatives.count("sambert-") == 43


def test_every_character_costs() -> None:
    prepared = prepare(prompt="床 a。😀" * 100)
    assert (prepared.units, prepared.unit_cny) == (500, pytest.approx(0.0001))
    assert prepared.estimate_cny == pytest.approx(0.05)


@pytest.mark.parametrize(
    "values, fields",
    [
        ({"text": "床"}, {"prompt": "床"}),
        ({"prompt": "床", "text": None}, {"prompt": "床"}),
        ({"text": "床", "prompt": None}, {"prompt": "床"}),
        ({"text": "床", "text_type": "PlainText", "phoneme_timestamp_enabled": False}, {"prompt": "床"}),
        ({"text": "床", "text_type": "SSML"}, {"prompt": "床", "text_type": "SSML"}),
        ({}, {}),
    ],
)
def test_the_services_names_in_a_config(values: dict[str, Any], fields: dict[str, Any]) -> None:
    given = dict(values)
    assert from_config(values) == fields
    assert values == given


def test_text_and_prompt_together_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="text: is another name of prompt"):
        from_config({"text": "床", "prompt": "床"})


def sentence(text: str, start_ms: int, word_ms: int = 100) -> dict[str, Any]:
    words = [
        {"text": char, "begin_time": start_ms + i * word_ms, "end_time": start_ms + (i + 1) * word_ms}
        for i, char in enumerate(text)
    ]
    return {"begin_time": start_ms, "end_time": start_ms + len(words) * word_ms, "words": words}


def answer(
    *sentences: Any, audio_bytes: int = 44, characters: int | None = 12, request_id: str = "r"
) -> dict[str, Any]:
    usage = {} if characters is None else {"usage": {"characters": characters}}
    return {"request_id": request_id, "output": {"sentences": list(sentences), "audio_bytes": audio_bytes}, **usage}


@pytest.mark.parametrize("form", ["wav", "mp3", "pcm"])
def test_the_sound_is_the_result(form: str) -> None:
    assert items(answer(), kept(format=form)) == [Item(0, sound=True, suffix=form)]
    assert items(answer(), kept(format=form))[0].good


@pytest.mark.parametrize("empty", [{}, {"output": None}, {"output": {"audio_bytes": None}}, answer(audio_bytes=0)])
def test_no_sound_is_no_result(empty: dict[str, Any]) -> None:
    assert items(empty, kept(subtitles="srt")) == []


SRT = "1\n00:00:00,000 --> 00:00:01,000\n床前明月光，疑是地上霜。\n\n"
VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\n床前明月光，疑是地上霜。\n\n"


@pytest.mark.parametrize("kind, text", [("srt", SRT), ("vtt", VTT)])
def test_subtitles_have_the_punctuation_of_the_text(kind: str, text: str) -> None:
    sound, subtitles = items(answer(sentence("床前明月光疑是地上霜", 0)), kept(subtitles=kind))
    assert sound == Item(0, sound=True, suffix="wav")
    assert subtitles == Item(1, text=text, suffix=kind)


def test_subtitles_without_times_are_missing_not_empty() -> None:
    sound, subtitles = items(answer({"words": []}), kept(subtitles="srt"))
    assert sound.good
    assert not subtitles.good
    assert "told no word times" in subtitles.message


@pytest.mark.parametrize(
    "usage, cost",
    [
        ({"characters": 20_000}, 2.0), ({"characters": 0}, 0.0), ({"characters": None}, 0.0012), ({}, 0.0012),
        (None, 0.0012), ({"characters": "9"}, 0.0012), ({"characters": True}, 0.0012),
        ({"characters": float("nan")}, 0.0012), ({"characters": 10**400}, 0.0012), ([], 0.0012),
    ],
)  # fmt: skip
def test_what_is_charged(usage: Any, cost: float) -> None:
    assert charged_cny({"usage": usage}, kept()) == pytest.approx(cost)
    assert charged_cny({"usage": usage}, kept(model="sambert-en-v1")) is None


def test_paths_are_added_and_the_sentences_stay() -> None:
    full = answer(sentence("床", 0))
    before = json.dumps(full)
    shown = with_paths(full, kept(subtitles="srt"), {0: "a.wav", 1: "a.srt"})
    assert shown == {**full["output"], "path": "a.wav", "subtitles_path": "a.srt"}
    assert json.dumps(full) == before
    assert with_paths(full, kept(), {}) == full["output"]
    assert with_paths({"output": None}, kept(), {0: "a.wav"}) == {"path": "a.wav"}


def test_the_prompt_is_the_whole_text() -> None:
    text = "一二三四五六七八九。" * 1500
    assert asked_prompt(kept(prompt=text).body) == text


def test_the_times_of_later_parts_are_shifted() -> None:
    phoneme = {"begin_time": 0, "end_time": 50, "text": "ch_c", "tone": 2}
    first = answer(sentence("床前", 0), sentence("明", 300), audio_bytes=100, characters=3, request_id="r-1")
    second = answer(sentence("月", 10), audio_bytes=50, characters=1, request_id="r-2")
    second["output"]["sentences"][0]["words"][0]["phonemes"] = [phoneme]
    third = answer(sentence("光", 0), audio_bytes=25, characters=1, request_id="r-3")

    whole = joined([first, second, third], [1000, None, 7])

    assert (whole["request_id"], whole["usage"], whole["output"]["audio_bytes"]) == ("r-1", {"characters": 5}, 175)
    times = [(told["begin_time"], told["end_time"]) for told in whole["output"]["sentences"]]
    assert times == [(0, 200), (300, 400), (1010, 1110), (1110, 1210)]
    (word,) = whole["output"]["sentences"][2]["words"]
    assert (word["begin_time"], word["end_time"]) == (1010, 1110)
    assert word["phonemes"] == [{**phoneme, "begin_time": 1000, "end_time": 1050}]
    assert second["output"]["sentences"][0]["begin_time"] == 10


def test_one_answer_stays_itself() -> None:
    one = answer(sentence("床前", 0))
    assert joined([one], [None]) == one


def test_a_part_without_a_figure_leaves_the_sum_out() -> None:
    """A sum that is too small would be booked; without one the text is counted."""
    whole = joined([answer(characters=5), answer(characters=None)], [1, 1])
    assert "usage" not in whole
    assert charged_cny(whole, kept()) == pytest.approx(0.0012)


def test_subtitles_of_a_text_in_two_parts() -> None:
    text = "床前明月光。疑是地上霜。"
    prepared = speech.prepare({"prompt": text, "subtitles": "srt"}, short(6), "beijing")
    assert SpeechContext.of(prepared.context).parts == ("床前明月光。", "疑是地上霜。")
    whole = joined([answer(sentence("床前明月光", 0)), answer(sentence("疑是地上霜", 100))], [2000, 2000])
    _, subtitles = items(whole, prepared.stored())
    assert subtitles.text == (
        "1\n00:00:00,000 --> 00:00:00,500\n床前明月光。\n\n2\n00:00:02,100 --> 00:00:02,600\n疑是地上霜。\n\n"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SENTENCE = st.fixed_dictionaries({}, optional={"words": JSON, "begin_time": JSON, "end_time": JSON}) | JSON
OUTPUT = st.fixed_dictionaries({}, optional={"sentences": st.lists(SENTENCE, max_size=3) | JSON, "audio_bytes": JSON})
USAGE = st.fixed_dictionaries({}, optional={"characters": JSON})
ANSWER = st.fixed_dictionaries({}, optional={"output": OUTPUT | JSON, "usage": USAGE | JSON, "request_id": JSON})
KEPT = kept(subtitles="vtt")


@pytest.mark.slow
@given(st.lists(ANSWER, max_size=3))
def test_no_answer_is_a_crash(answers: list[dict[str, Any]]) -> None:
    whole = joined(answers, [None] * len(answers))
    for one in [*answers, whole]:
        found = items(one, KEPT)
        assert [item.index for item in found] in ([], [0, 1])
        assert charged_cny(one, KEPT) is not None
        assert with_paths(one, KEPT, {0: "a"})["path"] == "a"


@pytest.mark.parametrize("odd", [None, -3, 10**400, True, float("nan"), "9"])
def test_a_running_total_that_cannot_be_takes_back_what_was_told(odd: Any) -> None:
    """The total before it would be too small a bill: without a figure the text itself is counted."""
    from bailian.service.speech.frames import TaskTranscript

    course = TaskTranscript("a" * 32)
    for characters in (5, odd):
        course.take(
            json.dumps(
                {"header": {"event": "result-generated"}, "payload": {"usage": {"characters": characters}}}
            ).encode()
        )
    assert course.characters is None
    course.take(b'{"header": {}, "payload": {"usage": {"characters": 7.0}}}')
    course.take(b'{"header": {}, "payload": {"usage": null}}')
    assert course.characters == 7
