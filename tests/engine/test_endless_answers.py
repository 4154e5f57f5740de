"""Answers without an end, at every door: they are stopped in time and in memory, and what was paid is said and kept."""

from __future__ import annotations

import gzip
import importlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bailian.config.settings import home_folder, read_settings
from bailian.service import client
from bailian.service.transport import patience
from bailian.service.transport.packed import MOST_ANSWER_BYTES
from bailian.store.jobs import Journal
from tests.support.commands import Ran, run_command
from tests.support.journals import place
from tests.support.setting import KEY

pytestmark = pytest.mark.slow

BOMB = gzip.compress(bytes(MOST_ANSWER_BYTES + 1))
PACKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(
    BOMB
)
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Endless:
    """Answers each request with a bomb, or with a byte now and then for ever; counts the paid ones."""

    def __init__(self, *, trickles: bool) -> None:
        self.posts = 0
        self._trickles = trickles
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/api/v1"

    def close(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = connection.recv(65536)
            self.posts += head.startswith(b"POST")
            if not self._trickles:
                connection.sendall(PACKED_HEAD + BOMB)
                return
            streams = b"text/event-stream" in head
            connection.sendall(STREAM_HEAD if streams else b"HTTP/1.1 200 OK\r\n\r\n")
            while not self._over.wait(0.02):
                connection.sendall(b"2\r\n:\n\r\n" if streams else b" ")


@contextmanager
def endless(monkeypatch: pytest.MonkeyPatch, *, trickles: bool) -> Iterator[Endless]:
    server = Endless(trickles=trickles)
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", server.base_url)
    for name in ("SUBMIT_TIMEOUT_S", "SYNC_TIMEOUT_S", "SILENCE_TIMEOUT_S", "QUERY_TIMEOUT_S"):
        monkeypatch.setattr(client, name, 30.0 if not trickles else 0.3)
    monkeypatch.setattr(patience, "LAST_LOOK_S", 0.05)
    try:
        yield server
    finally:
        server.close()


def run(*words: str) -> Ran:
    from bailian.cli.main import bailian

    name, *rest = words
    main = bailian if name == "bailian" else importlib.import_module(name).main
    return run_command(main, *rest, exits=None)


def states() -> set[str]:
    journal = Journal(place(home_folder()))
    found = {row.state for row in journal.jobs(read_settings().account)}
    journal.close()
    return found


DOORS = [
    # "unsent": the question for the service's time, which comes first, has taken it all.
    (("text2image", "cat", "--timeout", "2"), {"unsettled", "held", "unsent"}),
    (("text2image", "cat", "--model", "qwen-image-max", "--timeout", "2"), {"held"}),
    (("image_edit", "red", "--image", "https://example.com/a.png", "--timeout", "2"), {"held"}),
    (("text2text", "hello", "--timeout", "2"), {"held", "failed", "unsent"}),
    (("text2text", "hello", "--no-stream", "--timeout", "2"), {"held", "failed", "unsent"}),
    (("bailian", "batch", "run", "edits.jsonl"), {"held"}),
]


@pytest.mark.parametrize("words, ends", DOORS, ids=[" ".join(words) for words, _ in DOORS])
@pytest.mark.parametrize("trickles", [False, True], ids=["a bomb", "a trickle"])
@pytest.mark.few(2)
def test_an_answer_without_an_end_is_stopped_and_said(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], ends: set[str], trickles: bool
) -> None:
    """Sent once; open or held, so that no run pays it again unasked, and no run says that nothing is there."""
    row = {"kind": "image_edit", "prompt": "red", "image": "https://example.com/a.png"}
    Path("edits.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    with endless(monkeypatch, trickles=trickles) as server:
        ran = run(*words)
        assert ran.code in (5, 6, 7), ran
        assert states() <= ends
        assert server.posts <= 1 or words[0] == "text2text"  # a text costs little: it is asked for a few times
    assert ran.err
    if sys.platform == "linux":
        import resource

        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2 * 1024 * 1024  # kB
