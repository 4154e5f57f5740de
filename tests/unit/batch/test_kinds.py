"""A script's part of a batch: every question to the journal can be about one kind; locks of parts and of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bailian.batch.sync import BatchSpec
from bailian.store.batches import BatchStore
from bailian.store.jobs import COLUMNS, Journal
from bailian.store.leases import exclusive
from bailian.store.schema import LastAttempt
from tests.support.journals import place

RUN = "batch:甲.json"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(place(tmp_path))) as opened:
        yield opened


def values(kind: str, state: str = "waiting", **changed: Any) -> tuple[Any, ...]:
    row = {
        "id": f"{kind}-{state}", "account": "me", "kind": kind, "model": kind, "wire_model": kind, "state": state,
        "owner": "p", "request": "{}", "prepared": "{}", "saving": "{}", "created_at_s": 1.0, "estimate_cny": None,
        "run": RUN, "row_key": f"{kind}-{state}", **changed,
    }  # fmt: skip
    return tuple(row[column] for column in COLUMNS)


@pytest.fixture
def runs(journal: Journal) -> BatchStore:
    """The pictures of a batch that has texts, too; each with a row that waits and one that is under way."""
    both = BatchStore(journal, "me")
    both.intend_all(values(kind, state) for kind in ("image", "text") for state in ("waiting", "submitted"))
    return BatchStore(journal, "me", "image")


def tried(runs: BatchStore, *names: str) -> dict[str, LastAttempt]:
    return runs.tried(*names, keys=[key for name in names for keys in runs.keys(name) for key in keys])


def owner(journal: Journal, job_id: str) -> str | None:
    row = journal.job(job_id)
    assert row is not None
    return row.owner


def test_only_rows_of_the_kind_are_seen(journal: Journal, runs: BatchStore) -> None:
    pictures = {"image-waiting", "image-submitted"}
    assert tried(runs, RUN).keys() == pictures
    assert {row.id for row in runs.newest(RUN)} == pictures
    assert [row.id for row in runs.newest_of(RUN, ["text-waiting", "image-submitted", "image-waiting"])] == [
        "image-submitted",
        "image-waiting",
    ]
    assert {(count.kind, count.jobs) for count in runs.counts(RUN)} == {("image", 1)}
    assert runs.queues(RUN, "p") == [("image", "image")]
    assert [row.id for row in runs.waiting(RUN, "p", "image")] == ["image-waiting"]
    assert list(runs.waiting(RUN, "p", "text")) == []
    assert [row.id for row in runs.under_way(RUN, "p")] == ["image-submitted"]
    assert list(runs.missing_prices(RUN, "p")) == [{"image-waiting": "image"}]
    BatchStore(journal, "me", "text").take_over(RUN, "q", ["p"])
    assert runs.owners(RUN) == ["p"]


def test_only_rows_of_the_kind_are_touched(journal: Journal, runs: BatchStore) -> None:
    runs.take_over(RUN, "q", ["p"])
    assert [owner(journal, f"{kind}-waiting") for kind in ("image", "text")] == ["q", "p"]
    runs.let_go(RUN, "p")
    assert owner(journal, "text-waiting") == "p"
    runs.move_rows(RUN, "aside")
    texts = BatchStore(journal, "me", "text")
    assert (len(tried(runs, RUN)), len(tried(runs, "aside")), len(tried(texts, RUN))) == (0, 2, 2)
    runs.forget(RUN)
    assert len(tried(texts, RUN)) == 2


def test_each_kind_and_the_whole_are_finished_for_themselves(journal: Journal, runs: BatchStore) -> None:
    whole, texts = BatchStore(journal, "me"), BatchStore(journal, "me", "text")
    for number, one in enumerate((runs, whole)):
        one.summaries.finish(RUN, f"d{number}", 2, {"done": 2})
    assert [one.summaries.finished(RUN) and one.summaries.finished(RUN)[0] for one in (runs, whole, texts)] == [
        "d0",
        "d1",
        None,
    ]  # type: ignore[index]
    BatchStore(journal, "me").summaries.finish("batch:甲.json.bak", "d", 1, {})
    texts.forget(RUN)
    assert [one.summaries.finished(RUN) for one in (runs, whole)] == [None, None], "what the whole holds has changed"
    assert whole.summaries.finished("batch:甲.json.bak") is not None


@pytest.mark.parametrize(("ours", "theirs", "stays"), [
    ("done", "failed", "ours"), ("failed", "done", "theirs"), ("held", "submitted", "theirs"), ("done", "done", "ours"),
    ("waiting", "failed", "ours"), ("waiting", "held", "theirs"), ("sending", "done", "theirs"),
])  # fmt: skip
def test_of_a_row_that_two_runs_have_what_is_paid_stays(journal: Journal, ours: str, theirs: str, stays: str) -> None:
    """The other is of no run any more, and still in the journal."""
    whole = BatchStore(journal, "me")
    whole.intend_all(
        [values("text", theirs, id="theirs", row_key="k", run="old"), values("text", ours, id="ours", row_key="k")]
    )
    assert tried(whole, "old", RUN)["k"].job_id == stays
    whole.move_rows("old", RUN)
    assert [row.id for row in whole.newest(RUN)] == [stays]
    assert [journal.job(job_id).run for job_id in ("ours", "theirs") if job_id != stays] == [None]  # type: ignore[union-attr]


def test_a_row_moves_with_all_its_tries(journal: Journal) -> None:
    whole = BatchStore(journal, "me")
    whole.intend_all(values("text", "failed", id=f"{i}", row_key="k") for i in range(3))
    whole.move_rows(RUN, "aside", lambda keys: [key for key in keys if key in ("k", "没有")])
    assert {journal.job(f"{i}").run for i in range(3)} == {"aside"}  # type: ignore[union-attr]


def test_a_script_has_a_part_of_its_own() -> None:
    script = BatchSpec(Path("甲.json"), RUN, Path("outputs"), kind="image")
    assert script.part == f"{RUN}#image"
    whole = BatchSpec(Path("甲.json"), RUN, Path("outputs"))
    assert whole.part == RUN


def test_parts_stand_side_by_side_and_the_whole_is_alone(tmp_path: Path) -> None:
    with exclusive(place(tmp_path), "批次", "image") as one, exclusive(place(tmp_path), "批次", "text") as other:
        assert (one, other) == (True, True)
        with exclusive(place(tmp_path), "批次", "image") as same, exclusive(place(tmp_path), "批次") as whole:
            assert (same, whole) == (False, False)
        with exclusive(place(tmp_path), "批次", "video") as third, exclusive(place(tmp_path), "别的") as elsewhere:
            assert (third, elsewhere) == (True, True), "who was refused holds nothing"
    with exclusive(place(tmp_path), "批次") as whole:
        assert whole
        with exclusive(place(tmp_path), "批次", "image") as part, exclusive(place(tmp_path), "批次") as again:
            assert (part, again) == (False, False)
    with exclusive(place(tmp_path), "批次", "image") as part:
        assert part
