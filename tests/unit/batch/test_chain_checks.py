"""References between the rows of a file: which are refused before anything is sent, and in which order rows come."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.batch.input.batch_row import BatchRow
from bailian.batch.input.chains import Chains
from bailian.batch.input.circles import circles
from bailian.batch.input.reader import read_rows
from bailian.batch.plan import plan_each
from bailian.catalog import load
from bailian.errors import InvalidRequest
from bailian.inputs.lookup import Inputs
from bailian.types.result_of import ResultOf, replaced, result_of

pytestmark = pytest.mark.unit

CATALOG = load()
Row = dict[str, Any]


def edit(source: object = "hero", **more: Any) -> Row:
    return {"kind": "image_edit", "model": "qwen-image-2.0", "prompt": "改", "image": source, **more}


def picture(label: object = "hero", **more: Any) -> Row:
    return {"kind": "image", "id": label, "prompt": "猫", **more}


def of(label: object, index: int | None = None) -> Row:
    return {"result_of": label} if index is None else {"result_of": label, "index": index}


def checked(folder: Path, rows: list[Row]) -> list[BatchRow]:
    path = folder / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    chains = Chains()
    found = read_rows(path, chains=chains)
    inputs = Inputs(folder, chained=True)
    return [one.row for one in plan_each(found, CATALOG, "beijing", inputs, chains=chains)]


REFUSED: tuple[tuple[str, list[Row], str], ...] = (
    ("unknown", [picture(), edit(of("hreo"))], "line 2, image: no row of this file has the id 'hreo'; did you mean hero?"),
    ("itself", [edit(of("a"), id="a")], "line 1, image: these rows wait for each other: a → a"),
    ("circle", [edit(of("b"), id="a"), edit(of("a"), id="b")], "line 1, image: these rows wait for each other: a → b → a"),
    ("twice", [picture(), picture(prompt="狗"), edit(of("hero"))],
     "line 2, id: 'hero' is the id of another row, too; line 3 takes its result"),
    ("twice, later", [picture(), edit(of("hero")), picture(prompt="狗")],
     "line 3, id: 'hero' is the id of another row, too; line 2 takes its result"),
    ("matrix", [picture(matrix={"seed": [1, 2]}), edit(of("hero"))], "hero#1 is the first, hero#2 the second"),
    ("index", [picture(n=2), edit(of("hero", 3))], "line 2, image: takes result 3 of row hero, which makes 2"),
    ("index, above", [edit(of("hero", 3)), picture(n=2)], "line 1, image: takes result 3 of row hero, which makes 2"),
    ("text", [{"kind": "text", "id": "t", "prompt": "说"}, edit(of("t"))], "takes a picture; row t (text) makes a text"),
    ("film", [{"kind": "video", "id": "v", "prompt": "海"}, edit(of("v"))], "takes a picture; row v (video) makes a film"),
    ("picture", [picture(), {"kind": "transcription", "file": of("hero")}], "takes a sound or a film; row hero (image)"),
    ("index 0", [picture(), edit(of("hero", 0))], "line 2, image: index is a whole number from 1, not 0"),
    ("index true", [picture(), edit({"result_of": "hero", "index": True})], "index is a whole number from 1, not True"),
    ("no id", [picture(), edit(of(""))], "result_of is the id of a row of this file, not ''"),
    ("list", [picture(), edit(of(["hero"]))], "result_of is the id of a row of this file, not ['hero']"),
    ("key", [picture(), edit({"result_of": "hero", "number": 2})], "'number' does not stand beside result_of"),
    ("prompt", [picture(), edit(of("hero"), prompt=of("hero"))], "line 2, prompt: takes no other row's result"),
    ("word", [picture(), edit("result-of:hero")], "line 2, image: is no result of a row"),
)  # fmt: skip


def test_a_wrong_place_is_told_once(tmp_path: Path) -> None:
    """Not a second time in our own word for it."""
    with pytest.raises(InvalidRequest) as caught:
        checked(tmp_path, [picture(), {"kind": "video", "prompt": "海", "seed": of("hero")}])
    (told,) = caught.value.problems
    assert "takes no other row's result" in told.message


@pytest.mark.parametrize(("rows", "said"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_wrong_references_are_refused_with_the_rows_place(tmp_path: Path, rows: list[Row], said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        checked(tmp_path, rows)
    assert said in str(refused.value)
    assert len(refused.value.problems) == 1, refused.value


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    """Each once; a row that waits for a wrong one is not wrong itself."""
    rows = [row for _, rows, _ in REFUSED for row in rows]
    names = {row["id"] for row in rows if "id" in row}
    assert names
    apart: list[Row] = []
    for number, (_, some, _) in enumerate(REFUSED):
        text = json.dumps(some, ensure_ascii=False)
        for name in sorted(names):
            text = text.replace(f'"{name}"', f'"{name}{number}"')
        apart += json.loads(text)
    apart += [picture("broken", n="many"), edit(of("broken"), id="edge"), edit(of("edge"))]
    with pytest.raises(InvalidRequest) as refused:
        checked(tmp_path, apart)
    assert len(refused.value.problems) == len(REFUSED) + 1


def test_ids_that_stand_twice_are_no_matter_while_nobody_takes_their_results(tmp_path: Path) -> None:
    rows = checked(tmp_path, [picture(), picture(prompt="狗"), picture("cat"), edit(of("cat"))])
    assert [row.label for row in rows] == ["hero", "hero", "cat", None]


def test_a_row_above_its_source_has_the_key_that_it_has_below(tmp_path: Path) -> None:
    rows = [picture(), edit(of("hero"), id="e"), edit(of("e"), id="last")]
    below = {row.label: row.key for row in checked(tmp_path, rows)}
    assert below == {row.label: row.key for row in checked(tmp_path, rows[::-1])}
    changed = {row.label: row.key for row in checked(tmp_path, [picture(prompt="狗"), *rows[1:]])}
    assert all(changed[label] != key for label, key in below.items())


@given(
    st.integers(2, 14).flatmap(
        lambda size: st.lists(st.lists(st.integers(0, size - 1), max_size=3), min_size=size, max_size=size)
    )
)
def test_circles_are_found_and_nothing_else(sources: list[list[int]]) -> None:
    """A file is refused if, and only if, some rows wait for each other; each circle that is named is one."""
    rows = [
        edit([of(str(one)) for one in some], id=str(number)) if some else picture(str(number))
        for number, some in enumerate(sources)
    ]
    left, before = set(range(len(sources))), -1
    while len(left) != before:
        before = len(left)
        left = {one for one in left if set(sources[one]) & left}
    named = list(circles(dict(enumerate(sources))))
    assert bool(named) == bool(left)
    for circle in named:
        assert all(after in sources[one] for one, after in zip(circle, [*circle[1:], circle[0]], strict=True))
    chains, problems, builder = Chains(), _Problems(), _Builder()
    given_rows = (_row(row, number) for number, row in enumerate(rows))
    yielded = [int(row.label or 0) for row in chains.in_order(given_rows, builder, problems)]  # type: ignore[arg-type]
    assert set(yielded) == set(range(len(rows))) - left
    assert all(yielded.index(one) < place for place, number in enumerate(yielded) for one in sources[number])
    assert bool(problems.said) == bool(left)


class _Problems:
    def __init__(self) -> None:
        self.said: list[str] = []

    def add(self, _where: str, _field: str, message: str) -> None:
        self.said.append(message)


class _Builder:
    def __init__(self) -> None:
        self.labels_left_out: set[str] = set()

    def numbered(self, key: str) -> str:
        return key


def _row(row: Row, number: int) -> BatchRow:
    from bailian.batch.input.batch_row import Source

    images = row.get("image", [])
    sources = tuple(Source("image", ResultOf(one["result_of"])) for one in images)
    return BatchRow(row["kind"], row, f"line {number}", label=row["id"], key=f"{number:024}", sources=sources)


@given(st.text(min_size=1), st.integers(1, 9_999_999))
def test_a_result_is_one_word(label: str, number: int) -> None:
    wanted = ResultOf(label, number)
    assert result_of(wanted.word) == wanted
    assert replaced({"a": [wanted.word, "b.png"]}, lambda _: "c") == {"a": ["c", "b.png"]}


def _many(count: int) -> Iterator[BatchRow]:
    """Yield chains of two, each edit above its picture: nothing can be yielded at once."""
    for number in range(0, count, 2):
        yield _row(edit([of(f"p{number}")], id=f"e{number}", prompt="改" * 200), number)
        yield _row(picture(f"p{number}", prompt="猫" * 200), number + 1)


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_not_held_in_memory() -> None:
    """Ids and edges are; rows are on the disk until their sources are known."""
    chains = Chains()
    tracemalloc.start()
    try:
        builder, problems = _Builder(), _Problems()
        yielded = sum(1 for _ in chains.in_order(_many(20_000), builder, problems))  # type: ignore[arg-type]
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert yielded == 20_000
    assert problems.said == []
    assert peak_bytes < 20_000 * 700
