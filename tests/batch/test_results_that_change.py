"""A result of another row that is changed between its check and its upload is not sent in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from bailian.engine.steps import attach
from bailian.sandbox import Sandbox
from tests.support.batches import executed, records, write
from tests.support.commands import Run

pytestmark = [pytest.mark.service, pytest.mark.usefixtures("quick")]


def test_what_is_sent_is_what_was_checked(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request was written down, and waited for its turn, perhaps till the next day."""
    rows = [
        {"kind": "image", "id": "hero", "prompt": "一只猫", "size": "512*512"},
        {"kind": "wanx_edit", "function": "stylization_all", "prompt": "油画", "image": {"result_of": "hero"}},
    ]
    with_files, saved = attach.with_files, b""

    def changing(job: object, services: object) -> object:
        nonlocal saved
        (path,) = Path("outputs/all").glob("*.png")
        saved = path.read_bytes()
        path.write_bytes(saved[:-12] + b"\0\0\0\0" + saved[-12:])
        return with_files(job, services)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("bailian.engine.steps.send.with_files", changing)
        ran = bailian("batch", "run", write(rows), exits=7)
    (path,) = Path("outputs/all").glob("*.png")
    assert f"image: {path.absolute()} was changed since it was saved" in ran.err
    assert [row["state"] for row in records()] == ["done", "unsent"]
    assert executed(box) == {"一只猫": 1}
    path.write_bytes(saved)
    bailian("batch", "run", "all.json")
    assert executed(box) == {"一只猫": 1, "油画": 1}
