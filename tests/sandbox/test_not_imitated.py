"""Where the sandbox ends it says so: no model of the service is called misspelt, and nothing invites to ask again."""

from __future__ import annotations

from datetime import date

import pytest
import requests

from bailian.sandbox import Sandbox
from tests.support.pictures import drawn, uri
from tests.support.sandbox_client import EMBEDDING, MESSAGES, SYNC, TEXT, TEXT2IMAGE, Client
from tests.support.speech_socket import answers, dial, error, run_task

VIDEO = "/services/aigc/video-generation/video-synthesis"
EDIT = "/services/aigc/image2image/image-synthesis"
RECOGNITION = "/services/audio/asr/transcription"
SYNTHESIZER = "/services/audio/tts/SpeechSynthesizer"
VOICES = "/services/audio/tts/customization"
HOT_WORDS = "/services/audio/asr/customization"

LACKED = [
    (TEXT, "qwen-mt-plus"), (TEXT, "qwen2.5-7b-instruct"), (TEXT, "qwen3-235b-a22b-thinking-2507"), (SYNC, "qvq-max"),
    (TEXT2IMAGE, "flux-schnell"), (MESSAGES, "wanx-style-repaint-v1"), (EDIT, "aitryon"), (VIDEO, "wan2.2-s2v"),
    (VIDEO, "vidu/viduq3_reference2video"), (RECOGNITION, "sensevoice-v1"), (SYNTHESIZER, "cosyvoice-v1"),
    (EMBEDDING, "qwen3-vl-embedding"), (VOICES, "qwen-voice-enrollment"), (HOT_WORDS, "qwen-voice-design"),
]  # fmt: skip


def ask(client: Client, path: str, model: str) -> requests.Response:
    body = {"model": model, "input": {"prompt": "x", "messages": [{"role": "user", "content": "x"}]}}
    return client.post(path, body, asks_async=path not in (TEXT, SYNC, EMBEDDING))


@pytest.mark.parametrize("path, model", LACKED)
def test_a_model_that_only_the_real_service_has(client: Client, path: str, model: str) -> None:
    answer = ask(client, path, model)
    assert (answer.status_code, answer.json()["code"]) == (400, "Sandbox.NotImitated")
    assert f"the model {model};" in answer.json()["message"]
    assert set(answer.json()) == {"code", "message", "request_id"}


@pytest.mark.parametrize("path, model", [(path, "qwen-plvs") for path, _ in LACKED])
def test_a_name_that_nobody_has_is_misspelt(client: Client, path: str, model: str) -> None:
    answer = ask(client, path, model)
    assert (answer.status_code, answer.json()["code"]) in ((404, "ModelNotFound"), (400, "InvalidParameter"))


def test_another_paths_model_is_at_the_wrong_address(client: Client) -> None:
    for path, model in ((TEXT, "cosyvoice-v3-flash"), (EMBEDDING, "qwen-plus"), (TEXT, "qwen3.7-plus")):
        assert ask(client, path, model).json()["message"].startswith("url error"), model


def test_what_is_retired_is_not_there_rather_than_not_imitated() -> None:
    with Sandbox(task_s=0, day=date(2026, 11, 1)) as box, Client(box).http as http:
        body = {"model": "qwen-turbo", "input": {"prompt": "x"}}
        assert http.post(box.base_url + TEXT, json=body, timeout=10).json()["code"] == "ModelNotFound"
    with Sandbox(task_s=0) as box, Client(box).http as http:
        assert http.post(box.base_url + TEXT, json=body, timeout=10).status_code == 200


def test_in_a_stream_the_refusal_is_a_frame(client: Client) -> None:
    body = {"model": "qwen-mt-plus", "input": {"prompt": "x"}}
    answer = client.post(TEXT, body, asks_async=False, **{"X-DashScope-SSE": "enable"})
    assert ":HTTP_STATUS/400\n" in answer.text
    assert "Sandbox.NotImitated" in answer.text


@pytest.mark.parametrize(
    "model, code",
    [
        ("paraformer-realtime-v2", "Sandbox.NotImitated"), ("cosyvoice-v1", "Sandbox.NotImitated"),
        ("qwen3-asr-flash-realtime", "Sandbox.NotImitated"), ("sambert-nobody-v1", "ModelNotFound"),
    ],
)  # fmt: skip
def test_the_socket_says_so_too(box: Sandbox, model: str, code: str) -> None:
    with dial(box) as socket:
        socket.send(run_task(model, None))
        assert error(list(answers(socket)))[0] == code


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/api/v1/fine-tunes", "/api/v2/apps/protocols/x", "/api/v1/services/rerank/nothing"])
def test_a_route_that_it_lacks(client: Client, method: str, path: str) -> None:
    answer = client.http.request(method, client.box.root_url + path, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (400, "Sandbox.NotImitated")


COMPATIBLE = "/compatible-mode/v1/"


@pytest.mark.parametrize(
    "path, model", [("chat/completions", "qwen-mt-plus"), ("embeddings", "qwen3-vl-embedding"), ("completions", "x")]
)
def test_on_the_compatible_routes_it_is_nested(client: Client, path: str, model: str) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "x"}], "input": "x"}
    answer = client.http.post(client.box.root_url + COMPATIBLE + path, json=body, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Sandbox.NotImitated")


def test_a_query_may_be_a_post(client: Client) -> None:
    task_id = client.task_id()
    answer = client.http.post(f"{client.box.base_url}/tasks/{task_id}", timeout=10)
    assert answer.json()["output"]["task_id"] == task_id


def test_a_slash_at_the_end_changes_nothing(client: Client) -> None:
    body = {"model": "qwen-plus", "input": {"prompt": "x"}}
    assert client.post(TEXT + "/", body, asks_async=False).status_code == 200
    assert client.get("/tasks/").json()["data"] == []


@pytest.mark.few(3)
@pytest.mark.parametrize("model", ["qwen-image-2.0", "qwen-image-2.0-pro", "qwen-image-3.0", "wan2.7-image-pro"])
def test_a_model_that_draws_also_edits(client: Client, model: str) -> None:
    content = [{"image": uri(drawn())}, {"text": "x"}]
    body = {"model": model, "input": {"messages": [{"role": "user", "content": content}]}}
    assert client.post(SYNC, body, asks_async=False).status_code == 200
