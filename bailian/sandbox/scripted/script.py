"""The answers that are waiting for their requests, and the one that the request under way has got."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.scripted.answers import Kind, ScriptedAnswer
from bailian.sandbox.scripted.patterns import Conversation


@dataclass
class Entry:
    """One answer, and how often it was given."""

    answer: ScriptedAnswer
    used: int = 0

    @property
    def is_over(self) -> bool:
        return self.answer.times is not None and self.used >= self.answer.times


@dataclass
class Taken:
    """What a request has got; handed back when nothing came of it."""

    entry: Entry
    about: Conversation
    used: bool = False


@dataclass(frozen=True)
class _Request:
    taken: Taken | None


_UNDER_WAY: ContextVar[_Request | None] = ContextVar("scripted answer", default=None)
"""Whatever a request's handler calls sees the request's own; threads that it starts by hand do not."""


class Script:
    """The answers; may be used from any thread.

    Args:
        first: those that a reset brings back.
    """

    def __init__(self, first: Sequence[ScriptedAnswer] = ()) -> None:
        self._first = tuple(first)
        self._lock = threading.Lock()
        self._entries = [Entry(answer) for answer in first]

    def add(self, *answers: ScriptedAnswer) -> None:
        """Append answers. Of several that fit a request, the one added first is given."""
        with self._lock:
            self._entries += [Entry(answer) for answer in answers]

    def remove_all(self) -> None:
        with self._lock:
            self._entries.clear()

    def reset(self) -> None:
        """Become as it was at first, every answer unused."""
        with self._lock:
            self._entries = [Entry(answer) for answer in self._first]

    @property
    def is_empty(self) -> bool:
        return not self._entries

    @property
    def unused(self) -> list[ScriptedAnswer]:
        """The answers that no request has got yet."""
        with self._lock:
            return [entry.answer for entry in self._entries if not entry.used]

    def as_json(self) -> dict[str, Any]:
        """Return every answer with its count, and by their places those that nobody has asked for."""
        with self._lock:
            shown = [{**entry.answer.as_json(), "used": entry.used} for entry in self._entries]
        return {"answers": shown, "unused_answers": [at for at, one in enumerate(shown) if not one["used"]]}

    def begin(self, about: Conversation, kinds: Collection[Kind]) -> Taken | None:
        """Give a request that begins its answer, and let its handler see it.

        Args:
            about: the request.
            kinds: of answers that make sense for it.
        """
        taken = self._take(about, kinds)
        _UNDER_WAY.set(_Request(taken))
        return taken

    def end(self, taken: Taken | None) -> None:
        """Take an answer back that was not used: its request was refused."""
        _UNDER_WAY.set(None)
        if taken is not None and not taken.used:
            with self._lock:
                taken.entry.used -= 1

    def take(self, about: Conversation, kind: Kind) -> ScriptedAnswer | None:
        """Return an answer at once, for work that is no request of its own."""
        taken = self._take(about, {kind})
        return None if taken is None else taken.entry.answer

    def take_trouble(self, about: Conversation, *, by_prompt: bool = False) -> ScriptedAnswer | None:
        """Return an error or a delay for a task on a socket; `by_prompt`: only those for a prompt count."""
        taken = self._take(about, ("error", "delay"), by_prompt=by_prompt)
        return None if taken is None else taken.entry.answer

    def _take(self, about: Conversation, kinds: Collection[Kind], *, by_prompt: bool = False) -> Taken | None:
        with self._lock:
            for entry in self._entries:
                if by_prompt and not entry.answer.prompt:
                    continue
                if not entry.is_over and entry.answer.kind in kinds and entry.answer.fits(about):
                    entry.used += 1
                    return Taken(entry, about)
        return None


def scripted(kind: Kind) -> ScriptedAnswer | None:
    """Return the answer of this kind that the request under way has got; from now on it is used."""
    request = _UNDER_WAY.get()
    taken = None if request is None else request.taken
    if taken is None or taken.entry.answer.kind != kind:
        return None
    taken.used = True
    return taken.entry.answer


def is_request() -> bool:
    """Return whether a request that can have an answer is under way here."""
    return _UNDER_WAY.get() is not None
