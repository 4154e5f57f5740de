"""Voices of one's own: cloned, designed, listed, deleted; and their use with their target model only."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.speech.audio_watermark import find_watermarks
from tests.support.recordings import humming, silence, spoken
from tests.support.sandbox_client import Client
from tests.support.served_files import ServedFiles
from tests.support.speech_socket import BAD_418, error, outputs, speak, usage

pytestmark = pytest.mark.slow

PATH = "/services/audio/tts/customization"
PROMPT = "沉稳的中年男性播音员，音色低沉浑厚"
PREVIEW = "各位听众朋友，大家好，欢迎收听晚间新闻。"


@pytest.fixture(scope="module")
def recording(files: ServedFiles) -> str:
    return files.put("me.wav", humming(6, 8000))


def ask(client: Client, action: str, **inputs: Any) -> requests.Response:
    parameters = inputs.pop("parameters", None)
    body: dict[str, Any] = {"model": "voice-enrollment", "input": {"action": action, **inputs}}
    return client.post(PATH, body | ({"parameters": parameters} if parameters else {}), asks_async=False)


def clone(client: Client, url: str, model: str = "cosyvoice-v3.5-plus", **inputs: Any) -> str:
    answer = ask(client, "create_voice", target_model=model, prefix="me", url=url, **inputs)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["output"]["voice_id"])


@pytest.fixture
def ready(box: Sandbox) -> None:
    box.settings.change({"task_s": 0})


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(
    "model", ["cosyvoice-v2", "cosyvoice-v3-flash", "cosyvoice-v3.5-plus", "qwen-audio-3.1-tts-flash"]
)
def test_a_clone_speaks_with_its_model_and_no_other(client: Client, box: Sandbox, recording: str, model: str) -> None:
    voice = clone(client, recording, model, language_hints=["en"], max_prompt_audio_length=15, enable_preprocess=True)
    assert voice.startswith(f"{model}-me-")

    frames = speak(box, "Hello.", model=model, voice=voice, word_timestamp_enabled=True, format="pcm")
    assert usage(frames) == 6
    words = outputs(frames, "sentence-end")[0]["output"]["sentence"]["words"]
    assert bool(words) == model.startswith("cosyvoice")
    assert error(speak(box, "Hello.", model="cosyvoice-v3-plus", voice=voice)) == BAD_418


@pytest.mark.usefixtures("ready")
def test_a_designed_voice_is_heard_at_once(client: Client, box: Sandbox) -> None:
    answer = ask(
        client, "create_voice", target_model="cosyvoice-v3.5-flash", prefix="news", voice_prompt=PROMPT,
        preview_text=PREVIEW, parameters={"sample_rate": 16000, "response_format": "wav"},
    ).json()  # fmt: skip

    assert answer["usage"] == {"count": 1}
    output = answer["output"]
    assert output["voice_id"].startswith("cosyvoice-v3.5-flash-vd-news-")
    assert (output["preview_audio"]["sample_rate"], output["preview_audio"]["response_format"]) == (16000, "wav")
    data = base64.b64decode(output["preview_audio"]["data"])
    assert "".join(sentence.text for sentence in find_watermarks(data[44:], 16000)) == PREVIEW
    frames = speak(box, "好。", model="cosyvoice-v3.5-flash", voice=output["voice_id"], instruction="用激动的语气")
    assert usage(frames) == 3


def test_it_is_deployed_first(client: Client, box: Sandbox, recording: str) -> None:
    box.settings.change({"task_s": 3600})
    voice = clone(client, recording)
    assert ask(client, "query_voice", voice_id=voice).json()["output"]["status"] == "DEPLOYING"
    box.settings.change({"task_s": 0})
    assert error(speak(box, "好。", model="cosyvoice-v3.5-plus", voice=voice)) == BAD_418
    ask(client, "update_voice", voice_id=voice, url=recording)
    assert ask(client, "query_voice", voice_id=voice).json()["output"]["status"] == "OK"
    assert usage(speak(box, "好。", model="cosyvoice-v3.5-plus", voice=voice)) == 3


@pytest.mark.usefixtures("ready")
def test_list_query_and_delete(client: Client, box: Sandbox, recording: str) -> None:
    one, two = clone(client, recording), clone(client, recording, "cosyvoice-v2")
    listed = ask(client, "list_voice", prefix="me", page_size=1, page_index=1).json()["output"]["voice_list"]
    assert [row["voice_id"] for row in listed] == [one]
    assert set(listed[0]) == {"voice_id", "gmt_create", "gmt_modified", "status"}
    assert ask(client, "list_voice", prefix="you").json()["output"]["voice_list"] == []
    queried = ask(client, "query_voice", voice_id=two).json()["output"]
    assert (queried["target_model"], queried["resource_link"], queried["status"]) == ("cosyvoice-v2", recording, "OK")
    assert ask(client, "delete_voice", voice_id=one).status_code == 200
    for action in ("query_voice", "delete_voice", "update_voice"):
        gone = ask(client, action, voice_id=one, url=recording)
        assert (gone.status_code, gone.json()["code"]) == (400, "BadRequest.ResourceNotExist")
    assert error(speak(box, "好。", model="cosyvoice-v3.5-plus", voice=one)) == BAD_418


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"url": "short"}, "Audio.AudioShortError"), ({"url": "silent"}, "Audio.AudioSilentError"),
        ({"url": "gone"}, "Audio.DecoderError"), ({"url": "oss://a/b.wav"}, "InvalidURL"), ({"url": None}, "InvalidURL"),
        ({"prefix": "too-long-prefix"}, "InvalidParameter"), ({"prefix": "我"}, "InvalidParameter"),
        ({"target_model": "qwen3-tts-flash"}, "InvalidParameter"), ({"target_model": "sambert-zhichu-v1"}, "InvalidParameter"),
        ({"max_prompt_audio_length": 31}, "InvalidParameter"), ({"language_hints": ["xx"]}, "InvalidParameter"),
        ({"voice_prompt": "x" * 501, "preview_text": PREVIEW}, "InvalidParameter"),
        ({"voice_prompt": PROMPT, "preview_text": "太短"}, "InvalidParameter"),
        ({"voice_prompt": PROMPT, "preview_text": PREVIEW, "target_model": "cosyvoice-v2"}, "InvalidParameter"),
        ({"action": "rename_voice"}, "InvalidParameter"),
    ],
)  # fmt: skip
def test_refusals(client: Client, files: ServedFiles, recording: str, inputs: dict[str, Any], code: str) -> None:
    made = {
        "short": files.put("s.wav", humming(2)), "silent": files.put("q.wav", silence()), "gone": files.put("g", 404),
    }  # fmt: skip
    body = {"action": "create_voice", "target_model": "cosyvoice-v3-flash", "prefix": "me", "url": recording, **inputs}
    body["url"] = made.get(str(body["url"]), body["url"])
    answer = client.post(PATH, {"model": "voice-enrollment", "input": body}, asks_async=False)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert ask(client, "list_voice").json()["output"]["voice_list"] == []


def test_what_ended_with_qwen_tts_and_recordings_elsewhere(client: Client, box: Sandbox) -> None:
    body = {"model": "qwen-voice-enrollment", "input": {"action": "create"}}
    assert client.post(PATH, body, asks_async=False).json()["code"] == "Sandbox.NotImitated"
    assert clone(client, "https://example.com/me.wav")
    box.settings.change({"fetch_foreign": "refuse"})
    refused = ask(client, "create_voice", target_model="cosyvoice-v2", prefix="a", url="https://example.com/me.wav")
    assert refused.json()["code"] == "Audio.DecoderError"


@pytest.mark.usefixtures("ready")
def test_faults(client: Client, box: Sandbox, recording: str) -> None:
    box.faults.add(Fault("customization", "failed"), Fault("customization", "throttle", match_prompt="list_voice"))
    voice = clone(client, recording)
    assert ask(client, "list_voice").status_code == 429
    assert ask(client, "query_voice", voice_id=voice).json()["output"]["status"] == "UNDEPLOYED"
    assert error(speak(box, "好。", model="cosyvoice-v3.5-plus", voice=voice)) == BAD_418


@pytest.mark.usefixtures("ready")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_official_sdk(box: Sandbox, client: Client, files: ServedFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    dashscope = pytest.importorskip("dashscope")
    monkeypatch.setattr(dashscope, "base_http_api_url", box.base_url)
    monkeypatch.setattr(dashscope, "api_key", "sk-sdk")
    from dashscope.audio.tts_v2 import VoiceEnrollmentService
    from dashscope.audio.tts_v2.enrollment import VoiceEnrollmentException

    url = files.put("sdk.wav", spoken("这是我的声音，请您听一听，一共说了五秒钟以上的话。"))
    service = VoiceEnrollmentService()
    voice = service.create_voice(target_model="cosyvoice-v3-flash", prefix="sdk", url=url, language_hints=["zh"])
    assert [row["voice_id"] for row in service.list_voices(prefix="sdk")] == [voice]
    assert service.query_voice(voice)["status"] == "OK"
    assert usage(speak(box, "好。", voice=voice)) == 3
    service.update_voice(voice, url)
    service.delete_voice(voice)
    with pytest.raises(VoiceEnrollmentException, match="ResourceNotExist"):
        service.query_voice(voice)
