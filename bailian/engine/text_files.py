"""Texts become files: what each holds and is to be called is known when its answer comes, and many are written at once.

The answer is in the journal before its file is: one that is lost by a kill is made anew from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from bailian.engine.context import Services
from bailian.engine.job import Job, StagedText
from bailian.engine.steps import file_names
from bailian.engine.steps.place_file import temp_name
from bailian.files import publishing
from bailian.text.storage_path import ResultPath, StoragePath
from bailian.types import Item

OPEN_FILES_MOST = 50
"""So many are open at once: far fewer than the system allows."""


def stage_texts(job: Job, services: Services, answer: Mapping[str, Any]) -> None:
    """Work out the files of an answer that has just come, in the thread that received it. Nothing is written yet.

    What cannot be worked out is tried again when the answer is in the journal, and reported then.
    """
    folder = job.saving.folder
    if folder is None or isinstance(folder, StoragePath) or (services.run_state.stopping.is_set() and not job.row_key):
        return  # storage must not keep the writer waiting; the third: nobody waits for it
    for item in job.items_of(answer):
        if item.good and item.text is not None:
            data = text_bytes(item)
            with suppress(OSError):
                made, stem = file_names.place_on_disk(job, item, folder)
                job.results.staged[item.index] = StagedText(
                    made,
                    made / temp_name(job, item, "whole"),
                    made / file_names.with_suffix(job, item, stem),
                    data,
                    hashlib.sha256(data).hexdigest(),
                )


def write_texts(jobs: Sequence[Job]) -> None:
    """Bring the staged texts of jobs to the disk, beside their names. What cannot be written is staged no more: the
    step that saves it alone tries again, and reports it."""
    texts = ((job, index, text) for job in jobs for index, text in job.results.staged.items() if not text.is_written)
    while some := list(islice(texts, OPEN_FILES_MOST)):
        for folder in {text.folder for _, _, text in some}:
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)  # it may have been removed meanwhile
        refused = publishing.write_many([(text.whole, text.data) for _, _, text in some])
        for (_, _, text), error in zip(some, refused, strict=True):
            text.is_written = error is None
    for job in jobs:
        job.results.staged = {index: text for index, text in job.results.staged.items() if text.is_written}


def named(job: Job, item: Item, stem: ResultPath) -> ResultPath:
    """Return the name that a result is to get."""
    return stem.with_name(file_names.with_suffix(job, item, stem.name))


def text_bytes(item: Item) -> bytes:
    """A text file ends with a newline, an empty one is empty; other formats say themselves how they end."""
    text = item.text or ""
    ends = "\n" if item.suffix == "txt" and text and not text.endswith("\n") else ""
    return (text + ends).encode("utf-8", "replace")
