"""Faults on demand: what shall go wrong, with which request, and how often."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

ON = (
    "submit", "poll", "list", "cancel", "download", "sync", "text", "embedding", "rerank", "speech", "grant", "upload", "models",
    "customization",
)  # fmt: skip
"""What a client does. "sync" is the POST whose answer is the picture, "text" one for a text, by either route,
"embedding" one for vectors, "rerank" one for ranks, "speech" one task on a socket.
"grant" asks for an upload policy, "upload" sends the file. "models" asks which models there are,
"customization" is about own voices and hot words."""

_ANSWERS = ("throttle", "status", "html", "slow", "cut", "garbage", "empty", "silence")
_RESETS = ("reset_before", "reset_after", "reset_during")
_EVERYWHERE = frozenset(_ANSWERS + _RESETS)
_API = _EVERYWHERE | {"top_level_code", "raw"}

KINDS: Mapping[str, frozenset[str]] = {
    "submit": _API | {"failed", "partial", "wrong_size"},
    "sync": _API | {"failed", "wrong_size", "no_choices", "stream_error", "nested_output"},
    "poll": _API | {"failed", "partial", "unknown", "canceled", "weird_status", "no_choices"},
    "list": _API,
    "cancel": _API,
    "grant": _API,
    "models": _API,
    "customization": _API | {"failed"},
    "upload": _EVERYWHERE | {"expired"},
    "download": _EVERYWHERE | {"expired", "html_file", "wrong_size"},
    "text": _API | {"failed", "stream_error", "no_choices"},
    "embedding": _API | {"failed"},
    "rerank": _API | {"failed"},
    "speech": frozenset(
        {"failed", "closed", "reset", "silence", "no_audio", "slow"}
        | {"null_usage", "bare_finish", "sentence_finish", "true_sizes", "zero_sizes"}
        | {"sound_first", "no_events", "unknown_events", "odd_frames", "restarting_times", "no_words"}
    ),
}
"""Which kinds make sense where."""

BATCH_KINDS: Mapping[str, frozenset[str]] = {
    "batch_upload": _EVERYWHERE,
    "batch_file": _EVERYWHERE,
    "batch_content": _EVERYWHERE,
    "batch_create": _EVERYWHERE | {"failed", "expired"},
    "batch_poll": _EVERYWHERE | {"failed", "expired", "cancelled"},
    "batch_list": _EVERYWHERE,
    "batch_cancel": _EVERYWHERE,
}
"""The same for the batch endpoints, whose errors have another shape."""


PICTURE_FAILED = (
    "InternalError.Timeout",
    "An internal timeout error has occured during execution, please try again later or contact service support.",
)  # D-IE, the misspelling is the service's

_DEFAULT_ERRORS = {
    "throttle": (429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later."),
    "status": (500, "InternalError", "An internal error has occured, please try again later."),
    "top_level_code": (200, "InvalidParameter", "An error that came with HTTP 200."),
    "failed": (200, "InternalError.Algo", "inference internal error."),
    "partial": (200, *PICTURE_FAILED),
    "stream_error": (429, "Throttling.AllocationQuota", "Allocated quota exceeded, please increase your quota limit."),
}
"""Status, code and message of each kind, from D-ERR where the code is the service's."""


@dataclass(frozen=True)
class Fault:
    """One thing that shall go wrong.

    `code` and `message` have a default for every kind; an empty string leaves the key out of the answer.
    """

    on: str
    kind: str
    times: int | None = 1
    """How many matching requests it hits; `None`: all."""
    after: int = 0
    """How many matching requests pass first."""
    match_prompt: str | None = None
    """Hit only requests about a prompt that contains this (not for "list")."""
    match_model: str | None = None
    status: int | None = None
    code: str | None = None
    message: str | None = None
    retry_after_s: float | None = None
    """Sent as the header Retry-After."""
    delay_s: float = 0.2
    """slow: wait before the work. reset_during: the work is done this long after the reset."""
    work: bool | None = None
    """Whether the work is done although its answer is lost or replaced. None: yes for silence, garbage and
    empty, no for throttle, status, html and top_level_code."""
    count: int = 1
    """How many.

    partial: the pictures (files) that fail, from the last one backwards. stream_error: the good frames that come first.
    failed, closed and reset on "speech": the frames of sound that come first.
    """
    sentences: int | None = None
    """failed, closed, reset and silence on "speech": it happens after so many sentences, in the middle of the next one,
    instead of after `count` frames (silence: at once)."""
    task_status: str = "SUSPENDED"
    """weird_status: the word to answer."""
    size: str = "640*480"
    """wrong_size: the size drawn instead of the asked one."""
    replace: Mapping[str, str] = field(default_factory=dict, hash=False)
    """raw: JSON text by its place in the answer ("usage.image_count": "1e400"), valid or not.

    An answer without the objects on the way there is left as it is.
    """
    task_s: float | None = None
    """submit, sync: how long the work takes, instead of the sandbox's own `task_s`."""

    def __post_init__(self) -> None:
        """Refuse what could never happen, so that a test does not wait for it."""
        kinds = KINDS.get(self.on) or BATCH_KINDS.get(self.on)
        if kinds is None:
            raise ValueError(f"on={self.on!r} is not one of {', '.join((*ON, *BATCH_KINDS))}")
        if self.kind not in kinds:
            known = ", ".join(sorted(kinds))
            raise ValueError(f"kind={self.kind!r} on {self.on!r} is not one of {known}")
        width, star, height = self.size.partition("*")
        if not (star and width.isdecimal() and height.isdecimal()):
            raise ValueError(f"size={self.size!r} is not W*H")
        if not isinstance(self.replace, Mapping) or not all(isinstance(raw, str) for raw in self.replace.values()):
            raise ValueError(f"replace={self.replace!r} is not an object of JSON texts")

    @classmethod
    def from_json(cls, data: Any) -> Fault:
        """Build a fault from a JSON object with the same names.

        Raises:
            ValueError: not an object, an unknown name, or a fault that cannot happen.
        """
        if not isinstance(data, dict):
            raise ValueError("a fault is a JSON object")
        unknown = set(data) - {known.name for known in fields(cls)}
        if unknown:
            raise ValueError(f"a fault has no field {', '.join(sorted(unknown))}")
        try:
            return cls(**data)
        except TypeError as error:
            raise ValueError(str(error)) from None

    def error(self) -> tuple[int, str, str]:
        """Return status, code and message: the fault's own, else the kind's."""
        status, code, message = _DEFAULT_ERRORS.get(self.kind, (200, "", ""))
        return (
            status if self.status is None else self.status,
            code if self.code is None else self.code,
            message if self.message is None else self.message,
        )

    def drawn_size(self) -> tuple[int, int]:
        width, _, height = self.size.partition("*")
        return int(width), int(height)


FIRED_KEPT = 10_000


@dataclass
class _Armed:
    fault: Fault
    to_skip: int
    to_hit: int | None


class Faults:
    """The faults that wait for their request; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self._fired: deque[Fault] = deque(maxlen=FIRED_KEPT)

    def add(self, *faults: Fault) -> None:
        """Arm faults. Of several that match a request, the one added first takes it."""
        with self._lock:
            self._armed += [_Armed(fault, fault.after, fault.times) for fault in faults]

    def clear(self) -> None:
        """Disarm all, and forget which have fired."""
        with self._lock:
            self._armed.clear()
            self._fired.clear()

    @property
    def fired(self) -> list[Fault]:
        """Every fault that has hit a request, once per hit, oldest first."""
        with self._lock:
            return list(self._fired)

    @property
    def armed(self) -> list[Fault]:
        """The faults that may still hit."""
        with self._lock:
            return [entry.fault for entry in self._armed]

    def as_json(self) -> dict[str, Any]:
        return {"armed": [asdict(f) for f in self.armed], "fired": [asdict(f) for f in self.fired]}

    def take(self, on: str, prompt: str = "", model: str = "", *, by_prompt: bool = False) -> Fault | None:
        """Return the fault that hits this request, counting it, or None; `by_prompt`: only those for a prompt count."""
        with self._lock:
            for entry in self._armed:
                if not _matches(entry.fault, on, prompt, model) or (by_prompt and entry.fault.match_prompt is None):
                    continue
                if entry.to_skip > 0:
                    entry.to_skip -= 1
                    continue
                if entry.to_hit is not None:
                    entry.to_hit -= 1
                    if entry.to_hit <= 0:
                        self._armed.remove(entry)
                self._fired.append(entry.fault)
                return entry.fault
        return None


def _matches(fault: Fault, on: str, prompt: str, model: str) -> bool:
    return (
        fault.on == on
        and (fault.match_prompt is None or fault.match_prompt in prompt)
        and (fault.match_model is None or fault.match_model == model)
    )
