"""The speech socket: one question, sound and times in answer. One WebSocket a task; nothing is sent twice.

The text goes with the question, or in pieces behind it (`pieces`), as the model wants it.

The protocol: docs/wire.md "Speech" (the service's Sambert pages, 2025 to 2026; recorded traffic). Loading this loads
`websockets`: import it where a socket is opened.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from bailian.clock import SYSTEM_CLOCK, Clock
from bailian.errors import MaybeSent, NotSent, ServiceError
from bailian.i18n import tr
from bailian.service.download import MOST_FILE_BYTES
from bailian.service.speech.connection import Refused, SpeechConnection, cutting_timer, not_opened, open_connection
from bailian.service.speech.frames import TaskTranscript
from bailian.service.speech.handshake import handshake_refusal
from bailian.service.speech.text_sender import TextSender, frame
from bailian.service.transport import network, send_tracking
from bailian.service.transport.packed import MOST_ANSWER_BYTES

# The service itself gives up after 23 s without progress (SAM-WS, stored copy).
IDLE_S = 30.0
TOTAL_S = 900.0
TOTAL_CHARS = 10_000
"""The text that this time is for; a longer one has more of it."""
OPEN_S = 10.0
# Silence is declared only when nothing has arrived that this process had no time to read (it was stopped, say).
LAST_LOOK_S = 1.0
# A second a character is four times as slow as the slowest speech; pauses may be asked for in between (our guess).
MOST_S_A_CHARACTER = 4.0
MOST_S_BESIDE = 60.0
# 48 kHz, 16 bit, one channel: the largest that there is.
MOST_BYTES_PER_S = 96_000
# The close frame is a courtesy: the result is on the disk when it is sent.
CLOSE_S = 1.0


def most_sound_bytes(text: str) -> int:
    """Return what no sound of a text exceeds, in the largest format there is."""
    return min(MOST_FILE_BYTES, int((MOST_S_BESIDE + MOST_S_A_CHARACTER * len(text)) * MOST_BYTES_PER_S))


def _untold(_event: str) -> None:
    pass


def _unheard(_sound: bytes) -> None:
    pass


@dataclass(frozen=True)
class _Sink:
    """Where the sound goes, and how much of it there can be."""

    file: BinaryIO
    heard: Callable[[bytes], None]
    most_bytes: int


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
        clock: Clock = SYSTEM_CLOCK,
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
        self._clock = clock
        self._headers = dict(headers)
        self._idle_s, self._total_s, self._open_s, self._close_s = idle_s, total_s, open_s, close_s
        name, _, key = self._headers.get("Authorization", "").partition(" ")
        self._key = (key or name).encode()

    def speak(
        self,
        run_task_payload: Mapping[str, Any],
        part_path: Path,
        *,
        pieces: Sequence[str] | None = None,
        told: Callable[[str], None] = _untold,
        heard: Callable[[bytes], None] = _unheard,
    ) -> dict[str, Any]:
        """Have one text spoken into `part_path`, which is emptied first and may hold half a sound after an error.

        Args:
            run_task_payload: model, text and parameters.
            part_path: gets the sound as it comes; a WAV's header may have placeholders for its sizes.
            pieces: the text as it follows a question without one; None: it goes with the question.
            told: is called with the event of each frame of this task ("task-started", …).
            heard: is called with the sound, as it comes.

        Returns:
            An answer like a synchronous one: `request_id`, `output` (`sentences`, `audio_bytes`), `usage`.

        Raises:
            ServiceError: the handshake was refused, or the task failed. Neither will bring a result later; `maybe_done`
                where a failure does not prove that nothing was done.
            NotSent: the question was not sent, or none of its text.
            MaybeSent: it was (perhaps in part), and the end was not told, or was told without any sound. What was
                told to be spoken, and so paid, is its `answer`.
            OSError: `part_path` cannot be written.
        """
        transcript = TaskTranscript(uuid4().hex)
        text = str((run_task_payload.get("input") or {}).get("text") or "")
        send_tracking.reset()
        try:
            self._converse(run_task_payload, transcript, part_path, pieces, told, heard, text)
        except MaybeSent as error:
            error.answer = transcript.told_so_far()
            raise
        if not transcript.audio_bytes:
            raise MaybeSent(
                tr("the service finished without any sound", "服务已完成，但没有返回音频"),
                request_id=transcript.known_as,
            )
        return transcript.answer()

    def _converse(
        self,
        payload: Mapping[str, Any],
        transcript: TaskTranscript,
        part_path: Path,
        pieces: Sequence[str] | None,
        told: Callable[[str], None],
        heard: Callable[[bytes], None],
        text: str,
    ) -> None:
        streaming = "out" if pieces is None else "duplex"
        asked = payload if pieces is None else {**payload, "input": {}}
        sender: TextSender | None = None

        def on_event(event: str) -> None:
            if sender is not None:
                sender.on_event(event)
            told(event)

        try:
            with self._opened() as connection, part_path.open("wb") as file:
                if pieces is not None:
                    sender = TextSender(connection, transcript.task_id, pieces)
                self._send(connection, frame("run-task", transcript.task_id, asked, streaming), transcript)
                self._listen(connection, transcript, _Sink(file, heard, most_sound_bytes(text)), on_event, len(text))
                file.flush()
                os.fsync(file.fileno())
        except (MaybeSent, ServiceError) as error:
            if sender is None or sender.began or transcript.audio_bytes:
                raise
            if isinstance(error, ServiceError):
                error.maybe_done = False
                raise
            raise NotSent(error.message, request_id=transcript.known_as) from None
        finally:
            if sender is not None:
                sender.wait()

    @contextmanager
    def _opened(self) -> Iterator[SpeechConnection]:
        """Shake hands; whatever happens, the connection is closed afterwards, and soon."""
        try:
            connection = open_connection(self._url, self._headers, open_s=self._open_s, close_s=self._close_s)
        except (Refused, InvalidStatus) as refusal:
            raise handshake_refusal(refusal.response, self._without_key) from None
        except (WebSocketException, OSError, ValueError, EOFError, ImportError) as error:
            advice = network.trust_advice() if isinstance(error, ssl.SSLCertVerificationError) else None
            raise NotSent(not_opened(error, self._url, self._host, self._open_s), advice=advice) from None
        cutting = cutting_timer(connection, 2 * self._close_s)
        try:
            with connection:
                try:
                    yield connection
                finally:
                    cutting.start()
        finally:
            cutting.cancel()

    def _send(self, connection: SpeechConnection, question: str, transcript: TaskTranscript) -> None:
        cutting = cutting_timer(connection, self._idle_s)
        cutting.start()
        try:
            send_tracking.leaves()
            connection.send(question)
        except (WebSocketException, OSError) as error:
            raise self._broken(error, transcript) from None
        finally:
            cutting.cancel()

    def _listen(
        self,
        connection: SpeechConnection,
        transcript: TaskTranscript,
        sink: _Sink,
        told: Callable[[str], None],
        text_chars: int,
    ) -> None:
        """Take what comes until the task is finished, or has sent more than a text of that length can give."""
        text_bytes = 0
        total_s = self._total_s * max(1.0, text_chars / TOTAL_CHARS)
        for is_text, data in self._messages(connection, transcript, total_s):
            if not is_text:
                transcript.audio_bytes += len(data)
                if transcript.audio_bytes > sink.most_bytes:
                    raise self._too_much(transcript)
                sink.file.write(data)
                sink.heard(data)
                continue
            text_bytes += len(data)
            if text_bytes > MOST_ANSWER_BYTES:
                raise self._too_much(transcript)
            event = transcript.take(self._without_key(data))
            if event:
                told(event)
            if event == "task-finished":
                return

    def _messages(
        self, connection: SpeechConnection, transcript: TaskTranscript, total_s: float
    ) -> Iterator[tuple[bool, bytes]]:
        """Yield what comes. Before an end in silence, or by the clock, there is one last look at what is here already."""
        ends_at, is_late = self._clock.monotonic() + total_s, False
        while True:
            left_s = ends_at - self._clock.monotonic()
            if left_s <= 0:
                if is_late:
                    raise self._late(False, transcript)
                is_late, left_s, ends_at = True, LAST_LOOK_S, self._clock.monotonic() + LAST_LOOK_S
            try:
                yield connection.next_message(min(left_s, self._idle_s))
            except TimeoutError:
                if left_s > self._idle_s:
                    yield self._last_look(connection, transcript)
            except (WebSocketException, OSError) as error:
                raise self._broken(error, transcript) from None

    def _last_look(self, connection: SpeechConnection, transcript: TaskTranscript) -> tuple[bool, bytes]:
        try:
            return connection.next_message(LAST_LOOK_S)
        except TimeoutError:
            raise self._late(True, transcript) from None
        except (WebSocketException, OSError) as error:
            raise self._broken(error, transcript) from None

    def _too_much(self, transcript: TaskTranscript) -> MaybeSent:
        return MaybeSent(
            tr(
                f"{self._host} sent more than a text of that length can give; it was stopped",
                f"{self._host} 返回的数据超过该长度文本的可能，已停止接收",
            ),
            request_id=transcript.known_as,
        )

    def _late(self, idle: bool, transcript: TaskTranscript) -> MaybeSent:
        text = (
            tr(f"{self._host} said nothing for {self._idle_s:g} s", f"{self._host} 在 {self._idle_s:g} 秒内没有应答")
            if idle
            else tr(f"the speech was not finished after {self._total_s:g} s", f"语音在 {self._total_s:g} 秒后仍未完成")
        )
        return MaybeSent(text, request_id=transcript.known_as)

    def _broken(self, error: Exception, transcript: TaskTranscript) -> MaybeSent:
        reason = ""
        if isinstance(error, ConnectionClosed) and error.rcvd is not None:
            words = self._without_key(error.rcvd.reason.encode()).decode("utf-8", "replace")
            reason = f" ({error.rcvd.code}{' ' if words else ''}{words[:80]})"
        return MaybeSent(
            tr(
                f"the connection to {self._host} broke before the speech was finished{reason}",
                f"与 {self._host} 的连接在语音完成前中断{reason}",
            ),
            request_id=transcript.known_as,
        )

    @property
    def _host(self) -> str:
        return "/".join(self._url.split("/", 3)[2:3])

    def _without_key(self, content: bytes) -> bytes:
        """A server that repeats the key must not put it into journals and logs."""
        return content.replace(self._key, b"***") if len(self._key) >= 8 else content
