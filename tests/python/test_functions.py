"""The functions of the package: what goes in, what comes out, what is refused and raised."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bailian
from bailian.api import keywords
from bailian.api.words import in_python
from bailian.batch.input.row_schema import form_of
from bailian.sandbox import Fault, Sandbox
from tests.support.clocks import SOON_S, deadline_comes_when
from tests.support.pictures import bytes_of, drawn
from tests.support.recordings import spoken
from tests.support.setting import ROOT


def test_pictures_from_python() -> None:
    result = bailian.text2image("猫", n=2, size="512*512", timeout_s=60)
    assert all(path.exists() for path in result.files)
    assert (len(result.files), result.error, result.state, result.cost) == (2, None, "done", bailian.Cost(0.28, 0.28))
    assert [item.path for item in result.items] == list(result.files)
    assert result.request["n"] == 2
    assert result.task_id
    with pytest.raises(FrozenInstanceError):
        result.files = ()  # type: ignore[misc]


def picture() -> Path:
    path = Path("dog.png")
    path.write_bytes(bytes_of(drawn()))
    return path


ASKED = {
    "edit_image": lambda: bailian.edit_image("变成红色", picture()),
    "edit_image of bytes": lambda: bailian.edit_image("变成红色", [bytes_of(drawn())]),
    "wanx_edit": lambda: bailian.wanx_edit("stylization_all", picture(), "法国绘本风格"),
    "a mask by fields": lambda: bailian.wanx_edit("", picture(), "戴上帽子", mask_box="10%,10%,50%,50%"),
    "text2video": lambda: bailian.text2video("海浪"),
    "text2video of a picture": lambda: bailian.text2video("镜头推近", image=picture(), model="wan2.5-i2v-preview"),
    "speak": lambda: bailian.speak("你好", format="wav"),
    "a request": lambda: bailian.text2image(bailian.ImageRequest(prompt="猫", n=1)),
}


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ASKED)
def test_each_kind_makes_a_file(name: str) -> None:
    result = ASKED[name]()
    assert result.path.stat().st_size > 0
    assert (result.state, result.error) == ("done", None)


@pytest.mark.slow
def test_a_recording_is_written_down() -> None:
    Path("talk.wav").write_bytes(spoken("你好，世界"))
    result = bailian.transcribe("talk.wav", format=["txt", "srt"])
    assert [path.name for path in result.files] == ["talk.txt", "talk.srt"]
    assert result.text


@pytest.mark.slow
def test_a_text_is_answered_and_kept_where_it_is_told() -> None:
    result = bailian.text2text("讲个笑话", system="简短", output="joke.txt")
    assert result.text
    assert result.path == Path("joke.txt").absolute()
    assert result.usage["output_tokens"] > 0


def test_a_text_comes_in_pieces() -> None:
    with bailian.text2text("讲个笑话", stream=True) as stream:
        pieces = [str(chunk) for chunk in stream]
    assert len(pieces) > 1
    assert "".join(pieces) == stream.result.text


@pytest.mark.slow
def test_thoughts_are_apart_from_the_text() -> None:
    result = bailian.text2text("1+1?", model="qwen3.7-plus", thinking=True)
    assert result.thoughts
    assert result.thoughts not in str(result.text)


def test_who_leaves_a_stream_early_has_the_beginning(box: Sandbox) -> None:
    """What came is paid: it is in the journal, and the text goes on from there."""
    with bailian.text2text("讲个长故事", stream=True) as stream:
        for _chunk in stream:
            break
    with pytest.raises(bailian.BailianError, match="paid"):  # nobody has pressed Ctrl-C
        _ = stream.result
    assert len([one for one in box.requests if one.method == "POST"]) == 1


def test_a_refusal_is_raised_before_anything_is_sent(box: Sandbox) -> None:
    with pytest.raises(bailian.InvalidRequest, match="1 to 4"):
        bailian.text2image("猫", n=9, timeout_s=60)
    assert box.requests == []


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"colour": "red"}, "colour: is not a field"),
    "stdout": ({"output": "-"}, "output: stdout is no place"),
    "no money": ({"max_cost_cny": 0.01}, "the budget of the request is 0.01"),
    "no amount": ({"max_cost_cny": float("nan")}, "max_cost_cny: nan"),
    "no time": ({"timeout_s": 0}, "timeout_s: 0"),
    "a size": ({"size": "1*1"}, "size: "),
    "strict": ({"size": "16:9", "strict": True}, "16:9"),
    "no wait": ({"model": "qwen-image-max", "wait": False}, "no task to fetch later"),
    "settings twice": ({"settings": bailian.Settings(base_url=""), "region": "beijing"}, "leave out region"),
}


@pytest.mark.few(5)
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_said_in_keywords(box: Sandbox, name: str) -> None:
    """No option of the shell is in the text or its advice."""
    fields, text = REFUSED[name]
    with pytest.raises(bailian.BailianError) as raised:
        bailian.text2image("猫", **fields)
    assert text in raised.value.message
    assert "--" not in raised.value.message + raised.value.advice
    assert box.requests == []


@pytest.mark.slow
def test_no_option_is_left_in_any_sentence() -> None:
    """Every option that a sentence below the shell names has a keyword; what remains is another program's."""
    import ast

    left = set()
    for room in ("batch", "config", "engine", "files", "inputs", "modalities", "service", "store", "types"):
        for path in (ROOT / "bailian" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tr", "Problem"):
                    texts = [str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant)]
                    left |= {word for text in texts for word in in_python(text).split() if word.startswith("--")}
    assert left == {"--out"}  # of sips


@pytest.mark.parametrize(
    "said, heard",
    [
        ("leave --no-wait out", "leave wait=False out"),
        ("--top-scale 1.5 extends", "top_scale=1.5 extends"),
        ("choose a folder with -o DIR", "choose a folder with output=DIR"),
        ("without (--no-audio) 0.3", "without (no_audio) 0.3"),
        ("--strict 拒绝", "strict 拒绝"),
        ("run `bailian login --profile shop`, or --region X", "run `bailian login --profile shop`, or region=X"),
        ("on a Mac: sips --out OUT.jpg", "on a Mac: sips --out OUT.jpg"),
    ],
)
def test_options_become_keywords(said: str, heard: str) -> None:
    assert in_python(said) == heard


@given(st.text(alphabet="-o abcDIR.15`bailian\n;，", max_size=60))
def test_a_sentence_of_any_form_is_said_once(text: str) -> None:
    """What is in keywords already stays so, and nothing is lost but dashes."""
    once = in_python(text)
    assert in_python(once) == once


KEYWORDS = {
    "image": keywords.PictureOptions,
    "image_edit": keywords.EditOptions,
    "wanx_edit": keywords.WanxOptions,
    "text": keywords.TextOptions,
    "video": keywords.FilmOptions,
    "speech": keywords.SpeechOptions,
    "transcription": keywords.TranscriptionOptions,
}
ARGUMENTS = {"prompt", "image", "function", "file", "stream", "go_on"}
"""Parameters of the functions themselves."""


@pytest.mark.parametrize("kind", KEYWORDS)
def test_the_keywords_are_the_fields_of_the_requests(kind: str) -> None:
    """A field that a request has is a keyword, and no other is."""
    own = {
        name.rstrip("_")
        for name in get_type_hints(KEYWORDS[kind], localns=dict(vars(bailian.api.keywords)) | {"Settings": Any})
    }
    fields = set(form_of(kind).known)
    assert own - keywords.RUN_FIELDS - ARGUMENTS == fields - ARGUMENTS
    assert get_args(keywords.File)


def test_some_failed_pictures_come_with_the_error(box: Sandbox) -> None:
    box.faults.add(Fault(on="submit", kind="partial"))
    result = bailian.text2image("猫", n=2, timeout_s=60)
    assert len(result.files) == 1
    assert result.error is not None
    assert [item.good for item in result.items].count(False) == 1


def test_a_failed_task_is_raised_with_its_id(box: Sandbox) -> None:
    box.faults.add(Fault(on="poll", kind="failed"))
    with pytest.raises(bailian.BailianError) as raised:
        bailian.text2image("猫", timeout_s=60)
    assert raised.value.task_id == box.tasks[0].task_id


@pytest.mark.slow
def test_what_still_runs_is_fetched_later(box: Sandbox) -> None:
    """The error says how, in Python's words; nothing is sent twice."""
    box.settings.change({"task_s": 600})
    with deadline_comes_when(lambda: box.tasks), pytest.raises(bailian.StillRunning) as raised:
        bailian.text2image("猫", timeout_s=SOON_S)
    box.advance(600)
    task_id = raised.value.task_id
    assert f'wait("{task_id}")' in raised.value.advice
    assert bailian.wait(str(task_id), output="later").path.parent == Path("later").absolute()
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_a_task_is_submitted_now_and_fetched_later(box: Sandbox) -> None:
    submitted = bailian.text2image("猫", wait=False)
    assert (submitted.state, submitted.files) == ("submitted", ())
    (result,) = bailian.wait_all()
    assert (result.task_id, result.state) == (submitted.task_id, "done")
    assert bailian.wait(submitted.job_id).files == result.files
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_a_task_of_elsewhere_is_adopted(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted = bailian.text2image("猫", wait=False)
    monkeypatch.setenv("BAILIAN_HOME", str(tmp_path / "another"))
    with pytest.raises(bailian.BailianError, match="journal has no task"):
        bailian.wait(str(submitted.task_id))
    assert bailian.wait(str(submitted.task_id), adopt_for="new").path.exists()


def test_progress_is_told_and_a_callback_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[bailian.Progress] = []

    def progress(event: bailian.Progress) -> None:
        seen.append(event)
        raise ValueError("a bug of the program")

    assert bailian.text2image("猫", progress=progress).path.exists()
    assert {event.status for event in seen} >= {"SUBMITTING", "PENDING"}
    assert "a callback has failed" in caplog.text


def test_inside_a_sandbox_everything_goes_there(box: Sandbox) -> None:
    with bailian.Sandbox(task_s=0.05) as sandbox:
        assert bailian.text2image("猫").path.exists()
        assert sandbox.server is not None
        assert len(sandbox.server.tasks) == 1
        with ThreadPoolExecutor(2) as pool:  # no call pays because a pool made it
            assert all(made.path.exists() for made in pool.map(bailian.text2image, ["狗", "鸟"]))
        assert len(sandbox.server.tasks) == 3
    assert box.requests == []


@pytest.mark.slow
def test_the_environment_asks_for_a_sandbox(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """BAILIAN_SANDBOX=1 needs no key, as in the shell; one sandbox serves all calls of a process."""
    monkeypatch.setenv("BAILIAN_SANDBOX", "1")
    monkeypatch.setenv("BAILIAN_SANDBOX_TASK_S", "0.05")
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    assert bailian.text2image("猫").path.exists()
    assert bailian.text2text("你好").text
    assert box.requests == []
    monkeypatch.setenv("BAILIAN_SANDBOX", "perhaps")
    with pytest.raises(bailian.BailianError, match="BAILIAN_SANDBOX is 'perhaps'"):
        bailian.text2text("你好")


def test_without_a_key_it_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    with pytest.raises(bailian.BailianError, match="no API key") as raised:
        bailian.text2image("猫")
    assert "with bailian.Sandbox():" in raised.value.advice


@pytest.mark.slow
def test_the_settings_are_honoured(tmp_path: Path) -> None:
    """Defaults of the user's settings are Python's, too."""
    (tmp_path / "bailian").mkdir(exist_ok=True)
    text = '[output]\nfolder = "made"\n[text2image]\nn = 2\n'
    (tmp_path / "bailian" / "settings.toml").write_text(text, encoding="utf-8")
    result = bailian.text2image("猫")
    assert {path.parent.name for path in result.files} == {"made"}
    assert len(result.files) == 2


def test_every_public_name_can_be_loaded() -> None:
    assert all(getattr(bailian, name) for name in bailian.__all__)
    with pytest.raises(AttributeError):
        bailian.nothing  # noqa: B018 - the lookup is the test


def test_importing_the_package_loads_nothing() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); before = set(sys.modules); import bailian; print(*sorted(set(sys.modules) - before))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in ran.stdout.split() if name.startswith("bailian")] == ["bailian"]
    assert not {"requests", "pydantic", "click", "sqlite3"} & set(ran.stdout.split())
