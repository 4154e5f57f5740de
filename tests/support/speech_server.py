"""A speech socket written by hand, so that it can break every rule."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

TEXT, BINARY, CONTINUED, PING = 1, 2, 0, 9


class Peer:
    """The server's end of one connection, written by hand so that it can break every rule."""

    def __init__(self, connection: socket.socket, release: threading.Event) -> None:
        self.connection = connection
        self.release = release
        self.headers: dict[str, str] = {}
        self.question: dict[str, Any] = {}

    def shake_hands(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.connection.recv(4096)
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line]
        self.headers = {name.lower(): value for name, value in lines}
        key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        self.connection.sendall("\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode())

    def read(self) -> None:
        """Read the question: one masked text frame."""
        opcode, length = self._exactly(2)
        if opcode != 0x80 | TEXT:
            raise ConnectionError  # it says goodbye
        size = length & 0x7F
        if size >= 126:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
        mask = self._exactly(4)
        self.question = json.loads(bytes(byte ^ mask[i % 4] for i, byte in enumerate(self._exactly(size))))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.connection.recv(size - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def frame(self, opcode: int, content: bytes, *, last: bool = True) -> None:
        length = bytes([len(content)]) if len(content) < 126 else b"\x7e" + struct.pack(">H", len(content))
        self.connection.sendall(bytes([opcode | (0x80 if last else 0)]) + length + content)

    def tell(self, event: str, content: Any = None, **header: Any) -> None:
        """Send a text frame of the service's form."""
        header = {"task_id": self.question["header"]["task_id"], "event": event, "attributes": {}, **header}
        self.frame(TEXT, json.dumps({"header": header, "payload": {} if content is None else content}).encode())

    def finish(self, content: Any = None, **header: Any) -> None:
        self.tell("task-finished", content, **header)

    def close(self, code: int, reason: bytes = b"") -> None:
        self.frame(8, struct.pack(">H", code) + reason)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


Script = Callable[[Peer], None]


class SpeechServer:
    """Serves one connection after the other with a script, which runs when the question is there."""

    def __init__(self, script: Script, *, reads: bool = True) -> None:
        self.peers: list[Peer] = []
        self.gone = threading.Event()
        self._script, self._reads = script, reads
        self._release = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._listener.getsockname()[1]}/api-ws/v1/inference"

    def __enter__(self) -> SpeechServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._release.set()
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._release.is_set():
                    return
                self._handle(Peer(connection, self._release))

    def _handle(self, peer: Peer) -> None:
        try:
            peer.shake_hands()
            self.peers.append(peer)
            if self._reads:
                peer.read()
            self._script(peer)
            while peer.connection.recv(65536):
                peer.connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        finally:
            self.gone.set()
