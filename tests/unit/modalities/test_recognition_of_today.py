"""Recognition by the models of today: the exact body of each, what it refuses, its price, and its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import load
from bailian.errors import InvalidRequest
from bailian.modalities.recognition import hot_words, transcription
from bailian.modalities.recognition.recording_limits import encoded_bytes
from bailian.types import Input, Prepared, Recording, StoredRequest

CATALOG = load()
URL = "https://h/a.wav"
FILE = "file:///tmp/my%20talk.wav"
SHORT = Recording(64_000, 2.0, "wav", 16000)


def prepare(model: str | None = None, recording: Recording | None = None, **own: Any) -> Prepared:
    url = FILE if recording else URL
    inputs = {url: Input(url, recording=recording)}
    return transcription.prepare({"file": [url], "model": model, **own}, CATALOG, "beijing", inputs)


def kept(model: str | None = None, *formats: str, **own: Any) -> StoredRequest:
    made = prepare(model, format=list(formats) or ["txt"], **own).stored()
    return StoredRequest.from_json(json.loads(json.dumps(made.to_json())), "transcription")


# ── What is sent ──

TASK = {"channel_id": [0], "diarization_enabled": False}
BEFORE = [
    {"role": "user", "content": [{"type": "input_text", "text": "百炼"}]},
    {"role": "user", "content": [{"type": "input_text", "text": "通义"}]},
]
CALL = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": URL}}]}]
BODIES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("fun-asr", {}, {"file_urls": [URL]}, TASK),
    (
        "fun-asr",
        {"language": "ja", "diarization_enabled": True, "speaker_count": 2, "channel_id": 1, "vocabulary_id": "v"},
        {"file_urls": [URL]},
        {"channel_id": [1], "diarization_enabled": True, "speaker_count": 2, "language_hints": ["ja"], "vocabulary_id": "v"},
    ),
    (
        "qwen-audio-3.0-asr-flash-filetrans",
        {"context": ["百炼", "通义"], "hot_words": {"百炼": 50}, "language": ["zh", "en", "ja", "ko"]},
        {"file_urls": [URL], "context": BEFORE},
        {**TASK, "language_hints": ["zh", "en", "ja", "ko"], "vocabulary": {"百炼": 50}},
    ),
    (
        "qwen3-asr-flash-filetrans",
        {},
        {"file_url": URL},
        {"channel_id": [0], "enable_itn": False, "enable_words": False},
    ),
    (
        "qwen3-asr-flash-filetrans",
        {"format": ["json"], "language": "zh", "enable_itn": True},
        {"file_url": URL},
        {"channel_id": [0], "language": "zh", "enable_itn": True, "enable_words": True},
    ),
    (
        "qwen3-asr-flash",
        {},
        {"messages": [{"role": "user", "content": [{"audio": URL}]}]},
        {"asr_options": {"enable_itn": False}},
    ),
    (
        "qwen3-asr-flash",
        {"context": ["百炼", "通义"], "language": "zh"},
        {
            "messages": [
                {"role": "system", "content": [{"text": "百炼\n通义"}]},
                {"role": "user", "content": [{"audio": URL}]},
            ]
        },
        {"asr_options": {"language": "zh", "enable_itn": False}},
    ),
    ("fun-asr-flash", {}, {"messages": CALL}, {"format": "wav"}),
    (
        "qwen-audio-3.1-asr-flash",
        {"context": ["百炼", "通义"], "language": ["zh", "en"], "hot_words": ["百炼"], "audio_format": "pcm"},
        {"messages": [*BEFORE, *CALL]},
        {"format": "pcm", "language_hints": ["zh", "en"], "vocabulary": {"百炼": 4}},
    ),
]  # fmt: skip


@pytest.mark.parametrize("model, given, inputs, parameters", BODIES)
def test_the_body_of_each_model(
    model: str, given: dict[str, Any], inputs: dict[str, Any], parameters: dict[str, Any]
) -> None:
    made = prepare(model, **given)
    sent = "fun-asr-flash-2026-06-15" if model == "fun-asr-flash" else model
    assert made.body == {"model": sent, "input": inputs, "parameters": parameters}
    assert made.upload == (made.model.mode == "task")
    again = transcription.prepare(json.loads(json.dumps(made.request)), CATALOG, "beijing")
    assert (again.body, again.context) == (made.body, made.context)


def test_a_call_is_told_the_rate_of_a_local_recording_as_text() -> None:
    made = prepare("fun-asr-flash", SHORT)
    assert made.body["parameters"] == {"format": "wav", "sample_rate": "16000"}
    assert transcription.call_headers(made.body) == {"X-DashScope-SSE": "disable"}
    assert transcription.call_headers(prepare("qwen3-asr-flash").body) == {}


def test_fast_is_one_model_and_its_price_is_said() -> None:
    made = prepare(None, SHORT, fast=True)
    assert made.model.name == "qwen3-asr-flash"
    (notice,) = [one for one in made.notices if one.code == "fast_price"]
    assert "0.00022 CNY a second" in notice.message
    assert "paraformer" in notice.message
    assert "0.00008" in notice.message
    assert prepare("qwen-audio-3.0-asr-flash", fast=True).model.name == "qwen-audio-3.0-asr-flash"


@pytest.mark.parametrize("name", ["fun-asr-flash", "fun-asr-flash-2026-06-15"])
def test_fun_asr_flash_is_sent_by_its_dated_name(name: str) -> None:
    assert prepare(name).wire_model == prepare(name).body["model"] == "fun-asr-flash-2026-06-15"


CONFIGS: list[tuple[str, dict[str, Any]]] = [
    ("fun-asr", {"file_urls": [URL], "language_hints": ["zh"]}),
    ("qwen3-asr-flash-filetrans", {"file_url": URL, "enable_words": True, "language": "zh"}),
    ("qwen3-asr-flash", {"messages": [{"role": "system", "content": [{"text": "百炼"}]}, {"role": "user", "content": [{"audio": URL}]}], "asr_options": {"language": "zh", "enable_itn": True}}),
    ("qwen-audio-3.0-asr-flash", {"messages": [*BEFORE, *CALL], "format": "mp3", "sample_rate": "16000", "vocabulary": {"百炼": 5}}),
    ("qwen-audio-3.0-asr-flash-filetrans", {"file_urls": [URL], "context": BEFORE, "vocabulary": {"百炼": 5}}),
]  # fmt: skip


@pytest.mark.parametrize("model, values", CONFIGS)
def test_the_services_own_shapes_are_taken(model: str, values: dict[str, Any]) -> None:
    """What a config file in the service's form says is what is sent."""
    made = transcription.prepare({**transcription.from_config(values), "model": model}, CATALOG, "beijing")
    for name, value in values.items():
        place = made.body["input"] if name in made.body["input"] else made.body["parameters"]
        if name != "sample_rate":  # read from a local recording; behind a link nobody knows it
            assert place[name] == value


@pytest.mark.parametrize(
    "values",
    [
        {"messages": []},
        {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
        {"messages": CALL, "file": [URL]},
        {"asr_options": 5},
        {"asr_options": {"language": "zh"}, "language": "zh"},
        {"file_url": URL, "file_urls": [URL]},
    ],
)
def test_what_is_no_message_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        transcription.from_config(values)


# ── What is refused ──

TIMED = ("srt", "vtt", "tsv", "lrc", "ass", "all")
REFUSED: list[tuple[str | None, dict[str, Any], str]] = [
    *(("qwen3-asr-flash", {"format": [one]}, f"gives no times, which {one} needs; use .*paraformer-v2.*fun-asr-flash") for one in TIMED),
    (None, {"fast": True, "format": ["srt"]}, "qwen3-asr-flash gives no times"),
    ("fun-asr", {"fast": True}, "fast: fun-asr is called as a task; use qwen3-asr-flash, fun-asr-flash"),
    ("fun-asr", {"language": ["zh", "en"]}, "language: fun-asr is told 1 at most, not 2"),
    ("fun-asr", {"language": ["xx"]}, "language: fun-asr knows zh, en, .*not 'xx'"),
    ("qwen3-asr-flash", {"language": ["中文"]}, "knows codes such as zh, en"),
    ("qwen-audio-3.0-asr-flash", {"language": ["zh", "en", "ja", "ko", "fr"]}, "is told 4 at most"),
    ("fun-asr", {"disfluency_removal_enabled": True}, "disfluency_removal_enabled: fun-asr does not take it; use paraformer"),
    ("fun-asr", {"enable_itn": True}, "enable_itn: fun-asr does not take it; use qwen3-asr-flash-filetrans, qwen3-asr-flash"),
    ("qwen3-asr-flash-filetrans", {"diarization_enabled": True}, "diarization_enabled: .*does not take it; use .*paraformer-v2.*fun-asr"),
    ("qwen3-asr-flash", {"channel_id": [1]}, "channel_id: qwen3-asr-flash does not take it"),
    ("qwen3-asr-flash", {"hot_words": ["百炼"]}, "hot_words: qwen3-asr-flash does not take it; use .*paraformer-v2"),
    ("qwen3-asr-flash-filetrans", {"vocabulary_id": "v"}, "vocabulary_id: .*does not take it"),
    ("paraformer-v2", {"context": ["x"]}, "context: paraformer-v2 does not take it; use qwen-audio-3.0-asr-flash-filetrans"),
    ("fun-asr-flash", {"context": ["字" * 401]}, "context: has 401 characters, at most 400"),
    ("fun-asr-flash", {"context": ["字"] * 6}, "context: at most 5 texts"),
    ("fun-asr-flash", {"context": [5]}, "context: texts, or messages"),
    ("fun-asr-flash", {"file": ["https://h/a"]}, "file: fun-asr-flash must be told what the recording is"),
    ("fun-asr-flash", {"file": ["oss://b/a.wav"]}, "file: .*not oss://"),
    ("fun-asr-flash", {"audio_format": "wave"}, "audio_format: one of pcm, wav, .*did you mean wav"),
    ("fun-asr", {"hot_words": {"a": 6}}, "hot_words: a: the weight is 1 to 5, not 6"),
    ("fun-asr", {"hot_words": {"a": 50}}, "the weight is 1 to 5, not 50"),
    ("qwen-audio-3.0-asr-flash", {"hot_words": {"a": 6}}, "1 to 5, or 50, not 6"),
    ("qwen-audio-3.0-asr-flash", {"hot_words": {f"a{n}": 50 for n in range(51)}}, "51 words of weight 50: at most 50"),
    ("fun-asr", {"hot_words": {}}, "hot_words: 0 words: 1 to 500"),
    ("fun-asr", {"hot_words": [f"a{n}" for n in range(501)]}, "501 words"),
    ("fun-asr", {"hot_words": ["字" * 16]}, "at most 15 characters"),
    ("fun-asr", {"hot_words": ["a b c d e f g h"]}, "at most 7 parts"),
    ("fun-asr", {"hot_words": 5}, "hot_words: must be"),
    ("fun-asr", {"hot_words": [{"text": "a", "wieght": 3}]}, "unknown field 'wieght'"),
    ("fun-asr", {"hot_words": ["a"], "vocabulary_id": "v"}, "hot_words: give these or vocabulary_id, not both"),
]  # fmt: skip


@pytest.mark.parametrize("model, values, text", REFUSED, ids=[f"{model} {str(v)[:40]}" for model, v, _ in REFUSED])
@pytest.mark.few(16)
def test_refused_with_what_is_taken(model: str | None, values: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        prepare(model, **values)


HOURS_13 = Recording(10_000_000, 13 * 3600.0, "mp3")
LIMITS: list[tuple[str, Recording, str]] = [
    ("qwen3-asr-flash", Recording(64_000, 301.0, "mp3"), r"lasts 5\.02 minutes, .*at most 5 minutes; cut it: ffmpeg -i 'my talk.wav' -f segment -segment_time 290 -c copy 'my talk-%03d.wav'.*as a task"),
    ("fun-asr-flash", Recording(64_000, 301.0, "mp3"), "-segment_time 290"),
    ("qwen3-asr-flash", Recording(7_500_001, 100.0, "wav"), r"has 10\.0 MB in Base64, .*at most 10 MB in one call; make it smaller: ffmpeg -i 'my talk.wav' -vn -ac 1 -ar 16000 -b:a 48k"),
    ("fun-asr", HOURS_13, r"lasts 13 hours, fun-asr takes at most 12 hours; cut it into pieces: ffmpeg .*-segment_time 43190"),
    ("qwen3-asr-flash-filetrans", Recording(2_100_000_000, 36_000.0, "wav"), r"has 2\.10 GB, .*at most 2 GB; cut it .*-segment_time 34284"),
]  # fmt: skip


@pytest.mark.parametrize("model, recording, text", LIMITS)
def test_above_the_limits_the_command_that_splits_is_said(model: str, recording: Recording, text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        prepare(model, recording)


@pytest.mark.parametrize(
    "model, recording",
    [
        ("qwen3-asr-flash", Recording(7_500_000, 300.0, "wav")),
        ("fun-asr", Recording(2_000_000_000, 43_200.0, "wav")),
        ("qwen3-asr-flash", Recording(100, None, "mp3")),
    ],
)
def test_the_limits_themselves_are_taken(model: str, recording: Recording) -> None:
    assert prepare(model, recording).body
    assert encoded_bytes(7_500_000) == 10_000_000


# ── What it costs ──


@pytest.mark.parametrize(
    "model, usage, before, after",
    [
        ("fun-asr", {"duration": 2}, 0.00044, 0.00044),
        ("qwen3-asr-flash-filetrans", {"seconds": 1}, 0.00044, 0.00022),
        ("qwen3-asr-flash", {"seconds": 2, "input_tokens_details": {"audio_tokens": 50}}, 0.00044, 0.00044),
        ("fun-asr-flash", {"duration": 2}, 0.00044, 0.00044),
        ("qwen-audio-3.1-asr-flash", {"duration": 2}, 0.000175, None),
        ("qwen-audio-3.1-asr-flash", {"input_tokens": 50, "output_tokens": 10}, 0.000175, 0.000067),
        (
            "qwen-audio-3.1-asr-flash-filetrans",
            {"input_tokens_details": {"audio_tokens": 50, "text_tokens": 0}, "output_tokens": 10},
            0.000175,
            0.000067,
        ),
        ("qwen-audio-3.1-asr-flash", {"input_tokens": -1, "output_tokens": 10}, 0.000175, None),
        ("fun-asr", {}, 0.00044, None),
    ],
)
def test_prices_by_seconds_and_by_tokens(model: str, usage: dict[str, Any], before: float, after: float | None) -> None:
    made = prepare(model, SHORT)
    assert made.estimate_cny == pytest.approx(before)
    assert transcription.charged_cny({"output": {}, "usage": usage}, kept(model)) == after
    said = [one.code for one in made.notices]
    assert ("price_unverified" in said) == ("3.1" in model), "a unit that nobody has shown is said"


# ── What comes back ──

SENTENCE = {
    "begin_time": 0,
    "end_time": 5100,
    "text": "你好，世界。Hello big world! 3.5",
    "words": [
        {"begin_time": 0, "end_time": 500, "text": "你好", "punctuation": "，"},
        {"begin_time": 700, "end_time": 1200, "text": "世界", "punctuation": "。"},
        {"begin_time": 1400, "end_time": 2000, "text": "Hello", "punctuation": ""},
        {"begin_time": 2000, "end_time": 3000, "text": "big", "punctuation": ""},
        {"begin_time": 3000, "end_time": 4000, "text": "world", "punctuation": "!"},
        {"begin_time": 4000, "end_time": 5100, "text": "3.5", "punctuation": ""},
    ],
}
WHOLE = {"text": SENTENCE["text"], "sentence": SENTENCE}
SPLIT = "1\n00:00:00,000 --> 00:00:01,200\n你好，世界。\n\n2\n00:00:01,400 --> 00:00:04,000\nHello big world!\n\n3\n00:00:04,000 --> 00:00:05,100\n3.5\n\n"  # fmt: skip


@pytest.mark.parametrize("output", [WHOLE, {"output": WHOLE}, {"sentence": [SENTENCE]}])
def test_one_sentence_becomes_as_many_as_it_is(output: dict[str, Any]) -> None:
    """Also one level deeper, as a guide shows it."""
    (item,) = transcription.items({"output": output}, kept("fun-asr-flash", "srt"))
    assert item.text == SPLIT


def test_words_that_are_not_in_the_text_leave_it_whole() -> None:
    odd = {**SENTENCE, "words": [{"begin_time": 0, "end_time": 9, "text": "anders", "punctuation": "。"}] * 2}
    (item,) = transcription.items({"output": {"sentence": odd}}, kept("fun-asr-flash", "txt"))
    assert item.text == f"{SENTENCE['text']}\n"


def message(content: Any, **own: Any) -> dict[str, Any]:
    info = [{"type": "audio_info", "language": "zh", "emotion": "happy"}]
    said = {"role": "assistant", "content": content, "annotations": info, **own}
    return {"output": {"choices": [{"finish_reason": "stop", "message": said}]}, "usage": {"seconds": 3}}


@pytest.mark.parametrize("content", [[{"text": "你好"}], "你好", [{"text": "你"}, {"text": "好"}]])
def test_a_message_is_a_text_without_times(content: Any) -> None:
    text, found = transcription.items(message(content), kept("qwen3-asr-flash", "txt", "json"))
    assert text.text == "你好\n"
    whole = json.loads(found.text or "")
    assert (whole["text"], whole["language"]) == ("你好", "zh")
    assert [(one["end"], one["emotion"]) for one in whole["segments"]] == [(3.0, "happy")]


@pytest.mark.parametrize("content", ["", []])
def test_silence_in_a_call_is_an_empty_file_and_a_notice(content: Any) -> None:
    answer = message(content)
    (item,) = transcription.items(answer, kept("qwen3-asr-flash"))
    assert item.text == ""
    assert [one.code for one in transcription.answer_notices(answer, kept("qwen3-asr-flash"))] == ["no_speech"]


@pytest.mark.parametrize(
    "output",
    [None, {}, [], {"choices": []}, {"choices": [{}]}, {"choices": [{"message": {"content": None}}]}, {"output": {}}, {"text": None}],
)  # fmt: skip
def test_an_answer_without_a_result_has_none(output: Any) -> None:
    """So that the engine holds it: it may be paid."""
    assert transcription.items({"output": output}, kept("qwen3-asr-flash")) == []


LINK = "https://h/1.json"
QWEN3 = {
    "file_url": URL,
    "audio_info": {"format": "wav", "sample_rate": 16000},
    "transcripts": [
        {
            "channel_id": 0,
            "text": "你好。",
            "sentences": [
                {
                    "sentence_id": 0,
                    "begin_time": 0,
                    "end_time": 900,
                    "language": "zh",
                    "emotion": "sad",
                    "text": "你好。",
                }
            ],
        }
    ],
}


def test_the_one_result_of_a_qwen3_task() -> None:
    """`result` instead of `results`, sentences counted from 0, a language and an emotion each."""
    answer = {"output": {"task_status": "SUCCEEDED", "result": {"transcription_url": LINK}}, "usage": {"seconds": 1}}
    assert transcription.document_url(answer) == LINK
    whole = transcription.with_document(answer, QWEN3)
    srt, found = transcription.items(whole, kept("qwen3-asr-flash-filetrans", "srt", "json"))
    assert srt.text == "1\n00:00:00,000 --> 00:00:00,900\n你好。\n\n"
    read = json.loads(found.text or "")
    assert (read["language"], read["segments"][0]["emotion"], read["segments"][0]["language"]) == ("zh", "sad", "zh")
    shown = transcription.with_paths(whole, kept("qwen3-asr-flash-filetrans"), {0: "a.srt"})
    assert shown["result"] == {"transcription_url": LINK, "text": "你好。", "path": "a.srt"}
    assert transcription.matches(answer, prepare("qwen3-asr-flash-filetrans").body, "j") is None


def test_the_answer_of_a_call_is_shown_with_its_files() -> None:
    shown = transcription.with_paths(message("你好"), kept("qwen3-asr-flash"), {0: "a.txt"})
    assert shown["results"] == [{"text": "你好", "path": "a.txt"}]
    assert shown["choices"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "words", "punctuation", "content", "message", "sentence", "output", "choices", "begin_time"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(["choices", "sentence", "text", "output", "result"]), JSON), JSON)
def test_any_answer_of_a_call_can_be_read(output: dict[str, Any], usage: Any) -> None:
    answer = {"output": output, "usage": usage}
    for item in transcription.items(answer, KEPT):
        assert item.good or item.code
        (item.text or "").encode("utf-8")
    transcription.with_paths(answer, KEPT, {0: "a.txt"})
    transcription.answer_notices(answer, KEPT)
    transcription.charged_cny(answer, KEPT)


KEPT = kept("fun-asr-flash", "txt", "srt", "json", "lrc", "ass")


# ── Hot words ──


def test_a_text_of_words_is_read_line_by_line() -> None:
    text = "\ufeff# 产品名\n百炼\t5\nBai Lian, 3\n通义：2\n\nQwen\nGPT 4o\n"
    assert [(one["text"], one["weight"]) for one in hot_words.of_text(text.lstrip("\ufeff"))] == [
        ("百炼", 5), ("Bai Lian", 3), ("通义", 2), ("Qwen", 4), ("GPT 4o", 4),
    ]  # fmt: skip


@given(st.text(max_size=60))
def test_any_text_of_words_can_be_read(text: str) -> None:
    for one in hot_words.of_text(text):
        assert one["text"] == one["text"].rstrip()
        assert isinstance(one["weight"], int)


@pytest.mark.parametrize(
    "given, entries",
    [
        ({"a": 5}, [{"text": "a", "weight": 5}]),
        (["a"], [{"text": "a", "weight": 4}]),
        ([{"text": "a", "lang": "en"}], [{"text": "a", "weight": 4, "lang": "en"}]),
        ({"vocabulary": [{"text": "a", "weight": 2}]}, [{"text": "a", "weight": 2}]),
        ("a 2", [{"text": "a", "weight": 2}]),
        (5, None),
        ([5], None),
    ],
)
def test_each_form_of_a_list_is_the_same(given: Any, entries: Any) -> None:
    assert hot_words.entries_of(given) == entries
