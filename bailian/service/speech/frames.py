"""The text frames of one speech task, and the answer they make in the end. No network: bytes in, answer or error out.

The frames: docs/wire.md "Speech" (the service's Sambert pages, 2025 to 2026; recorded traffic).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bailian.counts import MOST_CHARACTERS, count_of
from bailian.errors import ServiceError
from bailian.i18n import tr
from bailian.service.error_codes import service_error
from bailian.service.json_reader import json_object


@dataclass
class TaskTranscript:
    """What the frames of one task have told so far. Any part of a frame may be missing or null."""

    task_id: str
    request_id: str = ""
    characters: int | None = None
    audio_bytes: int = 0
    sentences: list[dict[str, Any]] = field(default_factory=list)
    _begins: dict[str, int] = field(default_factory=dict)
    """How much sound had come when a sentence began, by its number."""

    @property
    def known_as(self) -> str:
        return self.request_id or self.task_id

    def take(self, text: bytes) -> str:
        """Read a text frame; return its event, or nothing if it is not readable or of another task.

        Raises:
            ServiceError: the task failed; no more will come. `maybe_done` where that does not prove that nothing was done.
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
        self._count(_inner(payload, "usage"))
        self._add(_inner(payload, "output"))
        return event if isinstance(event, str) else ""

    def _failure(self, header: Mapping[str, Any]) -> ServiceError:
        code, message = (str(header.get(name) or "") for name in ("error_code", "error_message"))
        text = message or code or tr("the task failed, without a reason", "任务失败，未说明原因")
        error = service_error(code, text, None, request_id=self.known_as)
        # Sound that came was work, and is billed perhaps, whatever the frame says.
        error.maybe_done = error.maybe_done or self.audio_bytes > 0
        return error

    def _count(self, usage: Mapping[str, Any]) -> None:
        """The figure is a running total: the last one counts. One that is none takes back what was told before."""
        if "characters" in usage:
            self.characters = count_of(usage["characters"], MOST_CHARACTERS)

    def _add(self, output: Mapping[str, Any]) -> None:
        """A sentence may be told again when more of it is known: then its begin is the same, or its number."""
        sentence = _inner(output, "sentence")
        index = sentence.get("index")
        if output.get("type") == "sentence-begin":
            self._begins[_key(index)] = self.audio_bytes
        begin = sentence.get("begin_time")
        if begin is None and not sentence.get("words"):
            return
        if index is not None:
            heard = self._begins.get(_key(index))
            sentence = {**sentence, **({} if heard is None else {"begin_bytes": heard})}
        same = "begin_time" if index is None else "index"
        if sentence.get(same) is not None and self.sentences and self.sentences[-1].get(same) == sentence.get(same):
            self.sentences.pop()
        self.sentences.append(sentence)

    def answer(self) -> dict[str, Any]:
        output = {"sentences": self.sentences, "audio_bytes": self.audio_bytes}
        usage = {} if self.characters is None else {"usage": {"characters": self.characters}}
        return {"request_id": self.known_as, "output": output, **usage}

    def told_so_far(self) -> dict[str, Any] | None:
        """Return what is known of a task that broke off: its sound is no result. None: nothing was told."""
        if not self.audio_bytes and self.characters is None:
            return None
        whole = self.answer()
        return {**whole, "output": {"audio_bytes": 0, "broken_off_bytes": self.audio_bytes}}


def _key(index: Any) -> str:
    return str(index)[:20]


def _inner(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}
