"""The home folder is its owner's alone, whatever the umask; `doctor` and every run speak of a key that others can read.
A broken file of the user stops neither `--help` nor `doctor`."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bailian.sandbox import Fault, Sandbox
from bailian.store.private import private_file, private_folder
from tests.support.commands import Run
from tests.support.journals import ON_SERVER
from tests.support.setting import KEY, ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes of files")


@pytest.fixture(params=[0o000, 0o022], ids=["umask 000", "umask 022"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def loose(home: Path) -> list[str]:
    """Return what below the home has other modes than 0700 and 0600."""
    found = []
    for path in (home, *home.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode != (0o700 if path.is_dir() else 0o600):
            found.append(f"{mode:o} {path.relative_to(home)}")
    return found


def white_png() -> str:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (512, 512), "white").save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


@pytest.mark.usefixtures("umask")
@pytest.mark.sqlite
@pytest.mark.slow
def test_everything_below_the_home_after_a_busy_session(
    box: Sandbox, text2image: Run, image_edit: Run, audio: Run, text2text: Run, bailian: Run
) -> None:
    """Each way in which something gets there; the files that a person asked for keep to the person's umask."""
    home, seen = Path("bailian"), set()

    def look() -> None:
        seen.update(path.relative_to(home).parts[0] for path in home.rglob("*"))
        assert loose(home) == []

    text2image("猫", "--size", "512*512")
    image_edit("把背景改成红色", "--image", white_png())
    look()
    audio("tts", "你好。" * 400, "--format", "wav")
    audio("asr", "https://example.com/a.mp3")
    look()
    text2image("狗", "--size", "512*512", "-o", "-")
    text2text("你好")
    Path("all.json").write_text(json.dumps({"text_tasks": [{"prompt": "一"}, {"prompt": "二"}]}), encoding="utf-8")
    bailian("batch", "run", "all.json")
    bailian("batch", "run", "all.json", "--fresh", "--batch-api", exits=None)
    look()
    box.faults.add(Fault(on="download", kind="reset_before", times=99))
    audio("asr", "https://example.com/b.mp3", "--timeout", "3", exits=None)
    text2image("猫", "--sandbox", "--size", "512*512")
    bailian("cost")
    look()
    assert {"journal.sqlite3", "pace.sqlite3", "running", "inputs", "sandbox"} <= seen
    assert all(path.stat().st_mode & 0o044 for path in Path("outputs").glob("*.png"))


@pytest.mark.sqlite
def test_a_home_that_others_could_read_is_tightened_by_the_next_run(text2image: Run) -> None:
    home = Path("bailian")
    for folder in (home, home / "running", home / "inputs"):
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)
    text2image("猫", "--size", "512*512")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home, home / "running")} == {0o700}


def test_missing_folders_above_are_private_too(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_file(tmp_path / "a" / "b" / "c").write_text("x", encoding="utf-8")
    finally:
        os.umask(before)
    assert loose(tmp_path / "a") == []
    (tmp_path / "a" / "b" / "c").chmod(0o666)
    (tmp_path / "a").chmod(0o755)
    private_file(tmp_path / "a" / "b" / "c")
    private_folder(tmp_path / "a")
    assert loose(tmp_path / "a") == []
    assert (tmp_path / "a" / "b" / "c").read_text(encoding="utf-8") == "x"


# ── the key, and files of the user ──


@pytest.fixture
def key_file(bailian: Run, text2image: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = Path("home/.dashscope/api_key")
    path.parent.mkdir(parents=True)
    path.write_text(KEY, encoding="utf-8")
    path.chmod(0o644)
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    return path


@pytest.mark.slow
def test_a_key_that_others_can_read_is_said_with_the_command(key_file: Path, bailian: Run, text2image: Run) -> None:
    """By `doctor` and, once, by each run; a private one is not spoken of."""
    said = f"{key_file.absolute()} can be read by other users: chmod 600 {key_file.absolute()}"
    assert said in bailian("doctor").out
    assert said in bailian("doctor", "--json").json["readable"]
    assert text2image("猫", "--size", "512*512").err.count(said) == 1
    assert bailian("tasks", "list").err.count(said) == 1
    assert said not in text2image("猫", "--size", "512*512", "--quiet").err
    key_file.chmod(0o600)
    assert "can be read" not in bailian("doctor").out + text2image("猫", "--size", "512*512").err


def test_doctor_speaks_of_a_home_that_others_can_read(bailian: Run) -> None:
    home = Path("bailian")
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    assert f"chmod 700 {home.absolute()}" in bailian("doctor").out


BROKEN = {
    "settings.toml": "[budget]\nday_cny = nan\n",
    "models.toml": '[models."wan2.2-t2i-flash"]\nprice_cny = -5\n',
}
if not ON_SERVER:
    BROKEN["journal.sqlite3"] = ""


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.few(1)
def test_a_broken_file_stops_neither_help_nor_doctor(name: str, bailian: Run, text2image: Run, box: Sandbox) -> None:
    """`doctor` tells of it beside all else it knows; the run itself sends nothing."""
    home = Path("bailian")
    home.mkdir()
    (home / name).write_text(BROKEN[name], encoding="utf-8")
    facts = bailian("doctor", "--json", exits=3).json
    assert name in str(facts["problem"])
    assert facts["advice"]
    assert {"toolkit", "base_url", "key", "home"} <= set(facts)
    assert name in bailian("doctor", exits=3).out
    assert name in text2image("猫", exits=3).err
    assert not [entry for entry in box.requests if entry.method == "POST"]
    for words in (["text2image.py", "--help"], ["-m", "bailian", "--help"], ["-m", "bailian", "doctor", "--help"]):
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        words = [str(ROOT / words[0]), *words[1:]] if words[0].endswith(".py") else words
        assert subprocess.run([sys.executable, *words], env=env, capture_output=True, check=False).returncode == 0


def test_doctor_tells_of_all_broken_files_at_once(bailian: Run) -> None:
    Path("bailian").mkdir()
    for name, content in BROKEN.items():
        (Path("bailian") / name).write_text(content, encoding="utf-8")
    problem = str(bailian("doctor", "--json", exits=3).json["problem"])
    assert all(name in problem for name in BROKEN)
