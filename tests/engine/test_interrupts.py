"""Ctrl-C at any moment: what was paid and has come is written down, and who asked to leave is let go."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from bailian.engine.scheduler import Scheduler
from bailian.engine.signals import ShutdownSignals
from bailian.engine.steps import record_reply, send
from bailian.files import png
from bailian.sandbox import Sandbox
from bailian.service.client import Service
from bailian.store.jobs import Journal
from tests.support.batches import check, executed, jobs, pictures, states, texts, write
from tests.support.commands import Run
from tests.support.engines import SYNC, new_engine, prepared, saving
from tests.support.processes import end, posix_only, start_script, until
from tests.support.setting import KEY, ROOT

pytestmark = posix_only

BOTH = pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])


def press(sign: signal.Signals = signal.SIGINT) -> None:
    """Press Ctrl-C, as the terminal or `kill` does: it comes to the process, in whatever thread this is."""
    os.kill(os.getpid(), sign)


# ── noted and raised ──


def _interrupted(_sign: int, _frame: Any) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def handlers() -> Iterator[None]:
    """A shell's command: SIGINT as Python has it, SIGTERM as `guard` has it."""
    kept = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupted)
    yield
    for sign, handler in kept.items():
        signal.signal(sign, handler)


class Woken(list[None]):
    def __call__(self) -> None:
        self.append(None)


@BOTH
@pytest.mark.usefixtures("handlers")
def test_the_first_is_noted_and_raised_at_a_good_moment(sign: signal.Signals) -> None:
    woken = Woken()
    with ShutdownSignals(woken) as interrupts:
        interrupts.raise_if_pressed()
        assert (interrupts.pressed, len(woken)) == (False, 0)
        press(sign)
        assert (interrupts.pressed, len(woken)) == (True, 1)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                interrupts.raise_if_pressed()


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
@BOTH
def test_the_second_is_raised_at_once(sign: signal.Signals, second: signal.Signals) -> None:
    woken = Woken()
    with ShutdownSignals(woken):
        press(sign)
        with pytest.raises(KeyboardInterrupt):
            press(second)
        with pytest.raises(KeyboardInterrupt):
            press(second)
    assert len(woken) == 1


@pytest.mark.usefixtures("handlers")
def test_a_wait_is_woken() -> None:
    ended: queue.SimpleQueue[str] = queue.SimpleQueue()
    with ShutdownSignals(lambda: ended.put("now")) as interrupts:
        thread = threading.Thread(target=press)
        thread.start()
        assert ended.get(timeout=60) == "now"
        assert interrupts.pressed
        thread.join()


@pytest.mark.usefixtures("handlers")
def test_afterwards_all_is_as_before() -> None:
    before = [signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)]
    with suppress(ZeroDivisionError), ShutdownSignals(Woken()):
        assert all(signal.getsignal(sign) not in before for sign in (signal.SIGINT, signal.SIGTERM))
        1 // 0  # noqa: B018
    assert [signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)] == before
    with pytest.raises(KeyboardInterrupt):
        press()


@pytest.mark.usefixtures("handlers")
def test_another_thread_leaves_them_as_they_are() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[Any] = []

    def enter() -> None:
        with ShutdownSignals(Woken()) as interrupts:
            interrupts.raise_if_pressed()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]
    assert signal.getsignal(signal.SIGINT) == before


@BOTH
@pytest.mark.usefixtures("handlers")
def test_what_is_ignored_stays_ignored(sign: signal.Signals) -> None:
    signal.signal(sign, signal.SIG_IGN)
    with ShutdownSignals(Woken()) as interrupts:
        assert signal.getsignal(sign) == signal.SIG_IGN
        press(sign)
        interrupts.raise_if_pressed()
    assert signal.getsignal(sign) == signal.SIG_IGN


@pytest.mark.usefixtures("handlers")
def test_what_the_system_does_is_left_to_it() -> None:
    """A program that uses the engine and has no handler for SIGTERM is ended by it, as it would be without us."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with ShutdownSignals(Woken()):
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.slow
@pytest.mark.usefixtures("handlers", "bailian")
def test_a_run_that_is_left_early_gives_them_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with new_engine() as engine:
        wanted = [engine.intend(prepared(f"第{i}只猫"), saving()) for i in range(2)]
        with closing(engine.run(wanted, timeout_s=60)) as outcomes:
            assert next(outcomes).state == "done"
            assert signal.getsignal(signal.SIGINT) != before
        assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.slow
def test_a_process_that_ignores_ctrl_c_goes_on(box: Sandbox) -> None:
    """nohup: it is told to go on whatever comes."""
    box.settings.change({"task_s": 1.0})
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from text2image import main"
    process = start_script(box, "猫", command=ignoring)
    until(lambda: box.tasks)
    process.send_signal(signal.SIGINT)
    ran = end(process)
    assert (ran.code, len(ran.paths)) == (0, 1)


# ── exactly when an answer has come ──


def pressing(real: Callable[..., Any], sign: signal.Signals, *, before: bool) -> Callable[..., Any]:
    """Return what does the same, and presses Ctrl-C once, before or after."""
    pressed: list[bool] = []

    def once() -> None:
        if not pressed:
            pressed.append(True)
            press(sign)

    def pressed_around(*words: Any, **more: Any) -> Any:
        if before:
            once()
        value = real(*words, **more)
        if not before:
            once()
        return value

    return pressed_around


MOMENTS: dict[str, tuple[Any, str, bool]] = {
    "when the answer is read": (Service, "call", False),
    "when it is not handed over yet": (send, "stage_texts", True),
    "when it is handed over": (send, "stage_texts", False),
    "before it is recorded": (record_reply, "store_answers", True),
    "before its commit": (Journal, "store_answers", True),
    "after it is recorded": (record_reply, "store_answers", False),
}
AT_MOMENTS = pytest.mark.parametrize("moment", MOMENTS)


def press_at(monkeypatch: pytest.MonkeyPatch, moment: str, sign: signal.Signals = signal.SIGINT) -> None:
    owner, name, before = MOMENTS[moment]
    monkeypatch.setattr(owner, name, pressing(getattr(owner, name), sign, before=before))


@AT_MOMENTS
@BOTH
@pytest.mark.few(1)
def test_a_picture_whose_answer_has_just_come_is_not_lost(
    text2image: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, moment: str, sign: signal.Signals
) -> None:
    """It was paid and is known: recorded, and the command that fetches it is named. It is not "maybe paid"."""
    with monkeypatch.context() as patch:
        press_at(patch, moment, sign)
        ran = text2image(*SYNC, exits=130)
    let_threads_end()
    (job,) = jobs()
    assert job["answer"] is not None
    assert job["state"] in ("ended", "done")
    assert "held" not in ran.err
    assert "may have been made" not in ran.err
    if job["state"] == "ended":
        assert f"bailian tasks wait {job['id']}" in ran.err
        (path,) = bailian("tasks", "wait", job["id"]).paths
        assert png.is_complete(path.read_bytes())
    assert len(box.sync_calls) == 1
    assert len(list(Path("outputs").glob("*.png"))) == 1


def let_threads_end() -> None:
    """Wait for what a process that ends would take with it; here it would go on beside the next run."""
    for thread in threading.enumerate():
        if re.fullmatch(r"bailian-\d+", thread.name):
            thread.join(60)


@pytest.mark.few(1)
@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if "record" in moment or "commit" in moment])
def test_a_text_that_is_being_recorded_is_saved(
    text2text: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with monkeypatch.context() as patch:
        press_at(patch, moment)
        text2text("你好", "-o", "答.md", exits=130)
    (job,) = jobs()
    assert job["answer"] is not None
    if job["state"] != "done":
        bailian("tasks", "wait", job["id"])
    assert Path("答.md").read_text(encoding="utf-8").strip()
    assert len(box.sync_calls) == 1
    assert list(Path().glob(".*")) == []


@pytest.mark.slow
def test_a_text_that_has_come_and_is_not_recorded_leaves_nothing_behind(
    text2text: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One text costs little, so nobody waits for it; but what of it is beside its name must not stay there for ever."""
    over = threading.Event()
    write_texts = send.stage_texts

    def writes_and_hangs(*words: Any) -> None:
        write_texts(*words)
        press()
        over.wait(60)

    monkeypatch.setattr(send, "stage_texts", writes_and_hangs)
    text2text("你好", "-o", "答.md", exits=130)
    over.set()
    (job,) = jobs()
    assert job["state"] in ("failed", "ended", "done")
    assert job["state"] == "ended" or list(Path().glob(".*")) == []


def edits(count: int, said: str = "") -> list[dict[str, Any]]:
    return [
        {"kind": "image_edit", "prompt": f"改{said}第{i}处。", "image": "https://example.com/a.png"}
        for i in range(count)
    ]


@pytest.mark.usefixtures("quick")
@AT_MOMENTS
@pytest.mark.slow
def test_a_batch_in_which_an_answer_has_just_come(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    rows = [*edits(3), *texts(6), *pictures(3)]
    with monkeypatch.context() as patch:
        press_at(patch, moment)
        ran = bailian("batch", "run", write(rows), exits=130)
    let_threads_end()
    assert "run the same command again" in ran.err
    consistent(box, jobs())
    bailian("batch", "run", "all.json")
    check(box, len(rows))
    assert states() == {"done": len(rows)}
    assert set(executed(box).values()) == {1}


def consistent(box: Sandbox, left: list[Any]) -> set[str]:
    """Check a journal that Ctrl-C has left; return whose answers it has.

    Nothing is called sent that the service has never seen, and what the service has answered is written down.
    """
    seen = Counter(work.order.prompt for work in [*box.tasks, *box.sync_calls])
    answers = {work.order.prompt for work in box.sync_calls}
    for job in left:
        if job["state"] == "sending":
            assert seen[job["said"]], "it is said to be sent, and nobody has seen it"
        if job["said"] in answers:
            assert job["answer"] is not None, f"an answer was lost: {job['state']} {job['said']}"
        assert job["owner"] is None or job["state"] == "sending", "nobody else may take it"
    return {job["said"] for job in left if job["answer"]}


# ── twice ──


@BOTH
def test_the_second_ends_the_wait_for_a_paid_answer(
    text2image: Run, monkeypatch: pytest.MonkeyPatch, sign: signal.Signals
) -> None:
    """The service hangs: what may be paid is said to be so, and the process ends."""
    on_shutdown, over = threading.Event(), threading.Event()
    leave = Scheduler.leave

    def tells(self: Scheduler) -> Any:
        on_shutdown.set()
        return leave(self)

    def hangs(self: Service, *_: Any) -> dict[str, Any]:
        press(sign)
        assert on_shutdown.wait(60)
        press(sign)
        over.wait(60)
        return {}

    monkeypatch.setattr(Scheduler, "leave", tells)
    monkeypatch.setattr(Service, "call", hangs)
    text2image(*SYNC, exits=130)
    over.set()
    (job,) = jobs()
    assert job["state"] == "held"


# ── at many moments, in processes of their own ──

INTERRUPTED_AT = """
import itertools, os, signal, sys
from contextlib import contextmanager
import requests, pydantic
from tests.support.journals import database_class
from bailian.cli import guard; from bailian.cli.batch import run_file; from bailian.cli.scripts import request
from bailian.batch import run as batch_run
from bailian.engine import engine; from bailian.clock import Clock
from bailian.files import naming
from bailian.modalities.picture import image, image_edit
from bailian.modalities.text import text
from bailian.cli.main import bailian
count, at = itertools.count(1), 0
def tick():
    if next(count) == at:
        os.kill(os.getpid(), signal.SIGINT)
def around(real):
    def wrapped(*args, **kwargs):
        tick(); value = real(*args, **kwargs); tick()
        return value
    return wrapped
Database = database_class()
real_transaction = Database.transaction
@contextmanager
def transaction(self, lock=""):
    with real_transaction(self, lock) as db:
        yield db
        tick()
    tick()
engine_run = engine.Engine.run
def counted_run(*args, **kwargs):
    requests.adapters.HTTPAdapter.send = around(requests.adapters.HTTPAdapter.send)
    Database.transaction = transaction
    os.link = around(os.link)
    return engine_run(*args, **kwargs)
engine.Engine.run = counted_run
children = {}
for number, at in enumerate(map(int, sys.argv[1:])):
    pid = os.fork()
    if pid == 0:
        sys.stdout, sys.stderr = open(os.devnull, "w"), open(f"{number}.err", "w")
        sys.argv = ["bailian", "batch", "run", f"{number}.json", "--no-gallery"]
        guard.main(bailian, "bailian", clock=Clock(pause_scale=0.02))
    children[pid] = number
    if len(children) % 4 == 0 or number == len(sys.argv) - 2:
        for _ in range((len(children) - 1) % 4 + 1):
            pid, status = os.wait()
            print(children[pid], os.waitstatus_to_exitcode(status), flush=True)
"""
"""Imports everything once, then forks a batch for each moment: its Nth request, commit or link begins or ends."""

AT = (1, 2, 5, 9, 14, 20, 27, 35, 44, 54, 65, 77)


@pytest.mark.usefixtures("quick")
@pytest.mark.slow
def test_ctrl_c_at_many_moments_of_a_batch(bailian: Run, box: Sandbox) -> None:
    """It ends, what has come is recorded, and the next run does the rest, asking for nothing that is known."""
    for number in range(len(AT)):
        said = f"批次{number}的"
        plain = [{**row, "prompt": said + row["prompt"]} for row in (*texts(6), *pictures(3))]
        write([*plain, *edits(2, said)], f"{number}.json")
    env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", INTERRUPTED_AT, *map(str, AT)]
    ran = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=240)
    assert ran.returncode == 0, ran.stderr
    codes = dict(map(int, line.split()) for line in ran.stdout.splitlines())
    errors = {number: Path(f"{number}.err").read_text(encoding="utf-8") for number in range(len(AT))}
    assert codes.keys() == errors.keys()
    assert set(codes.values()) <= {0, 130}, errors
    assert list(codes.values()).count(130) >= len(AT) / 2, "too few were interrupted to prove anything"
    for number, code in codes.items():
        assert "Traceback" not in errors[number], errors[number]
        assert code == 0 or "run the same command again" in errors[number]
    recorded = consistent(box, jobs())
    asked_before = Counter(work.order.prompt for work in box.sync_calls)
    for number in range(len(AT)):
        bailian("batch", "run", f"{number}.json", "-q", "--no-gallery")
        check(box, 11, f"outputs/{number}")
        assert states(f"outputs/{number}") == {"done": 11}
    asked = Counter(work.order.prompt for work in box.sync_calls)
    assert {prompt for prompt in recorded if asked[prompt] > asked_before[prompt]} == set()
    assert set(executed(box).values()) == {1}
