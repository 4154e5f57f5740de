"""Batches from Python, and the same functions to be awaited."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import bailian
from bailian import aio
from bailian.api import functions
from bailian.sandbox import Fault, Sandbox
from tests.support.batches import most_at_once, texts
from tests.support.processes import until

ROWS = [
    {"kind": "image", "prompt": "猫", "id": "hero"},
    {"kind": "text", "prompt": "你好"},
    {"kind": "image", "prompt": "狗", "output": "dogs/"},
]


def test_rows_in_memory_are_a_batch_that_is_paid_once(box: Sandbox) -> None:
    """Its name is what it is known by; the second run sends nothing."""
    seen: list[bailian.Result] = []
    result = bailian.run_batch([*ROWS[:2], bailian.ImageRequest(prompt="狗")], run="shop", on_row=seen.append)
    assert (result.rows, result.done, result.failed, result.complete) == (3, 3, 0, True)
    assert {one.kind for one in seen} == {"image", "text"}
    rows = list(result.results())
    assert [row.where for row in rows] == ["line 1", "line 2", "line 3"]
    assert rows[1].text
    assert all(path.exists() for row in rows for path in row.files)
    posts = len([one for one in box.requests if one.method == "POST"])
    again = bailian.run_batch([*ROWS[:2], bailian.ImageRequest(prompt="狗")], run="shop")
    assert (again.done, again.charged_cny) == (3, result.charged_cny)
    assert len([one for one in box.requests if one.method == "POST"]) == posts


@pytest.mark.slow
def test_a_file_is_the_same_batch_as_in_the_shell(box: Sandbox, request: pytest.FixtureRequest) -> None:
    """Python and `bailian batch` share journal, folder and what is done."""
    Path("shop.jsonl").write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    result = bailian.run_batch("shop.jsonl")
    assert result.done == 3
    command = request.getfixturevalue("bailian")
    assert "0 to run, 3 done before" in command("batch", "run", "shop.jsonl").err


def test_what_is_wrong_in_rows_is_said_at_once_with_their_name(box: Sandbox) -> None:
    with pytest.raises(bailian.InvalidRequest) as raised:
        bailian.run_batch([{"kind": "image", "prompt": "猫", "n": 9}, {"kind": "image"}], run="shop")
    assert "shop" in raised.value.message
    assert len(raised.value.problems) >= 2
    with pytest.raises(bailian.InvalidRequest, match="run: rows in memory need a name"):
        bailian.run_batch([{"kind": "image", "prompt": "猫"}])
    assert box.requests == []


@pytest.mark.slow
def test_no_more_answers_are_waited_for_than_the_program_says(box: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """That the limit binds is in the program's log, in the program's word."""
    box.settings.change({"task_s": 0.1})
    rows = texts(8)
    result = bailian.run_batch(rows, run="texts", in_flight=2, results_only=True)
    assert result.complete
    assert most_at_once(box) == 2
    assert "at most 2 answers are waited for at once: you said so (in_flight)" in caplog.text
    assert all(row.text and not row.files for row in result.results())
    for wrong in (0, -1, True, 1.5, "2"):
        with pytest.raises(bailian.InvalidRequest, match=r"in_flight: .* is no whole number from 1"):
            bailian.run_batch(rows, run="texts", in_flight=wrong)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_row_that_fails_ends_no_other(box: Sandbox) -> None:
    box.faults.add(Fault(on="poll", kind="failed", match_prompt="猫"))
    result = bailian.run_batch(ROWS, run="shop")
    assert (result.done, result.failed) == (2, 1)
    (failed,) = (row for row in result.results() if row.error)
    assert failed.error is not None
    assert failed.error["code"]


@pytest.mark.slow
def test_a_budget_stops_the_rest() -> None:
    result = bailian.run_batch(ROWS, run="shop", max_cost_cny=0.2)
    assert isinstance(result.stopped, bailian.BailianError)
    assert "max_cost_cny" in result.stopped.advice
    assert result.charged_cny <= 0.2


@pytest.mark.slow
def test_twins_run_side_by_side(box: Sandbox) -> None:
    """The loop goes on while they wait, and is where callbacks are called."""
    seen: list[bailian.Progress] = []

    async def both() -> tuple[list[bailian.Result], int]:
        ticks = 0
        calls = asyncio.gather(aio.text2image("猫", progress=seen.append), aio.text2text("你好"), aio.text2image("狗"))
        while not calls.done():
            ticks += 1
            await asyncio.sleep(0.01)
        return await calls, ticks

    results, ticks = asyncio.run(both())
    assert [one.kind for one in results] == ["image", "text", "image"]
    assert len({one.path for one in (results[0], results[2])}) == 2
    assert ticks > 5
    assert {event.model for event in seen} == {"wan2.2-t2i-flash"}


def test_every_function_has_its_twin() -> None:
    names = {"text2image", "edit_image", "wanx_edit", "text2text", "text2video", "speak", "transcribe"}
    assert names <= set(vars(functions))
    assert all(asyncio.iscoroutinefunction(getattr(aio, name)) for name in (*names, "wait", "wait_all", "run_batch"))


@pytest.mark.slow
def test_a_text_comes_in_pieces_to_a_loop() -> None:
    async def read() -> str:
        return "".join([chunk.text async for chunk in aio.stream_text("讲个笑话")])

    assert asyncio.run(read())


@pytest.mark.slow
def test_cancelling_keeps_what_is_paid(box: Sandbox) -> None:
    """The task's id is in the journal, and is fetched for nothing."""
    box.settings.change({"task_s": 0.7})

    async def begin() -> str:
        running = asyncio.ensure_future(aio.text2image("猫"))
        while not box.tasks:
            await asyncio.sleep(0.01)
        running.cancel()
        try:
            await running
        except asyncio.CancelledError as cancelled:
            return str(cancelled)
        return ""

    said = asyncio.run(begin())
    assert f'wait("{box.tasks[0].task_id}")' in said
    (result,) = bailian.wait_all()
    assert result.path.exists()
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_cancelling_waits_for_a_picture_that_cannot_be_found_again(box: Sandbox) -> None:
    box.faults.add(Fault(on="sync", kind="slow", delay_s=0.5))

    async def begin() -> None:
        running = asyncio.ensure_future(aio.text2image("猫", model="qwen-image-max"))
        while not any(one.method == "POST" for one in box.requests):
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(begin())
    assert len(list(Path("outputs").glob("*.png"))) == 1 or bailian.wait_all()


PROGRAM = """
import sys, bailian
try:
    bailian.text2image("猫")
except KeyboardInterrupt as interrupted:
    print(interrupted)
    sys.exit(3)
"""


@pytest.mark.slow
@pytest.mark.process
def test_an_interrupted_program_loses_nothing(box: Sandbox) -> None:
    """Ctrl-C is Python's own KeyboardInterrupt, and says how to go on."""
    box.settings.change({"task_s": 5})
    child = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, encoding="utf-8")
    until(lambda: bool(box.tasks))
    child.send_signal(signal.SIGINT)
    said = child.communicate()[0]
    assert (child.returncode, f'wait("{box.tasks[0].task_id}")' in said) == (3, True)
