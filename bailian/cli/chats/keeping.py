"""What is left of conversations: list them, print one, rename or delete it. Free, and without a key."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any

from bailian.catalog import did_you_mean
from bailian.cli.account import settings_of
from bailian.cli.args.chat_name import name_problems
from bailian.cli.args.options import SharedOptions
from bailian.cli.chats import named
from bailian.cli.chats.transcript import plain, questions
from bailian.cli.output.columns import print_table
from bailian.cli.output.question import confirmed
from bailian.cli.output.terminal import is_terminal, money, print_err, print_json, print_text
from bailian.errors import Exit, InvalidRequest, Problem
from bailian.i18n import tr
from bailian.store.jobs import Journal
from bailian.store.runs.chats import Chat, ChatStore
from bailian.store.schema import TABLES

FIRST_CHARS = 40


def keep(fields: Mapping[str, Any], asked: Mapping[str, Any], common: SharedOptions) -> int:
    """List the conversations, or do one thing with one of them; return the exit code.

    Raises:
        InvalidRequest: what was given does not go together, or there is no such conversation.
    """
    _check(fields, asked)
    here = settings_of(common)
    known = here.journal.exists(TABLES)
    with ExitStack() as opened:
        chats = None
        if known:
            journal = opened.enter_context(closing(Journal(here.journal)))
            chats = ChatStore(journal, here.account if here.sandbox or here.api_key else None)
        if asked["chats"]:
            return _list(chats.all() if chats else [], common)
        chat = _only(chats, fields["chat"])
        if asked["show"]:
            return _show(chat, common)
        opened.enter_context(named.alone(here.journal, chat.account, chat.name, common.timeout_s))
        if asked["rename"] is not None:
            return _rename(chats, chat, asked["rename"])
        return _delete(chats, chat, yes=common.yes)


def _check(fields: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse what does not go together: one thing at a time, with one conversation, and no question."""
    what = [name for name in ("chats", "show", "rename", "delete") if asked[name] not in (None, False)]
    problems = [] if fields["chat"] is None else name_problems("chat", fields["chat"])
    if len(what) > 1:
        both = " ".join(f"--{name}" for name in what)
        problems.append(Problem("", tr(f"one at a time: {both}", f"一次只能用一个：{both}")))
    elif (what[0] == "chats") == (fields["chat"] is not None):
        text = (
            tr("needs --chat NAME", "需要 --chat NAME")
            if what[0] != "chats"
            else tr("lists all: leave --chat out", "列出全部：请去掉 --chat")
        )
        problems.append(Problem(what[0], text))
    if fields["prompt"] is not None:
        problems.append(Problem("prompt", tr("nothing is asked here: leave it out", "此处不提问：请去掉")))
    if asked["rename"] is not None:
        problems += name_problems("rename", asked["rename"])
    if problems:
        raise InvalidRequest(problems, advice=tr("`--chats` lists the conversations", "`--chats` 列出全部对话"))


def _only(chats: ChatStore | None, name: str) -> Chat:
    """Return the one conversation of that name."""
    found = chats.find(name) if chats else []
    if len(found) == 1:
        return found[0]
    if found:
        text = tr(f"{len(found)} keys have a conversation {name}", f"{len(found)} 个密钥下都有对话 {name}")
        raise InvalidRequest.one("chat", text, advice=tr("set the key of one of them", "请设置其中一个密钥"))
    known = [chat.name for chat in chats.all()] if chats else []
    raise InvalidRequest.one(
        "chat",
        tr(f"there is no conversation {name}", f"没有名为 {name} 的对话") + did_you_mean(name, known),
        advice=tr("`--chats` lists the conversations", "`--chats` 列出全部对话"),
    )


def _list(chats: Sequence[Chat], common: SharedOptions) -> int:
    rows = [_brief(chat, common) for chat in chats]
    if common.as_json:
        print_json({"chats": rows})
    elif rows:
        print_table(rows, keep=("chat", "questions", "first question"), gives_way="first question")
    else:
        print_err(tr("no conversations: --chat NAME begins one", "没有对话：用 --chat NAME 开始"))
    return Exit.OK


def _brief(chat: Chat, common: SharedOptions) -> dict[str, Any]:
    asked, used_at_s = questions(named.messages_of(chat.newest)), chat.newest.created_at_s
    first = asked[0] if asked else ""
    if common.as_json:
        return {
            "chat": chat.name,
            "questions": len(asked),
            "used_at_s": used_at_s,
            "model": chat.newest.model,
            "cost_cny": round(chat.cost_cny, 6),
            "first_question": first,
        }
    return {
        "chat": chat.name,
        "questions": len(asked),
        "last": time.strftime("%Y-%m-%d %H:%M", time.localtime(used_at_s)),
        "cny": money(chat.cost_cny),
        "first question": " ".join(first.split())[:FIRST_CHARS],
    }


def _show(chat: Chat, common: SharedOptions) -> int:
    messages = named.messages_of(chat.newest)
    if common.as_json:
        print_json({**_brief(chat, common), "messages": messages})
    else:
        print_text(plain(messages), end="")
    return Exit.OK


def _rename(chats: ChatStore | None, chat: Chat, name: str) -> int:
    if chats is None or any(one.account == chat.account for one in chats.find(name)):
        raise InvalidRequest.one(
            "rename",
            tr(f"there is a conversation {name} already", f"对话 {name} 已存在"),
            advice=tr("choose another name", "请换一个名称"),
        )
    chats.rename(chat, name)
    print_err(tr(f"{chat.name} is called {name} now", f"{chat.name} 已改名为 {name}"))
    return Exit.OK


def _delete(chats: ChatStore | None, chat: Chat, *, yes: bool) -> int:
    count = len(questions(named.messages_of(chat.newest)))
    if not yes and not is_terminal(sys.stdin):
        raise InvalidRequest.one(
            "delete",
            tr("asks on a terminal, and there is none", "需要在终端中确认"),
            advice=tr("add --yes", "请加 --yes"),
        )
    asked = "1 question" if count == 1 else f"{count} questions"
    if not yes and not confirmed(tr(f"delete {chat.name} ({asked})?", f"删除 {chat.name}（{count} 个提问）？")):
        print_err(tr("not deleted", "未删除"))
        return Exit.OK
    if chats is not None:
        chats.forget(chat)
    print_err(
        tr(
            f"deleted: {chat.name}; its paid answers stay in the journal, under no name",
            f"已删除：{chat.name}；已计费的回答仍在日志中，不再有名称",
        )
    )
    return Exit.OK
