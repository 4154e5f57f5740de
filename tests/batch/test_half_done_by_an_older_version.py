"""Batches that an earlier version left half done go on: no row is paid again, no paid row is lost.

`fixtures/half-done` says what was left, and how it came to be.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bailian.batch.input.reader import read_rows
from bailian.catalog import catalog
from bailian.config.settings import home_folder, read_settings
from bailian.sandbox import Sandbox
from bailian.store.schema import VERSION
from tests.support.batches import is_whole
from tests.support.commands import Run
from tests.support.processes import posix_only
from tests.support.setting import ROOT

pytestmark = [
    pytest.mark.sqlite,
    posix_only,
    pytest.mark.usefixtures("home"),
]  # the paths in the journal are those of a POSIX system

HALF_DONE = ROOT / "tests" / "fixtures" / "half-done"
FILES = ("shop.json", "ads.jsonl", "table.csv", "titles.csv")
KILLED_BEFORE_S = 60.0
TIMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "journal": {"jobs": ("created_at_s", "sent_at_s", "submitted_at_s", "ended_at_s"), "runs": ("finished_at_s",)},
    "pace": {"queues": ("next_at_s",)},
    "sandbox": {"tasks": ("created", "scheduled", "ended"), "inputs": ("at",)},
}

# What each file's rows ask for, by the state in which its process left them.
LEFT: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "shop.json": {
        "done": (
            "江南春天", "江南春天", "将狗改为站立姿势", "长城有多长？\u2028请用一句话回答。", "欢迎收听。",
            "https://example.com/interview.wav",
        ),
        "ended": ("还没下载的猫",),
        "submitted": ("大漠秋天", "中文对联设计，红底金字", "转成绘本风格", "日出延时摄影"),
        "sending": ("答复丢失的猫", "没有送达的猫", "用一句话介绍长城"),
        "waiting": ("排队的猫", "排队的猫"),
        "failed": ("失败的猫",),
    },
    "ads.jsonl": {
        "done": ("给猫粮写一句广告",),
        "submitted": ("一袋猫粮，产品摄影",),
        "sending": ("把背景换成红色",),
        "waiting": ("给狗粮写一句广告",),
    },
    "table.csv": {
        "done": ("给猫的照片集, 写标题",),
        "submitted": ("一只猫, 坐在窗台上",),
        "waiting": ("一只猫的特写",),
    },
    "titles.csv": {"done": ("写一个标题", "写一个标题")},
}  # fmt: skip

# What is to be sent: what waited, what failed unbilled, and a text, which costs little.
SENT: Mapping[str, tuple[str, ...]] = {
    "shop.json": ("用一句话介绍长城", "排队的猫", "排队的猫", "失败的猫"),
    "ads.jsonl": ("给狗粮写一句广告",),
    "table.csv": ("一只猫的特写",),
    "titles.csv": (),
}
# Whose answer died with the process may be paid. That journal has no time of sending by the service's clock, which alone
# could prove that a task is ours, or that there is none: a person decides.
HELD: Mapping[str, tuple[str, ...]] = {"shop.json": ("答复丢失的猫", "没有送达的猫"), "ads.jsonl": ("把背景换成红色",)}


def restore(name: str, path: Path, words: Mapping[str, str]) -> None:
    """Write a database from its dump, as if its process had been killed a minute ago."""
    script = (HALF_DONE / f"{name}.sql").read_text(encoding="utf-8")
    for mark, word in words.items():
        script = script.replace(mark, word)
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)
        moved_s = time.time() - KILLED_BEFORE_S - killed_at_s()
        for table, columns in TIMES[name].items():
            for column in columns:
                db.execute(f"UPDATE {table} SET {column} = {column} + ?", (moved_s,))
        db.commit()


def killed_at_s() -> float:
    """Return when the last job of the dumps was noted."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript((HALF_DONE / "journal.sql").read_text(encoding="utf-8"))
        (at_s,) = db.execute("SELECT MAX(created_at_s) FROM jobs").fetchone()
        return float(at_s)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    """The service as it was left, a minute later: what was under way there has ended."""
    state = tmp_path / "sandbox.sqlite3"
    restore("sandbox", state, {})
    with closing(sqlite3.connect(state)) as db:
        db.execute("UPDATE tasks SET scheduled = min(scheduled, ?1), ended = min(ended, ?1)", (time.time() - 1,))
        db.commit()
    with Sandbox(task_s=0.05, state_path=state, enforce_limits=False) as box:
        yield box


@pytest.fixture
def home(tmp_path: Path, box: Sandbox, bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home and the folder as they were left."""
    words = {
        "{ROOT}": str(tmp_path),
        "{HOST}": box.base_url.removeprefix("http://").partition("/")[0],
        "{ACCOUNT}": read_settings().account,
    }
    for name in ("journal", "pace"):
        restore(name, tmp_path / "bailian" / f"{name}.sqlite3", words)
    shutil.copytree(HALF_DONE / "shop", tmp_path / "shop")
    for path in (tmp_path / "shop" / "outputs").rglob("*"):
        if path.name in (".bailian-batch", "results.jsonl"):
            path.write_text(path.read_text(encoding="utf-8").replace("{ROOT}", str(tmp_path)), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "shop")


def rows_of_journal(file: str) -> list[sqlite3.Row]:
    """Return the newest job of each row of a file."""
    with closing(sqlite3.connect(home_folder() / "journal.sqlite3")) as db:
        db.row_factory = sqlite3.Row
        return db.execute(
            "SELECT *, MAX(rowid), COALESCE(json_extract(request, '$.prompt'), json_extract(request, '$.text'),"
            " json_extract(request, '$.file[0]')) AS said FROM jobs WHERE run = ? GROUP BY row_key",
            (f"batch:{Path(file).absolute()}",),
        ).fetchall()


def saved(file: str) -> dict[Path, bytes]:
    """Return the finished files of a batch that the journal knows."""
    ids = {row["id"] for row in rows_of_journal(file)}
    with closing(sqlite3.connect(home_folder() / "journal.sqlite3")) as db:
        found = db.execute("SELECT job_id, path FROM files WHERE placed = 1").fetchall()
    return {Path(path): Path(path).read_bytes() for job_id, path in found if job_id in ids}


def records(file: str) -> list[dict[str, Any]]:
    lines = (Path("outputs") / Path(file).stem / "results.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def posted(box: Sandbox) -> Counter[str]:
    """Return how often each row's words were sent to be worked on."""
    words = {word for states in LEFT.values() for group in states.values() for word in group}
    sent = []
    for request in box.requests:
        if request.method == "POST":
            body = json.dumps(request.body, ensure_ascii=False)
            (word,) = (word for word in words if word in body)
            sent.append(word)
    return Counter(sent)


@pytest.mark.parametrize("file", FILES)
def test_it_was_left_so(file: str) -> None:
    """The fixture has every state in which a row can be left."""
    left: dict[str, list[str]] = {}
    for row in rows_of_journal(file):
        left.setdefault(row["state"], []).append(row["said"])
    assert {state: Counter(said) for state, said in left.items()} == {
        state: Counter(said) for state, said in LEFT[file].items()
    }


@pytest.mark.parametrize("file", FILES)
def test_a_row_has_the_key_it_had(file: str) -> None:
    """A row with another key would be a new one, and paid again."""
    models = catalog.load(home_folder())
    assert {row.key: row.kind for row in read_rows(Path(file), models=models)} == {
        row["row_key"]: row["kind"] for row in rows_of_journal(file)
    }


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
@pytest.mark.few(1)
def test_the_batch_goes_on(file: str, bailian: Run, box: Sandbox) -> None:
    """What is done or under way is not sent again, what waited is sent once; all files are there in the end."""
    before, held = saved(file), HELD.get(file, ())
    exits = 7 if held else 0
    bailian("batch", "run", file, exits=exits)
    assert posted(box) == Counter(SENT[file])
    assert Counter(row["said"] for row in rows_of_journal(file) if row["state"] == "held") == Counter(held)
    told = records(file)
    assert len(told) == sum(map(len, LEFT[file].values()))
    assert all(row["files"] for row in told if row["state"] != "held")
    after = saved(file)
    assert before.items() <= after.items(), "a finished file was touched"
    assert {str(path) for path in after} == {str(Path(name).absolute()) for row in told for name in row["files"]}
    assert all(is_whole(path) for path in after.keys() - before.keys())
    requests = len(box.requests)
    bailian("batch", "run", file, exits=exits)
    assert len(box.requests) == requests, "the second run has nothing to ask"


def jobs_said(state: str) -> dict[str, str]:
    """Return the newest jobs in a state: what they ask for → their ids."""
    return {row["said"]: row["id"] for file in FILES for row in rows_of_journal(file) if row["state"] == state}


@pytest.mark.slow
def test_a_held_row_is_adopted_or_sent_when_a_person_says_so(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", "shop.json", exits=7)
    (lost,) = (task.task_id for task in box.tasks if task.request.prompt == "答复丢失的猫")
    bailian("tasks", "adopt", lost, "--job", jobs_said("held")["答复丢失的猫"])
    bailian("batch", "run", "shop.json", "--retry-held")
    assert posted(box) == Counter([*SENT["shop.json"], "没有送达的猫"])
    assert jobs_said("held") == {}


@pytest.mark.slow
def test_all_files_together(bailian: Run, box: Sandbox) -> None:
    """What the service carried out before the kill and after it; a failed task is no bill."""
    for file in FILES:
        bailian("batch", "run", file, exits=7 if file in HELD else 0)
    paid = [task for task in [*box.tasks, *box.sync_calls] if task.request.kind != "text" and task.pictures]
    said = Counter(word for states in LEFT.values() for group in states.values() for word in group)
    assert Counter(task.request.prompt for task in paid) <= said


@pytest.mark.slow
def test_tasks_wait_fetches_what_was_under_way(bailian: Run, box: Sandbox) -> None:
    """Another command comes first; the batch takes over what it has fetched."""
    bailian("tasks", "wait", "--all", exits=None)
    fetched = jobs_said("done").keys()
    assert {*LEFT["shop.json"]["submitted"], *LEFT["shop.json"]["ended"]} <= fetched
    bailian("batch", "run", "shop.json", exits=7)
    assert posted(box) <= Counter(word for file in FILES for word in SENT[file])


@pytest.mark.slow
def test_a_script_takes_its_rows(text2image: Run, bailian: Run, box: Sandbox) -> None:
    text2image("--config", "shop.json", exits=7)
    assert posted(box) == Counter({"排队的猫": 2, "失败的猫": 1})
    bailian("batch", "run", "shop.json", exits=7)
    assert posted(box) == Counter(SENT["shop.json"])


def test_the_lists_know_the_old_jobs(bailian: Run, box: Sandbox) -> None:
    """The first command of this version brings the journal up to date, whichever it is."""
    with closing(sqlite3.connect(home_folder() / "journal.sqlite3")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (3,)
        jobs, charged_cny = db.execute("SELECT COUNT(*), SUM(charged_cny) FROM jobs").fetchone()
    spent = bailian("cost", "--json").json
    assert spent["total"] == pytest.approx(charged_cny)
    assert {Path(entry["run"]).name for entry in spent["spent"]} == set(FILES)
    assert len(bailian("tasks", "list", "--json").json["tasks"]) == jobs
    told = bailian("batch", "status", "shop.json", exits=7).out.splitlines()
    assert sum(int(line.split("\t")[3]) for line in told) == sum(map(len, LEFT["shop.json"].values()))
    with closing(sqlite3.connect(home_folder() / "journal.sqlite3")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert box.requests == []
