"""Recordings to text: what is refused, what is sent, and every shape in which the service answers."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import Catalog, load
from bailian.errors import InvalidRequest
from bailian.files.subtitles import FORMATS
from bailian.modalities import Modality, modality_of
from bailian.modalities.recognition import transcription, transcription_answers
from bailian.types import Input, Notice, Prepared, Recording, StoredRequest, TranscriptionContext

CATALOG = load()
URL = "https://h/%E4%BC%9A%E8%AE%AE.wav"
LINK = "https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/1.json?Expires=1&Signature=x"

SENTENCE = {
    "begin_time": 100,
    "end_time": 3820,
    "text": "Hello world, 这里是阿里巴巴语音实验室。",
    "sentence_id": 1,
    "words": [
        {"begin_time": 100, "end_time": 596, "text": "Hello ", "punctuation": ""},
        {"begin_time": 596, "end_time": 844, "text": "world", "punctuation": ", "},
        {"begin_time": 844, "end_time": 3820, "text": "这里是阿里巴巴语音实验室", "punctuation": "。"},
    ],
}
TRANSCRIPT = {
    "file_url": URL,
    "properties": {
        "audio_format": "pcm_s16le",
        "channels": [0],
        "original_sampling_rate": 16000,
        "original_duration_in_milliseconds": 3834,
    },
    "transcripts": [
        {
            "channel_id": 0,
            "content_duration_in_milliseconds": 3720,
            "text": "Hello world, 这里是阿里巴巴语音实验室。",
            "sentences": [SENTENCE],
        }
    ],
}
GOOD = {"file_url": URL, "transcription_url": LINK, "subtask_status": "SUCCEEDED"}
BAD = {
    "file_url": URL,
    "code": "InvalidFile.DownloadFailed",
    "message": "The audio file cannot be downloaded.",
    "subtask_status": "FAILED",
}
SILENT = {"file_url": URL, "code": "SUCCESS_WITH_NO_VALID_FRAGMENT", "message": "silence", "subtask_status": "FAILED"}


def prepare(region: str = "beijing", **own: Any) -> Prepared:
    return transcription.prepare({"file": [URL], **own}, CATALOG, region)


def context(made: Prepared) -> TranscriptionContext:
    return TranscriptionContext.of(made.context)


def kept(*formats: str, **own: Any) -> StoredRequest:
    """Return what the journal keeps, as another process reads it."""
    made = prepare(format=list(formats) or ["txt"], **own).stored()
    return StoredRequest.from_json(json.loads(json.dumps(made.to_json())), "transcription")


def answered(*results: Any, status: str = "SUCCEEDED", usage: Any = None, **output: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "request_id": "r",
        "output": {"task_id": "t", "task_status": status, "results": list(results), **output},
    }
    return answer if usage is None else {**answer, "usage": usage}


def told(*channels: Any, **own: Any) -> dict[str, Any]:
    """Return a good answer that holds a transcript of these channels."""
    return transcription.with_document(answered(GOOD, **own), {**TRANSCRIPT, "transcripts": list(channels)})


def sentence(begin: Any, end: Any, text: Any, **own: Any) -> dict[str, Any]:
    return {"begin_time": begin, "end_time": end, "text": text, **own}


def texts(answer: dict[str, Any], *formats: str) -> list[str | None]:
    return [item.text for item in transcription.items(answer, kept(*formats))]


# ── What is refused ──

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"file": None}, "file: is required"),
    ({"file": []}, "file: one recording a request, not 0"),
    ({"file": [URL, URL]}, "file: one recording a request, not 2: several recordings are several requests"),
    ({"file": {"url": URL}}, "file: "),
    ({"file": [5]}, r"file\.0: 5 is not a text"),
    ({"format": ["srtt"]}, "format: srtt is none of txt, srt, vtt, tsv, json, lrc, ass, all; did you mean .*srt"),
    ({"format": "SRT"}, "format: SRT is none of"),
    ({"format": ["all", "doc"]}, "format: doc is none of"),
    ({"format": []}, "format: nothing is none of"),
    ({"language": ["ja"]}, "language: paraformer-v1 knows zh, en, not 'ja'; use paraformer-v2, paraformer-mtl-v1"),
    ({"language": ["xx"]}, "language: paraformer-v1 knows zh, en, not 'xx'$"),
    ({"language": ["it"], "model": "paraformer-v2"}, "knows zh, yue, en, .*not 'it'; use paraformer-mtl-v1"),
    ({"language": "en", "model": "paraformer-8k-v2"}, "knows zh, not 'en'; use paraformer-v1, paraformer-v2"),
    ({"language": "zh", "model": "paraformer-en-v1"}, "knows en, not 'zh'"),
    ({"channel_id": [-1]}, r"channel_id: \[-1\]: numbers of channels, from 0, each once"),
    ({"channel_id": [0, 1, 0]}, "channel_id: .*each once"),
    ({"channel_id": []}, "channel_id: .*from 0"),
    ({"channel_id": ["a"]}, r"channel_id\.0: 'a' is not a whole number"),
    ({"channel_id": [True]}, r"channel_id\.0: True is not a whole number"),
    ({"speaker_count": 2}, "speaker_count: needs diarization_enabled"),
    ({"speaker_count": 1, "diarization_enabled": True}, "speaker_count: 1 is not in 2 to 100"),
    ({"speaker_count": 101, "diarization_enabled": True}, "speaker_count: 101 is not in 2 to 100"),
    ({"diarization_enabled": "sure"}, "diarization_enabled: 'sure' is not true or false"),
    (
        {"vocabulary_id": "vocab-1"},
        "vocabulary_id: paraformer-v1 does not take it; use paraformer-v2, paraformer-8k-v2",
    ),
    ({"vocabulary_id": "a\0", "model": "paraformer-v2"}, r"vocabulary_id: holds U\+0000"),
    ({"special_word_filter": "脏话"}, "special_word_filter: must be an object, or JSON of one"),
    ({"special_word_filter": "null"}, "special_word_filter: must be an object"),
    ({"special_word_filter": [1]}, "special_word_filter: must be an object"),
    ({"special_word_filter": "[" * 100_000}, "special_word_filter: must be an object"),
    ({"special_word_filter": {"filter_with_empty": {1, 2}}}, "special_word_filter: must be an object"),
    ({"special_word_filter": {"filter_with_empty": "\ud83d"}}, "special_word_filter: must be an object"),
    (
        {"special_word_filter": {"filter_with_emty": {}}},
        "unknown key 'filter_with_emty'; did you mean .*filter_with_empty",
    ),
    ({"special_word_filter": '{"system": true}'}, "special_word_filter: unknown key 'system'"),
    ({"model": "paraformer-v3"}, "model: unknown model 'paraformer-v3'; did you mean .*paraformer-v2"),
    ({"model": "qwen-image"}, "model: qwen-image is a model for kind image"),
    ({"languge": "en"}, "languge: unknown field; did you mean language"),
    ({"prompt": "x"}, "prompt: unknown field"),
    ({"resources": []}, "resources: unknown field"),
]


@pytest.mark.parametrize("values, text", REFUSED, ids=[str(values)[:50] for values, _ in REFUSED])
def test_refused_with_what_is_allowed(values: dict[str, Any], text: str) -> None:
    """Nothing invalid is sent: exit 2, naming the field and what it takes."""
    with pytest.raises(InvalidRequest, match=text) as raised:
        prepare(**values)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    "values",
    [
        {"speaker_count": 2, "diarization_enabled": True},
        {"speaker_count": 100, "diarization_enabled": True},
        {"channel_id": [1, 0]},
        {"language": ["ru", "yue"], "model": "paraformer-v2"},
        {"vocabulary_id": "vocab-1", "model": "paraformer-8k-v2"},
        {"special_word_filter": {}},
        {"special_word_filter": None},
    ],
)
def test_the_limits_themselves_are_allowed(values: dict[str, Any]) -> None:
    """The last value inside each limit passes."""
    assert prepare(**values).body


def test_all_problems_are_told_at_once() -> None:
    """One look is enough to put a request right."""
    values = {
        "file": [],
        "format": ["doc"],
        "language": ["fr"],
        "channel_id": [-1],
        "speaker_count": 1,
        "vocabulary_id": "v",
        "special_word_filter": "x",
    }
    with pytest.raises(InvalidRequest) as raised:
        prepare(**values)
    assert {problem.field for problem in raised.value.problems} == values.keys()


@pytest.mark.parametrize("region", ["singapore", "virginia"])
def test_beijing_only(region: str) -> None:
    """The refusal names the region that has it."""
    with pytest.raises(InvalidRequest, match=f"model: paraformer-v1 is offered in beijing, not in {region}"):
        prepare(region)


# ── What is sent ──


def test_defaults_are_sent_explicitly() -> None:
    """Nothing hangs on what the service takes for granted today."""
    made = prepare()
    assert made.body == {
        "model": "paraformer-v1",
        "input": {"file_urls": [URL]},
        "parameters": {
            "channel_id": [0],
            "disfluency_removal_enabled": False,
            "timestamp_alignment_enabled": False,
            "diarization_enabled": False,
        },
    }
    assert (made.count, made.notices, made.upload) == (1, (), True)


def test_everything_that_is_asked_is_sent() -> None:
    """Under the service's names; the filter as text that holds JSON."""
    made = prepare(
        model="paraformer-v2",
        language=["zh", "en", "zh"],
        channel_id=[0, 2],
        diarization_enabled=True,
        speaker_count=3,
        disfluency_removal_enabled=True,
        timestamp_alignment_enabled=True,
        vocabulary_id="vocab-1",
        special_word_filter={"filter_with_signed": {"word_list": ["测试"]}},
    )
    assert made.body["parameters"] == {
        "channel_id": [0, 2],
        "disfluency_removal_enabled": True,
        "timestamp_alignment_enabled": True,
        "diarization_enabled": True,
        "language_hints": ["zh", "en"],
        "speaker_count": 3,
        "vocabulary_id": "vocab-1",
        "special_word_filter": '{"filter_with_signed": {"word_list": ["测试"]}}',
    }
    assert [notice.code for notice in made.notices] == ["diarization_mono"]


def test_a_filter_that_is_text_already_is_sent_as_it_is() -> None:
    """Byte for byte."""
    text = '{ "system_reserved_filter":false }'
    assert prepare(special_word_filter=text).body["parameters"]["special_word_filter"] == text


def test_the_services_names_are_taken_from_a_config_file() -> None:
    """One value stands for a list of one; a field under both names is refused."""
    flat = transcription.from_config({"file_urls": URL, "language_hints": "en", "format": "srt", "channel_id": 1})
    made = transcription.prepare({**flat, "model": "paraformer-v2"}, CATALOG, "beijing")
    assert made.body["input"] == {"file_urls": [URL]}
    assert made.body["parameters"]["language_hints"] == ["en"]
    assert made.body["parameters"]["channel_id"] == [1]
    assert context(made).formats == ("srt",)
    with pytest.raises(InvalidRequest, match="file_urls: is the same as file"):
        transcription.from_config({"file_urls": [URL], "file": [URL]})


def test_flags_that_come_as_tuples_are_lists() -> None:
    """So does a command line collect what may be given more than once."""
    assert context(prepare(format=("srt", "txt", "srt"))).formats == ("srt", "txt")


def test_all_formats_are_five_files() -> None:
    """ "all" is spelled out, so that the kept request says what it makes."""
    made = prepare(format="all")
    assert (made.count, tuple(made.request["format"])) == (5, FORMATS)
    assert prepare(format=["lrc", "all", "srt"]).request["format"] == ["lrc", "txt", "srt", "vtt", "tsv", "json"]


def test_the_kept_request_makes_the_same_body_again() -> None:
    """The user's fields, complete with defaults."""
    made = prepare(format=["srt"], language="en", model="paraformer-v2", special_word_filter={"filter_with_empty": {}})
    again = transcription.prepare(json.loads(json.dumps(made.request)), CATALOG, "beijing")
    assert (again.body, again.request, again.context) == (made.body, made.request, made.context)
    assert made.request["channel_id"] == [0]


def test_a_language_that_the_model_finds_out_itself_is_not_sent() -> None:
    """paraformer-v1 speaks English without being told; the user is."""
    made = prepare(language=["en"])
    assert "language_hints" not in made.body["parameters"]
    assert [notice.code for notice in made.notices] == ["language_not_sent"]
    assert context(made).language == "en"


def test_the_notice_of_an_input_is_passed_on() -> None:
    """A URL that was encoded."""
    notice = Notice("url_encoded", "…")
    made = transcription.prepare({"file": [URL]}, CATALOG, "beijing", {URL: Input(URL, notice=notice)})
    assert made.notices == (notice,)


def test_a_known_duration_is_a_known_ceiling() -> None:
    """Each channel is billed by itself."""
    inputs = {URL: Input(URL, recording=Recording(1000, 1800.0))}
    made = transcription.prepare({"file": [URL], "channel_id": [0, 1]}, CATALOG, "beijing", inputs)
    assert (made.unit_cny, made.units) == (0.00008, 3600)
    assert made.estimate_cny == pytest.approx(0.288)


@pytest.mark.parametrize("recording", [None, Recording(1000, None)])
def test_an_unknown_duration_is_not_free(recording: Recording | None) -> None:
    """No estimate rather than 0 CNY; the price waits for what is billed."""
    made = transcription.prepare({"file": [URL]}, CATALOG, "beijing", {URL: Input(URL, recording=recording)})
    assert (made.unit_cny, made.estimate_cny, context(made).second_cny) == (None, None, 0.00008)


def test_a_name_the_service_never_had_is_sent_with_advice() -> None:
    """The models to use instead come from the catalog."""
    made = prepare(model="paraformer-en-v1")
    assert made.body["model"] == "paraformer-en-v1"
    assert [notice.code for notice in made.notices] == ["unknown_name"]
    assert made.context.alternatives == "use paraformer-v1, or paraformer-v2 with --language en"
    assert not prepare().context.alternatives


@pytest.mark.parametrize(
    "gone, instead",
    [
        (("paraformer-v1", "paraformer-mtl-v1"), "use paraformer-v2 with --language en"),
        (("paraformer-v2",), "use paraformer-v1, or fun-asr with --language en"),
        (("paraformer-v1",), "use paraformer-mtl-v1, or paraformer-v2 with --language en"),
        (("paraformer-v1", "paraformer-v2", "paraformer-mtl-v1"), "use fun-asr with --language en"),
        (tuple(model.name for model in CATALOG.of_kind("transcription")), None),
    ],
)
def test_the_advice_follows_the_catalog(gone: tuple[str, ...], instead: str | None) -> None:
    """Models that are retired, or that a newer catalog no longer has, are not advised."""
    here = Catalog(replace(model, retired_on="2026-01-01" if model.name in gone else "") for model in CATALOG.values())
    made = transcription.prepare({"file": [URL], "model": "paraformer-en-v1"}, here, "beijing")
    assert made.context.alternatives == (instead or "")


def test_the_module_has_everything_a_modality_has() -> None:
    """And the three functions that only transcripts need."""
    module: Modality = modality_of("transcription")
    names = [name for name in (*vars(Modality), *Modality.__annotations__) if not name.startswith("_")]
    assert all(
        hasattr(module, name) for name in (*names, "document_url", "with_document", "no_speech", "answer_notices")
    )
    assert module.INPUT_FIELDS == ("file",)


def test_the_files_url_is_what_tells_our_task() -> None:
    """Recognition has no prompt."""
    assert transcription.asked_prompt(prepare().body) == URL


# ── What comes back ──


@pytest.mark.parametrize(
    "sent, shown, ours",
    [
        (URL, URL, True),
        (URL, "https://h/会议.wav", True),
        (URL, "https://h/others.wav", False),
        (URL, None, None),
        ("file:///tmp/会议.wav", "oss://dashscope-instant/x/job-1-0123.wav", True),
        ("file:///tmp/会议.wav", "https://oss.example/x/job-1-0123.wav?Expires=1", True),
        ("file:///tmp/会议.wav", "oss://dashscope-instant/x/job-2-0123.wav", False),
    ],
)
def test_a_task_shows_whose_recording_it_has(sent: str, shown: str | None, ours: bool | None) -> None:
    """What is sent of a local file is an upload with the job's id in its name."""
    body = {"input": {"file_urls": [sent]}}
    assert transcription.matches(answered({**GOOD, "file_url": shown}), body, "job-1") is ours


def test_a_finished_task_leads_to_its_transcript() -> None:
    """First the link, then, with the document, a file a format."""
    answer = answered(GOOD, usage={"duration": 4})
    assert transcription.document_url(answer) == LINK
    assert [(item.index, item.url, item.text) for item in transcription.items(answer, kept("srt"))] == [(0, LINK, None)]
    whole = transcription.with_document(answer, TRANSCRIPT)
    assert "transcript" not in answer["output"]["results"][0]
    items = transcription.items(whole, kept("srt", "txt"))
    assert [(item.index, item.suffix, item.url) for item in items] == [(0, "srt", None), (1, "txt", None)]
    assert all(item.good for item in items)


def test_the_documents_of_the_reference_become_these_files() -> None:
    """The sample of the service's own page, in all formats."""
    line = "Hello world, 这里是阿里巴巴语音实验室。"
    txt, srt, vtt, tsv, json_text = texts(transcription.with_document(answered(GOOD), TRANSCRIPT), "all")
    assert txt == f"{line}\n"
    assert srt == f"1\n00:00:00,100 --> 00:00:03,820\n{line}\n\n"
    assert vtt == f"WEBVTT\n\n00:00.100 --> 00:03.820\n{line}\n\n"
    assert tsv == f"start\tend\ttext\n100\t3820\t{line}\n"
    assert json.loads(json_text or "") == {
        "text": line,
        "segments": [
            {
                "id": 0,
                "start": 0.1,
                "end": 3.82,
                "text": line,
                "channel": 0,
                "words": [
                    {"word": "Hello ", "start": 0.1, "end": 0.596},
                    {"word": "world, ", "start": 0.596, "end": 0.844},
                    {"word": "这里是阿里巴巴语音实验室。", "start": 0.844, "end": 3.82},
                ],
            }
        ],
        "language": None,
        "duration": 3.834,
    }


@pytest.mark.parametrize(
    "own, language",
    [
        ({"model": "paraformer-v2", "language": ["yue"]}, "yue"),
        ({"model": "paraformer-v2", "language": ["zh", "en"]}, None),
        ({"model": "paraformer-8k-v2"}, "zh"),
        ({"language": "en"}, "en"),
    ],
)
def test_the_language_is_told_where_there_is_only_one(own: dict[str, Any], language: str | None) -> None:
    """Asked for, or the only one the model speaks; the answer itself does not say."""
    (item,) = transcription.items(transcription.with_document(answered(GOOD), TRANSCRIPT), kept("json", **own))
    assert json.loads(item.text or "")["language"] == language


def test_channels_are_merged_by_time() -> None:
    """Two ends of a telephone line read like a conversation."""
    answer = told(
        {
            "channel_id": 0,
            "text": "你好。再见。",
            "sentences": [sentence(0, 900, "你好。"), sentence(4000, 4500, "再见。")],
        },
        {"channel_id": 1, "text": "您好！", "sentences": [sentence(1000, 3900, "您好！")]},
    )
    assert texts(answer) == ["[CHANNEL_0] 你好。\n[CHANNEL_1] 您好！\n[CHANNEL_0] 再见。\n"]
    (made,) = texts(answer, "json")
    assert json.loads(made or "")["text"] == "你好。再见。\n您好！"
    transcript = answer["output"]["results"][0]["transcript"]
    assert [cue.start_ms for cue in transcription_answers.cues_of(transcript)] == [0, 1000, 4000]


def test_speakers_are_told_apart() -> None:
    """`speaker_id` is there only with diarization."""
    answer = told(
        {"channel_id": 0, "sentences": [sentence(0, 9, "你好", speaker_id=0), sentence(9, 99, "嗯", speaker_id=1)]}
    )
    assert texts(answer) == ["[SPEAKER_0] 你好\n[SPEAKER_1] 嗯\n"]


@pytest.mark.parametrize(
    "channel, said",
    [
        ({"sentences": [{"begin_time": 0, "end_time": 9, "words": SENTENCE["words"]}]}, SENTENCE["text"]),
        ({"sentences": [{"words": [{"text": " Hello"}, {"text": " World", "punctuation": "."}]}]}, "Hello World."),
        ({"sentences": [sentence(None, None, "没有时间")]}, "没有时间"),
        ({"sentences": [sentence("0", [], "错的时间", words=7, speaker_id="x")]}, "错的时间"),
        ({"text": " 只有全文 ", "content_duration_in_milliseconds": 3720}, "只有全文"),
        ({"text": "只有全文", "sentences": []}, "只有全文"),
        ({"text": "全文", "sentences": "x"}, "全文"),
        ({"sentences": [None, 5, sentence(1.5, 1e9, "半")]}, "半"),
        ({"sentences": [sentence(float("nan"), 10**400, "怪")]}, "怪"),
    ],
)
def test_what_is_missing_in_a_transcript_is_made_up_for(channel: dict[str, Any], said: str) -> None:
    """Words make a sentence, a text makes a cue, times are guessed from their neighbours."""
    txt, srt = texts(told(channel), "txt", "srt")
    assert txt == f"{said}\n"
    assert srt is not None
    assert said in srt
    (made,) = texts(told(channel), "json")
    assert json.loads(made or "")["text"] == said


def test_sentences_without_times_keep_their_order() -> None:
    """One begins where the one before it ends."""
    answer = told({"sentences": [sentence(500, 700, "一"), sentence(None, None, "二"), sentence(900, 950, "三")]})
    assert texts(answer) == ["一\n二\n三\n"]


@pytest.mark.parametrize("code", transcription_answers.NO_SPEECH)
@pytest.mark.parametrize("where", ["result", "task", "both"])
def test_silence_is_an_empty_transcript(code: str, where: str) -> None:
    """Not a failure: an empty file, a word about it, and nothing to pay."""
    results = [{**BAD, "code": code}] if where != "task" else []
    output = {"code": code, "message": "silence"} if where != "result" else {}
    answer = answered(*results, status="FAILED", **output)
    assert transcription.no_speech(answer["output"])
    assert texts(answer, "all") == [
        "",
        "",
        "WEBVTT\n\n",
        "start\tend\ttext\n",
        '{"text": "", "segments": [], "language": null}',
    ]
    assert transcription.document_url(answer) is None
    assert [notice.code for notice in transcription.answer_notices(answer, kept())] == ["no_speech"]
    assert transcription.charged_cny(answer, kept()) == 0.0


def test_a_transcript_without_sentences_is_silence_too() -> None:
    """Nobody spoke, and the service found no fault with that."""
    assert texts(told(), "srt", "vtt") == ["", "WEBVTT\n\n"]
    assert [notice.code for notice in transcription.answer_notices(told(), kept())] == ["no_speech"]
    assert transcription.answer_notices(answered(GOOD), kept()) == []
    assert transcription.answer_notices(transcription.with_document(answered(GOOD), TRANSCRIPT), kept()) == []


@pytest.mark.parametrize(
    "answer, code, message",
    [
        (answered(BAD), "InvalidFile.DownloadFailed", "The audio file cannot be downloaded."),
        (
            answered(BAD, status="FAILED", code="FILE_TOO_LARGE", message="big"),
            "InvalidFile.DownloadFailed",
            "The audio",
        ),
        (
            answered(
                {"file_url": URL, "subtask_status": "FAILED"}, status="FAILED", code="DECODE_ERROR", message="bad"
            ),
            "DECODE_ERROR",
            "bad",
        ),
        (answered({"subtask_status": "FAILED"}), "unknown", "no transcript came"),
        (answered({"subtask_status": "SUCCEEDED"}), "unknown", "no transcript came"),
        (answered({"subtask_status": "SUCCEEDED", "transcription_url": "file:///etc/passwd"}), "unknown", ""),
        (answered({**GOOD, "code": "DECODE_ERROR"}), "DECODE_ERROR", ""),
        (answered({**GOOD, "subtask_status": "FAILED"}), "unknown", ""),
        (transcription.with_document(answered(GOOD), {"error": "expired"}), "unknown", "no transcript came"),
        (transcription.with_document(answered(GOOD), ["x"]), "unknown", "no transcript came"),
        (transcription.with_document(answered(GOOD), None), "unknown", "no transcript came"),
    ],
)
def test_a_failed_file_says_why(answer: dict[str, Any], code: str, message: str) -> None:
    """SUCCEEDED with a failed file, FAILED with codes in one place or both, and documents that are none."""
    (item,) = transcription.items(answer, kept("txt", "srt"))
    assert (item.good, item.code) == (False, code)
    assert message in item.message
    assert not transcription.no_speech(answer["output"])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"output": None},
        {"output": {"task_status": "PENDING"}},
        {"output": {"task_status": "FAILED", "code": "DECODE_ERROR", "message": "bad"}},
        answered(status="RUNNING"),
        answered({"file_url": URL, "subtask_status": "RUNNING"}, status="RUNNING"),
        answered(None),
        {"output": {"results": {"transcription_url": LINK}}},
    ],
)
def test_an_answer_without_results_has_none(answer: dict[str, Any]) -> None:
    """A task that runs or failed as a whole; the engine tells of its own code."""
    assert transcription.items(answer, kept()) == []
    assert transcription.document_url(answer) is None


def test_other_processes_may_know_less() -> None:
    """A task that was adopted by its id has no facts: its transcript is plain text, its cost unknown."""
    (item,) = transcription.items(transcription.with_document(answered(GOOD), TRANSCRIPT), StoredRequest())
    assert (item.suffix, item.text) == ("txt", "Hello world, 这里是阿里巴巴语音实验室。\n")
    assert transcription.charged_cny(answered(GOOD, usage={"duration": 9}), StoredRequest()) is None


@pytest.mark.parametrize(
    "usage, cost",
    [
        ({"duration": 9}, 0.00072),
        ({"duration": 3600.0}, 0.288),
        ({"duration": 0}, 0),
        ({"duration": "9"}, None),
        ({"duration": True}, None),
        ({"duration": -1}, None),
        ({"duration": float("nan")}, None),
        ({}, None),
        (None, None),
        ("x", None),
    ],
)
def test_cost_is_what_was_billed(usage: Any, cost: float | None) -> None:
    """Seconds of speech, known only afterwards."""
    assert transcription.charged_cny({**answered(GOOD), "usage": usage}, kept()) == cost


def test_silence_that_is_billed_is_told() -> None:
    """The service's own figure wins; a price that nobody knows is unknown."""
    assert transcription.charged_cny(answered(SILENT, usage={"duration": 1}), kept()) == 0.00008
    assert transcription.charged_cny(answered(GOOD, usage={"duration": 1}), kept(model="paraformer-en-v1")) is None


def test_paths_and_text_stand_in_the_result() -> None:
    """The transcript itself is in the files; what is shown stays short."""
    whole = transcription.with_document(answered(GOOD, BAD, task_metrics={"TOTAL": 2}), TRANSCRIPT)
    shown = transcription.with_paths(whole, kept("srt", "txt"), {1: "a.txt", 0: "a.srt"})
    assert shown["results"] == [
        {**GOOD, "text": "Hello world, 这里是阿里巴巴语音实验室。", "path": "a.srt", "paths": ["a.srt", "a.txt"]},
        BAD,
    ]
    assert shown["task_metrics"] == {"TOTAL": 2}
    assert "transcript" in whole["output"]["results"][0]
    assert transcription.with_paths(whole, kept(), {0: "a.txt"})["results"][0].keys() == {*GOOD, "text", "path"}


def test_the_files_of_silence_are_shown_too() -> None:
    """Even where the answer has no result to show them in."""
    assert transcription.with_paths(answered(SILENT), kept(), {0: "a.txt"})["results"] == [
        {**SILENT, "text": "", "path": "a.txt"}
    ]
    bare = {"output": {"task_status": "FAILED", "code": transcription_answers.NO_SPEECH[0]}}
    assert transcription.with_paths(bare, kept(), {0: "a.txt"})["results"] == [{"text": "", "path": "a.txt"}]


def test_a_failed_answer_is_shown_as_it_came() -> None:
    """No path, no text."""
    assert transcription.with_paths(answered(BAD), kept(), {}) == answered(BAD)["output"]
    assert transcription.with_paths({}, kept(), {}) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def some(**fields: Any) -> st.SearchStrategy[Any]:
    """An object with some of these fields, each as it should be or anything else; or no object at all."""
    return st.fixed_dictionaries({}, optional={name: value | JSON for name, value in fields.items()}) | JSON


CODE = st.sampled_from([*transcription_answers.NO_SPEECH, "DECODE_ERROR", ""])
STATUS = st.sampled_from(["SUCCEEDED", "FAILED", "RUNNING", None])
TIMES = {"begin_time": st.integers(), "end_time": st.integers(), "text": st.text(max_size=5)}
WORDS = some(**TIMES, punctuation=st.just("，"))
SENTENCES = some(**TIMES, words=st.lists(WORDS, max_size=2), speaker_id=st.integers())
CHANNELS = some(channel_id=st.integers(), text=st.text(max_size=5), sentences=st.lists(SENTENCES, max_size=2))
DOCUMENT = some(
    transcripts=st.lists(CHANNELS, max_size=2), properties=some(original_duration_in_milliseconds=st.integers())
)
RESULT = some(subtask_status=STATUS, transcription_url=st.just(LINK), code=CODE, message=st.text(), transcript=DOCUMENT)
ANSWER = st.fixed_dictionaries(
    {},
    optional={
        "output": some(results=st.lists(RESULT, max_size=2), code=CODE, message=st.text()),
        "usage": some(duration=st.floats() | st.integers()),
    },
)


@pytest.mark.slow
@given(ANSWER, JSON | DOCUMENT)
def test_any_answer_can_be_read(answer: dict[str, Any], document: Any) -> None:
    """Whatever JSON the service sends: results or reasons, valid text, and the answer itself is left alone."""
    before = copy.deepcopy(answer)
    for given_answer in (answer, transcription.with_document(answer, document)):
        for item in transcription.items(given_answer, kept_all):
            assert item.good or item.code
            (item.text or "").encode("utf-8")
        transcription.document_url(given_answer)
        transcription.answer_notices(given_answer, kept_all)
        shown = transcription.with_paths(given_answer, kept_all, {0: "a.txt", 1: "a.srt"})
        assert shown["results"][0]["path"] == "a.txt"
        assert "transcript" not in shown["results"][0]
        cost = transcription.charged_cny(given_answer, kept_all)
        assert cost is None or cost >= 0
    assert repr(answer) == repr(before)


kept_all = kept("all")


@pytest.mark.parametrize("duration", [None, -9, 10**400, float("nan"), float("inf"), True, "9"])
def test_a_duration_that_cannot_be_is_no_bill(duration: object) -> None:
    """Not a negative one, and not a free one: the charge is unknown."""
    assert transcription.charged_cny(answered(GOOD, usage={"duration": duration}), kept()) is None
