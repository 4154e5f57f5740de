"""One call from Python on its engine: who is told of it, and how it is ended early."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from bailian.api.keywords import Progress, Told
from bailian.api.places import there
from bailian.api.words import in_words_of_python
from bailian.catalog import Catalog, load
from bailian.config.settings import Settings, home_folder
from bailian.engine.admission.call_capacity import CallCapacity
from bailian.engine.context import NoProgress
from bailian.engine.engine import Engine
from bailian.engine.job import Job
from bailian.errors import BailianError, Interrupted

_log = logging.getLogger("bailian")


def called(function: Callable[..., None], *values: object) -> None:
    """Call what a program has given. That it fails ends nothing: requests are paid."""
    try:
        function(*values)
    except Exception:  # noqa: BLE001 - whatever it is
        _log.exception("a callback has failed; the request goes on")


class Watch(NoProgress):
    """Passes on what the engine says."""

    def __init__(self, progress: Told | None = None, on_chunk: Callable[[str, str], None] | None = None) -> None:
        self._progress = progress
        self._on_chunk = on_chunk

    def update(self, job: Job, status: str, elapsed_s: float) -> None:
        if self._progress is not None:
            called(self._progress, Progress(status, job.model, job.id, job.task_id, elapsed_s, job.prepared.where))

    def on_chunk(self, job: Job, text: str, thought: str) -> None:
        if self._on_chunk is not None and (text or thought):
            called(self._on_chunk, text, thought)

    def on_capacity(self, capacity: CallCapacity) -> None:
        """Say in the program's log why a batch is not as fast as the account allows."""
        _log.warning("%s", capacity.text)

    def on_journal(self, why: str) -> None:
        """Say in the program's log that a run waits for the journal's server, or goes on."""
        _log.warning("%s", why or "the journal answers again")


class Stop:
    """Ends a call early from any thread: as Ctrl-C does, after the answers to what is paid."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._pressed = False

    def press(self) -> None:
        with self._lock:
            self._pressed = True
            if self._engine is not None:
                self._engine.interrupt()

    def hold(self, engine: Engine) -> None:
        """Let it end this engine's run."""
        with self._lock:
            self._engine = engine
            if self._pressed:
                engine.interrupt()


stop_here: ContextVar[Stop | None] = ContextVar("bailian_stop", default=None)
"""What ends the calls of this context."""


def catalog_of(account: Mapping[str, Any], kind: str | None = None) -> Catalog:
    return load(home_folder(), use_successor=bool(account.get("use_successor")), kind=kind)


@contextmanager
def engine_for(here: Settings, models: Catalog, watch: Watch) -> Iterator[Engine]:
    """Open an engine where the settings lead."""
    here.require_key()
    with Engine(there(here), models, watch) as engine:
        stop = stop_here.get()
        if stop is not None:
            stop.hold(engine)
        yield engine


@contextmanager
def in_own_words() -> Iterator[None]:
    """Raise every error in the words of a program; an interrupt as Python has it, with what it left running.

    Raises:
        BailianError: as it was raised inside.
        KeyboardInterrupt: Ctrl-C, or somebody has ended the call; the text says what runs on and how to fetch it.
    """
    try:
        yield
    except Interrupted as error:
        in_words_of_python(error)
        raise KeyboardInterrupt("; ".join(filter(None, (error.message, error.advice)))) from error
    except BailianError as error:
        raise in_words_of_python(error)  # noqa: B904 - the same error
