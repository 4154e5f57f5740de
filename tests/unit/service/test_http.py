"""One place sends: what each failure of the network means for a paid request, and where the key never goes."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from hypothesis import example, given
from hypothesis import strategies as st

from bailian.clock import Clock, timed_by
from bailian.errors import MaybeSent, NotSent
from bailian.service.transport import patience, send_tracking
from bailian.service.transport.http import Http, Reply, new_session, transport_error
from bailian.service.transport.packed import MOST_ANSWER_BYTES
from tests.support.local_web import LocalWeb, hang_up, http, silence

KEY = "sk-0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {KEY}"}
TINY_S = 0.05
BODY = {"model": "m", "input": {"prompt": "一只猫"}}


@contextmanager
def client(url: str, **headers: str) -> Iterator[Http]:
    with closing(Http(url, {**HEADERS, **headers})) as made:
        yield made


def post(url: str, read_timeout_s: float = 30) -> Reply:
    with client(url) as made:
        return made.send("POST", "/tasks", body=BODY, read_timeout_s=read_timeout_s)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_closed_port_means_not_sent() -> None:
    """Nobody took the connection: sending again cannot pay twice."""
    with pytest.raises(NotSent, match="cannot connect to 127"):
        post(f"http://127.0.0.1:{free_port()}")


def test_an_unknown_name_means_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an address nothing left."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotSent, match=r"host name api\.example cannot be resolved"):
        post("http://api.example")


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example", "127.0.0.1:99999", "[::1", "in valid"])
def test_a_host_that_is_none_means_not_sent(host: str) -> None:
    """A base URL that no request can be made from is our error, not a crash."""
    with pytest.raises(NotSent):
        post(f"http://{host}")


def test_a_header_that_cannot_be_sent_means_not_sent() -> None:
    """A workspace id of other letters than a header may hold is found before a byte leaves."""
    with LocalWeb(http(body=b"{}")) as web, client(web.url, **{"X-DashScope-WorkSpace": "业务空间"}) as made:
        with pytest.raises(NotSent) as raised:
            made.send("POST", "/x", body=BODY, read_timeout_s=30)
        assert KEY not in str(raised.value)


@pytest.mark.parametrize("answer", [hang_up, http(body=b'{"output"', length=100), lambda _: b"HTTP/1.1 2"])
def test_a_cut_answer_means_maybe_sent(answer: Any) -> None:
    """The request was read, the answer is missing or half: the work may be paid. Sent once, never again."""
    with LocalWeb(answer) as web:
        with pytest.raises(MaybeSent, match="broke before the answer"):
            post(web.url)
        assert [json.loads(seen.body) for seen in web.seen] == [BODY]


def test_silence_means_maybe_sent() -> None:
    """No answer within the time: the work may go on over there."""
    with LocalWeb(silence) as web:
        with pytest.raises(MaybeSent, match="did not answer within"):
            post(web.url, TINY_S)
        assert len(web.seen) == 1


def test_an_answer_that_is_no_http_means_maybe_sent() -> None:
    """Something else listens there; what it did with the request is not known."""
    with LocalWeb(lambda _: b"SSH-2.0-OpenSSH\r\n\r\n") as web, pytest.raises(MaybeSent):
        post(web.url)


def test_a_body_that_cannot_be_unpacked_means_maybe_sent() -> None:
    """An answer came, but nobody can read it."""
    with LocalWeb(http(body=b"not gzip", Content_Encoding="gzip")) as web, pytest.raises(MaybeSent):
        post(web.url)


def interim(*statuses: str) -> Any:
    """Return an answer after others that announce it."""
    before = "".join(f"HTTP/1.1 {status}\r\nLink: </a.css>; rel=preload\r\n\r\n" for status in statuses)
    return lambda seen: before.encode() + (http(body=b'{"a": 1}')(seen) or b"")


@pytest.mark.parametrize(
    "statuses",
    [["103 Early Hints"], ["100 Continue"], ["102 Processing"], ["100 Continue", "103 Early Hints", "103 Early Hints"]],
)
def test_an_interim_answer_is_not_the_answer(statuses: list[str]) -> None:
    with LocalWeb(interim(*statuses)) as web:
        reply = post(web.url)
    assert (reply.status, reply.data, len(web.seen)) == (200, {"a": 1}, 1)


@pytest.mark.parametrize(
    "body, encoding",
    [
        (b'{"text": "\xe4\xbd\xa0\xff"}', ""),
        (gzip.compress('{"text": "你\ufffd"}'.encode()), "gzip"),
        (zlib.compress('{"text": "你\ufffd"}'.encode()), "deflate"),
        ('{"text": "你\ufffd"}'.encode(), "br"),
    ],
    ids=["a byte that is none", "gzip", "deflate", "a packing it has not"],
)
def test_an_answer_is_read_as_far_as_it_can_be(body: bytes, encoding: str) -> None:
    """Nothing packed is asked for; what comes packed all the same, or with a byte that is no UTF-8, is an answer."""
    with LocalWeb(http(body=body, Content_Encoding=encoding or "identity")) as web:
        assert post(web.url).data == {"text": "你\ufffd"}
    assert web.seen[0].headers["accept-encoding"] == "identity"


def endless(_seen: Any) -> bytes:
    return b"HTTP/1.1 200 OK\r\n\r\n" + bytes(MOST_ANSWER_BYTES + 1)


def chunked_without_end(_seen: Any) -> bytes:
    size = MOST_ANSWER_BYTES + 1_000_000
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % size + bytes(size)


BOMB = http(body=gzip.compress(bytes(MOST_ANSWER_BYTES + 1)), Content_Encoding="gzip")


@pytest.mark.few(1)
@pytest.mark.parametrize("answer", [endless, chunked_without_end, BOMB], ids=["endless", "chunked", "bomb"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_without_an_end_means_maybe_sent(answer: Any, stream: bool) -> None:
    """It is stopped before it fills the memory, and what was paid is not sent again."""
    with LocalWeb(answer) as web, client(web.url) as made:
        with pytest.raises(MaybeSent, match="more than any answer"):
            (streamed if stream else sent)(made)
        assert len(web.seen) == 1


def sent(made: Http) -> None:
    made.send("POST", "/x", body=BODY, read_timeout_s=30)


def streamed(made: Http) -> None:
    list(made.stream("/x", body=BODY, headers={}, read_timeout_s=30))


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [
        lambda _seen: b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata:" + bytes(MOST_ANSWER_BYTES),
        lambda seen: http(
            body=gzip.compress(b"data: " + bytes(MOST_ANSWER_BYTES)),
            Content_Type="text/event-stream",
            Content_Encoding="gzip",
        )(seen),
    ],
    ids=["a line without an end", "a bomb"],
)
def test_a_stream_without_an_end_is_stopped(answer: Any) -> None:
    with LocalWeb(answer) as web, client(web.url) as made, pytest.raises(MaybeSent, match="more than any answer"):
        list(made.stream("/x", body=BODY, headers={}, read_timeout_s=30))


def test_a_stream_that_came_packed_is_read() -> None:
    frames = b"".join(b'data: {"n": %d}\n\n' % number for number in range(9))
    answer = http(body=gzip.compress(frames), Content_Type="text/event-stream", Content_Encoding="gzip")
    with LocalWeb(answer) as web, client(web.url) as made:
        got = [frame.data for frame in made.stream("/x", body=BODY, headers={}, read_timeout_s=30)]
    assert got == [f'{{"n": {number}}}' for number in range(9)]


@pytest.mark.parametrize(
    "head",
    [b"X-A: 1\r\n" * 150, b"X-A: " + b"a" * 70_000 + b"\r\n", b"X-A: " + b"a" * 10**6],
    ids=["many", "long", "endless"],
)
def test_a_head_that_is_too_long_means_maybe_sent(head: bytes) -> None:
    """The library reads a hundred lines of 64 kB; what is beyond may be paid, and is settled or held."""
    with LocalWeb(lambda _seen: b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 2\r\n\r\n{}") as web:
        with pytest.raises(MaybeSent):
            post(web.url)
        assert len(web.seen) == 1


@contextmanager
def trickle(head: bytes) -> Iterator[str]:
    """Send the head and then a byte now and then, for ever; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(head)
                while True:
                    connection.sendall(b" ")
                    time.sleep(TINY_S / 5)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-A:", b"HTTP/1.1 103 Hint\r\nX-A:"])
def test_an_answer_that_trickles_has_the_same_time(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then is never silence; the time is one for the whole answer."""
    monkeypatch.setattr(patience, "LAST_LOOK_S", TINY_S)
    with trickle(head) as url, pytest.raises(MaybeSent, match="did not answer within"):
        post(url, 2 * TINY_S)


def test_what_is_here_is_read_though_the_time_is_over() -> None:
    """A process that was stopped meanwhile finds the time over and the answer in the buffer: it is paid."""
    ticks = iter(range(0, 10**9, 10**6))
    with timed_by(Clock(monotonic=lambda: float(next(ticks)))), LocalWeb(http(body=b'{"a": 1}')) as web:
        assert post(web.url).data == {"a": 1}


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectTimeout("x"),
        requests.ReadTimeout("x"),
        requests.ConnectionError(),
        requests.exceptions.InvalidHeader("x"),
    ],
)
def test_evidence_decides_not_the_kind_of_error(
    monkeypatch: pytest.MonkeyPatch, error: requests.RequestException
) -> None:
    """Whatever broke: it may have been executed exactly if something of it left."""
    for left, kind in ((True, MaybeSent), (False, NotSent)):
        monkeypatch.setattr(send_tracking, "was_sent", lambda left=left: left)
        assert type(transport_error(error, "https://api.example/api/v1", 1)) is kind


def test_what_is_sent_arrives_unchanged() -> None:
    """Method, path, query, headers and UTF-8 body."""
    with LocalWeb(http(body=b'{"ok": true}')) as web, client(web.url + "/api/v1") as made:
        reply = made.send("POST", "/t", body=BODY, params={"page_no": 1}, headers={"X-A": "b"}, read_timeout_s=30)
    (seen,) = web.seen
    assert seen.line == "POST /api/v1/t?page_no=1 HTTP/1.1"
    assert seen.body == json.dumps(BODY, ensure_ascii=False).encode()
    assert (seen.headers["content-type"], seen.headers["x-a"]) == ("application/json", "b")
    assert seen.headers["user-agent"].startswith("bailian-toolkit/")
    assert (reply.status, reply.data) == (200, {"ok": True})


def test_netrc_does_not_replace_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A .netrc entry for the host is not for us."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    with LocalWeb(http(body=b"{}")) as web:
        post(web.url)
    assert web.seen[0].headers["authorization"] == f"Bearer {KEY}"


def test_cookies_are_not_kept() -> None:
    """A server cannot mark us."""
    with LocalWeb(http(body=b"{}", Set_Cookie="id=1; Path=/")) as web, client(web.url) as made:
        for _ in range(2):
            made.send("GET", "/", read_timeout_s=30)
    assert "cookie" not in web.seen[1].headers


def test_a_redirect_does_not_carry_the_key_away() -> None:
    """A redirect is an answer like any other; nobody follows it."""
    with LocalWeb(http(body=b"{}")) as other:
        with LocalWeb(http("302 Found", Location=other.url)) as web:
            assert post(web.url).status == 302
        assert other.seen == []


def test_the_environment_is_asked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Proxy and CA file hold for the session; NO_PROXY is kept."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    own_ca = tmp_path / "own-ca.pem"
    own_ca.write_text("-----BEGIN CERTIFICATE-----\n", encoding="ascii")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own_ca))
    with new_session("https://api.example") as session:
        assert (session.proxies["https"], session.verify) == ("http://proxy.example:3128", str(own_ca))
    monkeypatch.setenv("NO_PROXY", "api.example")
    with new_session("https://api.example") as session:
        assert "https" not in session.proxies


@pytest.mark.parametrize(
    "content, data",
    [
        (b'{"output": {"a": 1}}', {"output": {"a": 1}}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": "猫"}'.encode(), {"a": "猫"}),
        (b"{}", {}),
        *((content, None) for content in (b"", b"[]", b"null", b"1", b"{", b"<html>", b"\xff\xfe", b"[" * 100_000)),
        (b'{"a": ' + b"9" * 5000 + b"}", {"a": None}),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 502])
@responses.activate
def test_every_answer_comes_back_whatever_it_says(content: bytes, data: object, status: int) -> None:
    """Status and text always; `data` only if the body is a JSON object."""
    responses.post("https://api.example/tasks", body=content, status=status)
    reply = post("https://api.example")
    assert (reply.status, reply.data) == (status, data)


def test_the_request_id_is_found_in_body_or_header() -> None:
    """The body's wins; support asks for it."""
    assert Reply(200, {"x-request-id": "h"}, "", {"request_id": "b"}).request_id == "b"
    assert Reply(502, {"x-request-id": "h"}, "").request_id == "h"
    assert Reply(502, {}, "").request_id is None


@pytest.mark.parametrize(
    "value, pause_s",
    [
        ("7", 7),
        ("1.5", 1.5),
        ("0", 0),
        ("-1", None),
        ("3601", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_sane_pause_is_read(value: str, pause_s: float | None) -> None:
    """Seconds up to an hour; nonsense is no pause."""
    assert Reply(429, {"retry-after": value}, "").retry_after_s == pause_s


def test_clocks_are_read() -> None:
    """`Date` is the server's clock; a Retry-After in the past is none."""
    reply = Reply(200, {"date": "Thu, 01 Jan 2026 00:00:00 GMT", "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, "")
    assert (reply.server_time_s, reply.retry_after_s) == (1767225600, None)
    assert Reply(200, {}, "").server_time_s is None


def test_a_pause_until_a_moment_is_one_by_the_servers_own_clock() -> None:
    """This machine's clock may be wrong."""
    until = {"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}
    assert Reply(429, {"date": "Thu, 01 Jan 2026 00:00:00 GMT", **until}, "").retry_after_s == 30
    assert Reply(429, until, "").retry_after_s is None


@given(st.text())
@example("Thu, 01 Jan 99999999999999999999 00:00:00 GMT")
@example("Mon, 01 Jan 0001 00:00:00 -0000")
def test_any_header_is_survived(value: str) -> None:
    """A server's headers are untrusted."""
    reply = Reply(200, {"retry-after": value, "date": value}, "")
    assert reply.retry_after_s is None or 0 <= reply.retry_after_s <= 3600
    assert reply.server_time_s is None or isinstance(reply.server_time_s, float)
