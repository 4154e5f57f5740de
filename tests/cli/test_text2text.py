"""text2text.py against the sandbox, as its users run it: answers, streams, conversations, bad days."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Fault, Sandbox
from bailian.store.jobs import Journal
from tests.support.commands import Run
from tests.support.journals import place
from tests.support.processes import end, start_script
from tests.support.setting import FAST, KEY, ROOT, run_on

TEXT_SCRIPT = "from text2text import main"


def bodies(box: Sandbox) -> list[Any]:
    """Return the bodies of all text requests that reached the server."""
    return [request.body for request in box.requests if request.kind == "text"]


def rows(tmp_path: Path) -> list[Any]:
    with closing(Journal(place(tmp_path / "bailian"))) as journal:
        return journal._rows("ORDER BY rowid", ())


def test_the_text_is_all_that_stdout_gets(text2text: Run, box: Sandbox) -> None:
    ran = text2text("写一篇科技文章")
    assert "写一篇科技文章" in ran.out
    assert "CNY" in ran.err
    assert len(bodies(box)) == 1


def test_the_seeds_defaults_are_always_sent(text2text: Run, box: Sandbox) -> None:
    text2text("你好", "--system", "你是诗人")
    (body,) = bodies(box)
    assert body["model"] == "qwen-plus"
    assert body["input"]["messages"] == [
        {"role": "system", "content": "你是诗人"},
        {"role": "user", "content": "你好"},
    ]
    assert body["parameters"] == {
        "result_format": "message",
        "max_tokens": 1500,
        "temperature": 1.0,
        "top_p": 0.8,
        "enable_thinking": False,
    }


@pytest.mark.few(1)
@pytest.mark.parametrize("words", [[], ["-"]])
def test_a_pipe_is_read(text2text: Run, box: Sandbox, words: list[str]) -> None:
    text2text(*words, stdin="管道里的问题\n")
    assert bodies(box)[0]["input"]["messages"][-1]["content"] == "管道里的问题"


@pytest.mark.slow
def test_a_prompt_leaves_stdin_alone(text2text: Run, box: Sandbox) -> None:
    text2text("只有这个", stdin="别的")
    assert bodies(box)[0]["input"]["messages"][-1]["content"] == "只有这个"


def test_files_stand_behind_the_prompt(text2text: Run, box: Sandbox) -> None:
    Path("报告 一.md").write_text("\ufeff# 报告\n", encoding="utf-8")
    text2text("总结：", "--file", "报告 一.md", "--file", "-", stdin="附注")
    assert bodies(box)[0]["input"]["messages"][-1]["content"] == "总结：\n\n# 报告\n\n附注"


def test_json_holds_the_documented_shape(text2text: Run) -> None:
    shown = text2text("你好", "--json").json
    assert "你好" in shown["output"]["choices"][0]["message"]["content"]
    assert shown["usage"]["output_tokens"] > 0
    assert shown["cost"]["charged"] > 0
    assert shown["cost"]["estimate"] >= shown["cost"]["charged"]
    assert shown["files"] == []


def test_output_writes_a_file_and_replaces_none(text2text: Run) -> None:
    first = text2text("你好", "-o", "回答/一.md").paths
    assert "exists already" in text2text("你好", "-o", "回答/一.md", exits=2).err
    assert first == [Path("回答/一.md")]
    assert "你好" in first[0].read_text(encoding="utf-8")


def test_the_ends_of_the_seeds_ranges_are_adapted(text2text: Run, box: Sandbox) -> None:
    ran = text2text("你好", "--temperature", "2", "--top-p", "0")
    parameters = bodies(box)[0]["parameters"]
    assert (parameters["temperature"], parameters["top_p"]) == (1.99, 0.001)
    assert "1.99 is sent" in ran.err
    assert "0.001 is sent" in ran.err
    text2text("你好", "--temperature", "2", "--strict", exits=2)


def test_a_retired_model_still_runs_and_says_so(text2text: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(date(2026, 11, 28), monkeypatch)
    ran = text2text("生成产品文案", "--model", "qwen-turbo")
    assert "qwen-turbo was retired on 2026-10-10; use qwen-flash: --use-successor" in ran.err
    assert bodies(box)[0]["model"] == "qwen-turbo"


@pytest.mark.slow
def test_an_answer_that_was_cut_says_so(text2text: Run) -> None:
    assert "cut at max_tokens (5)" in text2text("写一篇很长的文章", "--max-tokens", "5").err


@pytest.mark.slow
def test_json_object(text2text: Run, box: Sandbox) -> None:
    json.loads(text2text("用 JSON 描述一只猫", "--json-object").out)
    assert bodies(box)[0]["parameters"]["response_format"] == {"type": "json_object"}


def test_dry_run_counts_tokens_and_sends_nothing(text2text: Run, box: Sandbox) -> None:
    shown = text2text("你好，世界", "--dry-run", "--stream").json
    assert shown["request"]["url"].endswith("/services/aigc/text-generation/generation")
    assert shown["request"]["headers"]["X-DashScope-SSE"] == "enable"
    assert "sk-test" not in json.dumps(shown)
    # 3 tokens of text, 4 around it, 1,500 at most in the answer: qwen-plus, first tier.
    assert shown["cost"]["estimate"] == pytest.approx((7 * 0.0008 + 1500 * 0.002) / 1000, abs=1e-6)
    assert box.requests == []


def test_max_cost_counts_the_longest_answer(text2text: Run, box: Sandbox) -> None:
    text2text("你好", "--max-cost", "0.0029", exits=3)
    assert box.requests == []
    text2text("你好", "--max-cost", "0.0031")


# ── streams ──


@pytest.mark.few(1)
@pytest.mark.parametrize("changes", [{}, {"sse_blank_lines": False}, {"sse_heartbeats": True}])
def test_a_stream_prints_the_same_text(text2text: Run, box: Sandbox, changes: dict[str, Any]) -> None:
    box.settings.change(changes)
    whole = text2text("介绍一下长城 😀")
    streamed = text2text("介绍一下长城 😀", "--stream")
    assert streamed.out == whole.out
    parameters = bodies(box)[-1]["parameters"]
    assert parameters["incremental_output"] is True


def test_thoughts_go_to_stderr(text2text: Run, box: Sandbox) -> None:
    ran = text2text("9.9 和 9.11 哪个大", "--thinking")
    thought = rows(Path.cwd())[0].answer["output"]["choices"][0]["message"]["reasoning_content"]
    assert thought.splitlines()[0] in ran.err
    assert thought not in ran.out
    assert bodies(box)[0]["parameters"]["enable_thinking"] is True


def test_a_cut_stream_keeps_what_came(text2text: Run, box: Sandbox, bailian: Run) -> None:
    whole = text2text("介绍一下长城").out
    box.faults.add(Fault("text", "cut"))
    ran = text2text("介绍一下长城", "--stream", exits=5)
    assert 0 < len(ran.out.strip()) < len(whole.strip())
    assert whole.startswith(ran.out.rstrip("\n"))
    assert "broke off" in ran.err
    assert len(bodies(box)) == 2, "what was shown is not asked for again"
    job = rows(Path.cwd())[-1]
    assert job.state == "failed"
    assert "--go-on" in ran.err
    assert "broke off" not in text2text("--go-on", job.request_id or job.id).err
    assert len(bodies(box)) == 3
    kept = bailian("tasks", "show", job.id).json
    assert kept["answer"]["output"]["choices"][0]["message"]["content"] == ran.out.rstrip("\n")


def test_a_cut_stream_in_json(text2text: Run, box: Sandbox) -> None:
    box.faults.add(Fault("text", "stream_error", count=3))
    shown = text2text("介绍一下长城", "--stream", "--json", exits=5).json
    assert shown["error"]["code"] == "CutShort"
    assert shown["error"]["http_status"] == 429
    assert shown["output"]["choices"][0]["message"]["content"]


def test_a_refusal_inside_a_stream(text2text: Run, box: Sandbox) -> None:
    """The stream begins with HTTP 200; the refusal is its first frame."""
    ran = text2text("[sandbox:refuse]", "--stream", exits=4)
    assert "DataInspectionFailed" in ran.err
    assert ran.out == ""


# ── bad days: asked again, never printed twice ──

ONCE_BAD = ["throttle", "status", "html", "reset_before", "reset_after", "cut", "garbage", "empty", "failed"]


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ONCE_BAD)
def test_a_lost_answer_is_asked_for_again(text2text: Run, box: Sandbox, kind: str) -> None:
    box.faults.add(Fault("text", kind))
    ran = text2text("你好")
    assert ran.out.count("你好") == text2text("你好").out.count("你好")
    assert [row.state for row in rows(Path.cwd())] == ["done", "done"]


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["throttle", "reset_before", "reset_after", "html", "stream_error"])
def test_a_stream_that_never_began_is_asked_for_again(text2text: Run, box: Sandbox, kind: str) -> None:
    box.faults.add(Fault("text", kind, count=0))
    ran = text2text("你好", "--stream")
    assert "你好" in ran.out


@pytest.mark.slow
@pytest.mark.parametrize("kind, code", [("reset_after", 5), ("garbage", 5), ("reset_before", 5)])
def test_it_gives_up_after_a_few_tries(text2text: Run, box: Sandbox, kind: str, code: int) -> None:
    box.faults.add(Fault("text", kind, times=None))
    text2text("你好", exits=code)
    assert len(bodies(box)) <= 4
    assert rows(Path.cwd())[0].state in ("failed", "unsent")


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "key, code", [("sk-bad-0123456789", 3), ("sk-overdue-0123456789", 3), ("sk-free-0123456789", 3)]
)
def test_accounts_in_trouble(
    text2text: Run, box: Sandbox, key: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", key)
    ran = text2text("你好", exits=code)
    assert key not in ran.err
    assert len(bodies(box)) == 1


def test_no_key(text2text: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    assert "--sandbox" in text2text("你好", exits=3).err
    assert box.requests == []


# ── conversations ──


def test_a_chat_goes_on(text2text: Run, box: Sandbox) -> None:
    first = text2text("我叫小明", "--chat", "旅行", "--system", "你是导游").out.strip()
    text2text("我叫什么？", "--chat", "旅行")
    text2text("别的", "--chat", "工作")
    assert bodies(box)[1]["input"]["messages"] == [
        {"role": "system", "content": "你是导游"},
        {"role": "user", "content": "我叫小明"},
        {"role": "assistant", "content": first},
        {"role": "user", "content": "我叫什么？"},
    ]
    assert len(bodies(box)[2]["input"]["messages"]) == 1


@pytest.mark.slow
def test_a_chat_can_begin_anew_and_be_another(text2text: Run, box: Sandbox) -> None:
    text2text("一", "--chat", "旅行", "--system", "甲")
    text2text("二", "--chat", "旅行", "--system", "乙")
    text2text("三", "--chat", "旅行", "--fresh")
    assert bodies(box)[1]["input"]["messages"][0] == {"role": "system", "content": "乙"}
    assert bodies(box)[2]["input"]["messages"] == [{"role": "user", "content": "三"}]


@pytest.mark.slow
def test_an_answer_that_failed_is_no_part_of_a_chat(text2text: Run, box: Sandbox) -> None:
    text2text("一", "--chat", "旅行")
    box.faults.add(Fault("text", "cut"))
    text2text("二", "--chat", "旅行", "--stream", exits=5)
    text2text("三", "--chat", "旅行")
    said = [message["content"] for message in bodies(box)[2]["input"]["messages"] if message["role"] == "user"]
    assert said == ["一", "三"]


# ── config files ──


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "config",
    [
        {"model": "qwen-turbo", "prompt": "生成产品文案"},
        {"model": "qwen-turbo", "input": {"prompt": "生成产品文案"}, "parameters": {"result_format": "message"}},
        {"model": "qwen-turbo", "input": {"messages": [{"role": "user", "content": "生成产品文案"}]}},
    ],
)
def test_config_files(text2text: Run, box: Sandbox, config: dict[str, Any]) -> None:
    Path("c.json").write_text(json.dumps(config), encoding="utf-8")
    text2text("--config", "c.json")
    assert bodies(box)[0]["input"]["messages"] == [{"role": "user", "content": "生成产品文案"}]


def test_the_example_config_runs(text2text: Run, box: Sandbox) -> None:
    text2text("--config", str(ROOT / "configs" / "text.json"))
    assert [m["role"] for m in bodies(box)[0]["input"]["messages"]] == ["system", "user"]


# ── refusals ──

TURN = {"role": "user", "content": "问"}
REFUSALS = {
    "empty": ([""], "prompt: is empty"),
    "blank": (["  \n"], "prompt: is empty"),
    "nothing piped": ([], "prompt: is empty"),
    "control characters": (["a\x1b[2J"], "holds U+001B"),
    "max_tokens 0": (["问", "--max-tokens", "0"], "1 to 32768"),
    "max_tokens beyond the model": (["问", "--model", "qwen-turbo", "--max-tokens", "16385"], "1 to 16384"),
    "temperature": (["问", "--temperature", "2.1"], "0 to 2"),
    "temperature NaN": (["问", "--temperature", "nan"], "0 to 2"),
    "top_p": (["问", "--top-p", "1.1"], "0 to 1"),
    "seed": (["问", "--seed", "-1"], "0 to 2147483647"),
    "JSON without the word": (["描述一只猫", "--json-object"], 'the word "json"'),
    "JSON while thinking": (["JSON", "--json-object", "--thinking"], "not possible with thinking"),
    "a model that does not think": (["问", "--model", "qwen-max", "--thinking"], "does not think"),
    "a budget without thinking": (["问", "--thinking-budget", "100"], "needs thinking"),
    "no task to wait for": (["问", "--no-wait"], "leave --no-wait out"),
    "a picture model": (["问", "--model", "qwen-image"], "bailian text2image"),
    "a missing file": (["--file", "nirgends.txt"], "cannot read nirgends.txt"),
    "too long": (["word " * 40_000, "--model", "qwen-max"], "30,720"),
}


@pytest.mark.parametrize("words, says", REFUSALS.values(), ids=REFUSALS)
def test_refused_before_a_byte_is_sent(text2text: Run, box: Sandbox, words: list[str], says: str) -> None:
    ran = text2text(*words, exits=2)
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
    assert box.requests == []


MESSAGES = {
    "the last is not the user's": [TURN, {"role": "assistant", "content": "答"}],
    "a system message in the middle": [TURN, {"role": "system", "content": "你"}, TURN],
    "an unknown role": [{"role": "tool", "content": "x"}],
    "content that is no text": [{"role": "user", "content": [{"txt": "x"}]}],
    "no content": [{"role": "user"}],
}


@pytest.mark.parametrize("messages", MESSAGES.values(), ids=MESSAGES)
def test_conversations_the_service_would_refuse(text2text: Run, box: Sandbox, messages: list[Any]) -> None:
    Path("c.json").write_text(json.dumps({"messages": messages}), encoding="utf-8")
    text2text("--config", "c.json", exits=2)
    assert box.requests == []


# ── processes ──


@pytest.mark.slow
def test_ctrl_c_stops_an_answer_at_once(box: Sandbox) -> None:
    import signal

    box.faults.add(Fault("text", "silence"))
    process = start_script(box, "你好", command=TEXT_SCRIPT)
    while not box.requests:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    ran = end(process)
    assert ran.code == 130
    assert "tasks wait" not in ran.err


@pytest.mark.slow
def test_a_conversation_on_a_terminal(box: Sandbox) -> None:
    pty = pytest.importorskip("pty")
    import os
    import subprocess
    import sys

    from tests.support.processes import FAST_START

    master, slave = pty.openpty()
    env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url, "PYTHONPATH": str(ROOT)}
    code = FAST_START.format(factor=FAST, command=TEXT_SCRIPT)
    process = subprocess.Popen([sys.executable, "-c", code], env=env, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    os.write(master, "第一个问题\n".encode())
    seen = b""
    while True:
        if b"/exit" not in seen and "请不要当作事实引用".encode() in seen:
            os.write(master, "第二个问题\n/exit\n".encode())
        try:
            seen += os.read(master, 65536)
        except OSError:
            break
    os.close(master)
    assert process.wait(timeout=60) == 0
    assert [m["role"] for m in bodies(box)[1]["input"]["messages"]] == ["user", "assistant", "user"]
    assert "第二个问题".encode() in seen


@pytest.mark.slow
def test_a_lost_answer_is_in_the_costs(text2text: Run, bailian: Run, box: Sandbox) -> None:
    """It was made, and its connection broke: the text came the second time, the first may be billed."""
    box.faults.add(Fault("text", "reset_after"))
    text2text("你好", "--max-tokens", "100")
    assert "answers lost) may have cost up to" in bailian("cost").err
    assert 0 < bailian("cost", "--json").json["lost_at_most"] < 0.01
