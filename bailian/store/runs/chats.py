"""The conversations of a journal. Each turn is a job of the run "chat:NAME"; the newest has the whole conversation.

What was paid stays: a turn that is taken back belongs to the run beside it, one of a deleted conversation to none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from bailian.store.job_rows import job_row
from bailian.store.jobs import Journal
from bailian.store.schema import JobRow
from bailian.store.states import Status

PREFIX = "chat:"
UNDONE = "\nundone"


class Chat(NamedTuple):
    """A conversation and its newest turn."""

    name: str
    account: str
    cost_cny: float
    """Of all its turns, those that were taken back or failed too."""
    newest: JobRow


class ChatStore:
    """The conversations of one account, or (None: nobody knows the key) of all."""

    def __init__(self, journal: Journal, account: str | None) -> None:
        self._database = journal.database
        self._account = account

    def all(self) -> list[Chat]:
        """Return every conversation that has an answer, the one used last first."""
        found = self._database.read(
            "SELECT account, run, MAX(created_at_s) AS used_at_s FROM jobs"
            " WHERE run >= 'chat:' AND run < 'chat;' AND state = 'done' AND account = COALESCE(?, account)"
            " GROUP BY account, run ORDER BY used_at_s DESC, run",
            (self._account,),
        )
        names = [(row["account"], row["run"].removeprefix(PREFIX)) for row in found if not row["run"].endswith(UNDONE)]
        chats = (self._chat(account, name) for account, name in names)
        return [chat for chat in chats if chat is not None]

    def find(self, name: str) -> list[Chat]:
        """Return the conversations of this name: one, or none; without a key one an account."""
        found = self._database.read(
            "SELECT DISTINCT account FROM jobs WHERE run = ? AND state = 'done' AND account = COALESCE(?, account)",
            (PREFIX + name, self._account),
        )
        chats = (self._chat(row["account"], name) for row in found)
        return [chat for chat in chats if chat is not None]

    def _chat(self, account: str, name: str) -> Chat | None:
        newest = self._newest(account, name)
        return Chat(name, account, self.cost_cny(account, name), newest) if newest else None

    def _newest(self, account: str, name: str) -> JobRow | None:
        rows = self._database.read(
            "SELECT * FROM jobs WHERE account = ? AND run = ? AND state = 'done'"
            " ORDER BY created_at_s DESC, rowid DESC LIMIT 1",
            (account, PREFIX + name),
        )
        newest = job_row(rows[0]) if rows else None
        # An earlier version took readings into conversations; one of them is the first turn, and says nothing.
        return None if newest is None or newest.request.get("ocr") else newest

    def cost_cny(self, account: str, name: str) -> float:
        """Return what the turns of a conversation have cost."""
        rows = self._database.read(
            "SELECT TOTAL(charged_cny) AS cny FROM jobs WHERE account = ? AND run IN (?, ?)",
            (account, *_runs(name)),
        )
        return float(rows[0]["cny"])

    def undo(self, chat: Chat, is_first: Callable[[JobRow], bool]) -> None:
        """Take the newest turn back: the one before it is the newest then.

        Of a turn that is the first of its conversation, whatever stands before it is of an earlier one of that name: it
        does not come back.
        """
        run, undone = _runs(chat.name)
        first = is_first(chat.newest)
        which, value = ("state = ?", Status.DONE) if first else ("id = ?", chat.newest.id)
        self._move(chat.account, [run], undone, f" AND {which}", (value,))

    def rename(self, chat: Chat, name: str) -> None:
        """Give all turns of a conversation another name."""
        for old, new in zip(_runs(chat.name), _runs(name), strict=True):
            self._move(chat.account, [old], new)

    def forget(self, chat: Chat) -> None:
        """Take a conversation off the list. Its turns stay in the journal, under no name."""
        self._move(chat.account, _runs(chat.name), None)

    def _move(
        self, account: str, runs: Iterable[str], to: str | None, which: str = "", values: tuple[Any, ...] = ()
    ) -> None:
        with self._database.transaction() as db:
            for run in runs:
                db.execute(
                    f"UPDATE jobs SET run = ? WHERE account = ? AND run = ?{which}",  # noqa: S608
                    (to, account, run, *values),
                )


def _runs(name: str) -> tuple[str, str]:
    return PREFIX + name, PREFIX + name + UNDONE
