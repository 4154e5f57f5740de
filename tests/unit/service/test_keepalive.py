"""A request on a connection that is open already: the same answers and the same evidence as on a new one."""

from __future__ import annotations

import gzip
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from bailian.errors import MaybeSent, TransportError
from bailian.service.transport.http import Http, Reply
from tests.support.processes import until
from tests.support.tls import own_certificate

BODY = {"model": "m", "input": {"prompt": "一只猫"}}
TINY_S = 0.05
LONG_S = 5.0
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Line:
    """Keeps its connections open: each one's first request gets `HELLO`, every later one `answer` (None: silence)."""

    def __init__(self, answer: bytes | None, ending: Callable[[socket.socket], None] = lambda _: None) -> None:
        self.requests: list[list[bytes]] = []
        self._answer, self._ending = answer, ending
        self._open: list[socket.socket] = []
        self.left = threading.Semaphore(0)
        """One for each connection that the client has closed."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def count(self) -> int:
        return sum(len(one) for one in self.requests)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in self._open:
            connection.close()
        self._thread.join()
        self._listener.close()

    def hang_up(self) -> None:
        """Leave the open connections, as a server does that has waited long enough."""
        for connection in self._open:
            connection.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self.requests.append([])
            threading.Thread(target=self._handle, args=(connection, self.requests[-1]), daemon=True).start()

    def _handle(self, connection: socket.socket, seen: list[bytes]) -> None:
        data = b""
        with suppress(OSError):  # the test is over, and has closed what is open
            while more := connection.recv(65536):
                data += more
                if not data.endswith(b"}}"):
                    continue
                seen.append(data)
                data = b""
                if len(seen) == 1:
                    connection.sendall(HELLO)
                elif self._answer is not None:
                    connection.sendall(self._answer)
                    self._ending(connection)
            self.left.release()


def close_it(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def reset_it(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextmanager
def second_request(
    answer: bytes | None, ending: Callable[[socket.socket], None] = lambda _: None
) -> Iterator[tuple[Line, Callable[..., Reply]]]:
    """Give the server and what sends the second request over the open connection; who meets silence says how long."""
    with (
        closing(Line(answer, ending)) as line,
        closing(Http(line.url, {"Authorization": "Bearer sk-0123456789abcdef"})) as client,
    ):
        client.send("POST", "/x", body=BODY, read_timeout_s=LONG_S)
        yield line, lambda within_s=LONG_S: client.send("POST", "/x", body=BODY, read_timeout_s=within_s)


def framed(body: bytes, *head: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", *head, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


PACKED = gzip.compress('{"text": "你好"}'.encode())


@pytest.mark.parametrize(
    ("answer", "ending", "status", "text"),
    [
        (framed('{"text": "你好"}'.encode()), None, 200, '{"text": "你好"}'),
        (framed(PACKED, "Content-Encoding: gzip"), None, 200, '{"text": "你好"}'),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", None, 200, "{}"),
        (b"HTTP/1.1 200 OK\r\n\r\n{} till the end", close_it, 200, "{} till the end"),
        (b"HTTP/1.1 429 Slow down\r\nContent-Length: 0\r\n\r\n", None, 429, ""),
        (b"HTTP/1.1 413 Too large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig", reset_it, 413, "big"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + framed(b"{}"), None, 200, "{}"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + framed(b"{}"), None, 200, "{}"),
        (framed(b"x" * 300_000), None, 200, "x" * 300_000),
        (framed(b"{}", "X-Note: folded", " to two lines"), None, 200, "{}"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", close_it, 200, "{}"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", None, 204, ""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n", None, 302, ""),
    ],
    ids=[
        "plain",
        "gzip",
        "chunked",
        "to the end",
        "refused",
        "refused and closed",
        "continue",
        "hints",
        "large",
        "folded",
        "HTTP/1.0",
        "nothing",
        "redirect",
    ],
)
def test_an_answer_on_an_open_connection_is_read_like_any_other(
    answer: bytes, ending: Callable[[socket.socket], None] | None, status: int, text: str
) -> None:
    with second_request(answer, ending or (lambda _: None)) as (line, ask):
        reply = ask()
        assert (reply.status, reply.text) == (status, text)
        assert [len(one) for one in line.requests] == [2]


def test_an_answer_that_comes_in_pieces_is_put_together() -> None:
    """The head ends between two pieces, or the body comes apart from it."""
    for at in (5, 30, len(framed(b"{}")) - 2, len(framed(b"{}")) - 1):
        rest = framed(b"{}")[at:]
        with second_request(framed(b"{}")[:at], lambda connection, rest=rest: connection.sendall(rest)) as (line, ask):
            assert [ask().text, ask().text] == ["{}", "{}"]
            assert [len(one) for one in line.requests] == [3]


def test_head_and_body_arrive_whole_and_alike_on_both_ways() -> None:
    with second_request(HELLO) as (line, ask):
        ask()
        first, second = line.requests[0]
        assert sorted(first.split(b"\r\n")) == sorted(second.split(b"\r\n"))
        assert "一只猫".encode() in second


def test_headers_are_found_in_any_spelling() -> None:
    answer = framed(b"{}", "RETRY-AFTER: 7", "X-Request-Id: r1", "Date: Mon, 23 Nov 2026 05:00:00 GMT")
    with second_request(answer) as (_line, ask):
        reply = ask()
        assert (reply.retry_after_s, reply.request_id, reply.server_time_s) == (7.0, "r1", 1795410000.0)


@pytest.mark.parametrize(
    ("answer", "ending"),
    [
        (None, None),
        (b"", close_it),
        (b"", reset_it),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", close_it),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", reset_it),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}", close_it),
        (b"SSH-2.0-OpenSSH\r\n\r\n", close_it),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", None),
    ],
    ids=["silence", "closed", "reset", "cut", "cut and reset", "cut chunk", "not HTTP", "not gzip"],
)
def test_a_request_whose_answer_is_broken_may_have_been_executed(
    answer: bytes | None, ending: Callable[[socket.socket], None] | None
) -> None:
    with second_request(answer, ending or (lambda _: None)) as (line, ask):
        with pytest.raises(MaybeSent):
            ask(TINY_S if answer is None else LONG_S)
        until(lambda: line.count == 2)  # what reads it is a thread of its own


def test_what_is_left_of_a_broken_exchange_is_no_answer_to_the_next_request() -> None:
    """The late answer to the second request must not be taken for the third's."""
    with second_request(None) as (line, ask):
        with pytest.raises(MaybeSent):
            ask(TINY_S)
        until(lambda: line.count == 2)
        assert ask().text == "{}"
        assert [len(one) for one in line.requests] == [2, 1]


def test_bytes_after_an_answer_are_no_answer_to_the_next_request() -> None:
    with second_request(HELLO + framed(b'{"stale": 1}')) as (line, ask):
        assert [ask().text, ask().text] == ["{}", "{}"]
        assert line.count == 3


def test_a_broken_connection_is_closed_though_its_error_is_kept() -> None:
    """A job keeps why it was not answered: thousands of them must not keep as many sockets open."""
    with second_request(b"", lambda connection: connection.shutdown(socket.SHUT_WR)) as (line, ask):
        with pytest.raises(MaybeSent) as kept:
            ask()
        assert line.left.acquire(timeout=30)
        assert kept.value


def test_bytes_after_an_answer_inside_tls_are_no_answer_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are unpacked with the body's last piece, and the system's socket shows nothing of them."""
    certificate, context = own_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    asked = itertools.count(1)

    def serve(raw: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(raw, server_side=True) as connection:
            while data := connection.recv(65536):
                if not data.endswith(b"}}"):  # the first request's head comes apart from its body
                    continue
                number = next(asked)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")
                connection.sendall(b'{"n":%d}' % number + (framed(b'{"n":9}') if number == 2 else b""))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        with closing(Http(url, {})) as client:
            replies = [client.send("POST", "/x", body=BODY, read_timeout_s=30) for _ in range(4)]
    assert [reply.text for reply in replies] == [f'{{"n":{number}}}' for number in (1, 2, 3, 4)]


def test_a_connection_that_the_server_has_left_is_opened_anew() -> None:
    with second_request(HELLO) as (line, ask):
        line.hang_up()
        assert ask().text == "{}"
        assert [len(one) for one in line.requests] == [1, 1]


def test_a_header_that_cannot_be_sent_sends_nothing() -> None:
    with second_request(HELLO) as (line, _ask), closing(Http(line.url, {"X": "猫"})) as client:
        with pytest.raises(TransportError):
            client.send("POST", "/x", body=BODY, read_timeout_s=5)
        assert line.count == 1
