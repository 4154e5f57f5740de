"""The speech socket over real sockets: against the sandbox, and against a server that does what no service should."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from bailian import __version__
from bailian.errors import MaybeSent, NotSent, ServiceError, Unreachable
from bailian.sandbox import Fault, Sandbox
from bailian.service.speech import session
from bailian.service.speech.connection import SpeechConnection
from bailian.service.speech.session import SpeechSocket
from tests.support.local_web import LocalWeb, hang_up, http, silence
from tests.support.speech_server import BINARY, CONTINUED, PING, TEXT, Peer, Script, SpeechServer

KEY = "sk-test-0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {KEY}"}
POEM = "床前明月光，疑是地上霜。"
SOUND = b"\x01\x02\x03\x04"


def payload(text: str = POEM, model: str = "sambert-zhichu-v1", **parameters: Any) -> dict[str, Any]:
    return {
        "model": model,
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "input": {"text": text},
        "parameters": {"format": "wav", "sample_rate": 8000, **parameters},
    }


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "speech.part"


@pytest.fixture(scope="module")
def one_sandbox() -> Iterator[Sandbox]:
    with Sandbox(task_s=0, enforce_limits=False) as box:
        yield box


@pytest.fixture
def spoken(one_sandbox: Sandbox) -> Sandbox:
    """A fault that a test has ordered and not met is none of the next one."""
    one_sandbox.reset()
    return one_sandbox


def at(url: str, **limits: float) -> SpeechSocket:
    return SpeechSocket(url, HEADERS, **limits)


def answer_of(script: Script, part: Path, **limits: float) -> dict[str, Any]:
    with SpeechServer(script) as server:
        return at(server.url, **limits).speak(payload(), part)


def test_the_course_of_a_task(spoken: Sandbox, part: Path) -> None:
    events: list[str] = []
    part.write_bytes(b"what an earlier try has left" * 100_000)

    answer = at(spoken.socket_url).speak(payload(word_timestamp_enabled=True), part, told=events.append)

    assert (events[0], events[-1]) == ("task-started", "task-finished")
    assert set(events[1:-1]) == {"result-generated"}
    data = part.read_bytes()
    assert data.startswith(b"RIFF")
    assert b"earlier try" not in data
    assert answer["output"]["audio_bytes"] == len(data)
    (sentence,) = answer["output"]["sentences"]
    assert "".join(word["text"] for word in sentence["words"]) == "床前明月光疑是地上霜"
    assert answer["usage"] == {"characters": len(POEM)}
    assert re.fullmatch(r"[0-9a-f-]{36}", answer["request_id"])


def test_what_is_sent(part: Path) -> None:
    def script(peer: Peer) -> None:
        peer.frame(BINARY, SOUND)
        peer.finish()

    with SpeechServer(script) as server:
        socket_ = at(server.url)
        for _ in range(2):
            socket_.speak(payload(), part)

    first, second = server.peers
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert first.headers["user-agent"] == f"bailian-toolkit/{__version__}"
    assert {"sec-websocket-extensions", "sec-websocket-protocol", "origin"} & set(first.headers) == set()
    assert first.question["payload"] == payload()
    header = first.question["header"]
    assert header == {"action": "run-task", "task_id": header["task_id"], "streaming": "out"}
    assert re.fullmatch(r"[0-9a-f]{32}", header["task_id"])
    assert second.question["header"]["task_id"] != header["task_id"]


@pytest.mark.parametrize("kind", ["null_usage", "bare_finish", "sentence_finish", "true_sizes", "zero_sizes", "slow"])
def test_every_documented_shape_of_success(spoken: Sandbox, part: Path, kind: str) -> None:
    spoken.faults.add(Fault("speech", kind, delay_s=0))
    answer = at(spoken.socket_url).speak(payload(), part)
    assert answer["output"] == {"sentences": [], "audio_bytes": part.stat().st_size}
    assert answer["usage"] == {"characters": len(POEM)}


@pytest.mark.parametrize("count", [0, 2])
def test_a_task_that_fails_in_the_service_may_have_been_done(spoken: Sandbox, part: Path, count: int) -> None:
    spoken.faults.add(Fault("speech", "failed", count=count, code="InternalError.Timeout", message="too slow"))
    with pytest.raises(ServiceError, match="too slow") as refusal:
        at(spoken.socket_url).speak(payload(), part)
    error = refusal.value
    assert (error.code, error.wire_code, error.maybe_done) == ("InternalError", "InternalError.Timeout", True)
    assert error.request_id


@pytest.mark.parametrize(
    "key, model, category",
    [
        ("sk-overdue-0123456789", "sambert-zhichu-v1", "QuotaExceeded"),
        (KEY, "sambert-en-v1", "ModelNotFound"),
        ("sk-bad-0123456789", "sambert-zhichu-v1", "Unauthorized"),
    ],
)
def test_refusals_by_the_sandbox(spoken: Sandbox, part: Path, key: str, model: str, category: str) -> None:
    with pytest.raises(ServiceError) as refusal:
        SpeechSocket(spoken.socket_url, {"Authorization": f"Bearer {key}"}).speak(payload(model=model), part)
    assert refusal.value.code == category


@pytest.mark.parametrize("kind", ["closed", "reset"])
@pytest.mark.parametrize("count", [0, 1])
def test_a_connection_that_ends_early_may_have_been_paid(spoken: Sandbox, part: Path, kind: str, count: int) -> None:
    spoken.faults.add(Fault("speech", kind, count=count))
    with pytest.raises(MaybeSent, match="broke before the speech was finished") as broken:
        at(spoken.socket_url).speak(payload(), part)
    assert broken.value.request_id


def test_silence_is_waited_for_so_long_only(spoken: Sandbox, part: Path) -> None:
    spoken.faults.add(Fault("speech", "silence"))
    with pytest.raises(MaybeSent, match=r"said nothing for 0\.1 s"):
        at(spoken.socket_url, idle_s=0.1).speak(payload(), part)


def test_a_success_without_sound_is_none(spoken: Sandbox, part: Path) -> None:
    spoken.faults.add(Fault("speech", "no_audio"))
    with pytest.raises(MaybeSent, match="finished without any sound"):
        at(spoken.socket_url).speak(payload(), part)


def test_one_socket_for_several_threads(spoken: Sandbox, tmp_path: Path) -> None:
    speaker = at(spoken.socket_url)
    answers: dict[str, dict[str, Any]] = {}

    def speak(text: str) -> None:
        answers[text] = speaker.speak(payload(text), tmp_path / text)

    threads = [threading.Thread(target=speak, args=(text,)) for text in ("好", "你好", "你们好")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {text: answer["usage"]["characters"] for text, answer in answers.items()} == {
        "好": 1,
        "你好": 2,
        "你们好": 3,
    }


WORD = {"text": "床", "begin_time": 0, "end_time": 263}
SHAPES: list[tuple[Any, list[Any], dict[str, Any] | None]] = [
    # payload of result-generated, sentences of the answer, usage of the answer
    ({"output": {"sentence": {"words": []}}, "usage": {"characters": 6}}, [], {"characters": 6}),
    (
        {"output": {"sentence": {"begin_time": 0, "end_time": 263, "words": [WORD]}}, "usage": None},
        [{"begin_time": 0, "end_time": 263, "words": [WORD]}],
        None,
    ),
    ({"output": {"sentence": {"words": [WORD]}}}, [{"words": [WORD]}], None),
    ({"output": {"sentence": {"begin_time": 0}}}, [{"begin_time": 0}], None),
    ({"output": {"sentence": {"begin_time": None, "words": None}}}, [], None),
    ({"output": {"sentence": None}, "usage": {"characters": None}}, [], None),
    ({"output": {}, "usage": {}}, [], None),
    ({"output": None, "usage": None}, [], None),
    ({"output": [], "usage": "6"}, [], None),
    ({"usage": {"characters": "6"}}, [], None),
    ({"usage": {"characters": True}}, [], None),
    ({}, [], None),
    ([], [], None),
    ("text", [], None),
]


@pytest.mark.few(5)
@pytest.mark.parametrize("content, sentences, usage", SHAPES)
def test_any_part_of_a_frame_may_be_missing(part: Path, content: Any, sentences: Any, usage: Any) -> None:
    def script(peer: Peer) -> None:
        peer.tell("task-started", None, attributes=None)
        peer.tell("result-generated", content)
        peer.frame(BINARY, SOUND)
        peer.finish({"output": None})

    answer = answer_of(script, part)
    assert answer["output"] == {"sentences": sentences, "audio_bytes": 4}
    assert answer.get("usage") == usage
    assert ("usage" in answer) == (usage is not None)
    assert part.read_bytes() == SOUND


@pytest.mark.parametrize(
    "frame",
    [
        b'{"header": {"event": "task-finished"}, "payload": null}',
        b'{"header": {"event": "task-finished", "task_id": null, "attributes": null}}',
        b'{"header": {"event": "task-finished", "task_id": ""}}',
    ],
)
def test_an_end_without_name_is_the_end(part: Path, frame: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.frame(BINARY, SOUND)
        peer.frame(TEXT, frame)

    assert answer_of(script, part)["output"]["audio_bytes"] == 4


@pytest.mark.few(5)
@pytest.mark.parametrize(
    "noise",
    [
        b"", b"not JSON", b"[]", b"null", b'"task-finished"', b'{"header": "task-finished"}', b'{"header": null}', b"{}",
        b'{"header": {"event": "task-' + b"\xff\xfe" + b'"}}', b"\xe5\xba", b'{"header": {"event": ["task-finished"]}}',
        b'{"header": {"event": "model-dreams"}, "payload": {"output": 3}}',
        b'{"header": {"event": "task-finished", "task_id": "0123456789abcdef0123456789abcdef"}}',
        b'{"header": {"event": "task-failed", "error_code": "X", "task_id": "another"}}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_not_understood_or_not_ours_is_passed_over(part: Path, noise: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.frame(BINARY, SOUND)
        peer.frame(TEXT, noise[:60_000])
        peer.frame(BINARY, SOUND)
        peer.finish({"usage": {"characters": 12}})

    assert answer_of(script, part)["usage"] == {"characters": 12}
    assert part.read_bytes() == SOUND * 2


def test_the_dashed_spelling_of_the_task_id_is_ours(part: Path) -> None:
    def script(peer: Peer) -> None:
        digits = peer.question["header"]["task_id"].upper()
        peer.frame(BINARY, SOUND)
        peer.finish(task_id="-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]]))

    assert answer_of(script, part)["output"]["audio_bytes"] == 4


def test_frames_in_pieces_with_a_ping_between(part: Path) -> None:
    def script(peer: Peer) -> None:
        peer.frame(BINARY, SOUND[:1], last=False)
        peer.frame(PING, b"?")
        peer.frame(CONTINUED, SOUND[1:])
        finished = json.dumps(
            {"header": {"event": "task-finished"}, "payload": {"名": "霜"}}, ensure_ascii=False
        ).encode()
        cut = finished.index("霜".encode()) + 1
        peer.frame(TEXT, finished[:cut], last=False)
        peer.frame(CONTINUED, finished[cut:])

    assert answer_of(script, part)["output"]["audio_bytes"] == 4
    assert part.read_bytes() == SOUND


def test_a_sentence_that_is_told_again_replaces_the_last(part: Path) -> None:
    def script(peer: Peer) -> None:
        for begin, end in ((0, 100), (0, 200), (200, 300), (0, 50), (0, 60)):
            sentence = {"begin_time": begin, "end_time": end, "words": [{"text": "床"}]}
            peer.tell("result-generated", {"output": {"sentence": sentence}, "usage": {"characters": end}})
        peer.frame(BINARY, SOUND)
        peer.finish({"output": {"sentence": {"words": []}}})

    answer = answer_of(script, part)
    assert [(s["begin_time"], s["end_time"]) for s in answer["output"]["sentences"]] == [(0, 200), (200, 300), (0, 60)]
    assert answer["usage"] == {"characters": 60}


def test_the_services_own_id_is_preferred(part: Path) -> None:
    def script(peer: Peer) -> None:
        peer.frame(BINARY, SOUND)
        if len(server.peers) == 1:
            peer.tell("task-started", attributes={"request_uuid": "r-1"})
        peer.finish(attributes={"request_uuid": None})

    with SpeechServer(script) as server:
        speaker = at(server.url)
        assert speaker.speak(payload(), part)["request_id"] == "r-1"
        assert speaker.speak(payload(), part)["request_id"] == server.peers[1].question["header"]["task_id"]


@pytest.mark.parametrize(
    "header, code, category, text",
    [
        ({"error_code": "CLIENT_ERROR", "error_message": "request timeout after 23 seconds."}, "CLIENT_ERROR",
         "InternalError", "request timeout after 23 seconds."),
        ({"error_code": "InvalidParameter", "error_message": "[tts:]Engine return error code: 418"},
         "InvalidParameter", "InvalidParameter", "[tts:]Engine return error code: 418"),
        ({"error_code": "Throttling.RateQuota", "error_message": None}, "Throttling.RateQuota", "RateLimitExceeded",
         "Throttling.RateQuota"),
        ({"error_code": None}, None, "InternalError", "the task failed, without a reason"),
        ({}, None, "InternalError", "the task failed, without a reason"),
    ],
)  # fmt: skip
def test_a_failed_task_proves_what_its_code_proves(
    part: Path, header: dict[str, Any], code: str, category: str, text: str
) -> None:
    def script(peer: Peer) -> None:
        peer.tell("task-failed", attributes={"request_uuid": "r-2"}, **header)

    with pytest.raises(ServiceError, match=re.escape(text)) as failed:
        answer_of(script, part)
    error = failed.value
    assert (error.wire_code, error.code, error.message, error.request_id) == (code, category, text, "r-2")
    assert (error.maybe_done, error.http_status) == (category == "InternalError", None)


def test_a_refusal_after_sound_is_none(part: Path) -> None:
    """Sound that came was work, whatever the frame says."""

    def script(peer: Peer) -> None:
        peer.frame(BINARY, SOUND)
        peer.tell("task-failed", error_code="InvalidParameter", error_message="no")

    with pytest.raises(ServiceError) as failed:
        answer_of(script, part)
    assert failed.value.maybe_done


def test_a_reason_for_closing_is_told(part: Path) -> None:
    with pytest.raises(MaybeSent, match=r"\(1011 no more voices\)"):
        answer_of(lambda peer: peer.close(1011, b"no more voices"), part)


@pytest.mark.parametrize(
    "script",
    [Peer.reset, lambda peer: None, lambda peer: peer.frame(BINARY | 0x70, b""), lambda peer: peer.frame(3, b"")],
)
def test_after_the_question_every_break_is_a_maybe(part: Path, script: Script) -> None:
    def ends(peer: Peer) -> None:
        peer.frame(BINARY, SOUND)
        script(peer)
        peer.connection.close()

    with pytest.raises(MaybeSent, match="broke before the speech was finished"):
        answer_of(ends, part)


@pytest.mark.slow
def test_endless_frames_end(part: Path) -> None:
    def script(peer: Peer) -> None:
        while True:
            peer.tell("result-generated")
            peer.frame(BINARY, SOUND)

    with pytest.raises(MaybeSent, match=r"not finished after 0\.1 s"):
        answer_of(script, part, total_s=0.1, close_s=0.05)


@pytest.mark.slow
def test_the_last_wait_is_cut_to_the_total(part: Path) -> None:
    with pytest.raises(MaybeSent, match=r"not finished after 0\.1 s"):
        answer_of(lambda peer: peer.release.wait() and None, part, total_s=0.1, close_s=0.05)


@pytest.mark.parametrize("is_total", [False, True], ids=["silence", "the whole time"])
def test_what_is_here_is_taken_before_the_time_is_over(
    part: Path, monkeypatch: pytest.MonkeyPatch, is_total: bool
) -> None:
    """A process that was stopped meanwhile (Ctrl-Z) finds its time over and the paid sound in the buffer."""
    next_message = SpeechConnection.next_message
    late = iter([True])

    def after_a_pause(self: SpeechConnection, timeout_s: float) -> tuple[bool, bytes]:
        if not is_total and next(late, False):
            raise TimeoutError
        return next_message(self, timeout_s)

    def script(peer: Peer) -> None:
        peer.frame(BINARY, SOUND)
        peer.finish()

    monkeypatch.setattr(SpeechConnection, "next_message", after_a_pause)
    limits = {"total_s": 0.0} if is_total else {"total_s": 900.0, "idle_s": 30.0}
    assert answer_of(script, part, **limits)["output"]["audio_bytes"] == len(SOUND)


@pytest.mark.parametrize("kind", ["sound", "sentences", "the same sentence"])
def test_more_than_a_text_can_give_is_stopped(part: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Nobody's disk or memory is filled; what was paid is told as such."""
    monkeypatch.setattr(session, "MOST_ANSWER_BYTES", 100_000)
    monkeypatch.setattr(session, "MOST_FILE_BYTES", 100_000)
    sentence = {"words": [{"text": "霜" * 900}]}

    def script(peer: Peer) -> None:
        for number in range(200):
            if kind == "sound":
                peer.frame(BINARY, bytes(1000))
            else:
                begin = number if kind == "sentences" else 0
                peer.tell("result-generated", {"output": {"sentence": {**sentence, "begin_time": begin}}})
        peer.finish()

    with pytest.raises(MaybeSent, match="more than a text of that length"):
        answer_of(script, part, close_s=0.05)
    assert part.stat().st_size <= 100_000


def test_what_a_sound_may_have_follows_from_its_text() -> None:
    """Four times as slow as the slowest speech, in the largest format; 2 GB at most."""
    assert session.most_sound_bytes("霜" * 10) == 100 * 96_000
    assert session.most_sound_bytes("霜" * 10**6) == 2 * 1024**3


@pytest.mark.slow
def test_pings_are_no_frames(part: Path) -> None:
    def script(peer: Peer) -> None:
        while not peer.release.wait(0.02):
            peer.frame(PING, b"")

    with pytest.raises(MaybeSent, match=r"said nothing for 0\.1 s"):
        answer_of(script, part, idle_s=0.1, close_s=0.05)


def test_a_peer_that_never_says_goodbye(part: Path) -> None:
    def script(peer: Peer) -> None:
        peer.frame(BINARY, SOUND)
        peer.finish()
        peer.release.wait()

    assert answer_of(script, part, close_s=0.05)["output"]["audio_bytes"] == 4


def test_a_peer_that_never_reads(part: Path) -> None:
    """The question is larger than what the system buffers for the two of us."""
    never = SpeechServer(lambda peer: peer.release.wait() and None, reads=False)
    with never as server, pytest.raises(MaybeSent, match="broke before the speech was finished"):
        at(server.url, idle_s=0.2, close_s=0.05).speak(payload("霜" * 8_000_000), part)


REFUSALS: list[tuple[str, bytes, str, str | None, str, bool]] = [
    # status line, body, category, wire code, send again, stops all
    ("401 Unauthorized", b'{"code": "InvalidApiKey", "message": "bad key", "request_id": "r"}', "Unauthorized",
     "InvalidApiKey", "no", True),
    ("401 Unauthorized", b"", "Unauthorized", "InvalidApiKey", "no", True),
    ("403 Forbidden", b"<html>no</html>", "Unauthorized", "InvalidApiKey", "no", True),
    ("403 Forbidden", b'{"code": "Arrearage", "message": "pay"}', "QuotaExceeded", "Arrearage", "no", True),
    ("429 Too Many Requests", b"", "RateLimitExceeded", None, "wait", False),
    ("400 Bad Request", b"", "InvalidParameter", None, "no", False),
    ("404 Not Found", b"", "ResourceNotFound", None, "no", False),
    ("500 Internal Server Error", b"", "InternalError", None, "few", False),
    ("503 Service Unavailable", b"busy", "InternalError", None, "wait", False),
    ("504 Gateway Timeout", b"<title>504</title>", "InternalError", None, "few", False),
    ("200 OK", b"a login page", "InternalError", None, "few", False),
]  # fmt: skip


@pytest.mark.parametrize("status, body, category, code, again, stops_all", REFUSALS)
def test_a_refused_handshake_is_certain(
    part: Path, status: str, body: bytes, category: str, code: str | None, again: str, stops_all: bool
) -> None:
    with LocalWeb(http(status, body, Retry_After="7")) as web, pytest.raises(ServiceError) as refused:
        at(web.url.replace("http", "ws")).speak(payload(), part)
    error = refused.value
    assert (error.code, error.wire_code, error.http_status) == (category, code, int(status[:3]))
    assert (error.again, error.stops_all, error.maybe_done, error.retry_after_s) == (again, stops_all, False, 7.0)
    assert error.request_id == ("r" if b'"r"' in body else None)
    assert not part.exists()


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
def test_no_redirect_is_followed(part: Path, status: str) -> None:
    with (
        LocalWeb(hang_up) as other,
        LocalWeb(http(status, Location=other.url.replace("http", "ws"))) as web,
        pytest.raises(Unreachable, match=status[:3]),
    ):
        at(web.url.replace("http", "ws")).speak(payload(), part)
    assert (len(web.seen), other.seen) == (1, [])


def test_nothing_was_sent_to_who_is_not_there(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSent, match=f"cannot connect to 127.0.0.1:{port}"):
        at(f"ws://127.0.0.1:{port}/").speak(payload(), part)

    def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    with pytest.raises(NotSent, match=r"cannot connect to nowhere\.test"):
        at("ws://nowhere.test/").speak(payload(), part)
    assert not part.exists()


@pytest.mark.parametrize("url", ["", "http://127.0.0.1/", "ws://", "ws://[", "ws://" + "a" * 70 + ".test/", "ws:x"])
def test_nothing_is_sent_to_what_is_no_address(part: Path, url: str) -> None:
    with pytest.raises(NotSent):
        at(url).speak(payload(), part)


@pytest.mark.parametrize(
    "answer",
    [
        hang_up,
        lambda _seen: b"garbage",
        lambda _seen: b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        lambda _seen: (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: wrong\r\n\r\n"
        ),
    ],
)
def test_nothing_was_sent_to_what_is_no_socket(part: Path, answer: Any) -> None:
    with LocalWeb(answer) as web, pytest.raises(NotSent, match="there is no speech socket at"):
        at(web.url.replace("http", "ws")).speak(payload(), part)


def test_a_handshake_without_an_answer(part: Path) -> None:
    with LocalWeb(silence) as web, pytest.raises(NotSent, match=r"opened no socket within 0\.1 s"):
        at(web.url.replace("http", "ws"), open_s=0.1).speak(payload(), part)


@contextmanager
def greeter(greeting: bytes) -> Iterator[str]:
    """Serve one connection that talks before it is asked; yield its host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(greeting)
                connection.recv(65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield "{}:{}".format(*listener.getsockname())
        thread.join()


def test_no_secure_connection(part: Path) -> None:
    with (
        greeter(b"220 ready for something else") as host,
        pytest.raises(NotSent, match=f"no secure connection to {host}"),
    ):
        at(f"wss://{host}/").speak(payload(), part)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_the_trusted_are_those_of_the_http_calls(
    part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(ssl, "create_default_context", lambda **place: asked.append(place) or no_bundle())
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n", encoding="ascii")
    for place in (tmp_path, file):
        monkeypatch.setenv(variable, str(place))
        with pytest.raises(NotSent):
            at("wss://127.0.0.1/").speak(payload(), part)
    assert asked == [{"capath": str(tmp_path)}, {"cafile": str(file)}]


def no_bundle() -> None:
    raise FileNotFoundError


def test_a_proxy_is_asked_but_not_for_this_computer(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(peer: Peer) -> None:
        peer.frame(BINARY, SOUND)
        peer.finish()

    with LocalWeb(http("407 Proxy Authentication Required")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//user:secret@"))
        with pytest.raises(NotSent, match=r"the proxy .* did not connect to service\.test") as refused:
            at("ws://service.test/api-ws/v1/inference").speak(payload(), part)
        answer_of(script, part)
    assert [seen.line for seen in proxy.seen] == ["CONNECT service.test:80 HTTP/1.1"]
    assert "authorization" not in proxy.seen[0].headers
    assert "secret" not in str(refused.value)


def test_the_key_is_in_no_text(part: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    texts = []
    body = json.dumps({"code": "InvalidApiKey", "message": f"Incorrect API key provided: {KEY}"}).encode()
    with LocalWeb(http("401 Unauthorized", body)) as web, pytest.raises(ServiceError) as refused:
        at(web.url.replace("http", "ws")).speak(payload(), part)
    texts.append(refused.value)
    with pytest.raises(ServiceError) as failed:
        answer_of(lambda peer: peer.tell("task-failed", error_code=f"No{KEY}", error_message=f"{KEY}?"), part)
    texts.append(failed.value)
    with pytest.raises(MaybeSent) as closed:
        answer_of(lambda peer: peer.close(1008, KEY.encode()), part)
    texts.append(closed.value)

    for error in texts:
        assert "***" in str(error)
        assert KEY not in json.dumps(error.to_json())
    assert KEY not in caplog.text


def test_a_disk_that_is_full_is_no_matter_of_the_network(spoken: Sandbox) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no full disk at hand")
    with pytest.raises(OSError) as failed:
        at(spoken.socket_url).speak(payload(), full)
    assert failed.value.errno == errno.ENOSPC


def test_a_file_that_cannot_be_opened_costs_nothing(tmp_path: Path) -> None:
    with SpeechServer(lambda peer: None) as server:
        with pytest.raises(IsADirectoryError):
            at(server.url).speak(payload(), tmp_path)
        server.gone.wait()
    assert [peer.question for peer in server.peers] == [{}]


def test_whoever_listens_may_break_it_off(part: Path) -> None:
    def told(event: str) -> None:
        raise KeyboardInterrupt

    with SpeechServer(lambda peer: peer.tell("task-started")) as server:
        with pytest.raises(KeyboardInterrupt):
            at(server.url).speak(payload(), part, told=told)
        server.gone.wait()


def test_the_sound_is_on_the_disk_before_the_answer(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))

    def script(peer: Peer) -> None:
        peer.frame(BINARY, SOUND)
        peer.finish()

    answer_of(script, part)
    assert synced == [len(SOUND)]


def test_a_refusal_whose_headers_came_twice_is_a_refusal(part: Path) -> None:
    """The library's own mapping raises for them: that was a crash."""

    def twice(_seen: Any) -> bytes:
        return (
            b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nretry-after: 9\r\nX-Request-Id: a\r\nX-Request-Id: b\r\n\r\n"
        )

    with LocalWeb(twice) as web, pytest.raises(ServiceError) as refused:
        SpeechSocket(web.url.replace("http", "ws"), HEADERS).speak(payload(), part)
    assert refused.value.code == "RateLimitExceeded"
    assert refused.value.retry_after_s in (7.0, 9.0)
