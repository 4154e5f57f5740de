"""One file, many writers: what is one commit, and what is taken back when something fails."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from bailian.errors import JournalError
from bailian.store.backends import sqlite
from bailian.store.backends.database import Duplicate
from bailian.store.backends.sqlite import SqliteDatabase as Database
from bailian.store.backends.tables import Tables

SCHEMA = "CREATE TABLE words (word TEXT PRIMARY KEY, said TEXT)"
TABLES = Tables("词", SCHEMA, 1, durable=False)
PUT = "INSERT INTO words (word) VALUES (?)"
NO_TABLE = "INSERT INTO elsewhere VALUES (1)"
THREADS = 8
PATIENCE_S = 60


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "词.sqlite3", TABLES)) as opened:
        yield opened


def words(shared: Database) -> set[str]:
    """Return what another process would see now."""
    with closing(sqlite3.connect(shared.path, timeout=PATIENCE_S)) as other:
        return {word for (word,) in other.execute("SELECT word FROM words")}


def own_words(shared: Database) -> set[str]:
    return {row["word"] for row in shared.read("SELECT word FROM words")}


def put(shared: Database, *all_words: str, then: BaseException | str | None = None) -> None:
    """Write words in one turn; raise `then` before its end, or run it."""
    with shared.transaction() as db:
        for word in all_words:
            db.execute(PUT, (word,))
        if isinstance(then, str):
            db.execute(then)
        elif then is not None:
            raise then


def in_one(shared: Database, *work: Callable[[], object]) -> None:
    with shared.transaction():
        for step in work:
            step()


def commits(shared: Database) -> list[str]:
    """Return a list that grows with every commit from now on."""
    seen: list[str] = []
    shared._connection.set_trace_callback(lambda sql: seen.append(sql) if sql == "COMMIT" else None)
    return seen


def in_threads(*work: Callable[[], object]) -> list[BaseException | None]:
    """Run each in a thread of its own; return how they ended, in their order."""
    ends: list[BaseException | None] = [None] * len(work)

    def run(number: int) -> None:
        try:
            work[number]()
        except BaseException as error:  # noqa: BLE001 - it is what the test asks about
            ends[number] = error

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads), "a thread waits for ever"
    return ends


# ── one commit ──


def test_what_a_transaction_writes_is_seen_at_its_end(shared: Database) -> None:
    made = commits(shared)
    with shared.transaction():
        shared.execute(PUT, ("猫",))
        with shared.transaction() as db:
            db.execute(PUT, ("狗",))
        assert words(shared) == set()
        assert made == []
    assert words(shared) == {"猫", "狗"}
    assert made == ["COMMIT"]


def test_without_a_transaction_each_is_a_commit(shared: Database) -> None:
    made = commits(shared)
    shared.execute(PUT, ("猫",))
    assert words(shared) == {"猫"}
    with shared.transaction() as db:
        db.execute(PUT, ("狗",))
    assert words(shared) == {"猫", "狗"}
    assert len(made) == 2


def test_a_transaction_in_a_transaction_is_one(shared: Database) -> None:
    made = commits(shared)
    with shared.transaction():
        with shared.transaction(), shared.transaction() as db:
            db.execute(PUT, ("猫",))
        assert words(shared) == set(), "the inner end is no end"
        shared.execute(PUT, ("狗",))
    assert words(shared) == {"猫", "狗"}
    assert len(made) == 1


def test_a_reader_inside_sees_its_own_rows(shared: Database) -> None:
    with shared.transaction():
        shared.execute(PUT, ("猫",))
        assert own_words(shared) == {"猫"}
        with shared.transaction() as db:
            db.execute(PUT, ("狗",))
            assert own_words(shared) == {"猫", "狗"}
    assert own_words(shared) == {"猫", "狗"}


def test_execute_says_how_many_rows(shared: Database) -> None:
    for word in ("猫", "狗"):
        assert shared.execute(PUT, (word,)) == 1
    assert shared.execute("UPDATE words SET said = '喵'") == 2
    assert shared.execute("DELETE FROM words WHERE word = '鸟'") == 0


# ── something fails in the middle ──


def test_what_raises_takes_back_only_its_own(shared: Database) -> None:
    with shared.transaction():
        shared.execute(PUT, ("之前",))
        with pytest.raises(ZeroDivisionError):
            put(shared, "撤回", then=ZeroDivisionError())
        shared.execute(PUT, ("之后",))
    assert words(shared) == {"之前", "之后"}


def test_what_raises_alone_writes_nothing(shared: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        put(shared, "撤回", then=ZeroDivisionError())
    assert words(shared) == set()
    shared.execute(PUT, ("之后",))
    assert words(shared) == {"之后"}


@pytest.mark.parametrize(
    "again",
    [lambda db: put(db, "撤回", "猫"), lambda db: db.execute(f"{PUT}, (?)", ("撤回", "猫"))],
    ids=["transaction", "execute"],
)
def test_a_key_that_is_there_is_told_and_spares_the_others(shared: Database, again: Callable[[Database], Any]) -> None:
    with shared.transaction():
        shared.execute(PUT, ("猫",))
        with pytest.raises(Duplicate):
            again(shared)
        shared.execute(PUT, ("狗",))
    assert words(shared) == {"猫", "狗"}


def test_a_statement_that_cannot_be_run_is_a_journal_error_and_spares_the_others(shared: Database) -> None:
    with shared.transaction():
        shared.execute(PUT, ("猫",))
        with pytest.raises(JournalError, match="no such table"):
            shared.execute(NO_TABLE)
        with pytest.raises(JournalError, match="no such table"):
            put(shared, "撤回", then=NO_TABLE)
    assert words(shared) == {"猫"}


# ── the commit fails ──


def refuse_commits(shared: Database, times: int) -> None:
    """Make the next commits fail as on a full disk: the transaction is still open then."""
    left = times
    connection = shared._connection

    class Refusing:
        def __getattr__(self, name: str) -> Any:
            return getattr(connection, name)

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            nonlocal left
            if sql == "COMMIT" and left:
                left -= 1
                raise sqlite3.OperationalError("database or disk is full")
            return connection.execute(sql, *values)

    shared._connection = Refusing()  # type: ignore[assignment]


def test_a_commit_that_fails_writes_nothing(shared: Database) -> None:
    refuse_commits(shared, 1)
    with pytest.raises(JournalError, match="disk is full"):
        in_one(shared, lambda: shared.execute(PUT, ("猫",)), lambda: put(shared, "狗"))
    assert words(shared) == own_words(shared) == set()
    shared.execute(PUT, ("鸟",))
    assert words(shared) == {"鸟"}


def test_a_transaction_that_an_interrupt_left_open_is_taken_back(shared: Database) -> None:
    """Ctrl-C may come between a BEGIN and what would end it."""
    shared._connection.execute("BEGIN IMMEDIATE")
    shared._connection.execute(PUT, ("撤回",))
    shared.execute(PUT, ("猫",))
    assert words(shared) == {"猫"}


def test_of_threads_that_meet_the_one_whose_commit_fails_is_told(shared: Database) -> None:
    refuse_commits(shared, 1)
    ends = in_threads(*(lambda n=n: shared.execute(PUT, (f"第{n}",)) for n in range(THREADS)))  # type: ignore[misc]
    told = {f"第{n}" for n, end in enumerate(ends) if isinstance(end, JournalError)}
    assert len(told) == 1
    assert words(shared) == own_words(shared) == {f"第{n}" for n in range(THREADS)} - told


def test_a_thread_that_raises_spares_the_others(shared: Database) -> None:
    shared.execute(PUT, ("猫",))
    ends = in_threads(
        lambda: put(shared, "甲"), lambda: put(shared, "撤回", "猫"), lambda: put(shared, "乙")
    )  # fmt: skip
    assert [type(end) for end in ends] == [type(None), Duplicate, type(None)]
    assert words(shared) == {"猫", "甲", "乙"}


def full(shared: Database) -> None:
    """Let the file grow no further than it is."""
    (pages,) = shared._connection.execute("PRAGMA page_count").fetchone()
    shared._connection.execute(f"PRAGMA max_page_count={pages}")


def test_a_full_disk_is_a_journal_error_and_room_mends_it(shared: Database) -> None:
    shared.execute(PUT, ("之前",))
    full(shared)
    with pytest.raises(JournalError, match="full"):
        shared.execute(PUT, ("长" * 100_000,))
    with pytest.raises(JournalError, match="full"):
        put(shared, "短", "长" * 100_000)
    assert words(shared) == {"之前"}
    shared._connection.execute("PRAGMA max_page_count=1000000")
    shared.execute(PUT, ("长" * 100_000,))
    assert words(shared) == {"之前", "长" * 100_000}


def test_a_thread_that_fills_the_disk_takes_no_other_ones_word_for_written(shared: Database) -> None:
    """Whether the full disk took back one statement or all: who was told nothing is there, who was told is not."""
    shared.execute(PUT, ("之前",))
    full(shared)
    said = ["甲", "长" * 100_000, "乙", "宽" * 100_000, "丙"]
    ends = in_threads(*(lambda word=word: put(shared, word) for word in said))  # type: ignore[misc]
    assert sum(isinstance(end, JournalError) for end in ends) >= 2
    assert all(end is None or isinstance(end, JournalError) for end in ends)
    assert words(shared) == {"之前", *(word for word, end in zip(said, ends, strict=True) if end is None)}


def put_while_all_is_taken_back(shared: Database, by: str) -> None:
    """Write as a full disk or a bad sector may have it: SQLite ends the whole transaction, not the statement only."""
    connection = shared._connection
    try:
        if by == "execute":
            connection.set_progress_handler(lambda: 1, 1)
            shared.execute(PUT, ("全撤",))
        else:
            with shared.transaction() as db:
                connection.set_progress_handler(lambda: 1, 1)
                db.execute(PUT, ("全撤",))
    finally:
        connection.set_progress_handler(None, 1)


@pytest.mark.parametrize("by", ["execute", "transaction"])
def test_when_all_is_taken_back_in_the_middle_nothing_more_of_it_is_written(shared: Database, by: str) -> None:
    """Neither what came before nor what comes after; and who passed over the error is told at the end."""
    seen = []

    def passes_over(work: Callable[[], object]) -> None:
        with suppress(JournalError):
            work()
            seen.append("written")

    with pytest.raises(JournalError, match="interrupted"):
        in_one(
            shared,
            lambda: shared.execute(PUT, ("之前",)),
            lambda: passes_over(lambda: put_while_all_is_taken_back(shared, by)),
            lambda: passes_over(lambda: shared.execute(PUT, ("之后",))),
            lambda: passes_over(lambda: put(shared, "之后")),
        )
    assert seen == []
    assert words(shared) == set()
    shared.execute(PUT, ("下一次",))
    assert words(shared) == {"下一次"}


def test_when_all_is_taken_back_those_who_wrote_before_are_told(shared: Database) -> None:
    ends = in_threads(
        lambda: put(shared, "甲"), lambda: put_while_all_is_taken_back(shared, "execute"), lambda: put(shared, "乙")
    )  # fmt: skip
    assert isinstance(ends[1], JournalError)
    told = [word for word, end in zip(("甲", "全撤", "乙"), ends, strict=True) if end is None]
    assert words(shared) == set(told)
    assert in_threads(lambda: shared.execute(PUT, ("下一次",))) == [None]


def test_what_raises_in_a_transaction_is_raised(shared: Database) -> None:
    """Nothing is left open that would hold up others."""
    with pytest.raises(ZeroDivisionError):
        in_one(shared, lambda: shared.execute(PUT, ("猫",)), lambda: 1 // 0)
    with closing(sqlite3.connect(shared.path, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    assert in_threads(lambda: shared.execute(PUT, ("狗",))) == [None]
    assert "狗" in words(shared)


def test_a_file_that_is_busy_too_long_is_a_journal_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.01)
    with closing(Database(tmp_path / "词.sqlite3", TABLES)) as shared:
        with closing(sqlite3.connect(shared.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError, match="locked"):
                in_one(shared, lambda: shared.execute(PUT, ("猫",)))
            other.execute("ROLLBACK")
        shared.execute(PUT, ("猫",))
        assert words(shared) == {"猫"}


# ── many threads ──


def test_many_threads_in_every_way_lose_nothing(shared: Database) -> None:
    """Fifty writes each, of every kind, with failures between them: exactly what was told to be written is there."""

    def work(number: int) -> None:
        chance = random.Random(number)
        for i in range(50):
            word = f"{number}-{i}"
            way = chance.randrange(4)
            if way == 0:
                shared.execute(PUT, (word,))
            elif way == 1:
                put(shared, word)
            elif way == 2:
                with shared.transaction():
                    put(shared, word)
                    shared.execute("UPDATE words SET said = '喵' WHERE word = ?", (word,))
                    assert shared.read("SELECT said FROM words WHERE word = ?", (word,))[0]["said"] == "喵"
            else:
                with shared.transaction():
                    shared.execute(PUT, (word,))
                    with pytest.raises(Duplicate):
                        put(shared, f"撤回{word}", word)
            assert shared.read("SELECT 1 FROM words WHERE word = ?", (word,))

    assert in_threads(*(lambda n=n: work(n) for n in range(THREADS))) == [None] * THREADS  # type: ignore[misc]
    assert words(shared) == {f"{number}-{i}" for number in range(THREADS) for i in range(50)}


def test_two_connections_to_one_file_take_turns(shared: Database) -> None:
    """Two processes, as far as SQLite can tell."""
    with closing(Database(shared.path, TABLES)) as second:

        def work(mine: Database, name: str) -> None:
            for i in range(50):
                with mine.transaction():
                    mine.execute(PUT, (f"{name}{i}",))
                    put(mine, f"{name}{i}+")

        ends = in_threads(*(lambda d=d, n=n: work(d, n) for n, d in (("甲", shared), ("乙", second), ("丙", shared))))  # type: ignore[misc]
    assert ends == [None] * 3
    assert len(words(shared)) == 300
