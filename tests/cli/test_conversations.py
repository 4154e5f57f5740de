"""Conversations: what is typed and what is meant, the commands that cost nothing, and what is left of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.cli.chats.transcript import markdown, plain, questions, text_of_content
from bailian.sandbox import Sandbox
from tests.support.batches import jobs
from tests.support.commands import Ran, Run
from tests.support.journals import opened
from tests.support.processes import FAST_START, end, environment, start_script
from tests.support.setting import FAST

LAST_WORDS = "请不要当作事实引用"
TEXT_SCRIPT = "from text2text import main"


def bodies(box: Sandbox) -> list[dict[str, Any]]:
    return [entry.body for entry in box.requests if entry.method == "POST" and isinstance(entry.body, dict)]


def asked(box: Sandbox) -> list[list[str]]:
    """Return the questions that went along with each request."""
    return [questions(body["input"]["messages"]) for body in bodies(box)]


Talk = Callable[..., Ran]


@pytest.fixture
def talk(text2text: Run, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Type lines, as a person at a terminal does."""
    monkeypatch.setattr("bailian.cli.scripts.chat.is_terminal", lambda _stream: True)
    return lambda *lines, words=(), **how: text2text(*words, stdin="\n".join(lines) + "\n", **how)


# ── what is typed ──


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("lines", "question"),
    [
        (('"""', "第一行", "", "第二行", '"""'), "第一行\n\n第二行"),
        (('"""第一行', '第二行"""'), "第一行\n第二行"),
        (('"""一行"""',), "一行"),
        (("//etc/hosts 是什么",), "/etc/hosts 是什么"),
        ((" /new 是什么",), "/new 是什么"),
        (("/etc/hosts 是什么",), "/etc/hosts 是什么"),
        (("-",), "-"),
        ((" /exit",), "/exit"),
        (("/usr/bin/foo is what?",), "/usr/bin/foo is what?"),
    ],
)
def test_what_is_typed_is_one_question(talk: Talk, box: Sandbox, lines: tuple[str, ...], question: str) -> None:
    talk(*lines, "/exit")
    assert asked(box) == [[question]]


@pytest.mark.few(2)
@pytest.mark.parametrize("lines", [('"""', "第一行"), ('"""第一行',), ("/exit",), ("", "  "), ('""""""',)])
def test_what_is_not_finished_is_not_sent(talk: Talk, box: Sandbox, lines: tuple[str, ...]) -> None:
    talk(*lines)
    assert bodies(box) == []


@pytest.mark.parametrize("word", ["/hilfe", "/sav x.md", "/model\tqwen-max x\ny"])
def test_an_unknown_command_is_answered_and_not_sent(talk: Talk, box: Sandbox, word: str) -> None:
    ran = talk(*word.split("\n")[:1], "/exit")
    assert bodies(box) == []
    if word == "/sav x.md":
        assert "there is no command /sav; did you mean /save" in ran.err
    if word == "/hilfe":
        assert "It was not sent." in ran.err


@pytest.mark.parametrize("language", ["en", "zh"])
def test_help_fits_and_names_every_command(talk: Talk, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    from rich.cells import cell_len

    from bailian.i18n import language as chosen

    monkeypatch.setenv("BAILIAN_LANG", language)
    chosen.cache_clear()
    told = talk("/help", "/exit").err
    listed = [line for line in told.splitlines() if line.startswith("/")]
    assert [line.split()[0] for line in listed] == ["/help", "/save", "/model", "/cost", "/undo", "/exit", "//…"]
    assert all(cell_len(line) <= 60 for line in listed)


# ── commands ──


def test_undo_takes_the_last_turn_away(talk: Talk, box: Sandbox) -> None:
    ran = talk("一", "二", "/undo", "三", "/undo", "/undo", "/undo", "四", "/exit")
    assert asked(box) == [["一"], ["一", "二"], ["一", "三"], ["四"]]
    assert "taken back, and not sent any more: 二" in ran.err
    assert "there is no question to take back" in ran.err


@pytest.mark.slow
def test_what_was_taken_back_stays_so_when_it_is_resumed(talk: Talk, text2text: Run, box: Sandbox) -> None:
    chat = ("--chat", "旅行")
    talk("一", "二", "/undo", "/exit", words=chat)
    text2text("三", *chat)
    talk("/undo", "/undo", "四", "/exit", words=chat)
    assert asked(box) == [["一"], ["一", "二"], ["一", "三"], ["四"]]
    assert all(row["charged_cny"] for row in jobs())


@pytest.mark.slow
def test_what_was_before_a_new_beginning_does_not_come_back(talk: Talk, text2text: Run, box: Sandbox) -> None:
    text2text("旧", "--chat", "旅行")
    talk("新", "/undo", "再来", "/exit", words=("--chat", "旅行", "--fresh"))
    text2text("最后", "--chat", "旅行")
    assert asked(box) == [["旧"], ["新"], ["再来"], ["再来", "最后"]]


@pytest.mark.slow
def test_the_system_prompt_stays_when_all_is_taken_back(talk: Talk, text2text: Run, box: Sandbox) -> None:
    text2text("一", "--chat", "旅行", "--system", "你是导游")
    talk("/undo", "二", "/exit", words=("--chat", "旅行"))
    assert bodies(box)[-1]["input"]["messages"] == [
        {"role": "system", "content": "你是导游"},
        {"role": "user", "content": "二"},
    ]


def test_another_model_answers_from_there_on(talk: Talk, box: Sandbox) -> None:
    ran = talk("一", "/model qwen-flash", "二", "/model qwen-flasch", "/model", "三", "/exit")
    assert [body["model"] for body in bodies(box)] == ["qwen-plus", "qwen-flash", "qwen-flash"]
    assert asked(box)[-1] == ["一", "二", "三"]
    assert "did you mean qwen-flash" in ran.err
    assert ran.err.count("model: qwen-flash") == 2


@pytest.mark.slow
def test_cost_says_what_it_has_cost_and_may_cost(talk: Talk, text2text: Run) -> None:
    ran = talk("/cost", "一", "/cost", "/exit")
    first, second = re.findall(r"so far (\S+) CNY, (\d+) question", ran.err)
    assert first == ("0", "0")
    assert float(second[0]) == pytest.approx(sum(row["charged_cny"] for row in jobs()))
    assert ran.err.count("a next question: up to ") == 2
    text2text("一", "--chat", "旅行")
    spent = jobs()[-1]["charged_cny"]
    told = talk("/cost", "/undo", "/cost", "/exit", words=("--chat", "旅行")).err
    assert [float(cny) for cny in re.findall(r"so far (\S+) CNY", told)] == [pytest.approx(spent)] * 2


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["nope extra", "qwen9-marvel", "qwen-vl-ocr", "wan2.2-t2i-flash"])
def test_a_model_that_cannot_answer_is_not_taken(talk: Talk, box: Sandbox, name: str) -> None:
    ran = talk("一", f"/model {name}", "二", "/exit")
    assert [body["model"] for body in bodies(box)] == ["qwen-plus"] * 2
    assert name in ran.err


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("name", "begins"), [("话.md", "# 旅行\n\n## Question\n\n一\n\n## Answer\n\n"), ("话.txt", "> 一\n\n")]
)
def test_save_writes_the_conversation(talk: Talk, name: str, begins: str) -> None:
    talk("一", f"/save {name}", "/exit", words=("--chat", "旅行"))
    text = Path(name).read_text(encoding="utf-8")
    assert text.startswith(begins)
    assert LAST_WORDS in text


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("file", "words"), [("", "needs a file"), ("da.md", "exists already"), ("nicht/da.md", "cannot write")]
)
def test_save_overwrites_nothing(talk: Talk, file: str, words: str) -> None:
    Path("da.md").write_text("alt", encoding="utf-8")
    ran = talk("一", f"/save {file}".strip(), "/exit")
    assert words in ran.err
    assert Path("da.md").read_text(encoding="utf-8") == "alt"


def test_a_refused_command_does_not_end_the_conversation(talk: Talk, box: Sandbox) -> None:
    talk("/save", "/model nope", "/undo now", "/help me", "一", "/exit")
    assert asked(box) == [["一"]]


# ── what is left ──


@pytest.fixture
def two(text2text: Run) -> None:
    text2text("我叫小明", "--chat", "旅行")
    text2text("我叫什么？", "--chat", "旅行")
    text2text("别的", "--chat", "工作")


@pytest.mark.usefixtures("two")
def test_conversations_are_listed(text2text: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    count = len(box.requests)
    for key in (True, False):
        if not key:
            monkeypatch.delenv("DASHSCOPE_API_KEY")
        told = json.loads(text2text("--chats", "--json").out)["chats"]
        assert [(one["chat"], one["questions"], one["first_question"]) for one in told] == [
            ("工作", 1, "别的"),
            ("旅行", 2, "我叫小明"),
        ]
        assert told[1]["cost_cny"] == pytest.approx(sum(row["charged_cny"] for row in jobs()[:2]))
        assert text2text("--chats").out.splitlines()[0].split("\t")[0] == "工作"
    assert len(box.requests) == count


@pytest.mark.slow
@pytest.mark.usefixtures("two")
def test_one_is_shown(text2text: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    told = text2text("--chat", "旅行", "--show").out
    assert told.startswith("> 我叫小明\n\n")
    assert told.count("\n> ") == 1
    shown = json.loads(text2text("--chat", "旅行", "--show", "--json").out)
    assert [one["role"] for one in shown["messages"]] == ["user", "assistant"] * 2


@pytest.mark.slow
@pytest.mark.usefixtures("two")
def test_one_gets_another_name(text2text: Run, box: Sandbox) -> None:
    assert "exists" not in text2text("--chat", "旅行", "--rename", "假期").err
    assert "there is a conversation 工作 already" in text2text("--chat", "假期", "--rename", "工作", exits=2).err
    assert "did you mean" in text2text("--chat", "假期日", "--show", exits=2).err
    text2text("还记得吗？", "--chat", "假期")
    assert asked(box)[-1] == ["我叫小明", "我叫什么？", "还记得吗？"]
    text2text("新的", "--chat", "旅行")
    assert asked(box)[-1] == ["新的"]


def spent(bailian: Run) -> float:
    return sum(row["cny"] for row in json.loads(bailian("cost", "--json").out)["spent"])


@pytest.mark.slow
@pytest.mark.usefixtures("two")
def test_a_deleted_one_is_off_the_list_and_its_answers_stay(text2text: Run, bailian: Run, box: Sandbox) -> None:
    before = spent(bailian)
    assert "add --yes" in text2text("--chat", "旅行", "--delete", exits=2).err
    assert "stay in the journal" in text2text("--chat", "旅行", "--delete", "--yes").err
    assert [one["chat"] for one in json.loads(text2text("--chats", "--json").out)["chats"]] == ["工作"]
    assert len(jobs()) == 3
    assert all(row["answer"] for row in jobs())
    assert spent(bailian) == pytest.approx(before)
    text2text("新的", "--chat", "旅行")
    assert asked(box)[-1] == ["新的"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--chats", "--chat", "甲"), "lists all"),
        (("--show",), "needs --chat NAME"),
        (("--delete",), "needs --chat NAME"),
        (("--rename", "乙"), "needs --chat NAME"),
        (("--chat", "甲", "--show", "--delete"), "one at a time"),
        (("问", "--chats"), "nothing is asked here"),
        (("--chat", "甲", "--rename", " "), "is empty"),
        (("--chat", "甲", "--rename", ""), "is empty"),
        (("--chat", "甲", "--rename", "一\n二"), "one line"),
        (("问", "--chat", "一\n二"), "one line"),
        (("--chat", "甲", "--show"), "there is no conversation 甲"),
    ],
)
def test_what_does_not_go_together_is_refused(text2text: Run, box: Sandbox, words: tuple[str, ...], said: str) -> None:
    assert said in text2text(*words, exits=2).err
    assert box.requests == []


def test_there_is_none(text2text: Run) -> None:
    ran = text2text("--chats")
    assert (ran.out, "no conversations" in ran.err) == ("", True)
    assert json.loads(text2text("--chats", "--json").out) == {"chats": []}


@pytest.mark.few(1)
@pytest.mark.parametrize("answer", ["y", "n", ""])
@pytest.mark.usefixtures("two")
def test_deleting_asks_on_a_terminal(text2text: Run, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("bailian.cli.chats.keeping.is_terminal", lambda _stream: True)
    text2text("--chat", "旅行", "--delete", stdin=answer)
    left = [one["chat"] for one in json.loads(text2text("--chats", "--json").out)["chats"]]
    assert left == (["工作"] if answer == "y" else ["工作", "旅行"])


def test_the_conversations_of_two_keys_are_kept_apart(text2text: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text2text("一", "--chat", "旅行")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-another-0123456789")
    assert json.loads(text2text("--chats", "--json").out)["chats"] == []
    text2text("二", "--chat", "旅行")
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    assert len(json.loads(text2text("--chats", "--json").out)["chats"]) == 2
    assert "2 keys have a conversation" in text2text("--chat", "旅行", "--show", exits=2).err


# ── several processes, terminals ──


@pytest.mark.slow
def test_two_processes_take_turns_in_one_conversation(text2text: Run, box: Sandbox) -> None:
    """Neither question is lost from what the other one, or the next, goes along with."""
    started = [start_script(box, word, "--chat", "旅行", command=TEXT_SCRIPT) for word in ("甲", "乙", "丙")]
    assert [end(process).code for process in started] == [0, 0, 0]
    text2text("末", "--chat", "旅行")
    assert sorted(asked(box)[-1]) == sorted(["甲", "乙", "丙", "末"])
    assert asked(box)[-1][-1] == "末"


@pytest.mark.slow
def test_a_terminal_sees_the_turns_of_others(
    talk: Talk, text2text: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bailian.cli.args.keyboard import Keyboard

    def lines() -> Any:
        yield "一"
        text2text("二", "--chat", "旅行")
        yield "三"
        text2text("--chat", "旅行", "--rename", "假期")
        yield "四"
        yield None

    typed = lines()
    monkeypatch.setattr(Keyboard, "ask", lambda _self: next(typed))
    ran = talk("", words=("--chat", "旅行"))
    assert asked(box) == [["一"], ["一", "二"], ["一", "二", "三"], ["四"]]
    assert "旅行 was deleted or renamed meanwhile" in ran.err


@pytest.mark.slow
class TestScreens:
    """On a real terminal, of three widths."""

    @pytest.mark.process
    @pytest.mark.parametrize("columns", [60, 80, 120])
    @pytest.mark.few(1)
    @pytest.mark.usefixtures("two")
    def test_the_list_keeps_the_names(self, text2text: Run, box: Sandbox, columns: int) -> None:
        text2text("我叫小明，请记住我的名字和我的出生地：江苏省南京市鼓楼区某某路", "--chat", "很长很长很长的名字")
        head, *seen = _screen(box, columns, "--chats")
        told = "\n".join(seen).replace(" ", "")
        assert head.startswith("chat")
        assert "questions" in head
        assert "first question" in head
        assert [name for name in ("工作", "旅行", "很长很长很长的名字", "我叫小明") if name not in told] == [], seen

    @pytest.mark.process
    @pytest.mark.parametrize(("keys", "ends"), [(b"\x03", False), (b"\x04", True)], ids=["Ctrl-C", "Ctrl-D"])
    def test_a_key_in_the_middle_of_a_long_question_drops_it(self, box: Sandbox, keys: bytes, ends: bool) -> None:
        terminal, process = _start(box, 80)
        terminal.read("> ")
        os.write(terminal.master, b'"""\r')
        terminal.read("... ")
        os.write(terminal.master, "第一行\r".encode())
        terminal.read("... ", after="第一行")  # between two lines a key is the terminal's, and Ctrl-D may be lost
        os.write(terminal.master, keys)
        terminal.read("not sent")
        if not ends:
            os.write(terminal.master, b"/exit\r")
        terminal.read()
        assert process.wait() == 0
        terminal.close()
        assert bodies(box) == []


def _start(box: Sandbox, columns: int, *words: str) -> tuple[Any, subprocess.Popen[bytes]]:
    pytest.importorskip("fcntl", reason="POSIX terminals")
    from tests.support.screen import Terminal

    terminal = Terminal(columns, 24)
    command = [sys.executable, "-c", FAST_START.format(factor=FAST, command=TEXT_SCRIPT), *words]
    env = {name: value for name, value in environment(box).items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    return terminal, terminal.start(command, {**env, "TERM": "xterm-256color"})


def _screen(box: Sandbox, columns: int, *words: str) -> list[str]:
    terminal, process = _start(box, columns, *words)
    terminal.read()
    assert process.wait() == 0
    terminal.close()
    lines: list[str] = terminal.lines
    return lines


# ── contents of any shape ──

SEEN = [{"image": "https://e.com/a.png"}, {"text": "这是什么？"}]


def test_a_turn_with_pictures_is_told_with_marks() -> None:
    messages = [{"role": "user", "content": SEEN}, {"role": "assistant", "content": [{"text": "一只猫"}]}]
    assert text_of_content(SEEN) == "[picture: https://e.com/a.png]\n这是什么？"
    assert text_of_content([{"image": "data:image/png;base64,AAAA"}, {"video": ["a", "b"]}]) == "[picture]\n[film]"
    assert plain(messages) == "> [picture: https://e.com/a.png]\n> 这是什么？\n\n一只猫\n"
    assert markdown(messages, "一\n二").startswith("# 一 二\n\n## Question\n\n[picture")
    assert questions(messages) == ["[picture: https://e.com/a.png]\n这是什么？"]


@pytest.mark.parametrize("content", [None, 5, {}, [5, None], [{"text": 5}]])
def test_what_is_no_content_is_no_crash(content: Any) -> None:
    assert text_of_content(content) == ""


# ── which model, and what is said ──


def models_asked(box: Sandbox) -> list[str]:
    return [body["model"] for body in bodies(box)]


@pytest.mark.slow
def test_a_conversation_keeps_its_model(talk: Talk, text2text: Run, box: Sandbox) -> None:
    chat = ("--chat", "旅行")
    text2text("一", *chat, "-m", "qwen-flash")
    text2text("二", *chat)
    talk("三", "/exit", words=chat)
    text2text("四", *chat, "-m", "qwen-plus")
    text2text("五", *chat)
    text2text("六", *chat, "--fresh")
    assert models_asked(box) == ["qwen-flash"] * 3 + ["qwen-plus"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("chat", [(), ("--chat", "图")])
def test_a_picture_goes_with_the_first_question(talk: Talk, box: Sandbox, chat: tuple[str, ...]) -> None:
    Image.new("RGB", (640, 512), "teal").save("room.png")
    talk("什么风格？", "还有呢？", "/exit", words=(*chat, "--image", "room.png", "--image-max-tokens", "200"))
    assert models_asked(box) == ["qwen3.7-plus"] * 2
    assert len(asked(box)[1]) == 2


@pytest.mark.slow
def test_a_conversation_that_is_shown_a_picture_takes_a_model_that_sees(text2text: Run, box: Sandbox) -> None:
    Image.new("RGB", (640, 512), "teal").save("room.png")
    text2text("一", "--chat", "图")
    text2text("看", "--chat", "图", "--image", "room.png")
    text2text("三", "--chat", "图")
    assert models_asked(box) == ["qwen-plus", "qwen3.7-plus", "qwen3.7-plus"]


@pytest.mark.slow
def test_a_reading_is_no_turn(text2text: Run, box: Sandbox) -> None:
    Image.new("RGB", (640, 512), "teal").save("room.png")
    reading = ("--ocr", "text", "--image", "room.png")
    assert "--ocr" in text2text(*reading, "--chat", "票", exits=2).err
    text2text(*reading)
    with closing(opened(Path("bailian"))) as db:
        db.execute("UPDATE jobs SET run = 'chat:票'")  # as an earlier version has left it
        db.commit()
    text2text("一", "--chat", "票")
    assert asked(box)[-1] == ["一"]


@pytest.mark.slow
def test_a_conversation_says_what_there_is_to_know_of_an_answer(talk: Talk) -> None:
    ran = talk("写一篇科技文章", "/exit", words=("--max-tokens", "20"))
    assert "--go-on" in ran.err
    assert "sources: " in talk("今天的新闻", "/exit", words=("--search",)).err


@pytest.mark.parametrize(
    ("typed", "read"),
    [(["^C", "一", "^C", "二"], ["一", "二"]), (["^C", "^C", "一"], []), (["一", "^C", "^C"], ["一"])],
)
def test_ctrl_c_drops_a_line_and_ends_the_second_time(
    monkeypatch: pytest.MonkeyPatch, typed: list[str], read: list[str]
) -> None:
    from bailian.cli.args.keyboard import Keyboard

    left = iter(typed)

    def line(_shown: str = "") -> str:
        one = next(left, None)
        if one is None:
            raise EOFError
        if one == "^C":
            raise KeyboardInterrupt
        return one

    monkeypatch.setattr("builtins.input", line)
    monkeypatch.setattr("bailian.cli.args.keyboard.more_waits", lambda: False)
    keyboard = Keyboard()
    assert list(iter(keyboard.ask, None)) == read
