"""One module a kind of model: the request, its rules, the wire body, and how to read the answer. Pure: no I/O.

Each module has the same four functions, named in `Modality`; `of(kind)` loads the one that is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from bailian.catalog import Catalog
from bailian.errors import BailianError
from bailian.types import Input, Item, Notice, Prepared, StoredRequest

MODULES = {
    "image": "bailian.modalities.picture.image",
    "image_edit": "bailian.modalities.picture.image_edit",
    "wanx_edit": "bailian.modalities.picture.wanx_edit",
    "video": "bailian.modalities.video.video",
    "text": "bailian.modalities.text.text",
    "speech": "bailian.modalities.audio.speech",
    "transcription": "bailian.modalities.recognition.transcription",
    "embedding": "bailian.modalities.text.embedding",
}


class Modality(Protocol):
    """What a modality module provides."""

    INPUT_FIELDS: tuple[str, ...]
    """Fields that hold pictures; the caller resolves them and passes what it found as `inputs`, by reference."""

    RESULT_SUFFIXES: tuple[str, ...]
    """What a result may be, by its bytes."""

    DEFAULT_MODELS: tuple[str, ...]
    """Where none is named, the first that is not retired."""
    FILE_SUFFIXES: tuple[str, ...]
    """What a file may end in that a user names; none: in anything. Pictures of all known models are PNG."""

    RETRY_SAFE: bool
    """A synchronous answer that was lost may be asked for again: it costs little."""

    def from_config(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return our fields for the service's names in a config file."""

    def prepare(
        self, values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
    ) -> Prepared:
        """Check the user's fields and build the wire body; raises InvalidRequest with every problem."""

    def items(self, answer: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
        """Return the results an answer of the service holds, good and failed, in order."""

    def charged_cny(self, answer: Mapping[str, Any], prepared: StoredRequest) -> float | None:
        """Return what the service bills for this answer, or None if that cannot be known."""

    def with_paths(
        self, answer: Mapping[str, Any], prepared: StoredRequest, paths: Mapping[int, str]
    ) -> dict[str, Any]:
        """Return the answer's `output` with each result's local `path` added."""

    def asked_prompt(self, body: Mapping[str, Any]) -> str:
        """Return the prompt as it was sent: what a task of ours answers as `orig_prompt`."""


def has_files(kind: str) -> bool:
    """Return whether a request's results are files; vectors stay in the answer until their batch is written."""
    return bool(getattr(modality_of(kind), "HAS_FILES", True))


def is_text(kind: str) -> bool:
    """Return whether the results of a kind are short texts, which stand in the results of a batch, too."""
    return bool(getattr(modality_of(kind), "IS_TEXT", False))


def answer_notices(
    kind: str, answer: Mapping[str, Any], prepared: StoredRequest, flags: Sequence[str] = ()
) -> list[Notice]:
    """Return what to know about an answer; most kinds have nothing to say. `flags` name the account in commands."""
    modality = modality_of(kind)
    own = getattr(modality, "answer_notices", None)
    beside = (flags,) if getattr(modality, "NOTICES_NAME_COMMANDS", False) else ()
    return list(own(answer, prepared, *beside)) if own else []


def answer_error(kind: str, answer: Mapping[str, Any], prepared: StoredRequest) -> BailianError | None:
    """Return what is wrong with an answer that is there and kept; None: nothing, as of most kinds."""
    own = getattr(modality_of(kind), "answer_error", None)
    return cast("BailianError | None", own(answer, prepared)) if own else None


def charged(kind: str, answer: Mapping[str, Any], prepared: StoredRequest, sent_at_s: float | None) -> float | None:
    """Return what the service bills for this answer; of some models that depends on when it was asked."""
    own = getattr(modality_of(kind), "charged_at", None)
    return (
        cast("float | None", own(answer, prepared, sent_at_s))
        if own
        else modality_of(kind).charged_cny(answer, prepared)
    )


def opening(kind: str, prepared: StoredRequest) -> str:
    """Return the beginning that a text goes on from, which an answer does not repeat."""
    own = getattr(modality_of(kind), "opening", None)
    return str(own(prepared)) if own else ""


def call_headers(kind: str, body: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that a synchronous call needs beside the usual ones; most have none."""
    own = getattr(modality_of(kind), "call_headers", None)
    return dict(own(body)) if own else {}


def succeeded(kind: str, output: Mapping[str, Any], status: str) -> bool:
    """Return whether a task that is over has a result. A recording without speech has one: nothing was said."""
    no_speech = getattr(modality_of(kind), "no_speech", None)
    return status == "SUCCEEDED" or (status == "FAILED" and no_speech is not None and bool(no_speech(output)))


def other_texts(prepared: Prepared) -> Callable[[str], Prepared | None] | None:
    """Return what makes of this request the same one with another plain text, as `prepare` would; its None: only
    `prepare` can say. None: other rules of this request depend on its text, or nobody knows."""
    own = getattr(modality_of(prepared.model.kind), "other_texts", None)
    return cast("Callable[[str], Prepared | None] | None", own(prepared)) if own else None


def refine_estimate(prepared: Prepared) -> Prepared:
    """Return the request with its cost counted as well as it can be, which may take a second."""
    own = getattr(modality_of(prepared.model.kind), "refine_estimate", None)
    refined: Prepared = own(prepared) if own else prepared
    return refined


@cache
def modality_of(kind: str) -> Modality:
    """Return the module for this kind of model."""
    return cast(Modality, import_module(MODULES[kind]))
