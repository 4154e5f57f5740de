"""What a batch leaves in its folder: results and page in the order of the file, and nothing half written."""

from __future__ import annotations

import json
import re
import signal
import weakref
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bailian.batch.output.records import read_results, records, write_results
from bailian.sandbox import Fault, Sandbox
from bailian.store import batches, job_rows
from bailian.store.batches import BatchStore
from bailian.store.jobs import COLUMNS, Journal
from bailian.store.runs.file_rows import FileRows
from bailian.store.runs.row_claims import CHUNK_ROWS
from tests.support.commands import Run
from tests.support.journals import place
from tests.support.processes import end, posix_only, start_script

FOLDER = Path("outputs/all")


def write(value: Any, name: str = "all.json") -> str:
    Path(name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return name


def texts(*prompts: str) -> list[dict[str, Any]]:
    return [{"kind": "text", "prompt": prompt} for prompt in prompts]


def prompts(name: str = "results.jsonl") -> list[str]:
    return [json.loads(line)["prompt"] for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def on_page() -> list[str]:
    page = (FOLDER / "gallery.html").read_text(encoding="utf-8")
    block = re.search(r'id="records"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert block is not None
    return [card["prompt"] for card in json.loads(block[1])]


# ── order ──


def test_results_and_page_are_in_the_order_of_the_file(bailian: Run, box: Sandbox) -> None:
    """Whatever was sent again later, came back into the file, or is another kind."""
    box.faults.add(Fault("text", "status", status=400, code="DataInspectionFailed", message="x", match_prompt="甲"))
    picture = {"kind": "image", "prompt": "猫", "size": "512*512"}
    rows = [*texts("甲", "乙"), picture, *texts("[sandbox:refuse]丙", "丁", "[sandbox:refuse]戊")]
    bailian("batch", "run", write(rows), exits=7)
    bailian("batch", "run", "all.json", exits=7)
    expected = [row["prompt"] for row in rows]
    assert prompts() == expected
    assert on_page() == expected
    assert prompts("failed.jsonl") == ["[sandbox:refuse]丙", "[sandbox:refuse]戊"]
    bailian("batch", "run", write([*rows[3:], *texts("新"), *rows[:3]]), exits=7)
    assert prompts() == [*expected[3:], "新", *expected[:3]]
    assert on_page() == prompts()


@pytest.mark.slow
def test_what_is_under_way_and_not_in_the_file_any_more_comes_last(bailian: Run, box: Sandbox) -> None:
    box.settings.change({"task_s": 2.0})
    pictures = [{"kind": "image", "prompt": f"第{i}只猫", "size": "512*512"} for i in range(2)]
    bailian("batch", "run", write(pictures), "--no-wait", exits=6)
    bailian("batch", "run", write([*texts("题"), pictures[1]]))
    assert prompts() == ["题", "第1只猫", "第0只猫"]


@pytest.fixture
def many(tmp_path: Path) -> Iterator[BatchStore]:
    """A batch of several chunks, each row with a failed try before its last one."""

    def row(number: int, attempt: int) -> tuple[Any, ...]:
        own = {"id": f"{number}-{attempt}", "account": "a", "kind": "text", "run": "r", "row_key": f"k{number}",
               "created_at_s": 1.0, "request": json.dumps({"prompt": f"{number}"}), "estimate_cny": None}  # fmt: skip
        state = ("failed", "done")[attempt]
        return tuple({"state": state, "owner": None, **own}.get(name, "{}") for name in COLUMNS)

    with closing(Journal(place(tmp_path / "家"))) as journal:
        runs = BatchStore(journal, "a")
        for attempt in range(2):
            runs.intend_all(row(number, attempt) for number in range(5 * CHUNK_ROWS))
        yield runs


class Request(dict[str, Any]):
    """A row's request, told apart by what it is, not by what it says."""

    __hash__ = object.__hash__  # type: ignore[assignment]


@pytest.mark.slow
def test_rows_of_a_large_batch_pass_through(many: BatchStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order that was asked for, the newest try of each, and no more in memory than two chunks of them."""
    alive: weakref.WeakSet[Request] = weakref.WeakSet()
    made = job_rows.job_row

    def counted(row: Any) -> Any:
        one = made(row)
        request = Request(one.request)  # a tuple cannot be watched, what it holds can
        alive.add(request)
        return one._replace(request=request)

    monkeypatch.setattr(batches, "job_row", counted)
    count = 5 * CHUNK_ROWS
    file_rows = FileRows()
    for position, number in enumerate(reversed(range(count))):
        assert file_rows.number_of(f"k{number}") == 1
        file_rows.note(position, f"k{number}", f"[{position}]")
    most = 0
    seen = []
    for one in records(many, "r", file_rows):
        most = max(most, len(alive))
        seen.append((one["where"], one["prompt"], one["state"]))
    assert seen == [(f"[{place}]", f"{count - 1 - place}", "done") for place in range(count)]
    assert most <= 2 * CHUNK_ROWS


def test_half_a_surrogate_pair_is_no_reason_to_fail(tmp_path: Path) -> None:
    row = {"row": "k", "state": "done", "kind": "text", "request": {}, "text": "半个：\ud83d"}
    write_results(tmp_path, [row])
    assert list(read_results(tmp_path)) == [row]


# ── what a killed run leaves ──

DIE = "os.kill(os.getpid(), 9)"
PLACES = {
    "in the results": f"records.record = lambda *words: {DIE}",
    "in the page": f"gallery.card = lambda *words: {DIE}",
    "in a thumbnail": f"Image.Image.save = lambda image, part, *words, **more: (part.write_bytes(b'half'), {DIE})",
}


def parts() -> list[str]:
    return sorted(path.name for path in FOLDER.rglob("*part*"))


@posix_only
@pytest.mark.parametrize("options", [(), ("--no-gallery",)], ids=["gallery", "no gallery"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.few(1)
def test_what_a_killed_run_left_half_written_is_gone_after_the_next(
    bailian: Run, box: Sandbox, place: str, options: tuple[str, ...]
) -> None:
    write([{"kind": "image", "prompt": "猫", "size": "512*512"}, *texts("[sandbox:refuse]")])
    command = (
        "import os; from PIL import Image; from bailian.batch.output import gallery; from bailian.batch.output import records; "
        f"{PLACES[place]}; from bailian.cli.main import bailian as main"
    )
    assert end(start_script(box, "batch", "run", "all.json", command=command)).code == -signal.SIGKILL
    assert parts(), "it died too early or too late"
    bailian("batch", "run", "all.json", *options, exits=7)
    assert parts() == []
    assert len(prompts()) == 2


def test_parts_of_earlier_versions_go_too(bailian: Run) -> None:
    thumbs = FOLDER / "gallery/thumbs"
    thumbs.mkdir(parents=True)
    (FOLDER / ".gallery.html.4711.part").touch()
    (thumbs / ".0123456789abcdef0123.jpg.4711.140012.part").touch()
    bailian("batch", "run", write(texts("甲")))
    assert parts() == []


def test_a_row_says_how_its_text_ended(bailian: Run) -> None:
    rows = [
        {"kind": "text", "prompt": "写一篇科技文章", "max_tokens": 20},
        {"kind": "text", "prompt": "新闻", "search": True},
    ]
    ran = bailian("batch", "run", write(rows))
    cut, searched = read_results(FOLDER)
    assert (cut["finish_reason"], searched["finish_reason"]) == ("length", "stop")
    assert "web_sources" not in cut
    assert all(one["url"].startswith("https://") for one in searched["web_sources"])
    assert ": note: the answer was cut" in ran.err


def test_a_row_has_no_conversation(bailian: Run, box: Sandbox) -> None:
    ran = bailian("batch", "run", write([{"kind": "text", "prompt": "一", "chat": "旅行"}]), exits=2)
    assert "chat: is not a field of text rows" in ran.err
    assert box.requests == []
