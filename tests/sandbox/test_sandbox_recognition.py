"""Recognition of today: in one call, as tasks of the newer models; and the vendor's SDK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from bailian.sandbox import Fault, Sandbox
from tests.support.recordings import SAID, body_of, hear, humming, silence, spoken, uri
from tests.support.sandbox_client import SYNC, Client
from tests.support.served_files import ServedFiles

pytestmark = pytest.mark.slow

TASKS = "/services/audio/asr/transcription"
FUN = "fun-asr-flash-2026-06-15"
QWEN = "qwen3-asr-flash"


def stream(client: Client, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post(SYNC, body, asks_async=False, **{"X-DashScope-SSE": "enable"})
    assert "text/event-stream" in answer.headers["content-type"], answer.text
    return [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]


@pytest.mark.parametrize(
    ("form", "streamed"),
    [("wav", False), ("wav", True), ("mp3", False), ("mp3", True), ("opus", False), ("opus", True)],
)
def test_it_understands_what_the_sandbox_has_said(
    client: Client, files: ServedFiles, form: str, streamed: bool
) -> None:
    data = spoken(SAID, form, streamed=streamed)
    assert hear(client, FUN, uri(data, f"audio/{form}")).json()["output"]["text"] == SAID
    url = files.put(f"a.{form}", data)
    task_id = client.post(TASKS, {"model": "fun-asr", "input": {"file_urls": [url]}}).json()["output"]["task_id"]
    link = client.wait(task_id)["output"]["results"][0]["transcription_url"]
    assert client.download(link).json()["transcripts"][0]["text"] == SAID


def test_the_answer_of_qwen3(client: Client, box: Sandbox, files: ServedFiles) -> None:
    answer = hear(client, QWEN, files.put("a.wav", spoken(SAID)), asr_options={"language": "en", "enable_itn": True})
    (choice,) = answer.json()["output"]["choices"]
    assert choice["finish_reason"] == "stop"
    assert choice["message"] == {
        "role": "assistant",
        "content": [{"text": SAID}],
        "annotations": [{"type": "audio_info", "language": "en", "emotion": "neutral"}],
    }
    usage = answer.json()["usage"]
    assert usage["input_tokens_details"]["audio_tokens"] == 25 * usage["seconds"] > 100
    assert [call.request.kind for call in box.sync_calls] == ["recognition"]


@pytest.mark.parametrize("model", [FUN, "qwen-audio-3.0-asr-flash", "qwen-audio-3.1-asr-flash"])
def test_the_answer_with_times(client: Client, box: Sandbox, model: str) -> None:
    answer = hear(client, model, uri(spoken(SAID)), language_hints=["zh"]).json()
    sentence = answer["output"]["sentence"]
    assert answer["output"]["text"] == sentence["text"] == SAID
    assert set(sentence["words"][0]) == {"begin_time", "end_time", "text", "punctuation"}
    assert "".join(word["text"] + word["punctuation"] for word in sentence["words"]) == SAID
    times = [time for word in sentence["words"] for time in (word["begin_time"], word["end_time"])]
    assert times == sorted(times)
    assert (sentence["begin_time"], sentence["end_time"]) == (times[0], times[-1])
    assert answer["usage"]["duration"] >= 5
    box.faults.add(Fault("sync", "nested_output"))
    assert hear(client, model, uri(spoken("好。"))).json()["output"]["output"]["sentence"]["text"] == "好。"


def test_streams(client: Client) -> None:
    *parts, last = stream(client, body_of(FUN, uri(spoken(SAID))))
    assert [part["output"]["text"] for part in parts] == [
        "你好，世界！",
        "你好，世界！Hello big world, this is bai lian.",
    ]
    assert last["output"]["text"] == SAID
    whole = stream(client, body_of(QWEN, uri(spoken(SAID))))
    texts = [frame["output"]["choices"][0]["message"]["content"][0]["text"] for frame in whole]
    assert texts[-1] == SAID
    assert all(SAID.startswith(text) for text in texts)
    pieces = stream(client, body_of(QWEN, uri(spoken(SAID)), {"incremental_output": True}))
    contents = [frame["output"]["choices"][0]["message"]["content"] for frame in pieces]
    assert "".join(content[0]["text"] for content in contents if content) == SAID
    assert [frame["output"]["choices"][0]["finish_reason"] for frame in pieces][-2:] == ["null", "stop"]


@pytest.mark.parametrize("model", [QWEN, FUN])
def test_recordings_of_others(client: Client, box: Sandbox, model: str) -> None:
    def text(answer: Any) -> str:
        output = answer["output"]
        if "text" in output:
            return str(output["text"])
        content = output["choices"][0]["message"]["content"]
        return content[0]["text"] if content else ""

    assert "沙箱" in text(hear(client, model, uri(humming())).json())
    assert "沙箱" in text(hear(client, model, "https://example.com/a.wav").json())
    assert text(hear(client, model, uri(silence())).json()) == ""
    box.settings.change({"fetch_foreign": "refuse"})
    assert hear(client, model, "https://example.com/a.wav").status_code == 400


@pytest.mark.parametrize(
    ("model", "change", "message"),
    [
        (QWEN, {"model": FUN}, "Field required: input.messages.content.input_audio"),
        (FUN, {"model": QWEN}, "Field required: input.messages.content.audio"),
        (FUN, {"parameters": {}}, "Field required: parameters.format"),
        (FUN, {"parameters": {"format": "wav", "sample_rate": 16000}}, "sample_rate must be a string"),
        (FUN, {"parameters": {"format": "wav", "language_hints": ["zh", "en"]}}, "language_hints"),
        (FUN, {"parameters": {"format": "wav", "vocabulary": {"Bailian": 5}}}, "vocabulary"),
        ("qwen-audio-3.1-asr-flash", {"parameters": {"format": "wav", "vocabulary": {"Bailian": 6}}}, "vocabulary"),
        ("qwen-audio-3.1-asr-flash", {"parameters": {"format": "wav", "language_hints": ["a"] * 5}}, "language_hints"),
        (QWEN, {"parameters": {"asr_options": {"language": ["zh", "en"]}}}, "language"),
        (QWEN, {"input": {"messages": []}}, "Field required: input.messages"),
        (QWEN, {"input": {"messages": [{"role": "user", "content": [{"audio": "data:audio/wav;base64,AAAA"}]}]}}, "illegal"),
        (QWEN, {"input": {"messages": [{"role": "user", "content": [{"audio": "a.wav"}]}]}}, "URL is invalid"),
        (QWEN, {"input": {"messages": [{"role": "user", "content": [{"audio": "data:audio/wav;base64," + "A" * 10485764}]}]}},
         "Exceeded limit on max bytes per data-uri item"),
    ],
)  # fmt: skip
def test_refusals(client: Client, box: Sandbox, model: str, change: dict[str, Any], message: str) -> None:
    answer = client.post(SYNC, {**body_of(model, uri(spoken("好。"))), **change}, asks_async=False)
    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert box.sync_calls == []


def test_five_minutes_are_the_most(client: Client, files: ServedFiles) -> None:
    long = files.put("long.wav", silence(301))
    assert hear(client, FUN, long).json()["message"] == "The audio is too long"
    assert hear(client, FUN, files.put("right.wav", silence(299))).status_code == 200


def test_context(client: Client) -> None:
    turn = {"role": "user", "content": [{"type": "input_text", "text": "百炼"}]}
    body = body_of("qwen-audio-3.1-asr-flash", uri(spoken("好。")), {}, *[turn] * 5)
    assert client.post(SYNC, body, asks_async=False).status_code == 200
    assert client.post(SYNC, body_of(FUN, uri(spoken("好。")), {}, *[turn] * 6), asks_async=False).status_code == 400
    system = {"role": "system", "content": [{"text": "百炼"}]}
    assert client.post(SYNC, body_of(QWEN, uri(spoken("好。")), {}, system), asks_async=False).status_code == 200


def test_calls_are_no_tasks_and_tasks_no_calls(client: Client) -> None:
    for model in (QWEN, FUN):
        body = {"model": model, "input": {"file_urls": ["http://127.0.0.1:9/a.wav"]}}
        refused = client.post(TASKS, body)
        assert refused.json()["message"] == "current user api does not support asynchronous calls"
        assert client.post(SYNC, body_of(model, uri(b"x"))).status_code == 403
    for model in ("fun-asr", "paraformer-v2", "qwen3-asr-flash-filetrans"):
        refused = hear(client, model, uri(b"x"))
        assert refused.json()["message"] == "current user api does not support synchronous calls"


def test_faults(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("sync", "failed"), Fault("sync", "reset_after"), Fault("sync", "no_choices", times=2))
    assert hear(client, QWEN, uri(spoken("好。"))).status_code == 500
    with pytest.raises(requests.ConnectionError):
        hear(client, QWEN, uri(spoken("好。")))
    assert "choices" not in hear(client, QWEN, uri(spoken("好。"))).json()["output"]
    assert hear(client, FUN, uri(spoken("好。"))).json()["output"] == {}
    assert len(box.sync_calls) == 4
    box.faults.add(Fault("sync", "stream_error", count=1))
    assert stream(client, body_of(QWEN, uri(spoken(SAID))))[-1]["code"] == "Throttling.AllocationQuota"


# ── tasks ──


def task(client: Client, model: str, inputs: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    answer = client.post(TASKS, {"model": model, "input": inputs, "parameters": parameters})
    assert answer.status_code == 200, answer.text
    return client.wait(answer.json()["output"]["task_id"])


@pytest.mark.parametrize("words", [True, False])
def test_the_task_of_qwen3(client: Client, files: ServedFiles, words: bool) -> None:
    url = files.put("a.wav", spoken(SAID))
    answer = task(client, "qwen3-asr-flash-filetrans", {"file_url": url}, enable_words=words, language="zh")

    assert "results" not in answer["output"]
    assert set(answer["usage"]) == {"seconds"}
    found = client.download(answer["output"]["result"]["transcription_url"]).json()
    assert set(found) == {"file_url", "audio_info", "transcripts"}
    assert found["audio_info"] == {"format": "pcm_s16le", "sample_rate": 8000}
    (channel,) = found["transcripts"]
    assert channel["text"] == SAID
    assert [sentence["sentence_id"] for sentence in channel["sentences"]] == [0, 1, 2]
    first = channel["sentences"][0]
    assert (first["language"], first["emotion"]) == ("zh", "neutral")
    assert ("words" in first) == words


def test_a_file_that_fails_fails_the_task_of_qwen3(client: Client, files: ServedFiles) -> None:
    answer = task(client, "qwen3-asr-flash-filetrans", {"file_url": files.put("gone.wav", 404)})
    assert (answer["output"]["task_status"], answer["output"]["code"]) == ("FAILED", "FILE_404_NOT_FOUND")
    assert "result" not in answer["output"]


@pytest.mark.parametrize(
    "model", ["fun-asr", "qwen-audio-3.0-asr-flash-filetrans", "qwen-audio-3.1-asr-flash-filetrans"]
)
def test_the_tasks_of_the_others(client: Client, files: ServedFiles, model: str) -> None:
    url = files.put("a.wav", spoken(SAID))
    answer = task(client, model, {"file_urls": [url]}, diarization_enabled=True, speaker_count=2, language_hints=["zh"])
    (result,) = answer["output"]["results"]
    sentences = client.download(result["transcription_url"]).json()["transcripts"][0]["sentences"]
    assert [sentence["speaker_id"] for sentence in sentences] == [0, 1, 0]
    assert answer["usage"]["duration"] >= 4


@pytest.mark.parametrize(
    ("model", "inputs", "parameters", "message"),
    [
        ("qwen3-asr-flash-filetrans", {"file_urls": ["http://127.0.0.1:9/a"]}, {}, "input must contain file_url"),
        ("qwen3-asr-flash-filetrans", {"file_url": ["http://127.0.0.1:9/a"]}, {}, "input must contain file_url"),
        ("fun-asr", {"file_url": "http://127.0.0.1:9/a"}, {}, "input must contain file_urls"),
        ("fun-asr", {"file_urls": ["http://127.0.0.1:9/a"] * 2}, {}, "more than 1"),
        ("qwen3-asr-flash-filetrans", {"file_url": "http://127.0.0.1:9/a"}, {"language_hints": ["zh"]}, "Invalid backend"),
        ("fun-asr", {"file_urls": ["http://127.0.0.1:9/a"]}, {"enable_words": True}, "Invalid backend"),
        ("cosyvoice-v3-flash", {"file_urls": ["http://127.0.0.1:9/a"]}, {}, "url error"),
    ],
)  # fmt: skip
def test_what_tasks_refuse(
    client: Client, box: Sandbox, model: str, inputs: dict[str, Any], parameters: dict[str, Any], message: str
) -> None:
    answer = client.post(TASKS, {"model": model, "input": inputs, "parameters": parameters})
    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert box.tasks == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestTheOfficialSdk:
    """The vendor's own SDK, unchanged."""

    def test_a_local_file_in_one_call(self, sdk: Any, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        path.write_bytes(spoken(SAID))
        messages = [
            {"role": "system", "content": [{"text": ""}]},
            {"role": "user", "content": [{"audio": f"file://{path}"}]},
        ]
        answer = sdk.MultiModalConversation.call(
            model=QWEN, messages=messages, result_format="message", asr_options={"enable_itn": False}
        )
        assert answer.status_code == 200, answer
        assert answer.output.choices[0].message.content[0]["text"] == SAID
        pieces = sdk.MultiModalConversation.call(model=QWEN, messages=messages, stream=True)
        assert [piece.output.choices[0].message.content for piece in pieces][-1] == [{"text": SAID}]

    def test_qwen_transcription(self, sdk: Any, files: ServedFiles) -> None:
        from dashscope.audio.qwen_asr import QwenTranscription

        url = files.put("a.wav", spoken(SAID))
        answer = QwenTranscription.call(model="qwen3-asr-flash-filetrans", file_url=url, enable_words=True)
        assert answer.output.task_status == "SUCCEEDED"
        found = json.loads(requests.get(answer.output.result["transcription_url"], timeout=10).text)
        assert found["transcripts"][0]["text"] == SAID
        assert answer.usage["seconds"] > 0
