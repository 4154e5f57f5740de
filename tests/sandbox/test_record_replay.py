"""What one's own account answers, recorded without its key and answered again; another sandbox plays the service."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.recording.exchanges import BadRecording, body_of, read_recording_file
from bailian.sandbox.recording.links import Links
from bailian.sandbox.recording.replayer import difference
from bailian.sandbox.recording.scrubbing import keys_in, scrubbed
from bailian.sandbox.recording.server import RecordingProxy, Replay, check_upstream

KEY = "sk-very-secret-0123456789"
HEADERS = {"Authorization": f"Bearer {KEY}", "Cookie": "session=cookie-secret"}
TEXT = "/api/v1/services/aigc/text-generation/generation"
IMAGE = "/api/v1/services/aigc/text2image/image-synthesis"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "account.jsonl"


@pytest.fixture
def recorder(box: Sandbox, path: Path) -> Iterator[RecordingProxy]:
    with RecordingProxy(path, upstream=box.root_url) as proxy:
        yield proxy


class Caller:
    """A client of either."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers.update(HEADERS)

    def text(self, prompt: str, *, stream: bool = False, **parameters: Any) -> requests.Response:
        body = {"model": "qwen-plus", "input": {"prompt": prompt}, "parameters": parameters}
        headers = {"X-DashScope-SSE": "enable"} if stream else {}
        return self.http.post(self.root + TEXT, json=body, headers=headers, timeout=30)

    def picture(self) -> tuple[list[str], bytes]:
        """Return the statuses on the way, and the file."""
        body = {"model": "wan2.2-t2i-flash", "input": {"prompt": "猫"}, "parameters": {"n": 1, "size": "512*512"}}
        made = self.http.post(self.root + IMAGE, json=body, headers={"X-DashScope-Async": "enable"}, timeout=30).json()
        seen: list[str] = []
        while not seen or seen[-1] in ("PENDING", "RUNNING"):
            task = self.http.get(f"{self.root}/api/v1/tasks/{made['output']['task_id']}", timeout=30).json()
            seen.append(task["output"]["task_status"])
        link = task["output"]["results"][0]["url"]
        assert link.startswith(self.root)
        return seen, requests.get(link, timeout=30).content

    def upload(self) -> str:
        grant = self.http.get(
            self.root + "/api/v1/uploads", params={"action": "getPolicy", "model": "qwen-vl-max"}, timeout=30
        ).json()["data"]
        key = grant["upload_dir"] + "/a.png"
        fields = {
            "OSSAccessKeyId": grant["oss_access_key_id"], "Signature": grant["signature"], "policy": grant["policy"],
            "x-oss-object-acl": grant["x_oss_object_acl"], "x-oss-forbid-overwrite": grant["x_oss_forbid_overwrite"],
            "key": key, "success_action_status": "200",
        }  # fmt: skip
        answer = requests.post(grant["upload_host"], data=fields, files={"file": ("a.png", b"\x89PNG")}, timeout=30)
        assert answer.status_code == 200, answer.text
        return f"oss://{key}"


def test_texts_streams_pictures_and_uploads_come_again(box: Sandbox, recorder: RecordingProxy, path: Path) -> None:
    box.settings.change({"end_after_polls": 3})
    first = Caller(recorder.root_url)
    recorded = (
        first.text("数到9").json(), first.text("你好", stream=True, incremental_output=True).content,
        first.text("x", temperature=9).json(), first.picture(), first.upload(),
    )  # fmt: skip
    assert len(box.tasks) == 1
    asked = len(box.requests)
    with Replay(path) as replay:
        again = Caller(replay.root_url)
        streamed = again.text("你好", stream=True, incremental_output=True)
        assert streamed.headers["content-type"].startswith("text/event-stream")
        assert (
            again.text("数到9").json(), streamed.content, again.text("x", temperature=9).json(), again.picture(),
            again.upload(),
        ) == recorded  # fmt: skip
        assert again.text("x", temperature=9).status_code == 400
        state = requests.get(replay.root_url + "/_sandbox/state", timeout=10).json()
        assert state["unused"] == []
    assert len(box.requests) == asked


def test_the_file_holds_no_secret(box: Sandbox, recorder: RecordingProxy, path: Path) -> None:
    caller = Caller(recorder.root_url)
    box.say(f"your key is {KEY}", prompt="leak")
    caller.text("leak")
    caller.text("leak " + KEY, stream=True)
    caller.picture()
    caller.upload()
    grant = caller.http.get(
        recorder.base_url + "/uploads", params={"action": "getPolicy", "model": "m"}, timeout=30
    ).json()
    caller.http.get(recorder.base_url + "/tasks/x?token=query-secret", timeout=30)
    kept = path.read_text(encoding="utf-8")
    secrets = [KEY, "cookie-secret", "query-secret", grant["data"]["policy"], grant["data"]["signature"]]
    secrets += [entry.query["Signature"] for entry in box.requests if entry.kind == "download"]
    assert len(secrets) == 6
    assert [secret for secret in secrets if secret in kept] == []
    assert "set-cookie" not in kept.lower()
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_service_gets_its_own_links_back_and_links_get_no_key(box: Sandbox, recorder: RecordingProxy) -> None:
    caller = Caller(recorder.root_url)
    caller.picture()
    (download,) = [entry for entry in box.requests if entry.kind == "download"]
    assert "authorization" not in download.headers
    assert "cookie" not in download.headers
    links = Links()
    told = links.led_here(f'{{"url":"{box.root_url}/a/b.png?Expires=1&Signature=x%2By"}}', "http://me")
    assert json.loads(told)["url"].startswith("http://me/_result/")
    assert links.led_back(told, "http://me") == f'{{"url":"{box.root_url}/a/b.png?Expires=1&Signature=x%2By"}}'


def test_it_is_no_open_proxy(box: Sandbox, recorder: RecordingProxy) -> None:
    for path in ("/_result/0123456789abcdef/x.png", "/_upload/0123456789abcdef"):
        assert requests.get(recorder.root_url + path, timeout=10).json()["code"] == "Sandbox.NotImitated"
    assert requests.get(recorder.root_url + "/_sandbox/settings", timeout=10).status_code == 400
    assert requests.get(recorder.root_url, headers={"Host": "evil.example"}, timeout=10).status_code == 421
    assert box.requests == []


def test_a_paid_request_is_sent_once(box: Sandbox, recorder: RecordingProxy, path: Path) -> None:
    """A line that breaks is no answer, and nothing is asked a second time."""
    box.faults.add(Fault("text", "reset_after"))
    answer = Caller(recorder.root_url).text("x")
    assert (answer.status_code, answer.json()["code"]) == (502, "Sandbox.NoUpstream")
    assert len(box.sync_calls) == 1
    assert read_recording_file(path) == []


def replayed(box: Sandbox, path: Path, *prompts: str) -> Replay:
    with RecordingProxy(path, upstream=box.root_url) as proxy:
        for prompt in prompts:
            Caller(proxy.root_url).text(prompt)
    return Replay(path)


def test_what_was_not_recorded_names_the_nearest(box: Sandbox, path: Path) -> None:
    with replayed(box, path, "a red cat", "something else entirely") as replay:
        caller = Caller(replay.root_url)
        answer = caller.text("a blue cat")
        assert (answer.status_code, answer.json()["code"]) == (400, "Sandbox.NotImitated")
        assert 'body.input.prompt is "a red cat", and here "a blue cat"' in answer.json()["message"]
        other = caller.http.get(replay.base_url + "/services/aigc/text-generation", timeout=10).json()
        assert f"the nearest recorded is POST {TEXT}" in other["message"]
        nested = caller.http.post(replay.root_url + "/compatible-mode/v1/chat/completions", json={}, timeout=10)
        assert (nested.status_code, nested.json()["error"]["code"]) == (400, "Sandbox.NotImitated")
        streamed = caller.text("a red cat", stream=True).json()["message"]
        assert "headers.x-dashscope-sse is null" in streamed


def test_the_same_question_has_its_answers_in_order_and_again_after_a_reset(box: Sandbox, path: Path) -> None:
    box.say("one", times=1)
    box.say("two")
    with replayed(box, path, "x", "x") as replay:
        caller = Caller(replay.root_url)
        assert [caller.text("x").json()["output"]["text"] for _ in range(3)] == ["one", "two", "two"]
        requests.post(replay.root_url + "/_sandbox/reset", json={}, timeout=10)
        assert caller.text("x").json()["output"]["text"] == "one"


def test_a_download_goes_on_where_it_stopped(box: Sandbox, path: Path) -> None:
    with RecordingProxy(path, upstream=box.root_url) as proxy:
        _, whole = Caller(proxy.root_url).picture()
    with Replay(path) as replay:
        caller = Caller(replay.root_url)
        caller.picture()
        (link,) = [one.path for one in read_recording_file(path) if one.path.startswith("/_result/")]
        part = requests.get(replay.root_url + link, headers={"Range": "bytes=100-"}, timeout=10)
    assert (part.status_code, part.content) == (206, whole[100:])


@pytest.mark.parametrize("upstream", ["http://dashscope.aliyuncs.com", "https://", "ftp://x", "", "https://x/api/v1"])
def test_the_key_goes_nowhere_in_the_clear(upstream: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        check_upstream(upstream)


@pytest.mark.parametrize("content", ["nonsense\n", '{"method":"GET"}\n', "[]\n", '{"recording":1}\n{"a":1}\n', "1\n"])
def test_a_file_that_is_no_recording_is_refused_with_its_line(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadRecording, match=r"line [12]: is no exchange"):
        Replay(path)


@given(st.text(min_size=4), st.text(), st.text())
def test_no_key_survives(key: str, before: str, after: str) -> None:
    keys = keys_in({"Authorization": f"Bearer {key}"})
    kept = scrubbed(json.dumps({"a": before + key + after}), keys)
    assert not keys or keys[0] not in kept or keys[0] in "***" or len(keys[0]) < 4


@given(st.binary())
def test_any_body_can_be_kept(raw: bytes) -> None:
    json.dumps(body_of("application/json", raw))


def test_the_boundary_of_a_form_is_chance() -> None:
    one, other = (
        body_of(f"multipart/form-data; boundary={name}", f"--{name}\r\n\r\nx\r\n--{name}--".encode())
        for name in ("aa", "bb")
    )
    assert one == other


@pytest.mark.parametrize(
    "asked, recorded, told",
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "a[1].b is 3, and here 2"),
        ({"a": 1}, {"a": 1, "c": "x"}, 'c is "x", and here null'),
        ({"a": [1]}, {"a": [1, 2]}, "a is [1, 2], and here [1]"),
        ({"a": 1}, {"a": 1}, ""),
    ],
)
def test_the_difference_is_named(asked: Any, recorded: Any, told: str) -> None:
    assert difference(asked, recorded) == told
