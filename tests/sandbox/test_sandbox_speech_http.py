"""Speech over HTTP: SpeechSynthesizer and Qwen-TTS, complete and as a stream, faults, and the vendor's SDK."""

from __future__ import annotations

import base64
import io
import json
import wave
from typing import Any

import pytest
import requests

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.speech.audio_watermark import find_id3_watermarks, find_packed_watermarks, find_watermarks
from bailian.sandbox.voices.counting import counted
from tests.support.sandbox_client import SYNC, Client

pytestmark = pytest.mark.slow

SYNTHESIZER = "/services/audio/tts/SpeechSynthesizer"
SAID = "床前明月光，疑是地上霜。举头望明月。"
FLASH = {"model": "cosyvoice-v3-flash", "voice": "longanyang"}
CHERRY = {"model": "qwen3-tts-flash", "voice": "Cherry"}


def speak(
    client: Client, path: str = SYNTHESIZER, *, model: str, stream: bool = False, **inputs: Any
) -> requests.Response:
    headers = {"X-DashScope-SSE": "enable"} if stream else {}
    body = {"model": model, "input": {"text": SAID, **inputs}}
    return client.post(path, body, asks_async=False, **headers)


def frames(answer: requests.Response) -> list[dict[str, Any]]:
    assert "text/event-stream" in answer.headers["content-type"]
    return [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]


def said_in(data: bytes, form: str, rate: int) -> str:
    if form == "mp3":
        found = find_id3_watermarks(data)
    elif form == "opus":
        found = find_packed_watermarks(data)
    else:
        found = find_watermarks(data[44:] if form == "wav" else data, rate)
    return "".join(sentence.text for sentence in found)


@pytest.mark.parametrize("form", ["wav", "mp3", "pcm", "opus"])
def test_a_complete_answer_links_to_the_file(client: Client, box: Sandbox, form: str) -> None:
    answer = speak(client, **FLASH, format=form, sample_rate=16000).json()

    assert set(answer) == {"request_id", "output", "usage"}
    assert answer["usage"] == {"characters": counted(SAID)}
    assert answer["output"]["finish_reason"] == "stop"
    audio = answer["output"]["audio"]
    assert set(audio) == {"data", "url", "id", "expires_at"}
    assert audio["data"] == ""
    assert audio["url"].partition("?")[0].endswith(f".{form}")
    got = client.download(audio["url"])
    assert got.headers["content-type"].startswith({"pcm": "application", "opus": "audio/ogg"}.get(form, "audio/"))
    assert said_in(got.content, form, 16000) == SAID
    if form == "wav":
        with wave.open(io.BytesIO(got.content)) as file:
            assert file.getnframes() == (len(got.content) - 44) // 2, "a file has true sizes"
    (call,) = box.sync_calls
    assert (call.request.kind, call.request.prompt) == ("speech", SAID)


def test_the_defaults_are_the_sockets(client: Client) -> None:
    url = speak(client, **FLASH).json()["output"]["audio"]["url"]
    assert ".mp3?" in url


def test_a_stream_has_the_sound_and_then_the_link(client: Client) -> None:
    told = frames(speak(client, **FLASH, stream=True, format="pcm", sample_rate=8000, word_timestamp_enabled=True))

    *parts, last = told
    assert [part["output"]["type"] for part in parts if part["output"]["type"] != "sentence-synthesis"] == [
        "sentence-begin", "sentence-end", "sentence-begin", "sentence-end",
    ]  # fmt: skip
    assert all(part["output"]["finish_reason"] == "null" for part in parts)
    data = b"".join(base64.b64decode(part["output"]["audio"]["data"]) for part in parts)
    assert said_in(data, "pcm", 8000) == SAID
    assert last["output"]["finish_reason"] == "stop"
    assert "type" not in last["output"]
    assert last["output"]["audio"]["data"] == ""
    assert said_in(client.download(last["output"]["audio"]["url"]).content, "pcm", 8000) == SAID
    assert [part["usage"]["characters"] for part in told] == sorted(part["usage"]["characters"] for part in told)
    words = [word["text"] for part in parts for word in part["output"]["sentence"]["words"]]
    assert "".join(words) == "床前明月光疑是地上霜举头望明月"


@pytest.mark.parametrize(
    ("model", "inputs", "code", "message"),
    [
        ("cosyvoice-v3-flash", {"voice": "Cherry"}, "InvalidParameter", "418"),
        ("cosyvoice-v3-flash", {}, "InvalidParameter", "Request voice is invalid!"),
        ("cosyvoice-v3-flash", {"voice": "longanyang", "text": " "}, "InvalidParameter", "Please ensure input text"),
        ("cosyvoice-v3-flash", {"voice": "longanyang", "text": "一" * 10_001}, "InvalidParameter", "418"),
        ("cosyvoice-v3-flash", {"voice": "longanyang", "instruction": "happily"}, "InvalidParameter", "428"),
        ("cosyvoice-v3-flash", {"voice": "longanyang", "format": "flac"}, "InvalidParameter", "418"),
        ("qwen-audio-3.0-tts-plus", {"voice": "longanyang"}, "InvalidParameter", "[411]"),
        ("qwen3-tts-flash", {"voice": "Cherry"}, "InvalidParameter", "url error"),
        ("sambert-zhichu-v1", {"voice": "x"}, "InvalidParameter", "url error"),
        ("cosyvoice-v9", {"voice": "x"}, "ModelNotFound", "Model can not be found."),
    ],
)
def test_refusals(client: Client, box: Sandbox, model: str, inputs: dict[str, Any], code: str, message: str) -> None:
    answer = speak(client, model=model, **inputs)
    assert answer.status_code == (404 if code == "ModelNotFound" else 400)
    assert answer.json()["code"] == code
    assert message in answer.json()["message"]
    assert box.sync_calls == []


def test_options_outside_input_do_not_count(client: Client) -> None:
    body = {"model": FLASH["model"], "input": {"text": "好。"}, "parameters": {"voice": FLASH["voice"]}}
    assert client.post(SYNTHESIZER, body, asks_async=False).json()["message"] == "Request voice is invalid!"


def test_ssml_and_styles(client: Client) -> None:
    text = "<speak>你好，<sub alias='世界'>x</sub>。</speak>"
    answer = speak(client, **FLASH, text=text, enable_ssml=True, format="wav", sample_rate=8000).json()
    assert answer["usage"]["characters"] == counted("你好，世界。")
    assert said_in(client.download(answer["output"]["audio"]["url"]).content, "wav", 8000) == "你好，世界。"
    assert speak(client, **FLASH, instruction="你说话的情感是happy。").status_code == 200


@pytest.mark.parametrize("path", [SYNTHESIZER, SYNC])
def test_the_async_header_is_refused(client: Client, path: str) -> None:
    own = FLASH if path == SYNTHESIZER else CHERRY
    body = {"model": own["model"], "input": {"text": "好。", "voice": own["voice"]}}
    assert client.post(path, body).status_code == 403


# ── Qwen-TTS ──


def test_qwen_tts_links_to_a_wav(client: Client, box: Sandbox) -> None:
    answer = speak(client, SYNC, **CHERRY, language_type="Chinese").json()

    output = answer["output"]
    assert (output["finish_reason"], output["choices"], output["text"]) == ("stop", None, None)
    assert answer["usage"] == {"input_tokens": 0, "output_tokens": 0, "characters": counted(SAID)}
    data = client.download(output["audio"]["url"]).content
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (24000, 2, 1)
    assert said_in(data, "wav", 24000) == SAID
    assert [call.request.kind for call in box.sync_calls] == ["speech"]


def test_qwen_tts_streams_bare_samples(client: Client) -> None:
    *parts, last = frames(speak(client, SYNC, **CHERRY, stream=True))
    assert all(part["output"]["finish_reason"] == "null" for part in parts)
    data = b"".join(base64.b64decode(part["output"]["audio"]["data"]) for part in parts)
    assert said_in(data, "pcm", 24000) == SAID
    assert (last["output"]["finish_reason"], last["output"]["audio"]["data"]) == ("stop", "")
    assert client.download(last["output"]["audio"]["url"]).content[44:] == data


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"text": "一" * 601}, "Range of input length should be [1, 600]"), ({"text": ""}, "Please ensure input text"),
        ({"voice": "cherry"}, "The requested voice 'cherry' is not supported."), ({"voice": None}, "voice is invalid"),
        ({"voice": "longanyang"}, "not supported"), ({"language_type": "zh"}, "language_type"), ({"language_type": ["zh"]}, "language_type"),
        ({"instructions": "slowly"}, "428"),
    ],
)  # fmt: skip
def test_what_qwen_tts_refuses(client: Client, box: Sandbox, inputs: dict[str, Any], message: str) -> None:
    answer = speak(client, SYNC, **{**CHERRY, **inputs})
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert message in answer.json()["message"]
    assert box.sync_calls == []


def test_600_characters_pass(client: Client) -> None:
    assert speak(client, SYNC, **CHERRY, text="好" * 600).json()["usage"]["characters"] == 1200


def test_the_model_with_instructions_is_over(client: Client) -> None:
    own = {**CHERRY, "model": "qwen3-tts-instruct-flash"}
    assert speak(client, SYNC, **own, instructions="slowly", optimize_instructions=True).status_code == 200
    from datetime import date

    with Sandbox(task_s=0, day=date(2026, 11, 28)) as box:
        assert speak(Client(box), SYNC, **own).status_code == 404


# ── faults ──


@pytest.mark.parametrize("path", [SYNTHESIZER, SYNC])
def test_faults(client: Client, box: Sandbox, path: str) -> None:
    own = FLASH if path == SYNTHESIZER else CHERRY
    box.faults.add(
        Fault("sync", "throttle"), Fault("sync", "failed"), Fault("sync", "no_choices"), Fault("sync", "reset_after")
    )
    assert speak(client, path, **own).status_code == 429
    failed = speak(client, path, **own)
    assert (failed.status_code, failed.json()["code"]) == (500, "InternalError.Algo")
    assert "audio" not in speak(client, path, **own).json()["output"]
    with pytest.raises(requests.ConnectionError):
        speak(client, path, **own)
    assert len(box.sync_calls) == 3
    box.faults.add(Fault("sync", "stream_error", count=2), Fault("download", "expired"))
    broken = frames(speak(client, path, **own, stream=True))
    assert len(broken) == 3
    assert broken[-1]["code"] == "Throttling.AllocationQuota"
    link = speak(client, path, **own).json()["output"]["audio"]["url"]
    assert [client.download(link).status_code for _ in range(2)] == [403, 403]


@pytest.mark.parametrize("path", [SYNTHESIZER, SYNC])
def test_trigger_words(client: Client, path: str) -> None:
    own = FLASH if path == SYNTHESIZER else CHERRY
    for word in ("[sandbox:refuse]", "[sandbox:fail]"):
        assert speak(client, path, **own, text=f"{word} 好。").json()["code"] == "DataInspectionFailed"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
class TestTheOfficialSdk:
    """The vendor's own SDK, unchanged."""

    def test_http_tts(self, sdk: Any, client: Client) -> None:
        from dashscope.audio.http_tts import HttpSpeechSynthesizer

        answer = HttpSpeechSynthesizer.call(text=SAID, **FLASH, volume=60)
        assert (answer.status_code, answer.usage["characters"]) == (200, counted(SAID))
        assert said_in(client.download(answer.audio_url).content, "wav", 24000) == SAID
        *parts, last = HttpSpeechSynthesizer.call(text=SAID, **FLASH, audio_format="pcm", stream=True)
        assert said_in(last.audio_data, "pcm", 24000) == SAID
        assert b"".join(part.audio_data for part in parts) == last.audio_data
        assert last.audio_url
        refused = HttpSpeechSynthesizer.call(text=SAID, model="cosyvoice-v3-flash", voice="Cherry")
        assert (refused.status_code, refused.code) == (400, "InvalidParameter")

    def test_qwen_tts(self, sdk: Any, client: Client) -> None:
        from dashscope.audio.qwen_tts import SpeechSynthesizer

        answer = SpeechSynthesizer.call(text=SAID, **CHERRY)
        assert answer.usage.characters == counted(SAID)
        assert said_in(client.download(answer.output.audio["url"]).content, "wav", 24000) == SAID
        *parts, last = SpeechSynthesizer.call(text=SAID, **CHERRY, stream=True)
        data = b"".join(base64.b64decode(part.output.audio["data"]) for part in parts)
        assert said_in(data, "pcm", 24000) == SAID
        assert last.output.audio["url"]

    def test_a_multimodal_conversation(self, sdk: Any) -> None:
        answer = sdk.MultiModalConversation.call(text=SAID, **CHERRY, language_type="Chinese")
        assert answer.status_code == 200
        assert answer.output.audio["url"]
