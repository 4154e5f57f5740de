"""The text of a task that is told it in pieces, sent on a thread of its own: sound comes back meanwhile.

Who sent all of it before listening would wait for a service that waits to be heard. The frames: docs/wire.md "Speech".
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from websockets.exceptions import WebSocketException

from bailian.service.speech.connection import SpeechConnection


def frame(action: str, task_id: str, payload: Mapping[str, Any], streaming: str) -> str:
    """Return one text frame of a client."""
    header = {"action": action, "task_id": task_id, "streaming": streaming}
    return json.dumps({"header": header, "payload": dict(payload)}, ensure_ascii=False)


class TextSender:
    """Sends `continue-task` for each piece and `finish-task` behind them, once the task has started."""

    def __init__(self, connection: SpeechConnection, task_id: str, pieces: Iterable[str]) -> None:
        self._connection, self._task_id, self._pieces = connection, task_id, pieces
        self._thread = threading.Thread(target=self._send, name="speech-text", daemon=True)
        self.began = False
        """Whether any text may have left: before that there was nothing to speak, and so nothing to bill."""

    def on_event(self, event: str) -> None:
        """Begin with the event that says so, however often it comes."""
        if event == "task-started" and not self.began:
            self.began = True
            self._thread.start()

    def wait(self) -> None:
        """Wait for the thread; the connection is closed by now, which ends whatever it was sending."""
        if self.began:
            self._thread.join()

    def _send(self) -> None:
        # A connection that is gone is told by who listens to it.
        with suppress(WebSocketException, OSError):
            for text in self._pieces:
                self._connection.send(frame("continue-task", self._task_id, {"input": {"text": text}}, "duplex"))
            self._connection.send(frame("finish-task", self._task_id, {"input": {}}, "duplex"))
