"""All rows are checked before the first is sent, and what they cost and take is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.batch.estimate import estimate
from bailian.batch.input.batch_row import BatchRow
from bailian.batch.input.problems import Problems
from bailian.batch.input.reader import read_rows
from bailian.batch.plan import Planned, plan_each
from bailian.catalog import Catalog, load
from bailian.errors import InvalidRequest
from bailian.i18n import language
from bailian.inputs.lookup import Inputs
from bailian.types import Input, Notice, Probe, SpeechContext

CATALOG = load()
PICTURE = Probe("PNG", 1024, 1024, 100_000)
SEED_COMBINED = {
    "image_tasks": [{"model": "wan2.2-t2i-flash", "prompt": "未来科技城市", "size": "1440*810", "n": 2}],
    "text_tasks": [{"model": "qwen-turbo", "prompt": "生成产品文案"}],
    "video_tasks": [{"model": "wan2.1-t2v-plus", "prompt": "日出延时摄影", "duration": 10}],
}


def resolve(field: str, word: str) -> Input:
    if "没有" in word:
        raise InvalidRequest.one(field, f"cannot read {word}")
    return Input(f"file://{word}", PICTURE)


def row(fields: dict[str, Any], kind: str = "image", where: str = "line 1") -> BatchRow:
    return BatchRow(kind, fields, where, None, None, None, "0" * 24)


def plan(
    rows: Iterable[BatchRow], catalog: Catalog, region: str, resolve: Callable[[str, str], Input], *, source: str = ""
) -> list[Planned]:
    inputs = Inputs(Path(), lambda field, word, _home: resolve(field, word))
    return list(plan_each(rows, catalog, region, inputs, source=source))


def planned_of(*rows: BatchRow) -> list[Planned]:
    return plan(rows, CATALOG, "beijing", resolve)


def refusal(*rows: BatchRow) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        planned_of(*rows)
    return caught.value


def test_the_seeds_combined_form_can_be_sent(tmp_path: Path) -> None:
    """Every row is prepared by its modality, in order, and keeps its row."""
    path = tmp_path / "batch.json"
    path.write_text(json.dumps(SEED_COMBINED), encoding="utf-8")
    rows = list(read_rows(path))
    planned = plan(rows, CATALOG, "beijing", resolve, source=str(path))
    assert [one.row for one in planned] == rows
    assert [one.prepared.model.kind for one in planned] == ["image", "text", "video"]
    assert planned[0].prepared.body["parameters"]["n"] == 2


def test_all_problems_of_all_rows_are_one_refusal() -> None:
    """Each with its row's place."""
    error = refusal(
        row({"prompt": "", "size": "1*1"}, where="image_tasks[0]"),
        row({"prompt": "好"}, where="image_tasks[1]"),
        row({"prompt": "猫", "model": "wan-none"}, where="image_tasks[2]"),
        row({"prompt": "猫", "duration": -1}, "video", "line 9"),
    )
    assert [problem.field for problem in error.problems] == [
        "image_tasks[0].prompt",
        "image_tasks[0].size",
        "image_tasks[2].model",
        "line 9, duration",
    ]
    assert error.advice == "change the named value"


def test_what_is_wrong_in_the_file_is_told_with_it(tmp_path: Path) -> None:
    """Typing errors and limits of models, in one refusal that names the file."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "猫", "n": 9}\n{"promt": "猫"}\n', encoding="utf-8")
    with pytest.raises(InvalidRequest) as caught:
        plan(read_rows(path, "image"), CATALOG, "beijing", resolve, source="a.jsonl")
    assert str(caught.value).startswith("a.jsonl: nothing is sent, 3 problems\n")
    assert {problem.field for problem in caught.value.problems} == {"line 1, n", "line 2, promt", "line 2, prompt"}


@pytest.mark.slow
def test_the_same_problem_in_ten_thousand_rows_is_said_once() -> None:
    """With the first two places and how many more there are."""
    error = refusal(*(row({"prompt": "猫", "n": 9}, where=f"line {number}") for number in range(10_000)))
    assert str(error) == "line 0, n: 9 is not in 1 to 4 (also in line 1, and 9,998 more rows)"
    assert len(error.problems) == 1


@pytest.mark.parametrize(
    "count, ending",
    [(1, "1 to 4"), (2, "1 to 4 (also in line 1)"), (3, "1 to 4 (also in line 1, and 1 more row)")],
)
def test_few_rows_with_the_same_problem(count: int, ending: str) -> None:
    """One, two, three."""
    assert str(refusal(*(row({"prompt": "猫", "n": 9}, where=f"line {i}") for i in range(count)))).endswith(ending)


def test_the_chinese_text_names_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both languages say place, number and what is allowed."""
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    language.cache_clear()
    try:
        problems = Problems("表.csv")
        for number in range(2, 5):
            problems.add(f"line {number}", "n", "太大")
        with pytest.raises(InvalidRequest) as caught:
            problems.raise_if_any()
    finally:
        monkeypatch.undo()
        language.cache_clear()
    assert str(caught.value) == "表.csv：共 1 个问题，未发送任何请求\n第 2 行 n: 太大（第 3 行等另外 2 行也一样）"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=300))
def test_no_row_with_a_problem_is_forgotten(found: list[tuple[int, int]]) -> None:
    """The rows named and counted are the rows noted, whatever is grouped."""
    problems = Problems()
    for number, (field, text) in enumerate(found):
        problems.add(f"[{number}]", f"f{field}", f"t{text}")
    if not found:
        problems.raise_if_any()
        return
    with pytest.raises(InvalidRequest) as caught:
        problems.raise_if_any()
    counted = 0
    for problem in caught.value.problems:
        counted += 1 + ("(also in" in problem.message)
        if "more row" in problem.message:
            counted += int(problem.message.split(", and ")[1].split(" more")[0].replace(",", ""))
    assert counted == len(found)
    assert len(caught.value.problems) == len(set(found))


# Inputs


def test_inputs_are_resolved_and_looked_at_once() -> None:
    """A picture that many rows share is read once; the body holds its reference."""
    asked: list[tuple[str, str]] = []

    def noting(field: str, word: str) -> Input:
        asked.append((field, word))
        return resolve(field, word)

    rows = [row({"prompt": f"改 {i}", "image": ["/a.png"]}, "image_edit") for i in range(3)]
    planned = plan(rows, CATALOG, "beijing", noting)
    assert asked == [("image", "/a.png")]
    assert planned[2].prepared.body["input"]["messages"][0]["content"][0] == {"image": "file:///a.png"}
    assert rows[0].fields["image"] == ["/a.png"], "the row stays as it was"


def test_the_model_judges_what_was_found() -> None:
    """Its limits on input pictures hold in a batch too."""

    def tiny(field: str, word: str) -> Input:
        return Input(f"file://{word}", replace(PICTURE, width_px=10))

    rows = [row({"prompt": "改", "image": ["/a.png"]}, "image_edit", "[0]")]
    with pytest.raises(InvalidRequest, match=r"\[0\].image: is 10\*1024; each side must be"):
        plan(rows, CATALOG, "beijing", tiny)


def test_a_missing_input_hides_no_other_problem() -> None:
    """And makes none that is not there: the row has its picture, it only cannot be read."""
    error = refusal(
        row({"prompt": "", "image": ["/没有.png"]}, "image_edit", "[0]"),
        row({"prompt": "改", "image": ["/没有.png"]}, "image_edit", "[1]"),
    )
    assert [(problem.field, problem.message) for problem in error.problems] == [
        ("[0].image", "cannot read /没有.png (also in [1])"),
        ("[0].prompt", "is empty"),
    ]


def test_other_errors_are_not_swallowed() -> None:
    """Only refusals are gathered."""

    def broken(field: str, word: str) -> Input:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        plan([row({"prompt": "改", "image": ["a"]}, "image_edit")], CATALOG, "beijing", broken)


def test_rows_are_taken_as_they_come() -> None:
    """A generator is read once."""

    def rows() -> Iterator[BatchRow]:
        yield row({"prompt": "猫"})

    assert len(plan(rows(), CATALOG, "beijing", resolve)) == 1


# Summary


def summary(planned: Sequence[Planned], rates: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return an estimate as it is printed."""
    return estimate(planned, rates).to_json()


def test_the_summary_adds_up() -> None:
    """Rows, results and money, by kind and in all; the slowest model says how long."""
    planned = planned_of(
        *(row({"prompt": "猫", "n": 4}) for _ in range(10)),
        row({"prompt": "日出", "model": "wan2.1-t2v-plus"}, "video"),
    )
    prices = [one.prepared.estimate_cny or 0 for one in planned]
    shown = summary(planned)
    assert (shown["rows"], shown["requests"], shown["results"]) == (11, 11, 41)
    assert shown["cost"] == {
        "currency": "CNY",
        "estimate": pytest.approx(sum(prices)),
        "by_kind": {"image": pytest.approx(sum(prices[:10])), "video": pytest.approx(prices[10])},
        "unknown": 0,
        "unknown_models": [],
    }
    flash, film = CATALOG["wan2.2-t2i-flash"], CATALOG["wan2.1-t2v-plus"]
    assert flash.submit_per_s
    assert flash.running_limit
    assert flash.typical_s
    assert film.typical_s
    assert shown["models"]["wan2.2-t2i-flash"] == {
        "kind": "image",
        "rows": 10,
        "requests": 10,
        "submit_per_s": flash.submit_per_s,
        "submit_s": 10 / flash.submit_per_s,
        "running_limit": flash.running_limit,
        "typical_s": flash.typical_s,
        "running_s": 10 / flash.running_limit * flash.typical_s,
        "seconds": 10 / flash.running_limit * flash.typical_s,
    }
    assert shown["seconds"] == max(film.typical_s, 10 / flash.running_limit * flash.typical_s)
    json.dumps(shown)


def test_unknown_prices_are_counted_apart() -> None:
    """A sum with a hole in it says so; without any price it is null."""
    (known,) = planned_of(row({"prompt": "猫"}))
    unknown = known._replace(prepared=replace(known.prepared, unit_cny=None))
    assert summary([known, unknown])["cost"] == {
        "currency": "CNY",
        "estimate": known.prepared.estimate_cny,
        "by_kind": {"image": known.prepared.estimate_cny},
        "unknown": 1,
        "unknown_models": ["wan2.2-t2i-flash"],
    }
    assert summary([unknown])["cost"]["estimate"] is None


def test_a_rate_of_ones_own_takes_the_catalogs_place() -> None:
    """Where an account may submit faster or slower."""
    planned = planned_of(*(row({"prompt": "猫"}) for _ in range(8)))
    shown = summary(planned, {"wan2.2-t2i-flash": 0.001})["models"]["wan2.2-t2i-flash"]
    assert (shown["submit_per_s"], shown["submit_s"], shown["seconds"]) == (0.001, 8000.0, 8000.0)


def test_without_limits_no_time_is_claimed() -> None:
    """Null, not zero."""
    (one,) = planned_of(row({"prompt": "猫"}))
    model = replace(one.prepared.model, submit_per_s=None, running_limit=None)
    shown = summary([one._replace(prepared=replace(one.prepared, model=model))])
    assert shown["seconds"] is None


def test_a_long_text_is_several_requests() -> None:
    """It is spoken in parts, and each part counts for the submit limit."""
    (one,) = planned_of(row({"prompt": "猫坐在窗边。" * 3000}, "speech"))
    parts = len(SpeechContext.of(one.prepared.context).parts)
    assert parts > 1
    assert summary([one])["requests"] == parts
    assert summary([one])["models"][one.prepared.model.name]["requests"] == parts


def test_notices_are_counted_by_code() -> None:
    """The most frequent first, each with its first text."""
    (one,) = planned_of(row({"prompt": "猫"}))
    a, b, c = Notice("a", "first"), Notice("b", "only"), Notice("a", "second")
    planned = [one._replace(prepared=replace(one.prepared, notices=notices)) for notices in ((b,), (a,), (c,), ())]
    assert summary(planned)["notices"] == [
        {"code": "a", "count": 2, "message": "first"},
        {"code": "b", "count": 1, "message": "only"},
    ]


def test_nothing_planned_is_nothing() -> None:
    """No row, no cost, no time."""
    shown = summary([])
    assert (shown["rows"], shown["results"], shown["seconds"], shown["cost"]["estimate"]) == (0, 0, None, None)
