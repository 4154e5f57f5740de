"""Results on file systems and in locales that refuse their names: each gets another name, and nothing is paid twice.

eCryptfs (encrypted homes, Synology's encrypted folders) takes names of 143 bytes: 40 Chinese characters and a date are
156. A locale like GBK or Latin-1 lacks characters that a prompt from a UTF-8 file has.
"""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bailian.engine.steps import file_names
from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.engines import jobs
from tests.support.file_names import ECRYPTFS_MAX_BYTES, refusing
from tests.support.processes import environment, posix_only
from tests.support.setting import ROOT

pytestmark = pytest.mark.slow

LONG = "很" * 40
OUTPUTS = Path("outputs")
LOOKS, CREATES = ("lstat", "stat"), ("link", "open", "mkdir", "replace", "rename")


def too_long(part: str) -> bool:
    return len(os.fsencode(part)) > ECRYPTFS_MAX_BYTES


def not_ascii(part: str) -> bool:
    return not part.isascii()


@contextmanager
def file_system(refuse: Callable[[str], bool], number: int, *, at_a_look: bool = True) -> Iterator[None]:
    """Every name that the system is asked to make, and perhaps to look for, may be refused."""
    file_names._folder.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        for name in (*CREATES, *(LOOKS if at_a_look else ())):
            patched.setattr(os, name, refusing(getattr(os, name), refuse, number))
        patched.setattr(io, "open", refusing(io.open, refuse, number))
        yield
    file_names._folder.cache_clear()


SYSTEMS: dict[str, tuple[Callable[[str], bool], int, bool]] = {
    "143 bytes (eCryptfs)": (too_long, errno.ENAMETOOLONG, True),
    "143 bytes, said when it is made": (too_long, errno.ENAMETOOLONG, False),
    "no such characters (exFAT, FAT)": (not_ascii, errno.EINVAL, True),
    "no such characters (ZFS, APFS)": (not_ascii, errno.EILSEQ, False),
}
on_every_system = pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)
FIRST_AND_LAST = (*SYSTEMS,)[:: len(SYSTEMS) - 1]
on_two_systems = pytest.mark.parametrize("system", [SYSTEMS[name] for name in FIRST_AND_LAST], ids=FIRST_AND_LAST)
System = tuple[Callable[[str], bool], int, bool]


def mounted(system: System) -> Any:
    refuse, number, at_a_look = system
    return file_system(refuse, number, at_a_look=at_a_look)


def made(folder: Path = OUTPUTS) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def write(value: Any) -> str:
    Path("all.json").write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return "all.json"


# ── one request ──


@on_every_system
def test_pictures_get_another_name_and_keep_what_tells_them_apart(text2image: Run, system: System) -> None:
    """Date, model, seed and number stay; the sidecar stands beside; one sentence says so, and no advice is needed."""
    with mounted(system):
        ran = text2image(LONG, "--n", "2", "--seed", "41", "--sidecar")
    assert made() == sorted(path for own in ran.paths for path in (own, own.with_name(f"{own.name}.json")))
    for number, path in enumerate(ran.paths, 1):
        assert not system[0](path.name)
        assert path.name.endswith(f"_s{40 + number}_{number}.png")
        assert "_wan2.2-t2i-flash" in path.name
    assert ran.err.count("is not possible here") == 2
    assert "error" not in ran.err


@on_two_systems
def test_a_name_that_is_taken_there_too_stays_its_owners(text2image: Run, system: System) -> None:
    with mounted(system):
        (first,) = text2image("一", "--name", LONG * 2, "--seed", "1").paths
        before = first.read_bytes()
        (second,) = text2image("二", "--name", LONG * 2, "--seed", "1").paths
    assert first != second
    assert first.read_bytes() == before
    assert len(made()) == 2


@on_two_systems
def test_a_folder_of_the_template_gets_another_name(text2image: Run, system: System) -> None:
    with mounted(system):
        (path,) = text2image(
            LONG, "--name", f"{{model}}/{LONG}{LONG}/{{prompt}}{{prompt}}_{{seed}}", "--seed", "7"
        ).paths
    assert path.parts[:2] == ("outputs", "wan2.2-t2i-flash")
    assert not any(map(system[0], path.parts))
    assert "s7" in path.stem


@on_two_systems
def test_what_a_former_process_left_is_saved(text2image: Run, bailian: Run, box: Sandbox, system: System) -> None:
    """`tasks wait`, into the folder it was to go to and into another one."""
    for seed in ("1", "2"):
        text2image(LONG, "--no-wait", "--seed", seed)
    with mounted(system):
        (one,) = bailian("tasks", "wait", box.tasks[0].task_id).paths
        ran = bailian("tasks", "wait", "--all", "-o", "elsewhere")
    (other,) = ran.paths
    assert (made(), made(Path("elsewhere"))) == ([one], [other])
    assert "is not possible here" in ran.err
    assert [job.state for job in jobs()] == ["done", "done"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_around_the_other_name_leaves_one_file(text2image: Run, bailian: Run, when: str) -> None:
    """The journal knew the first name only; what follows from it is looked for as well."""
    with file_system(too_long, errno.ENAMETOOLONG, at_a_look=False):
        link = os.link

        def killed(source: Path, target: Path) -> None:
            if target.suffix != ".png":
                return link(source, target)
            if when == "after" or too_long(target.name):
                link(source, target)
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(os, "link", killed)
            text2image(LONG, "--seed", "7", exits=130)
        ran = bailian("tasks", "wait", "--all")
    assert made() == ran.paths
    assert len(ran.paths) == 1
    assert [job.state for job in jobs()] == ["done"]


def test_other_refusals_are_no_question_of_names(text2image: Run, bailian: Run) -> None:
    """A full disk refuses every name: it is said, and no second name is tried."""
    tried: list[str] = []
    link = os.link

    def full(source: Path, target: Path) -> None:
        if target.suffix != ".png":
            return link(source, target)
        tried.append(target.name)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "link", full)
        assert "No space left" in text2image("猫", exits=5).err
    assert len(tried) == 1
    assert len(bailian("tasks", "wait", "--all").paths) == 1


# ── many ──

ALL_KINDS = {
    "image_tasks": [{"prompt": LONG, "n": 2}, {"prompt": "猫", "name": LONG * 2}, {"prompt": "短", "output": LONG * 2}],
    "video_tasks": [{"prompt": LONG, "model": "wanx2.1-t2v-turbo"}],
    "text_tasks": [{"prompt": f"{LONG}{number}", "name": LONG * 2} for number in range(4)],
    "speech_tasks": [{"text": "你好。再见。", "name": LONG * 2, "model": "sambert-zhichu-v1", "subtitles": "srt"}],
}


@on_two_systems
@pytest.mark.usefixtures("quick")
@pytest.mark.few(1)
def test_every_kind_of_file_of_a_batch_is_saved(bailian: Run, box: Sandbox, system: System) -> None:
    """Pictures, a film, texts, a sound with its subtitles, their sidecars, results and gallery; at the first run."""
    rows = write(ALL_KINDS)
    with mounted(system):
        ran = bailian("batch", "run", rows, "--sidecar")
        again = bailian("batch", "run", rows, "--sidecar", "--cron")
    assert ran.err.count("is not possible here") == 1, "once is enough"
    folder = OUTPUTS / "all"
    assert not [path for path in made(folder) if any(map(system[0], path.relative_to(folder).parts))]
    suffixes = [path.suffix for path in ran.paths]
    assert sorted(suffixes) == [".mp4", *[".png"] * 4, ".srt", *[".txt"] * 4, ".wav"]
    assert all(path.with_name(f"{path.name}.json").is_file() for path in ran.paths)
    sound, titles = (next(path for path in ran.paths if path.suffix == suffix) for suffix in (".wav", ".srt"))
    assert sound.stem == titles.stem
    records = [json.loads(line) for line in (folder / "results.jsonl").read_text("utf-8").splitlines()]
    assert {record["state"] for record in records} == {"done"}
    assert sorted(Path(name) for record in records for name in record["files"]) == sorted(
        p.absolute() for p in ran.paths
    )
    assert (folder / "gallery.html").is_file()
    assert [path.name for path in made(folder) if path.name.startswith(".")] == [".bailian-batch"]
    assert (again.out, again.err) == ("", "")
    assert len(box.tasks) == 4


@pytest.mark.usefixtures("quick")
def test_a_kill_around_the_other_name_of_a_text_leaves_one_file(bailian: Run, box: Sandbox) -> None:
    """Texts of a batch get their names before the journal has them: what the dead process made is found."""
    rows = write(
        {"text_tasks": [{"prompt": f"{LONG}{number}", "name": f"{LONG}{LONG}_{number}"} for number in range(3)]}
    )
    with file_system(too_long, errno.ENAMETOOLONG, at_a_look=False):
        link, linked = os.link, []

        def killed(source: Path, target: Path) -> None:
            link(source, target)
            if target.suffix != ".txt":
                return
            linked.append(target)
            if len(linked) == 3:  # all answers are in the journal by then: what is under way is another test's
                raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(os, "link", killed)
            bailian("batch", "run", rows, exits=130)
        assert len(linked) == 3
        bailian("batch", "run", rows)
    assert len([path for path in made() if path.suffix == ".txt"]) == 3
    assert len(box.sync_calls) == 3


@pytest.mark.usefixtures("quick")
def test_a_file_that_cannot_be_saved_ends_nothing_but_its_own_row(bailian: Run, box: Sandbox) -> None:
    """Its folder is a file. `--cron` says so at each run while it is so; the other rows are saved at the first one."""
    in_the_way = OUTPUTS / "all/dogs"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file", encoding="utf-8")
    rows = write(
        {"image_tasks": [{"prompt": "狗", "output": "dogs"}, {"prompt": "犬", "output": "dogs"}, {"prompt": "猫"}]}
    )
    for _ in range(2):
        ran = bailian("batch", "run", rows, "--cron", exits=6)
        assert ran.err.count("cannot write") == 1
        assert "dogs" in ran.err
        assert "done 1, running 2" in ran.err
    assert len(list(OUTPUTS.rglob("*猫*.png"))) == 1
    bailian("tasks", "wait", "--all", exits=5)
    in_the_way.unlink()
    ran = bailian("batch", "run", rows, "--cron")
    assert (ran.out, ran.err) == ("", "")
    assert len(list((OUTPUTS / "all/dogs").glob("*.png"))) == 2
    assert len(box.tasks) == 3


@pytest.mark.usefixtures("quick")
def test_one_result_that_cannot_be_saved_keeps_no_other_from_being_fetched(text2image: Run, bailian: Run) -> None:
    for folder in ("a", "b", "c"):
        text2image("猫", "--no-wait", "-o", folder)
    shutil.rmtree("b")
    Path("b").write_text("a file", encoding="utf-8")
    ran = bailian("tasks", "wait", "--all", exits=7)
    assert sorted(path.parts[0] for path in ran.paths) == ["a", "c"]
    assert "cannot write" in ran.err


# ── locales ──

BATCH = """
{"image_tasks": [{"prompt": "一只한국𠮷猫", "seed": 7}, {"prompt": "cat", "output": "图片한국"},
                 {"prompt": "é", "name": "{prompt}한국/{seed}𠮷", "seed": 3}],
 "text_tasks": [{"prompt": "写한국𠮷"}, {"prompt": "好한국", "output": "한국"}],
 "speech_tasks": [{"text": "你好", "name": "한국", "model": "sambert-zhichu-v1"}]}
"""
ENCODINGS = {"ascii": "C", "latin-1": "en_US.ISO-8859-1", "gbk": "zh_CN.GBK"}
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture(params=ENCODINGS)
def locale(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Return the variables of a locale whose encoding lacks characters, made for this test where the machine can."""
    name = ENCODINGS[request.param]
    if name != "C":
        language, _, charmap = name.partition(".")
        words = ["localedef", "-i", language, "-f", charmap, str(tmp_path / name)]
        if not shutil.which("localedef") or subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("needs localedef and its sources")
    return {**ASCII, "LC_ALL": name, "LOCPATH": str(tmp_path)}


def ran_in(locale: dict[str, str], box: Sandbox, *words: str) -> str:
    """Run a command as a process of its own in a locale; return what it printed."""
    env = {**environment(box), **locale}
    ran = subprocess.run([sys.executable, *words], capture_output=True, env=env, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert b"Traceback" not in ran.stderr
    return ran.stdout.decode("gbk", "replace")


@posix_only
@pytest.mark.usefixtures("quick")
@pytest.mark.few(1)
def test_a_batch_in_a_locale_without_the_characters(box: Sandbox, locale: dict[str, str]) -> None:
    """Prompts, folders and names from a UTF-8 file: every row is saved at the first run, with all that tells them apart."""
    Path("all.json").write_text(BATCH, encoding="utf-8")
    said = ran_in(locale, box, "-m", "bailian", "batch", "run", "all.json", "--sidecar")
    assert len(said.splitlines()) == 6
    records = (OUTPUTS / "all/results.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(record)["state"] for record in records] == ["done"] * 6
    paths = [path for path in made() if path.suffix in (".png", ".txt", ".wav")]
    assert len(paths) == 6
    assert all(path.with_name(f"{path.name}.json").is_file() for path in paths)
    assert [path for path in paths if "_s7" in path.name and "wan2.2-t2i-flash" in path.name]
    assert (OUTPUTS / "all/gallery.html").is_file()


@posix_only
@pytest.mark.usefixtures("quick")
@pytest.mark.slow
def test_one_request_in_such_a_locale(box: Sandbox, text2image: Run) -> None:
    """It is made and fetched there, by `tasks wait -o` too; what a process under UTF-8 has made is no traceback."""
    Path("one.json").write_text('{"prompt": "한국𠮷", "seed": 5}', encoding="utf-8")
    made_there = ran_in(ASCII, box, str(ROOT / "text2image.py"), "--config", "one.json")
    assert made_there.strip().endswith("_wan2.2-t2i-flash_s5.png")
    text2image("--config", "one.json")
    text2image("--config", "one.json", "--no-wait")
    ran_in(ASCII, box, "-m", "bailian", "tasks", "wait", "--all", "-o", "elsewhere")
    assert len(made(Path("elsewhere"))) == 1
    again = ran_in(ASCII, box, "-m", "bailian", "tasks", "wait", box.tasks[1].task_id)
    assert Path(again.strip()).is_file()
    assert len(box.tasks) == 3
