"""Whatever an answer holds: its job ends, the others go on, and `bailian cost` never says less than was billed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.journals import named, opened

pytestmark = pytest.mark.usefixtures("quick")

ABSURD = {
    "10^400": "1" + "0" * 400,
    "10^5000": "1" + "0" * 5000,
    "1e400": "1e400",
    "NaN": "NaN",
    "-Infinity": "-Infinity",
    "negative": "-1000",
    "true": "true",
    "text": '"many"',
    "a list": "[1]",
}
UNREADABLE = ("true", "[[[]]]", '{"url": "https://a/b"}', "[" * 1000 + "]" * 1000)
# One row of each kind whose answer tells a figure: where it is answered, and where the figure and the results stand.
KINDS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "a task": ({"kind": "image", "prompt": "怪猫。", "size": "512*512"}, "poll", "usage.image_count", "output.results"),
    "a synchronous picture": (
        {"kind": "image_edit", "prompt": "怪猫。", "image": "原图.png"},
        "sync",
        "usage.image_count",
        "output.choices",
    ),
    "a text": ({"kind": "text", "prompt": "怪猫。"}, "text", "usage.output_tokens", "output.choices"),
    "a video": (
        {"kind": "video", "prompt": "怪猫。", "resolution": "832*480"},
        "poll",
        "usage.video_duration",
        "output.video_url",
    ),
}


def batch(*rows: dict[str, Any]) -> str:
    """Write a batch with these rows in the middle of others."""
    Image.new("RGB", (512, 512), "red").save("原图.png")
    others = [{"kind": "image", "prompt": f"第{i}只猫。", "size": "512*512"} for i in range(2)]
    all_rows = [*others, *rows, {"kind": "text", "prompt": "一道题。"}]
    Path("all.json").write_text(json.dumps(all_rows, ensure_ascii=False), encoding="utf-8")
    return "all.json"


def odd_rows(box: Sandbox, row: dict[str, Any], on: str, place: str, raw_texts: Iterable[str]) -> list[dict[str, Any]]:
    """Return a row for each raw text, which stands at that place of its answer."""
    rows = []
    for number, raw in enumerate(raw_texts):
        prompt = f"怪猫之{number}号。"
        box.faults.add(Fault(on, "raw", times=None, match_prompt=prompt, replace={place: raw}))
        rows.append({**row, "prompt": prompt})
    return rows


def spoil(box: Sandbox, on: str, replace: dict[str, str], times: int | None = None) -> None:
    box.faults.add(Fault(on, "raw", times=times, match_prompt="怪猫", replace=replace))


def jobs() -> list[dict[str, Any]]:
    with closing(opened(Path("bailian"))) as db:
        return named(db.execute("SELECT * FROM jobs ORDER BY created_at_s, rowid"))


def is_odd(job: dict[str, Any]) -> bool:
    return "怪猫" in job["request"]


def odd_job() -> dict[str, Any]:
    (job,) = filter(is_odd, jobs())
    return job


def known_cny() -> float:
    """Return what the others have cost."""
    return sum(job["charged_cny"] for job in jobs() if not is_odd(job))


def costs(bailian: Run) -> tuple[float, float]:
    """Return what was spent and what may have been, as JSON of a strict reader; people are told, too."""
    raw = bailian("cost", "--json").out
    told = json.loads(raw, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert told["total"] >= 0
    assert all(row["cny"] > 0 for row in told["spent"])
    shown = bailian("cost")
    assert ("may have cost up to" in shown.err) == (told["maybe_at_most"] > 0)
    return told["total"], told["maybe_at_most"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.few(1)
def test_an_absurd_figure_is_no_bill(bailian: Run, box: Sandbox, kind: str) -> None:
    """The row has its file; what it cost is not known, so its estimate stands for it. The others are as always."""
    row, on, place, _ = KINDS[kind]
    rows = odd_rows(box, row, on, place, ABSURD.values())
    ran = bailian("batch", "run", batch(*rows))
    assert len(ran.paths) == len(jobs()) == len(rows) + 3
    assert {job["state"] for job in jobs()} == {"done"}
    odd = [job for job in jobs() if is_odd(job)]
    assert [name for name, job in zip(ABSURD, odd, strict=True) if job["charged_cny"] is not None] == []
    assert all(job["answer"] for job in odd)
    spent_cny, maybe_cny = costs(bailian)
    assert maybe_cny == pytest.approx(sum(job["estimate_cny"] for job in odd))
    assert spent_cny == pytest.approx(known_cny())
    assert "nothing is left" in bailian("tasks", "wait", "--all").err


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("kind", KINDS)
def test_results_that_cannot_be_read_end_their_job_only(bailian: Run, box: Sandbox, kind: str) -> None:
    """No file, so it is held, with the answer kept (a text has failed); it is in the ledger, known or perhaps."""
    row, on, _, place = KINDS[kind]
    rows = odd_rows(box, row, on, place, UNREADABLE)
    ran = bailian("batch", "run", batch(*rows), exits=7)
    assert len(ran.paths) == 3
    odd = [job for job in jobs() if is_odd(job)]
    assert [job["state"] for job in odd] == ["failed" if on == "text" else "held"] * len(rows)
    assert [job["state"] for job in jobs() if not is_odd(job)] == ["done"] * 3
    if kind != "a text":  # which is asked for again, and each answer may be billed
        assert all(job["answer"] for job in odd)
    posts = [json.dumps(entry.body, ensure_ascii=False) for entry in box.requests if entry.method == "POST"]
    works_cny = sum(post.count("怪猫") for post in posts) * max(job["estimate_cny"] for job in odd)
    spent_cny, maybe_cny = costs(bailian)
    assert spent_cny + maybe_cny >= known_cny() + works_cny - 1e-6
    assert "nothing is left" in bailian("tasks", "wait", "--all").err


@pytest.mark.slow
def test_a_held_answer_stays_held_when_it_is_asked_for(bailian: Run, box: Sandbox) -> None:
    """It is kept for a person to read. As a failed one the next run of the batch would pay for it again."""
    row, on, _, place = KINDS["a synchronous picture"]
    spoil(box, on, {place: "true"}, times=1)
    bailian("batch", "run", batch(row), exits=7)
    odd = odd_job()
    assert json.loads(odd["answer"])["output"]["choices"] is True
    bailian("tasks", "wait", odd["id"], exits=5)
    assert odd_job()["state"] == "held"
    assert bailian("tasks", "show", odd["id"], "--json").json["answer"]["output"]["choices"] is True


@pytest.mark.slow
def test_one_byte_that_is_no_utf8_loses_nothing(bailian: Run, box: Sandbox) -> None:
    """It was "not an answer", asked for until the task was gone."""
    for on, place in {"poll": "output.orig", "sync": "request_id", "text": "request_id"}.items():
        spoil(box, on, {place: '"caf\udce9"'})
    for row, _, _, _ in KINDS.values():
        assert len(bailian("batch", "run", batch(row), "--fresh").paths) == 4


@pytest.mark.slow
def test_wait_all_goes_on_behind_an_odd_answer(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """The first of three tasks answers with rubbish: the others are fetched, and the next run has nothing to do."""
    spoil(box, "poll", {"usage": "NaN", "output.results": "true"})
    for prompt in ("怪猫。", "第一只猫。", "第二只猫。"):
        text2image(prompt, "--no-wait")
    ran = bailian("tasks", "wait", "--all", exits=7)
    assert len(ran.paths) == 2
    assert [job["state"] for job in jobs()] == ["held", "done", "done"]
    assert odd_job()["answer"]
    _, maybe_cny = costs(bailian)
    assert maybe_cny == pytest.approx(odd_job()["estimate_cny"])
    assert "nothing is left" in bailian("tasks", "wait", "--all").err


@pytest.mark.slow
def test_an_odd_answer_to_a_lost_request_is_no_crash(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """`results: true` was, for a task whose own answer had been lost."""
    box.faults.add(Fault("submit", "reset_after"))
    spoil(box, "poll", {"output.results": "true", "output.orig_prompt": "5"})
    ran = text2image("怪猫。", "--timeout", "30", exits=5)
    assert "Traceback" not in ran.err
    assert odd_job()["state"] == "held", "nothing in it shows whose it is"
    spent_cny, maybe_cny = costs(bailian)
    assert spent_cny + maybe_cny == pytest.approx(odd_job()["estimate_cny"])


@pytest.mark.slow
def test_an_absurd_figure_in_a_stream_is_no_bill(text2text: Run, bailian: Run, box: Sandbox) -> None:
    """The text is here, and its bill is not known."""
    spoil(box, "text", {"usage.output_tokens": "-5"})
    ran = text2text("怪猫。", "--stream")
    assert ran.out.strip()
    assert ", up to 0." in ran.err
    spent_cny, maybe_cny = costs(bailian)
    assert (spent_cny, maybe_cny) == (0, pytest.approx(odd_job()["estimate_cny"]))


@pytest.mark.slow
def test_an_answer_that_comes_twice_is_another_requests(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """A proxy repeats the answer to the first POST: the second has its own task, which the list tells."""
    (first,) = text2image("第一只猫。").paths
    box.faults.add(Fault("submit", "raw", replace={"output.task_id": json.dumps(box.tasks[0].task_id)}))
    (second,) = text2image("怪猫。").paths
    assert first != second
    assert "怪猫" in second.name
    assert [job["state"] for job in jobs()] == ["done", "done"]
    assert [job["task_id"] for job in jobs()] == [task.task_id for task in box.tasks]


def test_what_an_older_version_kept_does_not_break_the_costs(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """NaN in an answer, and a negative charge read out of one."""
    text2image("怪猫。")
    text2image("第一只猫。")
    with closing(opened(Path("bailian"))) as db:
        db.execute('UPDATE jobs SET answer = \'{"usage": {"image_count": NaN}}\'')
        db.execute("UPDATE jobs SET charged_cny = -140000 WHERE request LIKE '%怪猫%'")
        db.commit()
    spent_cny, maybe_cny = costs(bailian)
    assert spent_cny == maybe_cny == pytest.approx(odd_job()["estimate_cny"])


@pytest.mark.slow
def test_a_request_without_a_price_is_counted(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """What nobody can price is said to be there, and is not nothing."""
    text2image("怪猫。")
    with closing(opened(Path("bailian"))) as db:
        db.execute("UPDATE jobs SET charged_cny = NULL, estimate_cny = NULL")
        db.commit()
    assert bailian("cost", "--json").json["maybe_unpriced"] == 1
    assert "requests of unknown price that may be billed, too: 1" in bailian("cost").err
