"""A row of the journal whose request cannot be read: nothing is sent for it, what is known is shown, others go on."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from bailian.config.settings import home_folder
from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.journals import opened

UNREADABLE = ("no JSON", "[]", "{}", '{"mode": "dance"}', '{"mode": 5, "body": {"input": {"prompt": "猫"}}}')
WITHOUT_BODY = ('{"mode": "task"}', '{"mode": "task", "body": "x"}', '{"mode": "sync", "body": null, "count": 1}')


def spoil(prepared: str, state: str) -> str:
    """Put this in the place of the only job's request; return the job's id."""
    with closing(opened(home_folder())) as db:
        task = ", task_id = NULL, request_id = NULL" if state == "waiting" else ""
        db.execute(f"UPDATE jobs SET prepared = ?, state = ?, owner = NULL{task}", (prepared, state))
        db.commit()
        return str(db.execute("SELECT id FROM jobs").fetchone()[0])


def posts(box: Sandbox) -> int:
    return sum(request.method == "POST" for request in box.requests)


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("prepared", "state"),
    [*((text, "submitted") for text in UNREADABLE), *((text, "waiting") for text in (*UNREADABLE, *WITHOUT_BODY))],
)
def test_it_is_left_as_it_is(prepared: str, state: str, text2image: Run, bailian: Run, box: Sandbox) -> None:
    text2image("猫", "--no-wait")
    job_id, sent = spoil(prepared, state), posts(box)
    ran = bailian("tasks", "wait", "--all", exits=None)
    assert ran.code not in (0, 1), ran.err
    assert job_id in ran.err
    assert posts(box) == sent
    shown = json.loads(bailian("tasks", "show", job_id).out)
    assert shown["request"]["prompt"] == "猫"
    assert not list(Path("outputs").glob("*.png"))
