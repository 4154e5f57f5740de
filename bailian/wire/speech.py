"""The speech socket: one question, sound and times in answer. One WebSocket a task; nothing is sent twice.

The protocol: docs/wire.md "Speech" (the service's Sambert pages, 2025 to 2026; recorded traffic). Loading this loads
`websockets`: import it where a socket is opened.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit
from uuid import uuid4

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from websockets.exceptions import ConnectionClosed, InvalidStatus, ProxyError, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect

from bailian import __version__
from bailian.errors import MaybeSent, NotSent, ServiceError
from bailian.language import say
from bailian.settings import LOOPBACK_HOSTS
from bailian.wire import answers
from bailian.wire.http import Reply, json_object
from bailian.wire_codes import service_error

# The service itself gives up after 23 s without progress (SAM-WS, stored copy).
IDLE_S = 30.0
TOTAL_S = 900.0
OPEN_S = 10.0
# The close frame is a courtesy: the result is on the disk when it is sent.
CLOSE_S = 1.0
# The service's frames have some kilobytes; a long sentence with all its phonemes has more.
MOST_FRAME_BYTES = 64 * 1024 * 1024
# Below its warnings the library's log has the headers, and so the key.
_NO_LOG = logging.Logger(__name__, logging.CRITICAL + 1)


def _untold(_event: str) -> None:
    pass


class SpeechSocket:
    """Speaks texts for one account. Thread-safe: nothing is kept between two tasks."""

    def __init__(
        self,
        socket_url: str,
        headers: Mapping[str, str],
        *,
        idle_s: float = IDLE_S,
        total_s: float = TOTAL_S,
        open_s: float = OPEN_S,
        close_s: float = CLOSE_S,
    ) -> None:
        """Keep where to go and as whom.

        Args:
            socket_url: `wss://…/api-ws/v1/inference`.
            headers: of the handshake, with the key.
            idle_s: the longest silence between two frames, and the longest time the question may take to leave.
            total_s: the longest time from the question to the last frame.
            open_s: the longest time until the handshake is done.
            close_s: how long the other side may take to say goodbye.
        """
        self._url = socket_url
        self._headers = dict(headers)
        self._idle_s, self._total_s, self._open_s, self._close_s = idle_s, total_s, open_s, close_s
        name, _, key = self._headers.get("Authorization", "").partition(" ")
        self._key = (key or name).encode()

    def speak(
        self, run_task_payload: Mapping[str, Any], part_path: Path, *, told: Callable[[str], None] = _untold
    ) -> dict[str, Any]:
        """Have one text spoken into `part_path`, which is emptied first and may hold half a sound after an error.

        Args:
            run_task_payload: model, text and parameters.
            part_path: gets the sound as it comes; a WAV's header may have placeholders for its sizes.
            told: is called with the event of each frame of this task ("task-started", …).

        Returns:
            An answer like a synchronous one: `request_id`, `output` (`sentences`, `audio_bytes`), `usage`.

        Raises:
            ServiceError: the handshake was refused, or the task failed. Neither will bring a result later.
            NotSent: the question was not sent.
            MaybeSent: it was (perhaps in part), and the end was not told, or was told without any sound.
            OSError: `part_path` cannot be written.
        """
        course = _Course(uuid4().hex)
        header = {"action": "run-task", "task_id": course.task_id, "streaming": "out"}
        question = json.dumps({"header": header, "payload": dict(run_task_payload)}, ensure_ascii=False)
        with self._opened() as line, part_path.open("wb") as file:
            self._send(line, question, course)
            self._listen(line, course, file, told)
            file.flush()
            os.fsync(file.fileno())
        if not course.audio_bytes:
            raise MaybeSent(
                say("the service finished without any sound", "服务已完成，但没有返回音频"), request_id=course.known_as
            )
        return course.answer()

    @contextmanager
    def _opened(self) -> Iterator[_Line]:
        """Shake hands; whatever happens, the line is closed afterwards, and soon."""
        try:
            line = self._connect()
        except (_Refused, InvalidStatus) as refusal:
            raise self._refusal(refusal.response) from None
        except (WebSocketException, OSError, ValueError, EOFError, ImportError) as error:
            raise NotSent(_not_opened(error, self._host, self._open_s)) from None
        cutting = _cutting(line, 2 * self._close_s)
        try:
            with line:
                try:
                    yield line
                finally:
                    cutting.start()
        finally:
            cutting.cancel()

    def _connect(self) -> _Line:
        parts = urlsplit(self._url)
        line = connect(
            self._url,
            ssl=_trust() if parts.scheme == "wss" else None,
            compression=None,
            additional_headers=self._headers,
            user_agent_header=f"bailian-toolkit/{__version__}",
            proxy=None if parts.hostname in LOOPBACK_HOSTS else True,
            open_timeout=self._open_s,
            ping_interval=None,  # silence is judged by the frames
            close_timeout=self._close_s,
            max_size=MOST_FRAME_BYTES,
            logger=_NO_LOG,
            create_connection=_Line,
        )
        return cast(_Line, line)

    def _refusal(self, response: Response) -> ServiceError:
        """Return the error of a handshake's HTTP status. Nothing was asked yet, so nothing can have been done."""
        content = self._without_key(bytes(response.body or b""))
        text = content.decode("utf-8", "replace")
        reply = Reply(response.status_code, response.headers, text, json_object(content))
        code, message = answers.wire_error(reply.data or {})
        if reply.status in (401, 403):  # SAM-WS: a bad or missing key gets one of these
            code = code or "InvalidApiKey"
        error = service_error(
            code,
            message or say(f"HTTP {reply.status} instead of a socket", f"HTTP {reply.status}，未能建立 WebSocket"),
            reply.status,
            request_id=reply.request_id,
            retry_after_s=reply.retry_after_s,
        )
        if error.maybe_done:
            error.maybe_done, error.again = False, "few"
        return error

    def _send(self, line: _Line, question: str, course: _Course) -> None:
        cutting = _cutting(line, self._idle_s)
        cutting.start()
        try:
            line.send(question)
        except (WebSocketException, OSError) as error:
            raise self._broken(error, course) from None
        finally:
            cutting.cancel()

    def _listen(self, line: _Line, course: _Course, file: BinaryIO, told: Callable[[str], None]) -> None:
        """Take what comes until the task is finished."""
        ends_at = time.monotonic() + self._total_s
        while True:
            left_s = ends_at - time.monotonic()
            try:
                if left_s <= 0:
                    raise TimeoutError
                is_text, data = line.next_message(min(left_s, self._idle_s))
            except TimeoutError:
                raise self._late(left_s > self._idle_s, course) from None
            except (WebSocketException, OSError) as error:
                raise self._broken(error, course) from None
            if not is_text:
                file.write(data)
                course.audio_bytes += len(data)
                continue
            event = course.take(self._without_key(data))
            if event:
                told(event)
            if event == "task-finished":
                return

    def _late(self, idle: bool, course: _Course) -> MaybeSent:
        text = (
            say(f"{self._host} said nothing for {self._idle_s:g} s", f"{self._host} 在 {self._idle_s:g} 秒内没有应答")
            if idle
            else say(f"the speech was not finished after {self._total_s:g} s", f"语音在 {self._total_s:g} 秒后仍未完成")
        )
        return MaybeSent(text, request_id=course.known_as)

    def _broken(self, error: Exception, course: _Course) -> MaybeSent:
        reason = ""
        if isinstance(error, ConnectionClosed) and error.rcvd is not None:
            words = self._without_key(error.rcvd.reason.encode()).decode("utf-8", "replace")
            reason = f" ({error.rcvd.code}{' ' if words else ''}{words[:80]})"
        return MaybeSent(
            say(
                f"the connection to {self._host} broke before the speech was finished{reason}",
                f"与 {self._host} 的连接在语音完成前中断{reason}",
            ),
            request_id=course.known_as,
        )

    @property
    def _host(self) -> str:
        return "/".join(self._url.split("/", 3)[2:3])

    def _without_key(self, content: bytes) -> bytes:
        """A server that repeats the key must not put it into journals and logs."""
        return content.replace(self._key, b"***") if len(self._key) >= 8 else content


@dataclass
class _Course:
    """What the frames of one task have told so far. Any part of a frame may be missing or null."""

    task_id: str
    request_id: str = ""
    characters: int | None = None
    audio_bytes: int = 0
    sentences: list[dict[str, Any]] = field(default_factory=list)

    @property
    def known_as(self) -> str:
        return self.request_id or self.task_id

    def take(self, text: bytes) -> str:
        """Read a text frame; return its event, or nothing if it is not readable or of another task.

        Raises:
            ServiceError: the task failed. That is an answer: the work is not done, and will not be.
        """
        frame = json_object(text) or {}
        header = _inner(frame, "header")
        task_id, event = header.get("task_id"), header.get("event")
        if task_id and str(task_id).replace("-", "").lower() != self.task_id:
            return ""
        request_id = _inner(header, "attributes").get("request_uuid")
        if isinstance(request_id, str) and request_id:
            self.request_id = request_id
        if event == "task-failed":
            raise self._failure(header)
        payload = _inner(frame, "payload")
        self._count(_inner(payload, "usage").get("characters"))
        self._add(_inner(_inner(payload, "output"), "sentence"))
        return event if isinstance(event, str) else ""

    def _failure(self, header: Mapping[str, Any]) -> ServiceError:
        code, message = (str(header.get(name) or "") for name in ("error_code", "error_message"))
        text = message or code or say("the task failed, without a reason", "任务失败，未说明原因")
        error = service_error(code, text, None, request_id=self.known_as)
        error.maybe_done = False
        return error

    def _count(self, characters: Any) -> None:
        """The figure is a running total: the last one counts."""
        if isinstance(characters, int) and not isinstance(characters, bool):
            self.characters = characters

    def _add(self, sentence: dict[str, Any]) -> None:
        """A sentence may be told again when more of it is known: then its begin is the same."""
        begin = sentence.get("begin_time")
        if begin is None and not sentence.get("words"):
            return
        if begin is not None and self.sentences and self.sentences[-1].get("begin_time") == begin:
            self.sentences.pop()
        self.sentences.append(sentence)

    def answer(self) -> dict[str, Any]:
        output = {"sentences": self.sentences, "audio_bytes": self.audio_bytes}
        usage = {} if self.characters is None else {"usage": {"characters": self.characters}}
        return {"request_id": self.known_as, "output": output, **usage}


def _inner(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


class _Refused(Exception):
    """The handshake was answered with another status than 101."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class _Line(ClientConnection):
    """A connection that tells text from sound, even where a text is no UTF-8.

    It follows no redirect: the question would go elsewhere (and on the same host, the key along with it).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._is_text: deque[bool] = deque()
        super().__init__(*args, **kwargs)

    def handshake(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().handshake(*args, **kwargs)
        except InvalidStatus as refusal:
            raise _Refused(refusal.response) from None

    def process_event(self, event: Any) -> None:
        if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_text.append(event.opcode is Opcode.TEXT)
        super().process_event(event)

    def next_message(self, timeout_s: float) -> tuple[bool, bytes]:
        """Return whether the next message is text, and its bytes."""
        data = self.recv(timeout_s, decode=False)
        return self._is_text.popleft(), data


def _cutting(line: ClientConnection, limit_s: float) -> threading.Timer:
    """Return a timer that cuts the line: the library sends without a deadline, and a peer may never read."""

    def cut() -> None:
        with suppress(OSError):
            line.socket.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(limit_s, cut)
    timer.daemon = True
    return timer


def _trust() -> ssl.SSLContext:
    """Trust whom the HTTP calls trust."""
    bundle = Path(os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH)
    if bundle.is_dir():
        return ssl.create_default_context(capath=str(bundle))
    return ssl.create_default_context(cafile=str(bundle))


def _not_opened(error: Exception, host: str, open_s: float) -> str:
    """Say why there is no line. The library's own words may hold the address of a proxy with its password."""
    if isinstance(error, TimeoutError):
        return say(f"{host} opened no socket within {open_s:g} s", f"{host} 在 {open_s:g} 秒内未能建立 WebSocket")
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", "") or error.reason
        return say(f"no secure connection to {host}: {reason}", f"无法与 {host} 建立安全连接：{reason}")
    if isinstance(error, ProxyError):
        return say(f"the proxy did not connect to {host}", f"代理无法连接 {host}")
    if isinstance(error, ImportError):
        return say("a SOCKS proxy needs `pip install python-socks`", "使用 SOCKS 代理需要 `pip install python-socks`")
    if isinstance(error, OSError):
        return say(f"cannot connect to {host}", f"无法连接 {host}")
    return say(f"there is no speech socket at {host}", f"{host} 没有语音 WebSocket 服务")
