"""What one running sandbox knows; shared by its HTTP face and the program that started it."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bailian.sandbox.account.account import Account
from bailian.sandbox.batches.batch_store import BatchStore
from bailian.sandbox.control.clock import Clock
from bailian.sandbox.database import Database
from bailian.sandbox.faults import Fault, Faults
from bailian.sandbox.http.answers import LoggedRequest
from bailian.sandbox.model_names import Limits
from bailian.sandbox.responses.response_store import ResponseStore
from bailian.sandbox.scripted.answers import Kind, ScriptedAnswer
from bailian.sandbox.scripted.patterns import Conversation
from bailian.sandbox.scripted.script import Script
from bailian.sandbox.served_models import ServedModels
from bailian.sandbox.settings import Settings
from bailian.sandbox.storage.file_store import FileStore
from bailian.sandbox.storage.links import Links
from bailian.sandbox.storage.made_files import MadeFiles
from bailian.sandbox.storage.upload_store import UploadStore
from bailian.sandbox.storage.uploads import Uploads
from bailian.sandbox.tasks.task_store import TaskStore
from bailian.sandbox.transcription.hot_words import HotWords
from bailian.sandbox.voices.own_voices import OwnVoices

if TYPE_CHECKING:
    from bailian.sandbox.http.endpoints import Call

EndOthers = Callable[[object], Awaitable[None]]
"""Ends all requests under way but the one that comes from this client."""


async def _end_none(client: object) -> None:
    """There is no server yet."""


LOG_LENGTH = 100_000
"""The request log forgets its oldest entries beyond this."""


class State:
    """Tasks, faults, settings and the log."""

    def __init__(
        self,
        *,
        state_path: Path | None,
        catalog: Mapping[str, Limits] | None,
        settings: Settings,
        faults: Faults,
        api_keys: Collection[str] | None,
        clock: Callable[[], float],
        day: date | None = None,
        script: Sequence[ScriptedAnswer] = (),
        token: str = "",
    ) -> None:
        self.clock = Clock(clock)
        self.script = Script(script)
        self.token = token
        self.end_others: EndOthers = _end_none
        self.models = ServedModels(catalog, day)
        self.settings = settings
        self._first_settings = asdict(settings)
        self.faults = faults
        self.api_keys = None if api_keys is None else frozenset(api_keys)
        self.links = Links()
        self.database = Database(state_path)
        self.tasks = TaskStore(self.database, self.clock)
        self.store = UploadStore(self.database, self.clock)
        self.files = FileStore(self.database, self.clock)
        self.batches = BatchStore(self.database, self.files, self.clock)
        self.responses = ResponseStore(self.database, self.clock)
        self.uploads = Uploads(self.store, self.clock)
        self.hot_words = HotWords(self.database)
        self.own_voices = OwnVoices(self.database, self.clock)
        self.drawn = MadeFiles(16)
        self.transcripts = MadeFiles(64)
        self.account = Account(self.models.limits, self.tasks, settings, self.clock)
        self._lock = threading.Lock()
        self._log: deque[LoggedRequest] = deque(maxlen=LOG_LENGTH)
        self._counts: Counter[str] = Counter()

    def reset(self) -> None:
        """Forget everything that has happened; settings, script and clock are the first ones again."""
        for part in (self.database, self.links, self.faults, self.drawn, self.transcripts):
            part.clear()
        self.account.reset()
        self.script.reset()
        self.clock.reset()
        self.settings.change(self._first_settings)
        with self._lock:
            self._log.clear()
            self._counts.clear()

    def sign(self, root: str, path: str) -> str:
        """Return a signed link to a path of this server; it ends when the settings say so."""
        return self.links.sign(root, path, self.clock() + self.settings.link_life_s)

    def about_task(self, call: Call) -> tuple[str, str]:
        """Return prompt and model of the task that a path names, for the faults."""
        task = self.tasks.get(call.param("task_id"))
        return (task.request.prompt, task.model) if task is not None else ("", "")

    async def until(self, moment: float) -> None:
        """Sleep until the sandbox's clock shows that moment."""
        await self.clock.until(moment)

    def answer_kinds(self, kind: str, model: str) -> Collection[Kind]:
        """Return which kinds of scripted answers make sense for a call of a model."""
        if kind == "text":
            return ("text", "error", "delay")
        if model in self.models.recognizers:
            return ("transcript", "error", "delay")
        if model in self.models.pictures and model not in self.models.films:
            return ("picture", "error", "delay")
        return ("error", "delay")

    def socket_fault(self, text: str, model: str, *, by_prompt: bool = False) -> Fault | None:
        """Return what shall go wrong with a task on the socket, by a fault or by a scripted error or delay."""
        fault = self.faults.take("speech", text, model, by_prompt=by_prompt)
        if fault is not None or self.script.is_empty:
            return fault
        answer = self.script.take_trouble(Conversation(model, text), by_prompt=by_prompt)
        if answer is None:
            return None
        if answer.error is not None:
            return Fault("speech", "failed", code=answer.error.code, message=answer.error.message, count=0)
        return Fault("speech", "slow", delay_s=answer.delay_s)

    def record(self, request: LoggedRequest) -> None:
        with self._lock:
            self._log.append(request)
            self._counts[f"{request.method} {request.kind}"] += 1

    def requests(self) -> list[LoggedRequest]:
        with self._lock:
            return list(self._log)

    def request_counts(self) -> dict[str, int]:
        """Return how many requests of each method and kind came, also those the log has forgotten."""
        with self._lock:
            return dict(self._counts)
