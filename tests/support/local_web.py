"""A server on a local socket that answers with exactly the bytes a test wants: whole, cut, or never."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; header names in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Seen], "bytes | None"]
"""The bytes to send before the connection is closed; None: say nothing and keep it open."""


def http(status: str = "200 OK", body: bytes = b"", length: int | None = None, **headers: str) -> Answer:
    """Return a plain answer; `length` announces another length than the body has."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    data = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
    return lambda _seen: data


def hang_up(_seen: Seen) -> bytes:
    return b""


def silence(_seen: Seen) -> None:
    return None


class LocalWeb:
    """Gives each request the next answer, and the last one again and again. Use as a context manager."""

    def __init__(self, *answers: Answer) -> None:
        self.seen: list[Seen] = []
        self._answers = answers
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> LocalWeb:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._closing.is_set():
                    return
                self._handle(connection)

    def _handle(self, connection: socket.socket) -> None:
        try:
            seen = _read(connection)
            if seen is None:
                return
            answer = self._answers[min(len(self.seen), len(self._answers) - 1)]
            self.seen.append(seen)
            data = answer(seen)
            if data is None:
                self._closing.wait()
            else:
                connection.sendall(data)
        except OSError:  # the client has gone: its own test says whether it should have
            return


def _read(connection: socket.socket) -> Seen | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    return Seen(first, headers, body)
