"""An engine as a command would have it, and what it leaves in the journal."""

from __future__ import annotations

from pathlib import Path

from bailian.catalog import catalog
from bailian.config.settings import home_folder, read_settings
from bailian.engine.engine import Engine
from bailian.engine.job import OutputSpec
from bailian.modalities import modality_of
from bailian.store.jobs import Journal
from bailian.store.schema import JobRow
from bailian.types import Prepared
from tests.support.journals import place

SYNC = ["猫", "--model", "qwen-image-max"]
"""A picture that comes in the answer to its POST."""


def new_engine() -> Engine:
    """Return an engine as a command would have it; the fixture `bailian` has set where it goes."""
    return Engine(read_settings(), catalog.load(home_folder()))


def prepared(prompt: str = "猫") -> Prepared:
    return modality_of("image").prepare({"prompt": prompt}, catalog.load(home_folder()), "beijing")


def saving() -> OutputSpec:
    return OutputSpec(Path("outputs").absolute(), "{prompt}")


def jobs() -> list[JobRow]:
    """Return the account's jobs, newest first."""
    journal = Journal(place(home_folder()))
    found = journal.jobs(read_settings().account)
    journal.close()
    return found


def job_of(journal: Journal, job_id: str) -> JobRow:
    row = journal.job(job_id)
    assert row is not None
    return row
