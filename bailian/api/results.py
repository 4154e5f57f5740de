"""What a call returns: frozen, complete, without the engine's own objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from bailian.api.words import in_words_of_python, told
from bailian.engine.step import Outcome
from bailian.errors import BailianError
from bailian.modalities import modality_of
from bailian.modalities.text.text_answers import thoughts_of
from bailian.store.states import Status
from bailian.types import Notice


@dataclass(frozen=True)
class Cost:
    """In CNY. None: not known."""

    estimate_cny: float | None
    """The most it could cost, reckoned before it was sent."""
    charged_cny: float | None
    """What the service bills; None while it is not over."""


@dataclass(frozen=True)
class ResultItem:
    """One of the results of a request: a picture of several, a text, a transcript in one format."""

    index: int
    path: Path | None = None
    url: str | None = None
    """The service's own link; it ends after 24 hours."""
    text: str | None = None
    code: str = ""
    message: str = ""
    """Why there is none, beside the service's code."""

    @property
    def good(self) -> bool:
        return not self.code


@dataclass(frozen=True)
class Result:
    """How a request ended."""

    kind: str
    model: str
    state: str
    """"done"; "submitted" of a task that was not waited for."""
    job_id: str
    task_id: str | None
    request_id: str | None
    files: tuple[Path, ...]
    """In the order of the results. Of one in object storage a `StoragePath` stands here: `str()` of it is its address."""
    items: tuple[ResultItem, ...]
    text: str | None
    """Of a text: the answer. Of a recording: what was said."""
    thoughts: str
    usage: Mapping[str, Any]
    cost: Cost
    notices: tuple[Notice, ...]
    request: Mapping[str, Any]
    """The fields as they were sent, complete with defaults."""
    answer: Mapping[str, Any] = field(repr=False)
    """The service's own JSON, with the local path of each result; empty where there is none."""
    error: BailianError | None = None
    """What went wrong with a part: some pictures failed, an answer was cut short. The rest is here."""

    @property
    def path(self) -> Path:
        """Return the one file.

        Raises:
            ValueError: there is none, or more than one.
        """
        (path,) = self.files
        return path


def result_of(outcome: Outcome) -> Result:
    """Return how a job ended as a program sees it."""
    job = outcome.job
    # Who saves on a disk alone need not ask at each path what it is.
    placed = cast("Mapping[int, Path]", outcome.placed)
    answer: dict[str, Any] = {}
    items: list[ResultItem] = []
    if job.answer:
        modality = modality_of(job.kind)
        paths = {index: str(path) for index, path in outcome.placed.items()}
        answer = {**job.answer, "output": modality.with_paths(job.answer, job.prepared, paths)}
        items = [
            ResultItem(one.index, placed.get(one.index), one.url, one.text, one.code, one.message)
            for one in modality.items(job.answer, job.prepared)
        ]
    usage = answer.get("usage")
    return Result(
        kind=job.kind,
        model=job.model,
        state=str(outcome.state.value),
        job_id=job.id,
        task_id=job.task_id,
        request_id=job.request_id,
        files=tuple(placed[index] for index in sorted(placed)),
        items=tuple(items),
        text=next((one.text for one in items if one.text is not None), None),
        thoughts=thoughts_of(answer) if job.kind == "text" else "",
        usage=usage if isinstance(usage, dict) else {},
        cost=Cost(job.estimate_cny, job.charged_cny),
        notices=tuple(told(notice) for notice in job.notices),
        request=dict(job.request),
        answer=answer,
        error=None if outcome.error is None else in_words_of_python(outcome.error),
    )


def good(outcome: Outcome) -> Result:
    """Return a result of which something is here.

    Raises:
        BailianError: nothing is: what kept it from being made.
    """
    error = outcome.error
    kept_in_part = outcome.files or (error is not None and error.code in ("CutShort", "SchemaMismatch"))
    if error is not None and not (kept_in_part and outcome.job.answer):
        raise in_words_of_python(error)
    if outcome.state in (Status.FAILED, Status.HELD, Status.UNSENT) and error is None:
        raise BailianError(f"{outcome.job.id}: {outcome.state.value}", task_id=outcome.job.task_id)
    return result_of(outcome)
