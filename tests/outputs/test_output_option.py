"""`-o` is one thing everywhere: `cat.png` a file, `-` stdout, all else a folder; and nothing existing is overwritten."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import bailian as toolkit
from bailian.errors import InvalidRequest
from bailian.files import formats
from bailian.files.outputs import RESULTS, place_of, refuse_existing, row_place
from bailian.sandbox import Sandbox
from tests.support.commands import Ran, Run
from tests.support.processes import end, start_script, until
from tests.support.setting import KEY, ROOT

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")

KINDS = {
    "text2image": (["a cat"], "cat.png", "mp3"),
    "image_edit": (["red", "--image", "dog.png"], "red.PNG", "jpg"),
    "wanx_edit": (["red", "--function", "description_edit", "--image", "dog.png"], "red.png", "webp"),
    "text2video": (["sunrise"], "sunrise.mp4", "gif"),
    "text2text": (["hello"], "answer.md", None),
    "audio tts": (["hello"], "hello.mp3", "ogg"),
    "audio asr": (["spoken.wav"], "said.srt", "docx"),
}
"""Script → its words, the name of a file, and a suffix that its results cannot have."""


@dataclass
class Script:
    """One of the scripts, with a request that it takes."""

    run: Run
    words: list[str]
    name: str
    wrong: str | None

    def __call__(self, *more: str, exits: int = 0) -> Ran:
        return self.run(*self.words, *more, exits=exits)


@pytest.fixture(params=KINDS)
def script(request: pytest.FixtureRequest, quick: None) -> Script:
    Image.new("RGB", (600, 600), "white").save("dog.png")
    name, _, command = request.param.partition(" ")
    run = request.getfixturevalue(name)
    if command == "asr":
        run("tts", "hello", "-o", "spoken.wav")
    words, file, wrong = KINDS[request.param]
    return Script(run, [*([command] if command else []), *words], file, wrong)


def posts(box: Sandbox) -> int:
    """Return how many things were asked for."""
    return len([entry for entry in box.requests if entry.kind in ("submit", "sync")])


# ── what a word means, in every script ──


@pytest.mark.few(1)
def test_a_name_is_a_file_once(script: Script, box: Sandbox) -> None:
    """Its folder is made, the suffix stays as it was typed; a second time it is refused before anything is sent."""
    wanted = Path("new", "deeper", script.name)
    assert script("-o", str(wanted)).paths == [wanted]
    suffix = formats.suffix_of(wanted.read_bytes()[:16])
    assert suffix in (None, wanted.suffix[1:].lower())
    before = len(box.requests)
    for how in ([], ["--dry-run"]):
        ran = script("-o", str(wanted), *how, exits=2)
        assert f"{wanted} exists already" in ran.err
        assert "-o DIR/" in ran.err
    assert len(box.requests) == before


@pytest.mark.slow
@pytest.mark.few(3)
def test_a_slash_or_an_existing_folder_is_a_folder(script: Script) -> None:
    for folder in ("as said/", "there"):
        Path("there").mkdir(exist_ok=True)
        named = f"{Path(folder, script.name)}{'/' if folder.endswith('/') else ''}"
        if folder == "there":
            Path(named).mkdir()
        (path,) = script("-o", named).paths
        assert path.parent == Path(folder, script.name)


@pytest.mark.few(2)
def test_a_suffix_that_cannot_be_is_refused(script: Script, box: Sandbox) -> None:
    before = len(box.requests)
    if script.wrong is None:
        pytest.skip("a text may be called anything")
    ran = script("-o", f"cat.{script.wrong}", exits=2)
    assert Path(script.name).suffix[1:].lower() in ran.err
    assert f"-o cat.{script.wrong}/" in ran.err
    assert len(box.requests) == before
    assert not Path(f"cat.{script.wrong}").exists()


@pytest.mark.few(1)
def test_home_is_found_where_the_shell_has_not_seen_to_it(script: Script) -> None:
    """`--output=~/x` and `"~/x"` reach us as they are."""
    (path,) = script(f"--output=~/results/{script.name}").paths
    assert path == Path("home/results").absolute().relative_to(Path.cwd()) / script.name
    assert not Path("~").exists()


@pytest.mark.few(2)
@pytest.mark.parametrize("more", [["--json"], ["--sidecar"], ["--no-wait"]], ids=" ".join)
def test_stdout_is_the_files_alone(script: Script, box: Sandbox, more: list[str]) -> None:
    if script.name == "answer.md":
        pytest.skip("a text is no file there")
    before = len(box.requests)
    assert f"leave {more[0]} out" in script("-o", "-", *more, exits=2).out + script("-o", "-", *more, exits=2).err
    assert len(box.requests) == before


@pytest.mark.slow
@pytest.mark.parametrize("name, words", [("text2image", ["a cat"]), ("text2video", ["sun"]), ("audio", ["tts", "hi"])])
@pytest.mark.few(1)
def test_a_file_in_a_pipe(box: Sandbox, quick: None, name: str, words: list[str]) -> None:
    env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url}
    ran = subprocess.run(
        [sys.executable, str(ROOT / f"{name}.py"), *words, "-o", "-"], env=env, capture_output=True, check=True
    )
    assert formats.suffix_of(ran.stdout[:16]) in ("png", "mp4", "wav")
    assert not Path("-").exists()
    assert not Path("outputs").exists()
    assert list(Path("bailian/under-way").iterdir()) == []


@pytest.mark.slow
def test_a_folder_of_the_users_called_stdout_is_a_folder(text2image: Run) -> None:
    """Its files are theirs: they are named, not poured out and removed."""
    (path,) = text2image("猫", "-o", "stdout/cats/").paths
    assert (path.parent, path.is_file()) == (Path("stdout/cats"), True)


# ── several results ──


@pytest.mark.usefixtures("quick")
def test_several_results_are_numbered(text2image: Run, box: Sandbox) -> None:
    words = ["a cat", "--n", "3", "-o", "cats/cat.png"]
    assert text2image(*words).paths == [Path(f"cats/cat_{number}.png") for number in (1, 2, 3)]
    Path("cats/cat_1.png").unlink()
    assert "cats/cat_2.png exists already" in text2image(*words, exits=2).err
    assert "one result, not for 3" in text2image("a cat", "--n", "3", "-o", "-", exits=2).err
    assert posts(box) == 1


def test_what_stands_beside_a_sound_is_looked_for_too(audio: Run, box: Sandbox) -> None:
    Path("hello.srt").touch()
    words = ["tts", "hello", "-o", "hello.wav", "--subtitles", "srt"]
    assert "hello.srt exists already" in audio(*words, exits=2).err
    assert box.requests == []


@pytest.mark.few(1)
@pytest.mark.parametrize("output", ["-", "all.png", "all.mp4"])
@pytest.mark.parametrize("command", ["bailian", "text2image"])
def test_a_batch_needs_a_folder(bailian: Run, text2image: Run, box: Sandbox, output: str, command: str) -> None:
    Path("all.json").write_text('{"image_tasks": [{"prompt": "x"}]}', "utf-8")
    run, words = (
        (bailian, ["batch", "run", "all.json"]) if command == "bailian" else (text2image, ["--config", "all.json"])
    )
    assert "folder" in run(*words, "-o", output, exits=2).err
    assert box.requests == []
    if output != "-":
        assert run(*words, "-o", f"{output}/").paths[0].parent == Path(output)


# ── what comes later ──


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_the_name_is_kept_for_who_fetches_later(text2image: Run, bailian: Run) -> None:
    first = text2image("a cat", "--no-wait", "-o", "cat.png").out.strip()
    second = text2image("a cat", "--n", "2", "--no-wait", "-o", "cats/cat.png").out.strip()
    assert bailian("tasks", "wait", first).paths == [Path("cat.png")]
    assert bailian("tasks", "wait", second).paths == [Path("cats/cat_1.png"), Path("cats/cat_2.png")]


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_name_that_somebody_else_took_meanwhile(text2image: Run, bailian: Run) -> None:
    """Nothing is overwritten, and what the result is called instead is said."""
    task_id = text2image("a cat", "--no-wait", "-o", "cat.png").out.strip()
    Path("cat.png").write_text("somebody's", "utf-8")
    ran = bailian("tasks", "wait", task_id)
    assert ran.paths == [Path("cat-2.png")]
    assert "cat.png exists already: the result is cat-2.png" in ran.err
    assert Path("cat.png").read_text("utf-8") == "somebody's"


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_another_name_when_it_is_fetched(text2image: Run, bailian: Run, box: Sandbox) -> None:
    first, second = (text2image("a cat", "--no-wait", "-o", "cat.png").out.strip() for _ in range(2))
    Path("taken.png").touch()
    assert "exists already" in bailian("tasks", "wait", first, "-o", "taken.png", exits=2).err
    assert "png" in bailian("tasks", "wait", first, "-o", "other.mp3", exits=2).err
    assert "need a folder" in bailian("tasks", "wait", first, second, "-o", "other.png", exits=2).err
    assert "need a folder" in bailian("tasks", "wait", first, "-o", "-", exits=2).err
    assert bailian("tasks", "wait", first, "-o", "new/other.png").paths == [Path("new/other.png")]
    assert bailian("tasks", "wait", second, "-o", "there").paths == [Path("there/cat.png")]


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_an_adopted_task_may_be_named(text2image: Run, bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = text2image("a cat", "--no-wait").out.strip()
    monkeypatch.setenv("BAILIAN_HOME", "another machine")
    assert bailian("tasks", "adopt", task_id, "-o", "cat.png").paths == [Path("cat.png")]


@pytest.mark.slow
@posix_only
def test_killed_and_resumed_the_file_has_its_name(box: Sandbox, bailian: Run) -> None:
    box.settings.change({"task_s": 1.0})
    process = start_script(box, "a cat", "--n", "2", "-o", "cats/cat.png")
    until(lambda: box.tasks)
    until(lambda: [entry for entry in box.requests if entry.kind == "poll"])
    process.send_signal(signal.SIGKILL)
    end(process)
    assert bailian("tasks", "wait", "--all").paths == [Path("cats/cat_1.png"), Path("cats/cat_2.png")]
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_two_at_once_do_not_overwrite_each_other(box: Sandbox) -> None:
    """Both have sent before either of them has its picture."""
    box.settings.change({"task_s": 600.0})
    started = [start_script(box, "a cat", "--seed", str(seed), "-o", "cat.png") for seed in (1, 2)]
    until(lambda: len(box.tasks) == 2)
    box.advance(600)
    ran = [end(process) for process in started]
    assert [one.code for one in ran] == [0, 0], ran
    assert sorted(str(path) for one in ran for path in one.paths) == ["cat-2.png", "cat.png"]
    assert [one.err.count("the result is cat-2.png") for one in sorted(ran, key=lambda one: one.out)] == [1, 0]
    assert Path("cat.png").read_bytes() != Path("cat-2.png").read_bytes()


@pytest.mark.slow
def test_a_result_of_another_format_keeps_its_own_suffix(text2image: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the service will send is known; should it be wrong, the file is not called what it is not."""
    monkeypatch.setattr(formats, "suffix_of", lambda _: "gif")
    ran = text2image("a cat", "-o", "cat.png")
    assert ran.paths == [Path("cat.gif")]
    assert "the service made gif, not png" in ran.err


# ── templates ──


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("template", ["cat.png", "cat.PNG", "cat"])
def test_a_template_with_the_suffix_gets_no_second_one(text2image: Run, bailian: Run, template: str) -> None:
    assert text2image("a cat", "--name", template).paths == [Path("outputs/cat.png")]
    several = text2image("a cat", "--n", "2", "--name", f"two/{template}").paths
    assert several == [Path("outputs/two/cat_1.png"), Path("outputs/two/cat_2.png")]
    Path("all.json").write_text(json.dumps({"image_tasks": [{"prompt": "x", "name": template}]}), "utf-8")
    assert bailian("batch", "run", "all.json").paths == [Path("outputs/all/cat.png")]


def test_other_dots_in_a_template_stay(audio: Run) -> None:
    assert audio("tts", "hello", "--name", "v1.5").paths == [Path("outputs/v1.5.wav")]


# ── rows ──


def as_json(row: dict[str, str]) -> str:
    Path("all.json").write_text(json.dumps([row]), "utf-8")
    return "all.json"


def as_lines(row: dict[str, str]) -> str:
    Path("all.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    return "all.jsonl"


def as_table(row: dict[str, str]) -> str:
    with Path("all.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(row))
        table.writeheader()
        table.writerow(row)
    return "all.csv"


def as_default(row: dict[str, str]) -> str:
    own = {name: value for name, value in row.items() if name not in ("kind", "output", "name")}
    usual = {name: value for name, value in row.items() if name in ("output", "name")}
    section = f"{row['kind']}_tasks"
    Path("all.json").write_text(json.dumps({"defaults": {section: usual}, section: [own]}), "utf-8")
    return "all.json"


WRITERS = pytest.mark.parametrize("write", [as_json, as_lines, as_table, as_default])
Write = Callable[[dict[str, str]], str]
IMAGE, TEXT = {"kind": "image", "prompt": "a cat"}, {"kind": "text", "prompt": "hello"}


@pytest.mark.slow
@WRITERS
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "row, path",
    [
        ({**IMAGE, "output": "shop/cat.png"}, "outputs/all/shop/cat.png"),
        ({**IMAGE, "output": "{prompt}.png"}, "outputs/all/a-cat.png"),
        ({**IMAGE, "output": "~/shop/cat.png"}, "home/shop/cat.png"),
        ({**TEXT, "output": "answer.md"}, "outputs/all/answer.md"),
        ({**IMAGE, "output": "cat.png/", "name": "x"}, "outputs/all/cat.png/x.png"),
        ({**IMAGE, "output": "v1.5", "name": "x"}, "outputs/all/v1.5/x.png"),
        ({**IMAGE, "output": "~/shop", "name": "x"}, "home/shop/x.png"),
    ],
    ids=lambda value: value["output"] if isinstance(value, dict) else "",
)
@pytest.mark.few(4)
def test_a_row_may_name_its_file(bailian: Run, write: Write, row: dict[str, str], path: str) -> None:
    source = write(row)
    assert bailian("batch", "run", source).paths == [Path(path)]
    assert bailian("batch", "run", source).out == "", "a second run has nothing to do"


@WRITERS
@pytest.mark.parametrize(
    "row, says",
    [
        ({**IMAGE, "output": "cat.jpg"}, "a file ends in png, not in jpg"),
        ({**IMAGE, "output": "cat.mp3"}, "a file ends in png, not in mp3"),
        ({**TEXT, "output": "answer.png"}, "a file ends in txt, md"),
        ({**IMAGE, "output": "cat.png", "name": "dog"}, "stands beside an output that is a file"),
        ({**IMAGE, "output": "~/../x"}, "not a name below"),
        ({**IMAGE, "output": "/etc"}, "not a name below"),
    ],
    ids=lambda value: value["output"] if isinstance(value, dict) else "",
)
@pytest.mark.few(2)
def test_an_output_of_a_row_that_cannot_be(
    bailian: Run, box: Sandbox, write: Write, row: dict[str, str], says: str
) -> None:
    assert says in bailian("batch", "run", write(row), exits=2).err
    assert box.requests == []


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_rows_of_one_name_are_numbered(bailian: Run) -> None:
    """A changed row is a new one: what its file is called is said, and the first one stays."""
    bailian("batch", "run", as_json({**IMAGE, "output": "cat.png"}))
    before = Path("outputs/all/cat.png").read_bytes()
    ran = bailian("batch", "run", as_json({**IMAGE, "prompt": "a dog", "output": "cat.png"}))
    assert ran.paths == [Path("outputs/all/cat-2.png")]
    assert "cat.png exists already: the result is cat-2.png" in ran.err
    assert Path("outputs/all/cat.png").read_bytes() == before


# ── Python ──


@pytest.mark.slow
def test_the_same_from_python(box: Sandbox, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", box.base_url)
    made = toolkit.text2image("a cat", output="new/cat.png", timeout_s=60)
    assert made.files == (Path("new/cat.png").absolute(),)
    several = toolkit.text2image("a cat", n=2, output=Path("new/two.png"), timeout_s=60)
    assert [path.name for path in several.files] == ["two_1.png", "two_2.png"]
    for output, says in {"new/cat.png": "exists already", "cat.jpg": "png, not in jpg", "-": "no place"}.items():
        with pytest.raises(InvalidRequest, match=says):
            toolkit.text2image("a cat", output=output, timeout_s=60)
    assert posts(box) == 2


# ── any word ──


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))), st.sampled_from([(), ("png",)]))
def test_every_word_is_a_place_or_a_refusal(word: str, suffixes: tuple[str, ...]) -> None:
    """And what is called a file is that very file."""
    try:
        place = place_of(word, suffixes)
    except InvalidRequest:
        assert suffixes
        return
    if place.stem is not None and not word.startswith("~"):
        assert place.files(1) == [Path(word)]
    below = row_place(word, suffixes)
    assert below.suffix is None or below.suffix.lower() in RESULTS


@posix_only
def test_a_link_that_leads_nowhere_has_the_name(tmp_path: Path) -> None:
    (tmp_path / "cat.png").symlink_to("nowhere")
    with pytest.raises(InvalidRequest, match="exists already"):
        refuse_existing([tmp_path / "cat.png"])
