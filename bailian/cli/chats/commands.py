"""The commands of a conversation: they cost nothing, and nothing of them is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from bailian.catalog import Catalog, did_you_mean
from bailian.cli.args.keyboard import END_WORDS, QUOTES, Command
from bailian.cli.chats.transcript import markdown, plain, questions
from bailian.cli.output.terminal import money, print_err
from bailian.errors import BailianError, InvalidRequest, SaveError
from bailian.i18n import reason_of, tr
from bailian.instructions import how_to
from bailian.modalities.text.unknown_models import is_unknown

if TYPE_CHECKING:
    from bailian.config.settings import Settings
    from bailian.types import Prepared

SHOWN_CHARS = 40
MARKDOWN = (".md", ".markdown")


class OpenConversation(Protocol):
    """The conversation that a command is about."""

    fields: dict[str, Any]
    here: Settings
    models: Catalog

    @property
    def name(self) -> str | None: ...

    def messages(self) -> list[dict[str, Any]] | None: ...

    def cost_cny(self) -> float: ...

    def undo(self) -> list[dict[str, Any]] | None: ...

    def prepared(self, prompt: str, **other: Any) -> Prepared: ...


class Order(NamedTuple):
    """A command: what stands behind it, what it does in both languages, and how."""

    operand: str
    english: str
    chinese: str
    run: Callable[[OpenConversation, str], None]


def obey(conversation: OpenConversation, command: Command) -> None:
    """Do what a command says; an unknown one is answered with the list of all.

    Raises:
        BailianError: it cannot be done.
    """
    order = ORDERS.get(command.word.lower())
    if order is None:
        near = did_you_mean(command.word, (*ORDERS, END_WORDS[0]))
        print_err(tr(f"there is no command {command.word}", f"没有命令 {command.word}") + near)
        print_err(tr("It was not sent.", "未发送。"))
        _help(conversation, "")
    elif "\n" in command.rest or (command.rest and not order.operand):
        raise InvalidRequest.one(command.word, tr("takes no such words", "不接受这样的参数"), advice=_question_advice())
    else:
        order.run(conversation, command.rest)


def _question_advice() -> str:
    return tr(
        "a question that begins with / is typed with //, or a space before it",
        "以 / 开头的提问请输入 //，或在前面加空格",
    )


def _help(_conversation: OpenConversation, _rest: str) -> None:
    rows = [(f"{word} {order.operand}".strip(), tr(order.english, order.chinese)) for word, order in ORDERS.items()]
    rows += [
        (END_WORDS[0], tr("end (Ctrl-D, too)", "结束（也可按 Ctrl-D）")),
        (f"{QUOTES} … {QUOTES}", tr("a question of several lines", "多行提问")),
        ("//…", tr("a question that begins with /; /a/b, too", "以 / 开头的提问；/a/b 也是")),
    ]
    for word, text in rows:
        print_err(f"{word:12} {text}")


def _model(conversation: OpenConversation, name: str) -> None:
    """Take another model for the next questions, if it takes what is asked for and what was said."""
    prepared = conversation.prepared("JSON?", **({"model": name} if name else {}))
    if name and is_unknown(name, conversation.models):
        raise InvalidRequest.one(
            "/model",
            tr(f"{name} is not in the catalog: it was not taken", f"目录中没有 {name}，未更换"),
            advice=tr(f"a new model's name goes with -m: -m {name!r}", f"新模型请用 -m 指定：-m {name!r}"),
        )
    if name and "ocr" in prepared.model.abilities:
        raise InvalidRequest.one(
            "/model",
            tr(f"{name} reads pictures, it holds no conversation", f"{name} 只识别图片，不能对话"),
            advice=how_to().models(),
        )
    conversation.fields["model"] = prepared.request["model"] if name else conversation.fields.get("model")
    print_err(tr(f"model: {prepared.model.name}", f"模型：{prepared.model.name}"))


def _cost(conversation: OpenConversation, _rest: str) -> None:
    asked = len(questions(conversation.messages()))
    spent = money(conversation.cost_cny())
    free = tr(" (sandbox: not paid)", "（沙箱：不计费）") if conversation.here.sandbox else ""
    number = "1 question" if asked == 1 else f"{asked} questions"
    print_err(tr(f"so far {spent} CNY{free}, {number}", f"至今 {spent} 元{free}，{asked} 个提问"))
    try:
        estimate_cny = conversation.prepared("JSON?").estimate_cny
    except BailianError as error:
        print_err(tr(f"the next: {error.message}", f"下一个提问：{error.message}"))
        return
    if estimate_cny is not None:
        shown = money(estimate_cny)
        print_err(
            tr(f"a next question: up to {shown} CNY, and its own words", f"下一个提问：最多 {shown} 元，另计其自身文字")
        )


def _undo(conversation: OpenConversation, _rest: str) -> None:
    before = conversation.undo()
    if not before:
        print_err(tr("there is no question to take back", "没有可撤回的提问"))
        return
    last = " ".join(questions(before)[-1].split())
    shown = last if len(last) <= SHOWN_CHARS else last[:SHOWN_CHARS] + "…"
    print_err(tr(f"taken back, and not sent any more: {shown}", f"已撤回，不再发送：{shown}"))


def _save(conversation: OpenConversation, name: str) -> None:
    """Write the conversation into a new file."""
    messages = conversation.messages()
    if not name or not messages:
        raise InvalidRequest.one(
            "/save",
            tr("needs a file: /save FILE.md", "需要文件名：/save 文件.md")
            if not name
            else tr("nothing was said yet", "尚无内容"),
            advice=tr("ask something first", "请先提问") if name else tr("name a file", "请指定文件"),
        )
    path = Path(name.strip("\"'")).expanduser()
    title = conversation.name or tr("Conversation", "对话")
    text = markdown(messages, title) if path.suffix.lower() in MARKDOWN else plain(messages)
    try:
        with path.open("x", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise InvalidRequest.one(
            "/save", tr(f"{path} exists already", f"{path} 已存在"), advice=tr("name another file", "请换一个文件名")
        ) from None
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise SaveError(tr(f"cannot write {path}: {reason}", f"无法写入 {path}：{reason}")) from None
    print_err(tr(f"saved: {path}", f"已保存：{path}"))


ORDERS = {
    "/help": Order("", "list these commands", "列出命令", _help),
    "/save": Order("FILE", "write all into FILE (.md or text)", "把对话写入 FILE（.md 或文本）", _save),
    "/model": Order("NAME", "ask another model from here on", "此后改用模型 NAME", _model),
    "/cost": Order("", "what this has cost, and may cost next", "已花费与下一问的费用", _cost),
    "/undo": Order("", "take the last question back", "撤回上一个提问", _undo),
}
