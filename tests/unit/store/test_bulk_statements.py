"""Many jobs in one statement leave exactly the rows that one statement each would have left."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bailian.store.backends.journal_place import JournalPlace
from bailian.store.batches import BatchStore
from bailian.store.jobs import COLUMNS, Journal, NotOurs
from bailian.store.schema import FileRow, JobEnd, JobResult
from bailian.store.states import Status
from tests.support.clocks import Clock
from tests.support.journals import ON_SERVER, place

NOW_S = 1_790_000_000.123456
OURS = "我们"

Rows = list[tuple[Any, ...]]


def new_journal(where: JournalPlace, job_ids: Sequence[str] = ()) -> Journal:
    journal = Journal(where, clock=Clock(NOW_S))
    if not ON_SERVER:
        journal.database._connection.execute("PRAGMA synchronous=OFF")  # no power cut is tested here
    intend(journal, job_ids)
    return journal


def intend(journal: Journal, job_ids: Sequence[str]) -> None:
    """Make these jobs of ours, and one that nobody may touch."""
    journal.clock.now_s = NOW_S
    row = {
        "account": "me", "kind": "text", "model": "千问", "wire_model": "qwen-plus", "state": "waiting", "owner": OURS,
        "request": "{}", "prepared": "{}", "saving": "{}", "created_at_s": NOW_S - 5, "estimate_cny": 0.1,
        "run": "batch:甲", "row_key": "键",
    }  # fmt: skip
    BatchStore(journal, "me").intend_all(
        tuple({**row, "id": job_id}[column] for column in COLUMNS) for job_id in (*job_ids, "别的")
    )
    journal.note("别的", {"error": {"code": "Other"}})


def all_rows(journal: Journal) -> dict[str, Rows]:
    """Return every column of every row, with their types; not what rows are numbered by."""
    tables: dict[str, Rows] = {}
    for table, order in (("jobs", "id"), ("files", "job_id, item")):
        rows = journal.database.read(f"SELECT * FROM {table} ORDER BY {order}")
        tables[table] = [
            tuple((name, type(row[name]), row[name]) for name in list(row.keys()) if name != "rowid") for row in rows
        ]
    return tables


Same = Callable[[Sequence[str], Callable[[Journal], object], Callable[[Journal], object]], None]


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Same]:
    """Return what does it both ways, each in a journal of its own; all that is in them must be equal."""
    server = request.getfixturevalue("journal_server") if ON_SERVER else None
    journals = [
        new_journal(JournalPlace(tmp_path_factory.mktemp("journal"), server.new_database() if server else ""))
        for _ in range(2)
    ]

    def compare(
        job_ids: Sequence[str], one_by_one: Callable[[Journal], object], at_once: Callable[[Journal], object]
    ) -> None:
        left = []
        for journal, work in zip(journals, (one_by_one, at_once), strict=True):
            with journal.database.transaction() as db:
                db.execute("DELETE FROM files")
                db.execute("DELETE FROM jobs")
            intend(journal, job_ids)
            before = all_rows(journal)
            work(journal)
            left.append(all_rows(journal))
        assert left[0] == left[1]
        if job_ids:
            assert left[1] != before, "nothing was written at all"

    yield compare
    for journal in journals:
        journal.close()


# ── what an answer can be ──

WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.text("猫狗天地玄黄，。“”《》"),
    st.text("'\"`\\/;%_$[]{}(),:-\n\r\t\x01\x1b\x7f\x85\u2028\u2029\ufeff\u202e"),
    st.sampled_from(
        ["👩‍👩‍👧‍👦", "🐱\U0001f408\u200d\u2b1b", "'; DROP TABLE jobs; --", '$[0]","x', "null", "1e999", "𠮷"]
    ),
)
NUMBERS = st.one_of(
    st.integers(), st.integers(2**53, 2**80), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
)
ANSWERS = st.dictionaries(
    WORDS,
    st.recursive(
        st.one_of(WORDS, NUMBERS, st.just("\x00")),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
        max_leaves=12,
    ),
    max_size=4,
)
IDS = st.text(string.ascii_lowercase + string.digits + "-'\"[]猫", min_size=1, max_size=12)
MONEY = st.one_of(
    st.none(), st.integers(0, 10**6), st.floats(0, 1e6, allow_nan=False), st.decimals(0, 1000, places=6).map(float)
)
SECONDS = st.one_of(st.none(), st.floats(0, 24 * 3600.0, allow_nan=False))
JOBS = st.lists(IDS.filter(lambda job_id: job_id != "别的"), unique=True, max_size=5)


@st.composite
def ended_jobs(draw: st.DrawFn) -> list[JobResult]:
    request_ids = st.one_of(st.none(), WORDS)
    return [JobResult(job_id, draw(ANSWERS), draw(MONEY), draw(SECONDS), draw(request_ids)) for job_id in draw(JOBS)]


@st.composite
def named_files(draw: st.DrawFn) -> list[FileRow]:
    paths = WORDS.filter(bool).map(lambda word: Path("成果") / word.replace("/", "-").replace("\x00", "-"))
    items = st.lists(st.integers(0, 20), min_size=1, max_size=3, unique=True)
    return [
        FileRow(job_id, item, draw(paths), draw(st.text("0123456789abcdef", min_size=64, max_size=64)))
        for job_id in draw(JOBS)
        for item in draw(items)
    ]


# ── the same rows ──


@given(job_ids=JOBS)
def test_sending_many(same: Same, job_ids: list[str]) -> None:
    def one_by_one(journal: Journal) -> None:
        for job_id in job_ids:
            assert journal.record_intents([job_id], OURS) == NOW_S

    def at_once(journal: Journal) -> None:
        assert journal.record_intents(job_ids, OURS) == NOW_S

    same(job_ids, one_by_one, at_once)


@pytest.mark.slow
@given(jobs=ended_jobs())
@example(jobs=[JobResult("a", {"output": {"text": "他说：“喵”\n'\"\\"}}, 0.1 + 0.2, 1 / 3, None)])
@example(
    jobs=[
        JobResult("a", {"大": 2**70, "小": -1e-300, "空": None}, 1, 86399.999999, "旧的"),
        JobResult("b", {}, None, None, "新的"),
    ]
)
def test_answers_of_many(same: Same, jobs: list[JobResult]) -> None:
    job_ids = [job.job_id for job in jobs]

    def sent(journal: Journal) -> None:
        for job_id in job_ids:
            journal.record_intents([job_id], OURS)
            journal.note(job_id, {"error": {"code": "Earlier"}})

    def one_by_one(journal: Journal) -> None:
        sent(journal)
        for job in jobs:
            journal.store_answers([job])

    def at_once(journal: Journal) -> None:
        sent(journal)
        journal.store_answers(jobs)
        for job in jobs:
            row = journal.job(job.job_id)
            assert row is not None
            assert row.answer == json.loads(json.dumps(job.answer))

    same(job_ids, one_by_one, at_once)


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("placed", [False, True])
@given(names=named_files())
def test_files_of_many(same: Same, names: list[FileRow], *, placed: bool) -> None:
    job_ids = list(dict.fromkeys(name.job_id for name in names))

    def begun(journal: Journal) -> None:
        for name in names[::2]:  # some are known already, under another name
            journal.record_files([name._replace(path=Path("以前"), placed=not placed)])

    def one_by_one(journal: Journal) -> None:
        begun(journal)
        for name in names:
            journal.record_files([name._replace(placed=placed)])

    def at_once(journal: Journal) -> None:
        begun(journal)
        journal.record_files([name._replace(placed=placed) for name in names])

    same(job_ids, one_by_one, at_once)


@pytest.mark.slow
@given(jobs=ended_jobs(), answered=st.integers(0, 5))
def test_the_end_of_many(same: Same, jobs: list[JobResult], answered: int) -> None:
    """Those that have their answer keep its time, the others end now; earlier errors are forgotten."""
    job_ids = [job.job_id for job in jobs]

    def under_way(journal: Journal) -> None:
        for job in jobs[:answered]:
            journal.store_answers([job])
            journal.note(job.job_id, {"error": {"code": "Earlier"}})
        for job in jobs[answered:]:
            journal.reopen(job.job_id, Status.ENDED, Status.WAITING)
        journal.clock.now_s = NOW_S + 7.5

    def one_by_one(journal: Journal) -> None:
        under_way(journal)
        for job_id in job_ids:
            journal.finish([JobEnd(job_id, "done")])

    def at_once(journal: Journal) -> None:
        under_way(journal)
        journal.finish([JobEnd(job_id, Status.DONE) for job_id in job_ids])

    same(job_ids, one_by_one, at_once)


def test_an_answer_without_a_request_id_keeps_the_one_that_is_known(tmp_path: Path) -> None:
    """The engine puts the known one in; nothing here may forget it."""
    with closing(new_journal(place(tmp_path), ["甲"])) as journal:
        journal.record_task("甲", "task", "r-1")
        journal.store_answers([JobResult("甲", {}, None, None, None)])
        row = journal.job("甲")
        assert row is not None
        assert row.request_id == "r-1"


# ── all or nothing, and nothing ──


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(new_journal(place(tmp_path), ["甲", "乙", "丙"])) as opened:
        yield opened


@pytest.mark.parametrize("why", ["another's", "sent", "over", "unknown", "named twice"])
def test_one_that_may_not_be_sent_keeps_all_from_being_sent(journal: Journal, why: str) -> None:
    job_ids = ["甲", "乙", "丙"]
    if why == "another's":
        assert journal.claim("乙", "别人", OURS)
    elif why == "sent":
        journal.record_intents(["乙"], OURS)
    elif why == "over":
        journal.finish([JobEnd("乙", "unsent")])
    else:
        job_ids[1] = "没有" if why == "unknown" else "甲"
    before = all_rows(journal)
    with pytest.raises(NotOurs):
        journal.record_intents(job_ids, OURS)
    assert all_rows(journal) == before


def test_nothing_of_nobody_is_written(journal: Journal) -> None:
    before = all_rows(journal)
    assert journal.record_intents([], OURS) == NOW_S
    journal.store_answers([])
    journal.record_files([])
    journal.finish([])
    assert all_rows(journal) == before


def test_a_hundred_long_answers_at_once(tmp_path: Path) -> None:
    """As many as one commit takes, each as long as a model writes."""
    job_ids = [f"第{i}" for i in range(100)]
    answers = {job_id: {"output": {"text": f"{job_id}：" + "天地玄黄。" * 4000}} for job_id in job_ids}
    with closing(new_journal(place(tmp_path), job_ids)) as journal:
        journal.store_answers([JobResult(job_id, answers[job_id], 0.1, None, None) for job_id in job_ids])
        for job_id in job_ids:
            row = journal.job(job_id)
            assert row is not None
            assert row.answer == answers[job_id]


@pytest.mark.slow
@given(jobs=ended_jobs(), sent=st.integers(0, 5))
def test_answers_that_are_the_end(same: Same, jobs: list[JobResult], sent: int) -> None:
    """In one step, as in two; also where another process has moved some of them meanwhile."""
    job_ids = [job.job_id for job in jobs]
    ends = [JobEnd(job_id, Status.DONE, {"error": {"code": "DoesNotFit"}} if at % 2 else None)
            for at, job_id in enumerate(job_ids)]  # fmt: skip

    def under_way(journal: Journal) -> None:
        for job_id in job_ids[:sent]:
            journal.record_intents([job_id], OURS)
        for job_id in job_ids[sent:]:
            journal.reopen(job_id, Status.UNSETTLED, Status.WAITING)
        journal.clock.now_s = NOW_S + 7.5

    def in_two_steps(journal: Journal) -> None:
        under_way(journal)
        journal.store_answers(jobs)
        journal.finish(ends)

    def at_once(journal: Journal) -> None:
        under_way(journal)
        journal.end_with_answers(jobs, ends)

    same(job_ids, in_two_steps, at_once)
