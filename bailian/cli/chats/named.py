"""The turns of a conversation that goes on: what is sent with the next question, and one process at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from bailian.catalog import Catalog
from bailian.cli.output.terminal import print_err
from bailian.clock import current_clock
from bailian.config.settings import Settings
from bailian.errors import StillRunning
from bailian.i18n import tr
from bailian.modalities.text.text_answers import next_messages
from bailian.store.backends.journal_place import JournalPlace
from bailian.store.jobs import Journal
from bailian.store.leases import exclusive
from bailian.store.runs.chats import PREFIX, Chat, ChatStore
from bailian.store.schema import JobRow

LOOK_S = 0.5


def run_of(name: str | None) -> str | None:
    """Return what a conversation's jobs belong to."""
    return PREFIX + name if name else None


def messages_of(turn: JobRow) -> list[dict[str, Any]]:
    """Return a conversation up to this answer."""
    return next_messages(turn.prepared.body, turn.answer or {})


def is_first(turn: JobRow) -> bool:
    """Return whether a turn begins its conversation."""
    return [one.get("role") for one in messages_of(turn)].count("user") == 1


def history(here: Settings, name: str) -> list[dict[str, Any]] | None:
    """Return a conversation so far; None if it is a new one."""
    chat = chat_of(here, name)
    return messages_of(chat.newest) if chat else None


def kept_model(here: Settings, name: str, asked: Mapping[str, Any], models: Catalog) -> str | None:
    """Return the model that a conversation goes on with where none is named."""
    chat = chat_of(here, name)
    return able_model(chat.newest.model if chat else None, asked, models)


def able_model(name: str | None, asked: Mapping[str, Any], models: Catalog) -> str | None:
    """Return the model of the turn before; None where it cannot do what is asked for now: the default can."""
    model = models.get(name) if name else None
    if model is None:
        return name
    unable = (
        (asked.get("image") and not model.images_max)
        or (asked.get("video") and not model.films_max)
        or (asked.get("json_schema") and "json_schema" not in model.abilities)
    )
    return None if unable else name


def chat_of(here: Settings, name: str) -> Chat | None:
    """Return this account's conversation of that name."""
    with closing(Journal(here.journal)) as journal:
        return next(iter(ChatStore(journal, here.account).find(name)), None)


def cost_cny(here: Settings, name: str) -> float:
    """Return what a conversation has cost so far."""
    with closing(Journal(here.journal)) as journal:
        return ChatStore(journal, here.account).cost_cny(here.account, name)


def undo(here: Settings, name: str) -> Chat | None:
    """Take the newest turn of a conversation back, and return the conversation as it was; None: there is none."""
    with closing(Journal(here.journal)) as journal:
        chats = ChatStore(journal, here.account)
        chat = next(iter(chats.find(name)), None)
        if chat is not None:
            chats.undo(chat, is_first)
        return chat


@contextmanager
def alone(place: JournalPlace, account: str, name: str | None, timeout_s: float) -> Iterator[None]:
    """Hold a conversation for one turn: a question that another process asks meanwhile waits, and then knows the answer.

    Raises:
        StillRunning: the other has not got its answer in this time.
    """
    if not name:
        yield
        return
    clock, told = current_clock(), False
    until_s = clock.monotonic() + timeout_s
    while True:
        with exclusive(place, f"{account}\n{PREFIX}{name}") as held:
            if held:
                yield
                return
        if clock.monotonic() > until_s:
            raise StillRunning(
                tr(f"another process is still asking in {name}", f"另一个进程仍在对话 {name} 中提问"),
                advice=tr(
                    "run the command again when it is over; nothing was sent", "待其结束后重新运行；未发送任何请求"
                ),
            )
        if not told:
            told = True
            print_err(tr(f"waiting: another process is asking in {name}", f"请稍候：另一个进程正在对话 {name} 中提问"))
        clock.sleep(LOOK_S)
