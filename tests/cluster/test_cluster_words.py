"""What `--cluster` takes, what does not go together with it, and what is said where something is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bailian.cli.main import bailian as command
from bailian.clock import Clock
from bailian.cluster import dask_shares
from bailian.cluster.address import ClusterAddress, parsed
from bailian.cluster.events import Begun, Died, Ended, SchedulerBack, SchedulerGone, SchedulerLost
from bailian.cluster.roster import NOTIFY_AFTER_S, PATIENCE_S, Roster
from bailian.cluster.share import ShareResult
from bailian.errors import InvalidRequest, SetupError, TransportError
from bailian.store.jobs import Journal
from bailian.store.runs.ended_rows import EndedRows
from bailian.store.schema import JobEnd
from bailian.store.states import Status
from bailian.types import StoredRequest
from tests.support.commands import run_command
from tests.support.machines import rows_file
from tests.support.setting import KEY

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("word", "address"),
    [
        ("local:4", ClusterAddress(local_workers=4)),
        ("tcp://scheduler:8786", ClusterAddress("tcp://scheduler:8786")),
        ("tls://10.0.0.7:1", ClusterAddress("tls://10.0.0.7:1")),
        ("tcp://[fe80::1]:8786", ClusterAddress("tcp://[fe80::1]:8786")),
    ],
)
def test_an_address(word: str, address: ClusterAddress) -> None:
    assert parsed(word) == address
    assert parsed(word).title == word


def test_what_is_no_address() -> None:
    """A password that somebody put into it is not repeated."""
    words = (
        "",
        "local",
        "local:0",
        "local:65",
        "scheduler:8786",
        "tcp://scheduler",
        "http://scheduler:1",
        "tcp://h:99999",
    )
    for word in (*words, "tcp://me:secret@scheduler:8786", "local:١"):
        with pytest.raises(InvalidRequest) as refused:
            parsed(word)
        assert "secret" not in f"{refused.value.message}{refused.value.advice}"
        assert "local:4" in (refused.value.advice or "")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return what runs sixty rows on a cluster, and gives what it refused."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("BAILIAN_JOURNAL", "sqlite")
    file = rows_file(tmp_path, 3)

    def refused(*words: str, exits: int = 2) -> str:
        return run_command(command, "batch", "run", str(file), *words, exits=exits).err

    return refused


def test_other_machines_need_a_journal_on_a_server(run: Callable[..., str]) -> None:
    err = run("--cluster", "tcp://scheduler:8786", exits=3)
    assert "need a journal on a server" in err
    assert "CREATE DATABASE bailian" in err
    assert "export BAILIAN_JOURNAL=postgresql://" in err
    assert "--cluster local:4" in err


@pytest.mark.parametrize("words", [("--in-flight", "3"), ("--batch-api",)])
def test_what_means_nothing_to_several_workers_is_refused(run: Callable[..., str], words: tuple[str, ...]) -> None:
    err = run("--cluster", "local:2", *words)
    assert f"leave {words[0]} or --cluster out" in err


def test_a_sandbox_is_on_this_machine(run: Callable[..., str]) -> None:
    assert "--cluster local:4 with --sandbox" in run("--cluster", "tcp://scheduler:8786", "--sandbox")


def test_dask_is_not_installed(run: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The line that installs it is the one of any other part, and nothing is written down before."""
    monkeypatch.setattr(dask_shares, "find_spec", lambda _name: None)
    err = run("--cluster", "local:2", exits=3)
    assert "--cluster needs dask[distributed]" in err
    assert "[cluster]" in err
    assert not (tmp_path / "bailian" / "journal.sqlite3").exists()


def test_a_dry_run_needs_no_workers(run: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dask_shares, "find_spec", lambda _name: None)
    ran = run_command(command, "batch", "run", str(tmp_path / "rows.jsonl"), "--cluster", "local:2", "--dry-run")
    assert json.loads(ran.out)["to_run"] == 3


# ── who is at the batch ──


class Told(Roster):
    """A roster by a clock of its own, and what it said."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.lines: list[str] = []
        clock = replace(Clock(), monotonic=lambda: self.now_s)
        super().__init__(clock, lambda text, _trouble: self.lines.append(text))

    def over(self, *, can_grow: bool = True) -> bool:
        return self.is_over(can_grow=can_grow, again="run the same command again")


def test_a_batch_is_over_when_the_last_worker_has_nothing_to_do() -> None:
    told = Told()
    for worker in ("a", "b"):
        told.note(Begun(worker))
    told.note(Ended("a", ShareResult("host", done=3)))
    assert not told.over()
    told.note(Died("b"))
    assert told.over()
    assert told.lines == ["worker b is gone: the others go on with its rows"]


def test_each_refusal_is_named_and_none_is_left() -> None:
    told = Told()
    told.note(Begun("tcp://a"))
    told.note(Ended("tcp://a", ShareResult("studio-7", refused="no API key found")))
    assert told.lines == ["worker tcp://a (studio-7) takes no part: no API key found"]
    with pytest.raises(SetupError):
        told.over()


def test_a_worker_is_waited_for_and_not_for_ever() -> None:
    told = Told()
    assert not told.over()
    assert told.lines == []
    told.now_s = NOTIFY_AFTER_S + 1
    assert not told.over()
    assert not told.over()
    assert len(told.lines) == 1
    told.now_s = PATIENCE_S + 1
    with pytest.raises(TransportError, match="no worker"):
        told.over()


def test_nobody_waits_for_workers_that_nobody_starts() -> None:
    told = Told()
    told.note(Begun("local-0"))
    told.note(Died("local-0"))
    with pytest.raises(TransportError, match="no worker"):
        told.over(can_grow=False)


def test_a_scheduler_that_comes_back_and_one_that_does_not() -> None:
    told = Told()
    told.note(Begun("a"))
    told.note(SchedulerLost("it hung up", 60.0))
    assert not told.over()
    told.note(SchedulerBack())
    told.note(Begun("c"))
    assert not told.over()
    told.note(SchedulerLost("it hung up", 60.0))
    told.note(SchedulerGone())
    with pytest.raises(TransportError, match="stays away") as lost:
        told.over()
    assert "run the same command again" in (lost.value.advice or "")


def test_what_ends_the_whole_batch_is_known_once() -> None:
    told = Told()
    error = {"error": {"code": "Arrearage", "message": "overdue", "advice": "pay"}, "exit_code": 3}
    for worker in ("a", "b"):
        told.note(Begun(worker))
        told.note(Ended(worker, ShareResult("host", stopped=error, stopped_job=f"job-{worker}")))
    assert told.stopped is not None
    assert (told.stopped[0].message, told.stopped[1]) == ("overdue", "job-a")
    assert told.over()


# ── which rows have ended ──


def test_rows_are_told_once_in_whatever_order_they_end(tmp_path: Path) -> None:
    """Also those that end behind an open one, and not those that had ended before."""
    journal = Journal(tmp_path)

    def row(number: int) -> str:
        return journal.intend(
            account="me", kind="image", model="m", wire_model="m", request={}, prepared=StoredRequest({}), saving={},
            estimate_cny=None, owner="o", run="batch:x", row_key=str(number),
        )  # fmt: skip

    def end(*jobs: str) -> None:
        journal.finish([JobEnd(job, Status.UNSENT, {"error": {"code": "x"}}) for job in jobs])

    ids = [row(number) for number in range(6)]
    end(ids[1])
    rows = EndedRows(journal, "me", "batch:x")
    assert [one.id for one in rows.look()] == []
    end(ids[4], ids[2])
    assert [one.id for one in rows.look()] == [ids[2], ids[4]]
    end(ids[0])
    assert [one.id for one in rows.look()] == [ids[0]]
    assert rows.any_open()
    end(ids[3], ids[5])
    assert [one.id for one in rows.look()] == [ids[3], ids[5]]
    assert [one.id for one in rows.look()] == []
    assert not rows.any_open()
    journal.close()
