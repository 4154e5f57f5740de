"""What a newcomer's first day and a suspicious reader found in text2text.py and audio.py: each test is one defect."""

from __future__ import annotations

import _thread
import io
import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import Request, urlopen

import pytest

from bailian.cli.output.terminal import print_text
from bailian.errors import JournalError, MaybeSent
from bailian.sandbox import Fault, Sandbox
from bailian.store.jobs import Journal
from bailian.store.states import OPEN_STATES
from tests.support.commands import Run
from tests.support.journals import place
from tests.support.processes import FAST_START, end, start_script
from tests.support.setting import FAST, KEY, ROOT

pytestmark = pytest.mark.slow

TEXT_SCRIPT = "from text2text import main"
AUDIO_SCRIPT = "from audio import main"
BAILIAN_SCRIPT = "from bailian.cli.main import bailian as main"
KILLED_BEFORE_KEPT = (
    "import os, bailian.engine.steps.record_reply as record; record.store_answers = lambda *_: os._exit(9); "
    + AUDIO_SCRIPT
)
SHORT_PARTS = '[models."sambert-zhichu-v1"]\nprompt_chars = 10\n'
THREE_PARTS = "第一句话在这里。第二句话在这里。第三句话在这里。"


def rows() -> list[Any]:
    with closing(Journal(place(Path("bailian")))) as journal:
        return journal._rows("ORDER BY rowid", ())


def bodies(box: Sandbox, kind: str) -> list[Any]:
    return [request.body for request in box.requests if request.kind == kind]


def environment(box: Sandbox) -> dict[str, str]:
    return {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def short_parts() -> None:
    """Ten characters at once, so that a short text is sent in parts."""
    Path("bailian").mkdir()
    Path("bailian/models.toml").write_text(SHORT_PARTS, encoding="utf-8")


# ── what is sent ──


def test_a_prompt_that_looks_like_a_file_is_no_file(text2text: Run, box: Sandbox) -> None:
    """A question may come from anywhere (a pipe, a row of a table): it must not make us send a local file."""
    secret = Path("密码.txt").absolute()
    secret.write_text("密码是 1234", encoding="utf-8")
    text2text(secret.as_uri(), "--system", secret.as_uri())
    assert [message["content"] for message in bodies(box, "text")[0]["input"]["messages"]] == [secret.as_uri()] * 2


@pytest.mark.parametrize("words", [("\udcff",), ("问", "--system", "\udcff"), ("问", "--chat", "\udcff")])
def test_half_characters_are_refused(text2text: Run, box: Sandbox, words: tuple[str, ...]) -> None:
    """What a terminal of another encoding sends arrives as half a surrogate pair."""
    ran = text2text(*words, exits=2)
    assert "try" in ran.err
    assert box.requests == []


def test_a_text_to_speak_with_half_a_character_is_refused(audio: Run, box: Sandbox) -> None:
    audio("tts", "你\udcff好", exits=2)
    assert box.requests == []


def test_stream_in_a_config_file_counts(text2text: Run, box: Sandbox) -> None:
    Path("c.json").write_text(json.dumps({"prompt": "你好", "stream": True}), encoding="utf-8")
    text2text("--config", "c.json")
    assert bodies(box, "text")[0]["parameters"].get("incremental_output") is True


def test_a_throttled_submit_does_not_upload_again(audio: Run, box: Sandbox) -> None:
    (sound,) = audio("tts", "你好", "-o", "录音.wav").paths
    box.faults.add(Fault("submit", "throttle", times=3))
    audio("asr", str(sound))
    assert len(bodies(box, "upload")) == 1


def test_a_prompt_that_looks_like_an_upload_is_none(text2text: Run, box: Sandbox) -> None:
    text2text("oss://dashscope-instant/甲.png")
    (request,) = [request for request in box.requests if request.kind == "text"]
    assert "x-dashscope-ossresourceresolve" not in request.headers


def test_a_recording_that_is_gone_is_named_as_one(audio: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from bailian.engine.steps import attach

    (sound,) = audio("tts", "你好", "-o", "录音.wav").paths

    def gone(*_words: Any) -> str:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(attach, "upload", gone)
    ran = audio("asr", str(sound), exits=2)
    assert "error: file: cannot read" in ran.err
    assert "try:" in ran.err


def test_texts_to_stop_at(text2text: Run, box: Sandbox) -> None:
    text2text("你好", "--stop", "。", "--stop", "完")
    assert bodies(box, "text")[0]["parameters"]["stop"] == ["。", "完"]


@pytest.mark.parametrize(
    "words, says",
    [
        (("tts", "你好", "-o", "声音.ogg"), "wav, mp3, pcm"),
        (("tts", "你好", "-o", "声音.txt"), "wav, mp3, pcm"),
        (("asr", "https://example.com/a.wav", "-o", "文稿.docx"), "txt, srt"),
        (("asr", "https://example.com/a.wav", "-o", "-", "--sidecar"), "--sidecar"),
    ],
)
def test_outputs_that_cannot_be_made(audio: Run, box: Sandbox, words: tuple[str, ...], says: str) -> None:
    ran = audio(*words, exits=2)
    assert says in ran.err
    assert "try:" in ran.err
    assert box.requests == []


@pytest.mark.parametrize(
    "words", [("问", "--chat", ""), ("问", "--chat", " "), ("问", "--fresh"), ("问", "--sidecar")], ids=" ".join
)
def test_options_that_mean_nothing_here(text2text: Run, box: Sandbox, words: tuple[str, ...]) -> None:
    assert "try:" in text2text(*words, exits=2).err
    assert box.requests == []


def test_a_folder_may_have_a_dot(audio: Run) -> None:
    (path,) = audio("tts", "你好", "-o", "第1.5版").paths
    assert path.parent == Path("第1.5版")


def test_on_a_terminal_it_is_said_that_stdin_is_read(audio: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bailian.cli.args.prepare.is_terminal", lambda _stream: True)
    assert "Ctrl-D" in audio("tts", stdin="你好").err


# ── streams ──


def test_a_stream_that_nobody_reads_is_kept(box: Sandbox) -> None:
    """The answer is paid: it goes on into the journal when stdout is full."""
    code = FAST_START.format(factor=FAST, command=TEXT_SCRIPT)
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-c", code, "介绍一下长城", "--stream"]
        ran = subprocess.run(words, env=environment(box), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 5
    (row,) = rows()
    assert row.state not in OPEN_STATES
    assert row.answer is not None


def test_a_connection_that_breaks_after_the_last_frame_takes_nothing_away(
    text2text: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bailian.service.client import Service

    whole = Service.stream

    def broken(self: Service, *words: Any) -> Iterator[dict[str, Any]]:
        yield from whole(self, *words)
        raise MaybeSent("reset")

    monkeypatch.setattr(Service, "stream", broken)
    text2text("你好", "--stream")
    assert rows()[0].state == "done"


def test_a_damaged_frame_in_the_middle_is_not_passed_over(text2text: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text is missing in the answer: that must not be called done."""
    from bailian.service.transport.http import Http

    whole = Http.stream

    def damaged(self: Http, *words: Any, **more: Any) -> Any:
        for number, frame in enumerate(whole(self, *words, **more)):
            yield replace(frame, data=frame.data[:30]) if number == 2 else frame

    monkeypatch.setattr(Http, "stream", damaged)
    text2text("介绍一下长城", "--stream", exits=5)


def test_waiting_for_a_broken_answer_does_not_make_it_whole(text2text: Run, box: Sandbox, bailian: Run) -> None:
    box.faults.add(Fault("text", "cut"))
    text2text("介绍一下长城", "--stream", exits=5)
    (row,) = rows()
    bailian("tasks", "wait", row.id, exits=5)
    assert rows()[0].state == "failed"


def test_what_was_shown_before_ctrl_c_is_kept(text2text: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest does not come (the service hangs): what is here is written down, and nobody waits."""
    from bailian.service.client import Service

    whole = Service.stream
    over = threading.Event()

    def hangs(self: Service, *words: Any) -> Iterator[dict[str, Any]]:
        frames = [frame for frame in whole(self, *words) if frame["output"]["choices"][0]["message"]["content"]]
        yield from frames[:2]
        _thread.interrupt_main()
        over.wait(20)
        yield from frames[2:]

    monkeypatch.setattr(Service, "stream", hangs)
    ran = text2text("介绍一下长城", "--stream", exits=130)
    over.set()
    (row,) = rows()
    assert (row.state, row.error["error"]["code"]) == ("failed", "CutShort")
    assert row.answer["output"]["choices"][0]["message"]["content"] == ran.out
    assert ran.out


def test_a_text_that_comes_too_late_says_so(text2text: Run, box: Sandbox) -> None:
    box.faults.add(Fault("text", "silence"))
    ran = text2text("你好", "--timeout", "0.2", exits=5)
    assert "--timeout" in ran.err
    assert "process" not in ran.err


def test_an_empty_answer_that_was_billed_is_an_answer(
    text2text: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bailian.service.client import Service

    whole = Service.call

    def says_nothing(self: Service, *words: Any) -> dict[str, Any]:
        answer = whole(self, *words)
        answer["output"]["choices"][0]["message"]["content"] = None
        return answer

    monkeypatch.setattr(Service, "call", says_nothing)
    assert text2text("你好").out == "\n"
    assert len(bodies(box, "text")) == 1


# ── conversations ──


@pytest.mark.parametrize(
    "words", [("-o", "答.md"), ("--no-wait",), ("--sidecar",), ("--name", "答"), ("--max-tokens", "0")], ids=" ".join
)
def test_a_conversation_refuses_before_the_first_question(
    text2text: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    from bailian.cli.args.keyboard import Keyboard

    monkeypatch.setattr("bailian.cli.scripts.chat.is_terminal", lambda _stream: True)
    monkeypatch.setattr(Keyboard, "ask", lambda _self: pytest.fail("it has asked"))
    assert "try:" in text2text(*words, exits=2).err


Converse = Callable[[Sandbox], tuple["subprocess.Popen[bytes]", int]]


@pytest.fixture
def converse() -> Iterator[Converse]:
    """Return what starts a conversation: its process and our end of its terminal."""
    pty = pytest.importorskip("pty")
    started: list[tuple[subprocess.Popen[bytes], int]] = []

    def start(box: Sandbox) -> tuple[subprocess.Popen[bytes], int]:
        master, slave = pty.openpty()
        words = [sys.executable, "-c", FAST_START.format(factor=FAST, command=TEXT_SCRIPT)]
        process = subprocess.Popen(words, env=environment(box), stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        started.append((process, master))
        return process, master

    yield start
    for process, master in started:
        process.kill()
        process.wait()
        os.close(master)


def read_until(master: int, mark: str = "") -> str:
    """Read what the terminal shows, to the mark or to the end; what hangs is given up."""
    seen = b""
    gives_up_s = time.monotonic() + 60
    while not mark or mark not in seen.decode("utf-8", "replace"):
        ready = select.select([master], [], [], 1.0)[0]
        assert time.monotonic() < gives_up_s, seen.decode("utf-8", "replace")
        try:
            seen += os.read(master, 65536) if ready else b""
        except OSError:  # the terminal is closed
            break
    return seen.decode("utf-8", "replace")


def test_an_answer_that_was_stopped_says_nothing_more(converse: Converse) -> None:
    last_words = "请不要当作事实引用"
    with Sandbox(task_s=2.0) as box:
        process, master = converse(box)
        os.write(master, "讲一个很长的故事\n".encode())
        read_until(master, "百炼沙箱")
        process.send_signal(signal.SIGINT)
        read_until(master, "interrupted")
        os.write(master, "第二个问题\n".encode())
        seen = read_until(master, last_words)
        os.write(master, b"/exit\n")
        read_until(master)
    assert "讲一个很长的故事" not in seen
    assert "第二个问题”" in seen, "the last words are those of the second answer"


def test_a_dash_in_a_conversation_is_a_question(box: Sandbox, converse: Converse) -> None:
    _, master = converse(box)
    os.write(master, b"-\n/exit\n")
    read_until(master)
    assert [body["input"]["messages"][-1]["content"] for body in bodies(box, "text")] == ["-"]


PASTED = ["第一行\n第二行\n\n/第三行\n", "\x1b[200~第一行\n第二行\n\n/第三行\x1b[201~\n"]


@pytest.mark.parametrize("pasted", PASTED, ids=["as it comes", "marked by the terminal"])
def test_a_pasted_text_is_one_question(box: Sandbox, converse: Converse, pasted: str) -> None:
    """Each line would be a paid call of its own."""
    _, master = converse(box)
    read_until(master, "> ")
    os.write(master, pasted.encode())
    read_until(master, "请不要当作事实引用")
    os.write(master, b"/exit\n")
    read_until(master)
    (body,) = bodies(box, "text")
    assert body["input"]["messages"][-1]["content"] == "第一行\n第二行\n\n/第三行"


def test_the_end_of_a_paste_is_waited_for(box: Sandbox, converse: Converse) -> None:
    """Its last line has no end yet: it is not sent before Enter."""
    _, master = converse(box)
    read_until(master, "> ")
    os.write(master, "第一行\n第二".encode())
    read_until(master, "第二")
    assert not bodies(box, "text")
    os.write(master, "行\n/exit\n".encode())
    read_until(master)
    (body,) = bodies(box, "text")
    assert body["input"]["messages"][-1]["content"] == "第一行\n第二行"


def test_an_unknown_command_is_no_question(box: Sandbox, converse: Converse) -> None:
    """/help is what people try first; a path and a question behind a space are none."""
    process, master = converse(box)
    read_until(master, "> ")
    os.write(master, b"/hilfe mir\n")
    seen = read_until(master, "begins with /")
    assert "there is no command /hilfe" in seen
    assert "not sent" in seen
    os.write(master, b"/help\n")
    assert "no command" not in read_until(master, "begins with /")
    assert not bodies(box, "text")
    os.write(master, " /new 是什么意思\n/exit\n".encode())
    read_until(master)
    assert process.wait(timeout=60) == 0
    assert [body["input"]["messages"][-1]["content"] for body in bodies(box, "text")] == ["/new 是什么意思"]


def test_bytes_that_are_no_text_do_not_end_a_conversation(box: Sandbox, converse: Converse) -> None:
    process, master = converse(box)
    os.write(master, b"\xff\xfe\n/exit\n")
    seen = read_until(master)
    assert process.wait(timeout=60) == 0, seen
    assert "Traceback" not in seen


# ── closed and odd outputs ──


@pytest.mark.parametrize("closed", [0, 1, 2])
@pytest.mark.few(1)
def test_a_closed_stream_is_no_crash(box: Sandbox, closed: int) -> None:
    code = FAST_START.format(factor=FAST, command=TEXT_SCRIPT)
    ran = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}>&-', "sh", sys.executable, "-c", code, *(["你好"] if closed else [])],
        env=environment(box),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ran.stderr
    assert ran.returncode == (2, 5, 0)[closed]


def test_sound_on_stdout_with_a_sidecar(box: Sandbox) -> None:
    words = [sys.executable, str(ROOT / "audio.py"), "tts", "你好", "-o", "-", "-q", "--sidecar"]
    ran = subprocess.run(words, env=environment(box), capture_output=True, check=False)
    assert b"Traceback" not in ran.stderr
    assert ran.returncode in (0, 2)


@pytest.mark.parametrize("person, shown", [(False, "\x1b[2J\u202e"), (True, r"\x1b[2J\x202e")])
def test_a_text_is_made_harmless_only_for_a_terminal(
    monkeypatch: pytest.MonkeyPatch, *, person: bool, shown: str
) -> None:
    """Another program gets the text that was paid for."""

    class Output(io.StringIO):
        def isatty(self) -> bool:
            return person

    output = Output()
    monkeypatch.setattr(sys, "stdout", output)
    print_text("\x1b[2J\u202e")
    assert output.getvalue() == shown + "\n"


# ── a full disk ──


def full(*_words: Any, **_more: Any) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "words", [("text", "你好", "-o", "答案.md"), ("tts", "你好", "-o", "答案.wav")], ids=lambda w: w[0]
)
def test_what_has_no_room_is_kept_at_home(
    text2text: Run, audio: Run, bailian: Run, box: Sandbox, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service keeps neither texts nor sounds; the home folder does, and longer than a day."""
    from bailian.engine.steps import publish
    from bailian.files import publishing

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "os", SimpleNamespace(**{**vars(os), "fsync": full}))
        patch.setattr(publish, "finish_sound", full)
        ran = text2text(*words[1:], exits=5) if words[0] == "text" else audio(*words, exits=5)
    (row,) = rows()
    assert f"tasks wait {row.id} -o DIR" in ran.err
    assert "24 hours" not in ran.err
    (path,) = bailian("tasks", "wait", row.id, "-o", "别处").paths
    assert path == Path("别处") / words[3]
    assert sum(len(bodies(box, kind)) for kind in ("text", "speech")) == 1


def test_a_full_disk_leaves_no_hidden_file(text2text: Run, audio: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("bailian.files.publishing", "bailian.files.audio"):
        monkeypatch.setattr(f"{module}.os", SimpleNamespace(**{**vars(os), "fsync": full}))
    text2text("你好", "-o", "结果/答.md", exits=5)
    audio("tts", "你好", "-o", "结果/答.wav", exits=5)
    assert list(Path("结果").iterdir()) == []
    assert len(list(Path("bailian/under-way").glob("*.sound"))) == 1, "it was ready but for its name"


def test_a_journal_without_room_does_not_lose_a_sound(
    audio: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_words: Any, **_more: Any) -> None:
        raise JournalError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "store_answers", no_room)
        ran = audio("tts", "你好", "-o", "问候.wav", exits=5)
    (row,) = rows()
    assert f"tasks wait {row.id}" in ran.err
    assert bailian("tasks", "wait", row.id).paths == [Path("问候.wav")]
    assert len(bodies(box, "speech")) == 1


@pytest.mark.parametrize("name", ["答案", "答案.MD"])
def test_the_file_is_called_as_it_was_asked(text2text: Run, name: str) -> None:
    assert text2text("你好", "-o", name).paths == [Path(name)]


def test_a_sound_is_called_as_it_was_asked(audio: Run) -> None:
    paths = audio("tts", "你好", "-o", "问候.WAV", "--subtitles", "srt").paths
    assert paths == [Path("问候.WAV"), Path("问候.srt")]


# ── speech: nothing paid is lost, nothing is paid for nothing ──


def test_a_sound_that_is_none_is_reported_and_not_a_crash(audio: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from bailian.service.speech.session import SpeechSocket

    def speak(_self: SpeechSocket, _payload: Any, part: Path, **_heard: Any) -> dict[str, Any]:
        part.write_bytes(b"RIFF\xff\xff\xff\x7fWAVE")
        return {"request_id": "r", "output": {"sentences": [], "audio_bytes": 12}}

    monkeypatch.setattr(SpeechSocket, "speak", speak)
    assert "valid wav" in audio("tts", "你好", exits=4).err
    assert rows()[0].state == "failed"


def test_a_sound_that_came_whole_outlives_its_process(box: Sandbox, bailian: Run) -> None:
    """It is in the home folder: killed a moment later, it is not to be reported as lost."""
    assert end(start_script(box, "tts", "你好", "-o", "问候.wav", command=KILLED_BEFORE_KEPT)).code == 9
    assert bailian("tasks", "wait", "--all").paths == [Path("问候.wav")]
    assert len(bodies(box, "speech")) == 1


@pytest.mark.slow
def test_half_a_sound_of_a_killed_process_is_removed() -> None:
    with Sandbox(task_s=1.0) as box:
        process = start_script(box, "tts", "你好", command=AUDIO_SCRIPT)
        while not list(Path("bailian").glob("under-way/*.part")):
            assert process.poll() is None
        process.kill()
        process.communicate()
        assert end(start_script(box, "tasks", "wait", "--all", command=BAILIAN_SCRIPT)).code == 5
    assert rows()[0].state == "held"
    assert list(Path("bailian/under-way").iterdir()) == []


def test_a_sound_that_was_removed_is_not_at_the_service(audio: Run, bailian: Run) -> None:
    (path,) = audio("tts", "你好", "-o", "问候.wav").paths
    path.unlink()
    (row,) = rows()
    ran = bailian("tasks", "wait", row.id, exits=4)
    assert "24 hours" not in ran.err
    assert rows()[0].state not in OPEN_STATES, "`tasks wait --all` would fail for ever"


@pytest.mark.usefixtures("short_parts")
def test_the_same_long_text_twice_at_once(audio: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is ready first must not take the parts away from the other, who has paid too."""
    from bailian.service.speech.session import SpeechSocket

    whole = SpeechSocket.speak
    spoken = []

    def speak(self: SpeechSocket, payload: Any, part: Path, **_heard: Any) -> dict[str, Any]:
        spoken.append(part)
        if len(spoken) == 2:
            assert end(start_script(box, "tts", THREE_PARTS, "-o", "甲.wav", command=AUDIO_SCRIPT)).code == 0
        return whole(self, payload, part)

    monkeypatch.setattr(SpeechSocket, "speak", speak)
    assert audio("tts", THREE_PARTS, "-o", "乙.wav").paths == [Path("乙.wav")]


@pytest.mark.usefixtures("short_parts")
def test_ctrl_c_sends_no_further_part() -> None:
    with Sandbox(task_s=2.0) as box:  # long enough for Ctrl-C to come in time on a busy machine
        process = start_script(box, "tts", THREE_PARTS, "-o", "长.wav", command=AUDIO_SCRIPT)
        while not box.sync_calls:  # begun; among the requests it stands when it is over
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert end(process).code == 130
        assert len(bodies(box, "speech")) == 1
        (row,) = rows()
        assert (row.state, row.charged_cny) == ("failed", pytest.approx(0.0008))
        box.settings.change({"task_s": 0.05})
        assert end(start_script(box, "tts", THREE_PARTS, "-o", "长.wav", command=AUDIO_SCRIPT)).code == 0
        assert len(bodies(box, "speech")) == 3
        assert sum(row.charged_cny for row in rows()) == pytest.approx(0.0024), "each part is in the ledger once"


@pytest.mark.usefixtures("short_parts")
def test_parts_that_were_paid_are_in_the_ledger(audio: Run, box: Sandbox) -> None:
    box.faults.add(Fault("speech", "failed", after=1, count=0, code="InvalidParameter", message="418"))
    audio("tts", THREE_PARTS, exits=4)
    assert rows()[0].charged_cny == pytest.approx(0.0008)


# ── the journal ──


@pytest.mark.sqlite
def test_a_journal_that_could_not_be_made_whole_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk SQLite's last step (WAL into the file) fails in silence: the file must not get its name."""
    from bailian.store.backends import sqlite

    class Full(sqlite3.Connection):
        """Does at its end what a full disk does: nothing."""

        def close(self) -> None:
            kept = {path: path.read_bytes() for path in Path("bailian").iterdir() if not path.name.endswith("-wal")}
            super().close()
            for path, content in kept.items():
                if path.exists():
                    path.write_bytes(content)

    def connect(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Full)

    Path("bailian").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "_connect", connect)
        with suppress(JournalError):
            Journal(place(Path("bailian")))
    with closing(Journal(place(Path("bailian")))) as journal:
        assert journal.jobs("a") == []


# ── transcription ──


def test_another_recording_is_not_taken_for_ours(audio: Run, box: Sandbox) -> None:
    """The answer to our submit is lost before it arrives; the account has a task of the same model, for another file."""
    body = {"model": "paraformer-v1", "input": {"file_urls": ["https://example.com/others.wav"]}, "parameters": {}}
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "X-DashScope-Async": "enable"}
    url = f"{box.base_url}/services/audio/asr/transcription"
    urlopen(Request(url, json.dumps(body).encode(), headers)).close()
    box.faults.add(Fault("submit", "reset_before"))
    audio("asr", "https://example.com/ours.wav")
    (row,) = rows()
    assert row.answer["output"]["results"][0]["file_url"] == "https://example.com/ours.wav"


def test_another_upload_is_not_taken_for_ours(audio: Run, box: Sandbox) -> None:
    """As above, with a local file: its upload carries the job's id."""
    (sound,) = audio("tts", "你好", "-o", "录音.wav").paths
    body = {"model": "paraformer-v1", "input": {"file_urls": ["https://example.com/others.wav"]}, "parameters": {}}
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "X-DashScope-Async": "enable"}
    url = f"{box.base_url}/services/audio/asr/transcription"
    urlopen(Request(url, json.dumps(body).encode(), headers)).close()
    box.faults.add(Fault("submit", "reset_before"))
    (path,) = audio("asr", str(sound)).paths
    assert "你好" in path.read_text(encoding="utf-8")
    assert rows()[-1].id in rows()[-1].answer["output"]["results"][0]["file_url"]


def test_an_upload_is_known_again(audio: Run, box: Sandbox) -> None:
    """The task exists, only its answer was lost: it is found, and not made twice."""
    (sound,) = audio("tts", "你好", "-o", "录音.wav").paths
    box.faults.add(Fault("submit", "reset_after"))
    audio("asr", str(sound))
    assert len(box.tasks) == 1
    assert rows()[-1].adopted
