"""Object storage for tests: moto's S3 on loopback, and in front of it a proxy that fails as real storage does."""

from __future__ import annotations

import http.client
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from moto.server import ThreadedMotoServer

SETTINGS = {
    "AWS_ACCESS_KEY_ID": "a-key-of-tests",
    "AWS_SECRET_ACCESS_KEY": "a-secret-of-tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
}
CHUNK_BYTES = 16 * 1024
REPLY = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{text}</Message></Error>"
Fault = Callable[["_Handler", bytes], None]


def refusal(status: int, code: str, text: str) -> Fault:
    """Return a fault: the store answers so."""

    def answer(handler: _Handler, _body: bytes) -> None:
        handler.reply(status, {"Content-Type": "application/xml"}, REPLY.format(code=code, text=text).encode())

    return answer


BUSY = refusal(503, "ServiceUnavailable", "Please try again.")
EXPIRED = refusal(400, "ExpiredToken", "The provided token has expired.")


def cut(handler: _Handler, _body: bytes) -> None:
    """The connection breaks before the store has read all of it: nothing arrives."""
    handler.hang_up()


def lost_reply(handler: _Handler, body: bytes) -> None:
    """The object arrives, and the connection breaks before its reply."""
    handler.forwarded(body)
    handler.hang_up()


@dataclass
class ObjectStorage:
    """One store, and what goes wrong in front of it."""

    host: str
    port: int
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    """What happens to the next puts of names with this ending, in this order."""
    always: tuple[str, Fault] | None = None
    """What happens to all of them."""
    puts: list[str] = field(default_factory=list)
    """Names that were to be put, in order."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault_of(self, path: str) -> Fault | None:
        with self.lock:
            self.puts.append(path)
            if self.always and path.endswith(self.always[0]):
                return self.always[1]
            for index, (ending, fault) in enumerate(self.faults):
                if path.endswith(ending):
                    del self.faults[index]
                    return fault
        return None

    def client(self) -> Any:
        """Return a file system that asks the store itself."""
        import fsspec

        return fsspec.filesystem("s3", endpoint_url=f"http://{self.host}:{self.port}", skip_instance_cache=True)

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return all objects of a bucket by their names."""
        client = self.client()
        return {name.removeprefix(f"{bucket}/"): client.cat_file(name) for name in client.find(bucket)}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    storage: ObjectStorage

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(self.path.partition("?")[0])
        fault = self.storage.fault_of(path) if self.command == "PUT" else None
        with suppress(ConnectionError):
            if fault is None:
                self.reply(*self.forwarded(body))
            else:
                fault(self, body)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _any

    def forwarded(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.storage.host, self.storage.port, timeout=60)
        try:
            connection.request(self.command, self.path, body or None, dict(self.headers.items()))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        length = headers.get("Content-Length") or headers.get("content-length")
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def hang_up(self) -> None:
        """Break the connection as a router that was pulled out does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was broken on purpose is no news."""


@contextmanager
def moto_server() -> Iterator[tuple[str, int]]:
    """Run the store in a thread of this process."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()
    finally:
        server.stop()


@contextmanager
def proxied(host: str, port: int) -> Iterator[tuple[ObjectStorage, str]]:
    """Give the store and the address of the proxy in front of it."""
    storage = ObjectStorage(host, port)
    handler = type("Handler", (_Handler,), {"storage": storage})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield storage, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def new_bucket(storage: ObjectStorage) -> str:
    """Make a bucket that no other test has."""
    name = f"test-{os.urandom(6).hex()}"
    storage.client().mkdir(name)
    return name
