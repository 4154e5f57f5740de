"""What many rows have come to is written down at once, and nothing is lost when that fails, or when the process dies."""

from __future__ import annotations

import errno
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.catalog import catalog
from bailian.config.settings import home_folder
from bailian.engine.admission.queues import ModelQueues
from bailian.engine.engine import Engine
from bailian.engine.job import Job, OutputSpec
from bailian.engine.scheduler import Scheduler
from bailian.engine.step import Next, Outcome, Step, StepResult
from bailian.engine.steps import step_table
from bailian.engine.steps.step_table import STEPS
from bailian.engine.threads import db_writer
from bailian.engine.threads.db_writer import DbWriter
from bailian.errors import SaveError
from bailian.modalities import modality_of
from bailian.sandbox import Sandbox
from bailian.store.backends.database import Statements
from bailian.store.backends.sqlite import unusable
from bailian.store.jobs import Journal
from bailian.store.schema import TABLES, JobResult
from bailian.store.states import FINAL_STATES
from tests.support.batches import check, jobs, pictures, records, states, texts, write
from tests.support.commands import Run
from tests.support.engines import job_of, new_engine
from tests.support.journals import before_commits, commit_failed
from tests.support.processes import end, posix_only, start_script
from tests.support.service import FAST_MODELS

ROWS = 30
QUIET_S = 0.01
RUN_TOGETHER = DbWriter.write


def gather(run_together: Callable[..., Any] = DbWriter.write) -> Callable[..., Any]:
    """Let the desk be slow: it takes all that is about to come, so that piles do not hang on how busy the machine is."""

    def gathered(self: DbWriter, pile: Sequence[tuple[Job, Step]]) -> Any:
        grown, quiet = list(pile), 0
        while quiet < 3 and len(grown) < db_writer.MAX_BATCH:
            time.sleep(QUIET_S)
            quiet += 1
            with suppress(queue.Empty):
                while (more := self._steps.get_nowait()) is not None:
                    grown.append(more)
                    quiet = 0
                self._steps.put(None)
                break
        return run_together(self, grown)

    return gathered


@pytest.fixture(autouse=True)
def slow_desk(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.settings.change({"enforce_limits": False, "task_s": 0.05})
    Path("bailian").mkdir()
    all_at_once = FAST_MODELS.replace("submit_per_s = 500", "submit_per_s = 10000")
    Path("bailian/models.toml").write_text(all_at_once, encoding="utf-8")
    monkeypatch.setattr(DbWriter, "write", gather())


def broken(*_: object, **__: object) -> None:
    """Stand in for what writes into the journal when its disk is gone."""
    raise unusable(Path(TABLES.file_name), OSError("disk I/O error"))


class Often:
    """Counts how often something is called; `instead` is done up to `times`."""

    def __init__(self, real: Callable[..., Any], instead: Callable[..., Any] | None = None, times: int = 10**9) -> None:
        self.real, self.instead, self.left = real, instead, times
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, *words: Any, **more: Any) -> Any:
        self.calls.append(words)
        self.left -= 1
        return self.instead(*words, **more) if self.instead and self.left >= 0 else self.real(*words, **more)


def of_many(often: Often) -> Callable[..., Any]:
    """Return a method of the journal that counts, or breaks, what is written for many jobs; one job's is as ever."""

    def method(self: Journal, rows: Sequence[Any], *words: Any, **more: Any) -> Any:
        return (often if len(rows) > 1 else often.real)(self, rows, *words, **more)

    return method


def asked(box: Sandbox) -> Counter[str]:
    """Return how often the service was asked for each text."""
    return Counter(work.order.prompt for work in box.sync_calls if work.order.kind == "text")


def is_well(box: Sandbox, rows: int) -> None:
    """Every row is done and has one file, and there is no other, hidden or not."""
    check(box, rows)
    assert states() == {"done": rows}
    assert not list(Path("outputs/all").glob("*-2.*"))
    assert {job["state"] for job in jobs()} <= set(FINAL_STATES)


# ── many rows, few commits ──


def test_many_rows_are_few_commits(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The desk waits here until all that is under way lies on it: on a busy machine answers come one by one."""

    def all_of_them(self: DbWriter, pile: Sequence[tuple[Job, Step]]) -> Any:
        grown, give_up_s = list(pile), time.monotonic() + 60
        while len(grown) < self._under_way() and time.monotonic() < give_up_s:
            with suppress(queue.Empty):
                more = self._steps.get(timeout=QUIET_S)
                assert more is not None, "a run ends when nothing is under way"
                grown.append(more)
        return RUN_TOGETHER(self, grown)

    monkeypatch.setattr(DbWriter, "write", all_of_them)
    box.settings.change({"task_s": 0.5})  # all rows are under way before the first answer comes
    commits: list[object] = []
    before_commits(monkeypatch, commits.append)
    ended = Often(Journal.store_answers)
    monkeypatch.setattr(Journal, "store_answers", of_many(ended))
    bailian("batch", "run", write(texts(ROWS)))
    is_well(box, ROWS)
    assert asked(box) == {row["prompt"]: 1 for row in texts(ROWS)}
    assert ended.calls, "there were no piles"
    assert len(commits) < ROWS, "each row alone would be four: sent, answered, named, done"


@pytest.mark.slow
def test_rows_of_all_kinds_in_one_pile(bailian: Run, box: Sandbox) -> None:
    """What has no text of its own goes its own way among those that have."""
    edits = [{"kind": "image_edit", "prompt": f"改第{i}处。", "image": "https://example.com/a.png"} for i in range(3)]
    rows = [*texts(12), *pictures(8), *edits, {"kind": "text", "prompt": "长城？", "stream": True}]
    bailian("batch", "run", write(rows))
    is_well(box, len(rows))


def test_a_refused_row_among_good_ones(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", write([*texts(10), {"kind": "text", "prompt": "[sandbox:refuse]"}]), exits=7)
    check(box, 11)
    assert states() == {"done": 10, "failed": 1}


@pytest.mark.slow
def test_texts_that_are_not_saved_anywhere_are_no_pile(text2text: Run) -> None:
    assert "你好" in text2text("你好").out


@pytest.mark.slow
def test_two_rows_of_one_name_in_one_pile(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", write([{**row, "name": "同名"} for row in texts(5)]))
    check(box, 5)
    names = sorted(path.name for path in Path("outputs/all").glob("*.txt"))
    assert names == ["同名-2.txt", "同名-3.txt", "同名-4.txt", "同名-5.txt", "同名.txt"]


# ── a pile that cannot be committed ──


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 10**9], ids=["once", "always"])
@pytest.mark.parametrize("name", ["record_intents", "store_answers", "record_files", "finish"])
@pytest.mark.few(3)
def test_rows_of_a_pile_that_failed_take_their_own_steps(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str, times: int
) -> None:
    often = Often(getattr(Journal, name), broken, times)
    monkeypatch.setattr(Journal, name, of_many(often))
    bailian("batch", "run", write(texts(ROWS)))
    assert often.calls, "there were no piles"
    is_well(box, ROWS)
    assert asked(box) == {row["prompt"]: 1 for row in texts(ROWS)}


@pytest.mark.slow
@pytest.mark.parametrize("step", [Step.RECORD_INTENT, Step.RECORD_REPLY, Step.PUBLISH])
def test_a_commit_that_fails_costs_nothing(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    """What the desk has done of a pile is not in the journal: each row does it again, and nothing is there twice."""
    run_pile = DbWriter._run_batch
    next_fails, failed = False, 0

    def run_and_mark(self: DbWriter, pile: Sequence[tuple[Job, Step]]) -> Any:
        nonlocal next_fails
        ends = run_pile(self, pile)
        taken = [one == step for _, one in pile]
        next_fails = failed < 2 and sum(taken) > 1
        return ends

    def fail_if_marked(_journal: Statements) -> None:
        nonlocal next_fails, failed
        if next_fails:
            next_fails, failed = False, failed + 1
            raise commit_failed()

    monkeypatch.setattr(DbWriter, "_run_batch", run_and_mark)
    before_commits(monkeypatch, fail_if_marked)
    bailian("batch", "run", write(texts(ROWS)))
    assert failed, "no commit has failed"
    is_well(box, ROWS)
    assert asked(box) == {row["prompt"]: 1 for row in texts(ROWS)}


def text_jobs(engine: Engine, count: int) -> list[Job]:
    saving = OutputSpec(Path("outputs").absolute(), "{prompt}")
    models = catalog.load(home_folder())
    return [
        engine.intend(modality_of("text").prepare({"prompt": f"第{i}道题。"}, models, "beijing"), saving)
        for i in range(count)
    ]


def at_desk(engine: Engine, pile: Sequence[tuple[Job, Step]]) -> dict[str, StepResult]:
    """Run these steps as one pile; return how each job's ended."""
    ends = Scheduler(STEPS, engine.services, ModelQueues([], monotonic=lambda: 0.0))._writer.write(pile)
    return {job.id: end for job, end in ends}


def answered(engine: Engine, jobs: Sequence[Job]) -> None:
    """Send them, so that their answers are here and not written down."""
    at_desk(engine, [(job, Step.RECORD_INTENT) for job in jobs])
    for job in jobs:
        assert STEPS[Step.SEND](job, engine.services) == Next(Step.RECORD_REPLY)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests make their piles themselves."""
    monkeypatch.setattr(DbWriter, "write", RUN_TOGETHER)


@pytest.mark.slow
@pytest.mark.usefixtures("alone", "bailian")
def test_answers_that_cannot_be_recorded_do_not_keep_others_from_being_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both in one pile, and the answers fail: the others are on their way, or wait; none is called given up."""
    with new_engine() as engine:
        had, new = text_jobs(engine, 3), text_jobs(engine, 3)
        answered(engine, had)
        monkeypatch.setattr(Journal, "store_answers", of_many(Often(Journal.store_answers, broken)))
        ends = at_desk(
            engine, [*((job, Step.RECORD_INTENT) for job in new), *((job, Step.RECORD_REPLY) for job in had)]
        )
        assert [ends[job.id] for job in had] == [Next(Step.PUBLISH)] * 3
        assert [ends[job.id] for job in new] == [Next(Step.SEND)] * 3
        assert {job_of(engine.journal, job.id).state for job in had} == {"ended"}
        assert {job_of(engine.journal, job.id).state for job in new} == {"sending"}


@pytest.mark.slow
@pytest.mark.usefixtures("alone", "bailian")
def test_a_folder_that_cannot_be_synced_does_not_keep_others_from_being_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with new_engine() as engine:
        had, new = text_jobs(engine, 3), text_jobs(engine, 3)
        answered(engine, had)
        at_desk(engine, [(job, Step.RECORD_REPLY) for job in had])
        monkeypatch.setattr(db_writer, "sync_folder", fails_to_sync)
        ends = at_desk(engine, [*((job, Step.RECORD_INTENT) for job in new), *((job, Step.PUBLISH) for job in had)])
        assert [ends[job.id] for job in new] == [Next(Step.SEND)] * 3
        assert {job_of(engine.journal, job.id).state for job in new} == {"sending"}


@pytest.mark.usefixtures("alone", "bailian", "box")
@pytest.mark.sqlite
def test_one_that_is_not_ours_keeps_no_other_of_its_pile_from_being_sent() -> None:
    with new_engine() as engine:
        jobs = text_jobs(engine, 4)
        assert engine.journal.claim(jobs[2].id, "别人", engine.services.lease.id)
        ends = at_desk(engine, [(job, Step.RECORD_INTENT) for job in jobs])
        assert [ends.pop(job.id) for job in (jobs[0], jobs[1], jobs[3])] == [Next(Step.SEND)] * 3
        (end,) = ends.values()
        assert isinstance(end, Outcome)
        assert end.state == "unsent"
        assert job_of(engine.journal, jobs[2].id).state == "waiting"


# ── the journal cannot record answers at all ──


@pytest.mark.slow
def test_answers_that_cannot_be_recorded_are_told_row_by_row(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "store_answers", broken)
        ran = bailian("batch", "run", write(texts(ROWS)), exits=6)
    assert ran.err.count("the result was made, but the journal could not record it") == ROWS
    assert asked(box) == {row["prompt"]: 1 for row in texts(ROWS)}, "nothing is sent twice in that run"
    assert states().keys().isdisjoint({"done", "unsent"})
    assert all("could not record" in (record["error"] or {}).get("message", "") for record in records())
    bailian("batch", "run", "all.json")
    is_well(box, ROWS)


def test_one_answer_that_cannot_be_recorded(text2text: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "store_answers", broken)
    assert "could not record" in text2text("你好", "-o", "答.md", exits=5).err


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "words, said",
    [(("text2image", "猫"), "bailian tasks adopt"), (("image_edit", "变红", "--image", "dog.png"), "/results/")],
    ids=["a task", "a synchronous picture"],
)
def test_a_commit_that_fails_for_good_names_what_is_paid(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    """The step has written, and its commit fails, alone too: the task's id or the result's link is said."""
    Image.new("RGB", (640, 512), "teal").save("dog.png")
    failed = 0

    def fails(journal: Statements) -> None:
        nonlocal failed
        if journal.execute("SELECT 1 FROM jobs WHERE state IN ('submitted', 'ended')").fetchall():
            failed += 1
            raise commit_failed()

    before_commits(monkeypatch, fails)
    run: Run = request.getfixturevalue(words[0])
    ran = run(*words[1:], exits=5)
    assert failed
    assert "could not record it" in ran.err
    assert said in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["record_intents", "store_answers", "record_files", "finish"])
def test_a_bug_in_what_is_done_for_many_stops_nobody(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What was done for many is taken back, and each job tries for itself: nothing hangs, nothing is paid twice."""

    def has_a_bug(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, name, of_many(Often(getattr(Journal, name), has_a_bug)))
        bailian("batch", "run", write(texts(ROWS)))
    is_well(box, ROWS)
    assert set(asked(box).values()) == {1}


@pytest.mark.slow
def test_a_bug_with_one_job_is_reported_and_stops_no_other(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is said to be a bug's, with what to send; its answer is kept; the next run goes on from there."""
    store = Journal.store_answers

    def has_a_bug(self: Journal, results: Sequence[JobResult]) -> None:
        if len(results) > 1:
            broken()
        if any("第1道题。" in str(self.job(job.job_id)) and job.charged_cny is not None for job in results):
            raise RuntimeError("a bug")
        store(self, results)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "store_answers", has_a_bug)
        ran = bailian("batch", "run", write(texts(ROWS)), exits=1)
    assert "a bug in this toolkit: RuntimeError: a bug" in ran.err
    assert "bailian tasks show" in ran.err
    assert states()["done"] == ROWS - 1
    bailian("batch", "run", "all.json")
    is_well(box, ROWS)
    assert set(asked(box).values()) == {1}


@pytest.mark.usefixtures("alone", "bailian", "box")
def test_the_desk_ends_with_its_run() -> None:
    """Closed while more lies on it than it has in hand: who starts many runs must not gather threads."""
    begun, may_end = threading.Event(), threading.Event()

    def slow(job: Job, _services: Any) -> Outcome:
        begun.set()
        may_end.wait(60)
        return Outcome(job, "done")

    with new_engine() as engine:
        first, second = text_jobs(engine, 2)
        before = set(threading.enumerate())
        scheduler = Scheduler({Step.STORE_ANSWER: slow}, engine.services, ModelQueues([], monotonic=lambda: 0.0))
        scheduler.add(first, Step.STORE_ANSWER)
        assert begun.wait(60)
        scheduler.add(second, Step.STORE_ANSWER)
        scheduler.close()
        (desk,) = (thread for thread in set(threading.enumerate()) - before if thread.name == "bailian-db-writer")
        may_end.set()
        desk.join(60)
        assert not desk.is_alive()


# ── a folder that cannot be brought to the disk ──


def fails_to_sync(_folder: Path) -> None:
    raise OSError(errno.EIO, "Input/output error")


def test_a_folder_is_synced_before_its_rows_are_called_done(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut could take the names back, and a row that is done is not looked at again."""
    sync, there = db_writer.sync_folder, set()

    def synced(folder: Path) -> None:
        there.update(folder.iterdir())
        sync(folder)

    monkeypatch.setattr(db_writer, "sync_folder", synced)
    outcomes: list[Path] = []
    monkeypatch.setattr(Scheduler, "_next_end", _telling(Scheduler._next_end, outcomes, there))
    bailian("batch", "run", write(texts(ROWS)))
    assert len(outcomes) == ROWS
    is_well(box, ROWS)


def _telling(next_end: Callable[..., Any], outcomes: list[Path], there: set[Path]) -> Callable[..., Any]:
    def told(self: Scheduler, timeout_s: float | None) -> Any:
        end = next_end(self, timeout_s)
        if isinstance(end, Outcome):
            outcomes.extend(end.files)
            assert set(end.files) <= there, "it is called done, and a power cut could take its name back"
        return end

    return told


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, ROWS])
def test_a_folder_that_cannot_be_synced_is_a_save_error(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Told for each row, and nothing is lost: the next run brings each to its end without asking again."""
    with monkeypatch.context() as patch:
        patch.setattr(db_writer, "sync_folder", fails_to_sync)
        ran = bailian("batch", "run", write(texts(rows)), exits=6)
    assert ran.err.count("Input/output error") == rows
    bailian("batch", "run", "all.json")
    is_well(box, rows)
    assert asked(box) == {row["prompt"]: 1 for row in texts(rows)}


@pytest.mark.few(1)
@pytest.mark.usefixtures("alone", "bailian")
@pytest.mark.parametrize("count", [1, 3])
def test_at_the_desk_a_folder_that_cannot_be_synced_is_a_save_error_of_each(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    with new_engine() as engine:
        had = text_jobs(engine, count)
        answered(engine, had)
        at_desk(engine, [(job, Step.RECORD_REPLY) for job in had])
        monkeypatch.setattr(db_writer, "sync_folder", fails_to_sync)
        ends = at_desk(engine, [(job, Step.PUBLISH) for job in had])
        assert [type(end) for end in ends.values()] == [SaveError] * count


@pytest.mark.slow
def test_one_text_whose_folder_cannot_be_synced_can_be_fetched(
    text2text: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(db_writer, "sync_folder", fails_to_sync)
        ran = text2text("你好", "-o", "答.md", exits=5)
    assert "Input/output error" in ran.err
    (job,) = jobs()
    (path,) = bailian("tasks", "wait", job["id"]).paths
    assert path == Path("答.md")
    assert sum(asked(box).values()) == 1


@pytest.mark.slow
def test_a_folder_that_is_gone_is_told_and_its_texts_are_not_lost(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removed between a text and its name: what was beside the name is gone with it; the journal has the text."""
    real = step_table.BULK_STEPS[Step.PUBLISH]
    removed: list[Path] = []

    def removes_first(jobs: Sequence[Job], services: Any) -> dict[str, StepResult]:
        if not removed:
            removed.extend(Path("outputs/all").glob(".*.whole"))
            for path in removed:
                path.unlink()
        return real(jobs, services)

    with monkeypatch.context() as patch:
        patch.setitem(step_table.BULK_STEPS, Step.PUBLISH, removes_first)
        bailian("batch", "run", write(texts(ROWS)), exits=6)
    assert removed
    bailian("batch", "run", "all.json")
    is_well(box, ROWS)
    assert asked(box) == {row["prompt"]: 1 for row in texts(ROWS)}


# ── killed ──


def _die(*_: object, **__: object) -> None:
    os._exit(9)


def _then_die(real: Callable[..., Any], call: int = 1) -> Callable[..., Any]:
    """Return what does the same, and dies right after it has done so for the `call`th time."""
    left = call

    def dies(*words: Any, **more: Any) -> Any:
        nonlocal left
        value = real(*words, **more)
        left -= 1
        return value if left else _die()

    return dies


def _die_when_placed(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda journal, files: _die() if any(file.placed for file in files) else real(journal, files)


DEATHS: dict[str, Callable[[], object]] = {
    "before the requests leave": lambda: setattr(Journal, "record_intents", _then_die(Journal.record_intents)),
    "before the answers are committed": lambda: setattr(Journal, "store_answers", _then_die(Journal.store_answers)),
    "before their names are committed": lambda: setattr(Journal, "record_files", _then_die(Journal.record_files)),
    "after the answers are committed": lambda: step_table.BULK_STEPS.__setitem__(Step.PUBLISH, _die),
    "after some have their names": lambda: setattr(os, "link", _then_die(os.link, 7)),
    "after some have their names only": lambda: setattr(Path, "unlink", _then_die(Path.unlink, 7)),
    "after all have their names": lambda: setattr(Journal, "record_files", _die_when_placed(Journal.record_files)),
    "before the ends are committed": lambda: setattr(Journal, "finish", _then_die(Journal.finish)),
    "before the folder is synced": lambda: setattr(db_writer, "sync_folder", _die),
    "after the folder is synced": lambda: setattr(db_writer, "sync_folder", _then_die(db_writer.sync_folder)),
}


def die(moment: str) -> None:
    """Make this process, a batch with a slow desk, die at that moment. Called in a process of its own."""
    DbWriter.write = gather()  # type: ignore[method-assign]
    from bailian.engine.engine import Engine

    run = Engine.run

    def dying_run(*words: Any, **more: Any) -> Any:
        DEATHS[moment]()  # planning links and removes files of its own
        return run(*words, **more)

    Engine.run = dying_run  # type: ignore[method-assign]


def killed_at(moment: str, box: Sandbox, name: str) -> int:
    """Run a batch in a process that dies at that moment; return its exit code."""
    command = f"import tests.store.test_group_commit as desk; desk.die({moment!r}); from bailian.cli.main import bailian as main"
    return end(start_script(box, "batch", "run", name, "-q", command=command)).code


def known_after_a_kill(box: Sandbox) -> set[str]:
    """Return whose answers are in the journal; nothing may have left of which it does not know."""
    left = jobs()
    assert len(left) == ROWS
    assert asked(box).keys() <= {job["said"] for job in left if job["sent_at_s"]}
    return {job["said"] for job in left if job["answer"]}


@posix_only
@pytest.mark.parametrize("moment", DEATHS)
@pytest.mark.slow
def test_killed_at_the_desk(bailian: Run, box: Sandbox, moment: str) -> None:
    """Nothing that was recorded is paid again, no text has two files, and nothing is left beside them."""
    assert killed_at(moment, box, write(texts(ROWS))) == 9
    recorded = known_after_a_kill(box)
    assert recorded or moment.startswith("before the"), "it died too early to prove anything"
    bailian("batch", "run", "all.json")
    is_well(box, ROWS)
    assert all(asked(box)[prompt] == 1 for prompt in recorded)


@posix_only
@pytest.mark.parametrize("moment", ["after some have their names", "after all have their names"])
@pytest.mark.slow
def test_killed_at_the_desk_with_texts_that_are_alike(bailian: Run, box: Sandbox, moment: str) -> None:
    """Neither the name nor what is in a file tells whose it is: each row has one of its own all the same."""
    rows = [{"kind": "text", "prompt": "一样", "name": "答"}] * ROWS
    assert killed_at(moment, box, write(rows)) == 9
    bailian("batch", "run", "all.json")
    check(box, ROWS)


@posix_only
@pytest.mark.slow
def test_killed_at_the_desk_again_and_again(bailian: Run, box: Sandbox) -> None:
    """One run after the other, each dying one step further than the last."""
    write(texts(ROWS))
    asked_before: Counter[str] = Counter()
    recorded: set[str] = set()
    for moment in (
        "before the answers are committed",
        "after the answers are committed",
        "after some have their names",
    ):
        killed_at(moment, box, "all.json")
        assert {prompt for prompt in recorded if asked(box)[prompt] > asked_before[prompt]} == set()
        asked_before, recorded = asked(box), known_after_a_kill(box)
    assert recorded
    bailian("batch", "run", "all.json")
    is_well(box, ROWS)
    assert {prompt for prompt in recorded if asked(box)[prompt] > asked_before[prompt]} == set()
