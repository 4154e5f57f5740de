"""What one running sandbox knows; shared by its HTTP face and the program that started it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bailian.sandbox.account.account import Account
from bailian.sandbox.batches.batch_store import BatchStore
from bailian.sandbox.database import Database
from bailian.sandbox.faults import Faults
from bailian.sandbox.http.answers import LoggedRequest
from bailian.sandbox.model_names import Limits
from bailian.sandbox.responses.response_store import ResponseStore
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
    ) -> None:
        self.clock = clock
        self.models = ServedModels(catalog, day)
        self.settings = settings
        self.faults = faults
        self.api_keys = None if api_keys is None else frozenset(api_keys)
        self.links = Links()
        self.database = Database(state_path)
        self.tasks = TaskStore(self.database, clock)
        self.store = UploadStore(self.database, clock)
        self.files = FileStore(self.database, clock)
        self.batches = BatchStore(self.database, self.files, clock)
        self.responses = ResponseStore(self.database, clock)
        self.uploads = Uploads(self.store, clock)
        self.hot_words = HotWords(self.database)
        self.own_voices = OwnVoices(self.database, clock)
        self.drawn = MadeFiles(16)
        self.transcripts = MadeFiles(64)
        self.account = Account(self.models.limits, self.tasks, settings, clock)
        self._lock = threading.Lock()
        self._log: deque[LoggedRequest] = deque(maxlen=LOG_LENGTH)
        self._counts: Counter[str] = Counter()

    def reset(self) -> None:
        """Forget everything that has happened; the settings stay."""
        for part in (self.database, self.links, self.faults, self.drawn, self.transcripts):
            part.clear()
        self.account.reset()
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
        await asyncio.sleep(max(0.0, moment - self.clock()))

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
