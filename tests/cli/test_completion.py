"""What a shell is answered at TAB: commands, options, values of the model that stands before, ids, files; never an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import load
from bailian.cli.completion.answers import lines_for
from bailian.cli.completion.offers import SUFFIXES, USUAL_MODELS, WORDS
from bailian.cli.completion.shells import SHELLS
from bailian.cli.completion.typed_line import typed
from bailian.cli.main import COMMANDS, REQUEST_COMMANDS
from bailian.cli.main import bailian as command
from bailian.errors import InvalidRequest
from tests.support.commands import Run
from tests.support.help_pages import commands
from tests.support.setting import ROOT

BREAKS = " \t\n\"'><=;|&(:"


def values(line: str, shell: str = "fish") -> list[str]:
    """Return what is offered, without its descriptions."""
    return [one.partition("\t")[0] for one in lines_for(SHELLS[shell], command, line, BREAKS)[1:]]


def test_commands_and_their_commands_are_offered() -> None:
    assert values("bailian ") == [*REQUEST_COMMANDS, *COMMANDS]
    assert values("bailian te") == ["text2image", "text2video", "text2text"]
    assert values("bailian tasks ") == ["adopt", "cancel", "list", "show", "wait"]
    assert values("bailian audio voices own c") == ["clone"]


def test_options_are_offered_with_what_they_do() -> None:
    lines = lines_for(SHELLS["zsh"], command, "bailian text2image --neg")
    assert lines == ["values", "--negative-prompt\tWhat must not be in it."]
    assert {"--model", "--no-watermark", "--max-cost"} <= set(values("bailian text2image 猫 "))
    assert "--n" not in values("bailian text2video --"), "it is hidden"


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "words, kind",
    [("text2image", "image"), ("image_edit 改", "image_edit"), ("wanx-edit", "wanx_edit"), ("text2video", "video"),
     ("text2text", "text"), ("audio tts", "speech"), ("audio asr", "transcription"), ("audio voices", "speech")],
)  # fmt: skip
def test_models_are_those_of_the_kind_the_living_first(words: str, kind: str) -> None:
    models = load()
    offered = values(f"bailian {words} -m ")
    assert sorted(offered) == sorted(model.name for model in models.of_kind(kind))
    retired = [models.find(name, kind).retired(models.today) for name in offered]
    assert retired == sorted(retired)


def test_sizes_are_those_of_the_model_that_is_named() -> None:
    assert values("bailian text2image -m wanx2.0-t2i-turbo -s ") == [*load()["wanx2.0-t2i-turbo"].suggested_sizes]
    assert values("bailian text2image -m qwen-image -s 14") == ["1472*1104"], "not the one that would be changed"
    assert "--size=2K" in values("bailian text2image --model=wan2.7-image --size=")
    assert values("bailian text2video -m wan2.1-t2v-plus -s ")[0] == "720P"
    with pytest.raises(InvalidRequest):  # which `answer` keeps for itself
        values("bailian text2image -m nosuch -s ")


def test_voices_are_those_of_the_model_that_is_named() -> None:
    assert "Cherry" in values("bailian audio tts 你好 -m qwen3-tts-flash --voice ")
    assert "Cherry" not in values("bailian audio tts 你好 -m cosyvoice-v3-flash --voice ")
    assert {"Cherry", "sambert-zhichu-v1"} <= set(values("bailian audio tts --voice "))


def test_words_of_an_option_are_those_that_are_taken() -> None:
    from bailian.cli.args.edit_functions import FUNCTIONS as OFFERED
    from bailian.modalities.audio.speech_rules import FORMATS, SUBTITLES
    from bailian.modalities.picture.wanx_functions import FUNCTIONS
    from bailian.modalities.recognition.transcription_request import FORMATS as TEXTS

    assert {name: function.title for name, function in FUNCTIONS.items()} == OFFERED
    assert set(FORMATS) < set(WORDS["format"])
    assert WORDS["subtitles"] == SUBTITLES
    assert {*WORDS["formats"]} == {*TEXTS, "all"}
    assert values("bailian wanx-edit --function s") == ["stylization_all", "stylization_local", "super_resolution"]
    assert values("bailian models --kind im") == ["image", "image_edit"]
    for kind, name in USUAL_MODELS.items():
        assert kind in load()[name].kinds


def test_every_name_in_the_tables_is_an_option_or_an_argument() -> None:
    known = {param.name for context in commands(command, "bailian") for param in context.command.get_params(context)}
    assert {*SUFFIXES, *WORDS} <= known


def test_ids_are_those_of_the_journal(bailian: Run) -> None:
    task = bailian("text2image", "墙上的猫", "--no-wait").out.strip()
    (line,) = lines_for(SHELLS["fish"], command, "bailian tasks show ")[1:2]
    assert line == f"{task}\tsubmitted wan2.2-t2i-flash 墙上的猫"
    for words in ("tasks wait", "tasks cancel", "again"):
        assert values(f"bailian {words} {task[:5]}") == [task]
    assert values("bailian tasks show nosuch") == []


def test_files_are_those_that_the_option_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cat.png", "cat.txt", "catalog.json", ".cat.png"):
        Path(name).write_bytes(b"")
    Path("cats").mkdir()
    Path("cats/one two.jpg").write_bytes(b"")
    assert values("bailian image-edit -i ca") == ["cat.png", "cats/"]
    assert values("bailian image-edit -i cats/", "bash") == ["cats/one\\ two.jpg"]
    assert values("bailian batch run cat") == ["catalog.json", "cats/"]
    assert lines_for(SHELLS["bash"], command, "bailian image-edit -i x") == ["files"], "the shell shows all"
    assert lines_for(SHELLS["bash"], command, "bailian show ") == ["files"]
    assert lines_for(SHELLS["bash"], command, "bailian history --html ") == ["folders"]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "~/cats/" in values("bailian image-edit -i ~/c")


@pytest.mark.parametrize(
    "shell, line, written",
    [
        ("bash", "bailian text2image -s 16:", "9"),
        ("bash", 'bailian text2image -s "16:', "16:9"),
        ("bash", "bailian text2image --size=16:", "9"),
        ("bash", "bailian text2image --size=16", "16:9"),
        ("zsh", "bailian text2image --size=16:", "--size=16:9"),
        ("fish", "bailian text2image --size=16", "--size=16:9"),
        ("powershell", "bailian text2image -s 16:", "16:9"),
        ("powershell", "bailian text2image --profile it", "'it''s'"),
        ("bash", "bailian text2image --profile it", "it\\'s"),
    ],
)
def test_a_value_is_written_as_the_shell_takes_it(
    shell: str, line: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bailian.cli.completion import offers as table

    monkeypatch.setattr(table, "OFFERS", {**table.OFFERS, "profile": lambda _: [("it's", "")]})
    assert values(line, shell) == [written]


@pytest.mark.slow
@given(st.text(), st.sampled_from(sorted(SHELLS)))
def test_whatever_stands_on_the_line_there_is_an_answer(text: str, shell: str) -> None:
    """Half a word, an open quotation mark, nonsense."""
    at_cursor = typed(text, SHELLS[shell].escape)
    assert len(at_cursor.begun) + sum(map(len, at_cursor.words)) <= len(text)


@pytest.mark.slow
@given(st.lists(st.text(st.characters(exclude_characters="\x00"), min_size=1), max_size=4))
def test_what_was_quoted_is_read_back(words: list[str]) -> None:
    import shlex

    assert typed(f"{shlex.join(words)} ") == (words, "", "")
    assert typed(shlex.join([*words, "end"]))[:2] == (words, "end")


@pytest.mark.few(1)
@pytest.mark.process
@pytest.mark.parametrize("home", ["broken", "/nonexistent/home", "~nobody"])
def test_an_answer_says_nothing_on_stderr_and_loads_nothing_heavy(home: str) -> None:
    Path("broken").mkdir()
    for name in ("settings.toml", "models.toml", "journal.sqlite3"):
        Path("broken", name).write_text("not [what = it should be", encoding="utf-8")
    code = (
        "import sys; from bailian.__main__ import main; main()\n"
        "print([m for m in ('requests', 'pydantic', 'PIL', 'rich', 'websockets', 'dashscope') if m in sys.modules], file=sys.stderr)"
    )
    for line in (
        "bailian text2image -m ",
        "bailian text2text --profile ",
        "bailian tasks show ",
        "bailian no 'such",
        "",
    ):
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "BAILIAN_HOME": home}
        env |= {"_BAILIAN_COMPLETE": "zsh", "_BAILIAN_LINE": line}
        ran = subprocess.run([sys.executable, "-u", "-c", code], env=env, capture_output=True, text=True, check=True)
        assert ran.stderr == "[]\n", line
        assert ran.stdout.splitlines()[0] in ("values", "files")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_is_printed(bailian: Run, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script = bailian("completion", shell).out
    assert script == SHELLS[shell].text
    assert f"_BAILIAN_COMPLETE='{shell}'" in script.replace(f"={shell} ", f"='{shell}' ").replace(" = '", "='")
    lines = bailian("completion").out.splitlines()
    assert [line for line in lines if line.startswith(shell) and line.endswith(SHELLS[shell].line)]


@pytest.mark.slow
@pytest.mark.process
def test_the_line_of_older_pages_still_works() -> None:
    env = {**os.environ, "_BAILIAN_COMPLETE": "bash_source"}
    ran = subprocess.run(["bailian"], env=env, capture_output=True, text=True, check=True)
    assert ran.stdout == SHELLS["bash"].text


@pytest.mark.parametrize("page", ["install.md", "install.zh-CN.md"])
def test_the_pages_have_the_line_of_each_shell(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").replace("\\|", "|")
    assert [shell.name for shell in SHELLS.values() if f"| `{shell.start_file}` | `{shell.line}` |" not in text] == []
