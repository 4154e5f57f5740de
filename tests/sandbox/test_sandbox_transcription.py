"""Transcription tasks over real sockets: recordings of the sandbox itself and of others, failures, the SDK."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
import requests

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.served_models import ServedModels
from bailian.sandbox.speech.audio_files import wav_header
from bailian.sandbox.speech.requests import read_speech_request
from bailian.sandbox.speech.synthesis import synthesize
from tests.support.recordings import humming
from tests.support.sandbox_client import Client
from tests.support.served_files import ServedFiles

pytestmark = pytest.mark.slow

VOICES = ServedModels(None, None).voices
PATH = "/services/audio/asr/transcription"
SAID = "你好，世界！Hello big world, this is 3.5. 再见。"


def spoken(text: str = SAID, **parameters: Any) -> bytes:
    payload = {
        "model": "sambert-zhichu-v1",
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "input": {"text": text},
        "parameters": {"sample_rate": 8000, **parameters},
    }
    return b"".join(part.data for part in synthesize(read_speech_request(payload, VOICES)))


def submit(
    client: Client, *urls: str, model: str = "paraformer-v2", headers: dict[str, str] | None = None, **parameters: Any
) -> requests.Response:
    body = {"model": model, "input": {"file_urls": list(urls)}, "parameters": parameters}
    return client.post(PATH, body, **(headers or {}))


def recognise(client: Client, *urls: str, **parameters: Any) -> dict[str, Any]:
    return client.wait(submit(client, *urls, **parameters).json()["output"]["task_id"])


def document(client: Client, answer: dict[str, Any], index: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = client.download(answer["output"]["results"][index]["transcription_url"]).json()
    return found


def test_the_course_of_a_task(client: Client, box: Sandbox, files: ServedFiles) -> None:
    url = files.put("a.wav", spoken())
    accepted = submit(client, url)
    assert accepted.status_code == 200
    assert set(accepted.json()["output"]) == {"task_status", "task_id"}
    box.settings.task_s = 3600
    running = client.poll(submit(client, url).json()["output"]["task_id"]).json()
    assert "results" not in running["output"]

    answer = client.wait(accepted.json()["output"]["task_id"])
    assert answer["output"]["task_metrics"] == {"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0}
    (result,) = answer["output"]["results"]
    assert set(result) == {"file_url", "transcription_url", "subtask_status"}
    assert (result["file_url"], result["subtask_status"]) == (url, "SUCCEEDED")
    assert answer["usage"]["duration"] >= 5
    assert {"submit_time", "scheduled_time", "end_time"} <= set(answer["output"])
    listed = client.get("/tasks").json()["data"]
    assert len(listed) == 2
    assert listed[0]["user_api_unique_key"] == "apikey:v1:aigc:asr:transcription:paraformer-v2"


@pytest.mark.parametrize("form", ["wav", "mp3"])
def test_it_recognises_what_the_sandbox_has_said(client: Client, files: ServedFiles, form: str) -> None:
    answer = recognise(client, files.put(f"a.{form}", spoken(format=form)))
    found = document(client, answer)

    assert set(found) == {"file_url", "properties", "transcripts"}
    assert set(found["properties"]) == {
        "audio_format", "channels", "original_sampling_rate", "original_duration_in_milliseconds",
    }  # fmt: skip
    (channel,) = found["transcripts"]
    assert channel["text"] == SAID
    sentences = channel["sentences"]
    assert [sentence["sentence_id"] for sentence in sentences] == [1, 2, 3]
    for sentence in sentences:
        words = sentence["words"]
        assert "".join(word["text"] + word["punctuation"] for word in words).strip() == sentence["text"]
        times = [time for word in words for time in (word["begin_time"], word["end_time"])]
        assert times == sorted(times)
        assert (sentence["begin_time"], sentence["end_time"]) == (times[0], times[-1])
        assert "speaker_id" not in sentence
    begins = [sentence["begin_time"] for sentence in sentences]
    assert begins == sorted(begins)
    spans = sum(sentence["end_time"] - sentence["begin_time"] for sentence in sentences)
    assert channel["content_duration_in_milliseconds"] == spans
    assert answer["usage"]["duration"] == math.ceil(spans / 1000)


def test_joined_repaired_and_stereo_recordings(client: Client, files: ServedFiles) -> None:
    one, two = spoken("你好。")[44:], spoken("再见。")[44:]
    joined = one + two
    mono = files.put("mono.wav", wav_header(8000, len(joined)) + joined)
    left = b"".join(joined[i : i + 2] + b"\0\0" for i in range(0, len(joined), 2))
    head = bytearray(wav_header(8000, len(left)))
    head[22:24], head[28:32], head[32:34] = b"\2\0", struct.pack("<I", 32000), b"\4\0"
    stereo = files.put("stereo.wav", bytes(head) + left)

    for url in (mono, stereo):
        found = document(client, recognise(client, url, channel_id=[0]))
        assert found["transcripts"][0]["text"] == "你好。再见。"
    answer = recognise(client, stereo, channel_id=[1])
    assert answer["output"]["results"][0]["code"] == "SUCCESS_WITH_NO_VALID_FRAGMENT"


def test_a_recording_of_somebody_else(client: Client, files: ServedFiles) -> None:
    url = files.put("hum.wav", humming())
    found = document(client, recognise(client, url))
    (sentence,) = found["transcripts"][0]["sentences"]
    assert "沙箱" in sentence["text"]
    assert (sentence["begin_time"], sentence["end_time"]) == (100, 1900)
    assert found["properties"] == {
        "audio_format": "pcm_s16le",
        "channels": [0],
        "original_sampling_rate": 16000,
        "original_duration_in_milliseconds": 2000,
    }
    assert "sandbox" in document(client, recognise(client, url, language_hints=["en"]))["transcripts"][0]["text"]
    flac = document(client, recognise(client, files.put("x.flac", b"fLaC" + bytes(32000))))
    assert flac["properties"]["audio_format"] == "flac"


def test_speakers(client: Client, files: ServedFiles) -> None:
    found = document(client, recognise(client, files.put("a.wav", spoken()), diarization_enabled=True, speaker_count=2))
    assert [sentence["speaker_id"] for sentence in found["transcripts"][0]["sentences"]] == [0, 1, 0]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (wav_header(16000, 32000) + bytes(32000), "SUCCESS_WITH_NO_VALID_FRAGMENT"),
        (b"", "FILE_CHECK_FAILED"),
        (b"<html>no sound</html>", "UNSUPPORTED_FORMAT"),
        (b"RIFF\0\0\0\0WAVEfmt ", "DECODE_ERROR"),
        (403, "FILE_403_FORBIDDEN"),
        (404, "FILE_404_NOT_FOUND"),
        (502, "FILE_SERVER_ERROR"),
    ],
)
def test_files_that_fail(client: Client, files: ServedFiles, data: bytes | int, code: str) -> None:
    url = files.put("x", data)
    answer = recognise(client, url)
    assert answer["output"]["task_status"] == "SUCCEEDED"
    assert answer["output"]["task_metrics"] == {"TOTAL": 1, "SUCCEEDED": 0, "FAILED": 1}
    (result,) = answer["output"]["results"]
    assert set(result) == {"file_url", "code", "message", "subtask_status"}
    assert (result["code"], result["subtask_status"]) == (code, "FAILED")
    assert "usage" not in answer


def test_one_good_file_of_three(client: Client, files: ServedFiles) -> None:
    dead = "http://127.0.0.1:9/x.wav"
    answer = recognise(client, dead, files.put("a.wav", spoken()), files.put("b.wav", 404))
    assert [result["subtask_status"] for result in answer["output"]["results"]] == ["FAILED", "SUCCEEDED", "FAILED"]
    assert answer["output"]["results"][0]["code"] == "InvalidFile.DownloadFailed"
    assert document(client, answer, 1)["transcripts"][0]["text"] == SAID


def test_other_computers_are_never_asked(client: Client, box: Sandbox) -> None:
    url = "https://example.invalid/a.wav"
    assert "沙箱" in document(client, recognise(client, url))["transcripts"][0]["text"]
    box.settings.change({"fetch_foreign": "refuse"})
    assert recognise(client, url)["output"]["results"][0]["code"] == "InvalidFile.DownloadFailed"
    spaced = "http://127.0.0.1:9/一 二.wav"
    assert recognise(client, spaced)["output"]["results"][0]["code"] == "InvalidFile.DownloadFailed"


def upload(client: Client, model: str, data: bytes) -> str:
    grant = client.get("/uploads", action="getPolicy", model=model).json()["data"]
    key = f"{grant['upload_dir']}/a.wav"
    form = {
        "OSSAccessKeyId": grant["oss_access_key_id"],
        "Signature": grant["signature"],
        "policy": grant["policy"],
        "key": key,
        "x-oss-object-acl": grant["x_oss_object_acl"],
        "x-oss-forbid-overwrite": grant["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }
    assert (
        requests.post(grant["upload_host"], data=form, files={"file": ("a.wav", data)}, timeout=10).status_code == 200
    )
    return f"oss://{key}"


def test_uploaded_files(client: Client) -> None:
    url = upload(client, "paraformer-v2", spoken())
    resolve = {"X-DashScope-OssResourceResolve": "enable"}

    refused = submit(client, url)
    assert (refused.status_code, refused.json()["code"]) == (400, "InvalidParameter")
    accepted = submit(client, url, headers=resolve)
    assert document(client, client.wait(accepted.json()["output"]["task_id"]))["transcripts"][0]["text"] == SAID
    other = submit(client, url, headers=resolve, model="paraformer-v1").json()["output"]["task_id"]
    assert client.wait(other)["output"]["results"][0]["code"] == "InvalidFile.DownloadFailed"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": {}}, "input must contain file_urls"),
        ({"input": {"file_urls": []}}, "input must contain file_urls"),
        ({"input": {"file_urls": ["http://127.0.0.1/a"]}, "parameters": {"chanel_id": [0]}}, "Invalid backend response"),
        ({"input": {"file_urls": ["file:///a.wav"]}}, "url error, please check url"),
        ({"input": {"file_urls": ["a.wav"]}}, "url error, please check url"),
        ({"model": "paraformer-realtime-v2", "input": {"file_urls": ["http://127.0.0.1/a"]}}, "url error"),
        ({"model": "paraformer-en-v1", "input": {"file_urls": ["http://127.0.0.1/a"]}}, "Model not exist."),
        ({"input": {"file_urls": ["http://127.0.0.1/a"]}, "parameters": {"special_word_filter": {}}}, "conform"),
        ({"input": {"file_urls": ["http://127.0.0.1/a"]}, "parameters": {"speaker_count": 1}}, "conform"),
    ],
)  # fmt: skip
def test_refusals(client: Client, box: Sandbox, body: dict[str, Any], message: str) -> None:
    answer = client.post(PATH, {"model": "paraformer-v1", **body})
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert message in answer.json()["message"]
    assert box.tasks == []


def test_the_async_header_is_needed_and_not_on_a_poll(client: Client) -> None:
    body = {"model": "paraformer-v1", "input": {"file_urls": ["http://127.0.0.1:9/a"]}}
    refused = client.post(PATH, body, asks_async=False)
    assert (refused.status_code, refused.json()["code"]) == (403, "AccessDenied")
    task_id = client.post(PATH, body).json()["output"]["task_id"]
    client.http.headers["X-DashScope-Async"] = "enable"
    assert client.poll(task_id).status_code == 403


def test_a_link_is_signed_and_can_expire(client: Client, box: Sandbox, files: ServedFiles) -> None:
    link = recognise(client, files.put("a.wav", humming()))["output"]["results"][0]["transcription_url"]
    assert client.download(link).headers["content-type"] == "application/json"
    assert client.download(link, Range="bytes=0-3").status_code == 206
    assert client.download(link.partition("?")[0]).status_code == 403
    box.faults.add(Fault("download", "html_file"), Fault("download", "expired"))
    assert "html" in client.download(link).headers["content-type"]
    assert client.download(link).status_code == 403
    assert client.download(link).status_code == 403


def test_faults_of_tasks(client: Client, box: Sandbox, files: ServedFiles) -> None:
    urls = [files.put("a.wav", spoken()), files.put("b.wav", humming())]
    box.faults.add(Fault("submit", "failed"), Fault("submit", "partial"), Fault("poll", "no_choices"))
    task_id = submit(client, urls[0]).json()["output"]["task_id"]
    assert client.poll(task_id).json()["output"].get("results") is None

    failed = client.wait(task_id)
    assert (failed["output"]["task_status"], failed["output"]["code"]) == ("FAILED", "InternalError.Algo")
    assert failed["output"]["results"][0]["code"] == "InternalError.Algo"
    partial = recognise(client, *urls)
    assert [result["subtask_status"] for result in partial["output"]["results"]] == ["SUCCEEDED", "FAILED"]
    box.faults.add(Fault("submit", "reset_after", match_prompt="a.wav"))
    with pytest.raises(requests.ConnectionError):
        submit(client, urls[0])
    assert len(box.tasks) == 3


def test_cancel_and_times(client: Client, box: Sandbox) -> None:
    box.settings.task_s = 3600
    task_id = submit(client, "http://127.0.0.1:9/a").json()["output"]["task_id"]
    assert client.cancel(task_id).status_code == 200
    assert client.poll(task_id).json()["output"]["task_status"] == "CANCELED"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestTheOfficialSdk:
    """The vendor's own SDK, unchanged."""

    def test_call(self, box: Sandbox, files: ServedFiles, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        dashscope = pytest.importorskip("dashscope")
        monkeypatch.setattr(dashscope, "base_http_api_url", box.base_url)
        monkeypatch.setattr(dashscope, "api_key", "sk-sdk")
        from dashscope.audio.asr import Transcription

        url = files.put("a.wav", spoken())
        answer = Transcription.call(model="paraformer-v2", file_urls=[url], language_hints=["zh", "en"])
        assert answer.status_code == 200
        assert answer.output.task_status == "SUCCEEDED"
        (result,) = answer.output.results
        found = json.loads(requests.get(result["transcription_url"], timeout=10).text)
        assert found["transcripts"][0]["text"] == SAID
        assert answer.usage["duration"] > 0
