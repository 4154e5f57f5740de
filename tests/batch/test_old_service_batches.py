"""Service batches that an earlier version left half done go on: none is created twice, no answer is lost.

`fixtures/half-done-service-batches` says where each was left.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bailian.config.settings import read_settings
from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.processes import posix_only
from tests.support.setting import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.sqlite, posix_only]  # the paths in the journal are those of a POSIX system

LEFT = ROOT / "tests" / "fixtures" / "half-done-service-batches"
NAMES = sorted(path.stem for path in (LEFT / "shop").glob("*.json"))


def restore(name: str, path: Path, words: dict[str, str]) -> None:
    script = (LEFT / f"{name}.sql").read_text(encoding="utf-8")
    for mark, word in words.items():
        script = script.replace(mark, word)
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    restore("sandbox", tmp_path / "sandbox.sqlite3", {})
    with Sandbox(task_s=0.05, state_path=tmp_path / "sandbox.sqlite3") as box:
        yield box


@pytest.fixture
def home(tmp_path: Path, box: Sandbox, bailian: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "bailian"
    host = box.base_url.removeprefix("http://").partition("/")[0]
    words = {"{ROOT}": str(tmp_path), "{HOST}": host, "{ACCOUNT}": read_settings().account}
    restore("journal", home / "journal.sqlite3", words)
    shutil.copytree(LEFT / "batches", home / "batches")
    for path in (home / "batches").iterdir():
        text = path.read_text(encoding="utf-8")
        for mark, word in words.items():
            text = text.replace(mark, word)
        path.write_text(text, encoding="utf-8")
    shutil.copytree(LEFT / "shop", tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    return home


def states(home: Path, name: str) -> Counter[str]:
    """Return how many rows of a file ended how."""
    with closing(sqlite3.connect(home / "journal.sqlite3")) as db:
        run = f"batch:{Path(f'{name}.json').absolute()}"
        return Counter(dict(db.execute("SELECT state, COUNT(*) FROM jobs WHERE run = ? GROUP BY state", (run,))))


def paid_lines(tmp_path: Path) -> list[str]:
    """Return the id of every line of every batch that the service has."""
    with closing(sqlite3.connect(tmp_path / "sandbox.sqlite3")) as db:
        files = db.execute("SELECT data FROM batches JOIN batch_files ON file_id = input_file_id").fetchall()
    return [json.loads(line)["custom_id"] for (data,) in files for line in bytes(data).splitlines()]


def test_every_batch_goes_on_from_where_it_was_left(home: Path, tmp_path: Path, bailian: Run) -> None:
    for name in NAMES:
        bailian("batch", "run", f"{name}.json", "--batch-api", "--cron", exits=None)
        assert states(home, name) == {"done": 2, "failed": 1}, name
        texts = [path for path in Path("outputs").rglob("*.txt") if f"{name}的第" in path.name]
        assert len(texts) == 2, name
    lines = paid_lines(tmp_path)
    assert len(lines) == len(set(lines)) == 3 * len(NAMES)
    assert not any(path.suffix in (".json", ".jsonl", ".part") for path in home.rglob("*"))


def test_a_batch_of_a_run_that_was_begun_anew_is_fetched_too(home: Path, tmp_path: Path, bailian: Run) -> None:
    """Its jobs are of no run any more; its file knows which it was."""
    with closing(sqlite3.connect(home / "journal.sqlite3")) as db:
        db.execute(
            "UPDATE jobs SET run = NULL, owner = NULL WHERE run = ?", (f"batch:{Path('created.json').absolute()}",)
        )
        db.commit()
    bailian("batch", "run", "created.json", "--batch-api", "--cron", exits=None)
    assert states(home, "created") == {"done": 2, "failed": 1}, "the new rows"
    with closing(sqlite3.connect(home / "journal.sqlite3")) as db:
        old = db.execute("SELECT state FROM jobs WHERE run IS NULL ORDER BY state").fetchall()
    assert old == [("done",), ("done",), ("failed",)]
    assert len(paid_lines(tmp_path)) == len(set(paid_lines(tmp_path)))
