"""A file of many rows is read, checked, compared and written in the memory of one of few."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bailian.batch.estimate import Estimator
from bailian.batch.findings import Findings
from bailian.batch.input.batch_row import BatchRow
from bailian.batch.input.chains import Chains
from bailian.batch.input.reader import read_rows
from bailian.batch.plan import plan_each
from bailian.batch.sync import BatchSpec, EarlierTries, FileScan, sync_rows
from bailian.catalog import load
from bailian.errors import InvalidRequest
from bailian.inputs import lookup
from bailian.inputs.lookup import Inputs
from bailian.store.runs import file_rows as of_file
from bailian.store.runs import named_rows
from bailian.store.runs.file_rows import FileRows
from bailian.types import Input

CATALOG = load()
ROWS: dict[str, Callable[[int], dict[str, Any]]] = {
    "different": lambda i: {"kind": "text", "prompt": f"猫 {i}"},
    "with ids": lambda i: {"kind": "text", "id": f"row {i}", "prompt": f"猫 {i}"},
    "alike": lambda _: {"kind": "text", "prompt": "猫"},
    "told of": lambda i: {"kind": "text", "prompt": f"猫 {i}", "temperature": 2},
    "without a price": lambda i: {"kind": "text", "model": "qwen-nobody-knows", "prompt": f"猫 {i}"},
    "refused": lambda i: {"kind": "text", "prompt": f"猫 {i}", "max_tokens": 0},
    "each its own": lambda i: {"kind": "text", "prompt": f"猫 {i}", "seed": i},
}


def lines(folder: Path, name: str, count: int) -> Path:
    path = folder / f"{count}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(ROWS[name](number)) + "\n" for number in range(count))
    return path


def from_the_first(rows: Iterator[BatchRow]) -> Iterator[BatchRow]:
    """Forget the peak before the rows: a file is looked through by the megabyte to find its encoding."""
    for number, row in enumerate(rows):
        if number == 0 and tracemalloc.is_tracing():
            tracemalloc.reset_peak()
        yield row


def checked(path: Path) -> int:
    """Read and check a file as a dry run does; return how many rows were good."""
    found, estimator, chains = Findings(), Estimator(), Chains()
    with closing(FileRows()) as file_rows:
        rows = from_the_first(read_rows(path, chains=chains, file_rows=file_rows))
        wanted = sync_rows(rows, EarlierTries(), BatchSpec(path, "batch:a", path.parent), FileScan(file_rows))
        try:
            for one in plan_each(wanted, CATALOG, "beijing", Inputs(path.parent, chained=True), chains=chains):
                found.add(one)
                estimator.add(one)
        except InvalidRequest:
            return 0
        for page in file_rows.pages():
            assert not file_rows.absent(page)
    return estimator.estimate().rows


def peak_bytes(path: Path) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        checked(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def few_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_file, "FRESH_ROWS", 50)
    monkeypatch.setattr(of_file, "PAGE_ROWS", 50)
    monkeypatch.setattr(named_rows, "FRESH_NAMES", 50)


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.usefixtures("few_in_memory")
@pytest.mark.parametrize("name", ROWS)
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, name: str) -> None:
    checked(lines(tmp_path, name, 100))  # what is loaded once, and for ever
    few, many = (peak_bytes(lines(tmp_path, name, count)) for count in (500, 2_000))
    assert many - few < 150_000, "1,500 rows more: less than 100 bytes each, of what is not collected yet"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["different", "alike", "with ids"])
def test_memory_does_not_grow_from_six_thousand_rows_to_twenty_thousand(tmp_path: Path, name: str) -> None:
    few, many = (peak_bytes(lines(tmp_path, name, count)) for count in (6_000, 20_000))
    assert many - few < 1_000_000, "14,000 rows more, of 3 KB each if they were kept"


@pytest.mark.usefixtures("few_in_memory")
def test_rows_alike_are_counted_however_far_apart_they_stand() -> None:
    with closing(FileRows()) as file_rows:
        keys = [f"{number % 120:024x}" for number in range(1_000)]
        numbers = [file_rows.number_of(key) for key in keys]
        assert numbers == [1 + number // 120 for number in range(1_000)]
        known = [keys[0], f"{keys[0]}-2", f"{keys[0]}-9", f"{keys[119]}-8", f"{keys[119]}-9", f"{500:024x}"]
        assert file_rows.absent(known) == [f"{keys[119]}-9", f"{500:024x}"]
        assert file_rows.present(known) == known[:4]


@pytest.mark.usefixtures("few_in_memory")
def test_what_is_known_of_a_name_is_known_however_long_ago_it_was_said() -> None:
    with closing(named_rows.NamedRows()) as named:
        for number in range(400):
            one = named.made(f"row {number}")
            one.key, one.count, one.later = f"k{number}", number, number if number % 2 else None
        for number in range(0, 400, 7):
            found = named.get(f"row {number}")
            assert found is not None
            found.double = f"line {number}"
        for number in range(400):
            found = named.made(f"row {number}")
            assert (found.key, found.count, found.later) == (f"k{number}", number, number if number % 2 else None)
            assert found.double == (None if number % 7 else f"line {number}")
        assert (named.count, named.get("nobody")) == (400, None)


@pytest.mark.usefixtures("few_in_memory")
def test_places_come_in_the_order_of_the_file_whenever_they_were_noted() -> None:
    with closing(FileRows()) as file_rows:
        for position in [*range(1, 400, 2), *range(0, 400, 2)]:
            file_rows.note(position, f"k{position}", f"line {position}")
        pages = list(file_rows.pages())
        assert [key for page in pages for key in page] == [f"k{position}" for position in range(400)]
        assert max(map(len, pages)) == 50
        assert file_rows.places_of(["k7", "nobody"]) == {"k7": "line 7"}
        for number in range(0, 300, 3):
            file_rows.leave(f"k{number}")
        assert [file_rows.is_left(f"k{number}") for number in range(300)] == [number % 3 == 0 for number in range(300)]


def test_of_the_inputs_of_a_large_batch_some_thousands_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "KEPT_MAX", 3)
    looked_at: list[str] = []

    def resolve(_field: str, word: str, _home: Path) -> Input:
        looked_at.append(word)
        return Input(f"file://{word}")

    inputs = Inputs(tmp_path, resolve)
    for word in ("a", "a", "b", "c", "a", "d", "a", "d"):
        assert inputs.resolved("image_edit", {"image": [word]})[0] == {"image": [f"file://{word}"]}
    assert looked_at == ["a", "b", "c", "d", "a"]
