"""`bailian text2image …` is text2image.py, and what is advised can be pasted where the user is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bailian.cli.main import REQUEST_COMMANDS
from bailian.cli.output.shell_words import SCRIPTS, ShellWords
from bailian.instructions import DOORS
from tests.support.commands import Run
from tests.support.setting import ROOT


def options_of(page: str) -> str:
    """Return what stands in a page of help between what the command does and the examples."""
    return page.partition(":\n")[2].partition("Examples:")[0]


@pytest.mark.few(3)
@pytest.mark.parametrize("door", [door for kind, door in DOORS.items() if kind in SCRIPTS])
def test_each_script_is_a_command(bailian: Run, request: pytest.FixtureRequest, door: str) -> None:
    name, *sub = door.split()
    script: Run = request.getfixturevalue(name.replace("-", "_"))
    by_file, by_name = script(*sub, "--help").out, bailian(name, *sub, "--help").out
    assert options_of(by_name) == options_of(by_file)
    assert by_name.startswith(f"Usage: bailian {door}")
    assert options_of(bailian(name.replace("-", "_"), *sub, "--help").out) in by_name


def test_a_picture_by_the_one_command(bailian: Run) -> None:
    (picture,) = bailian("text2image", "猫", "-o", "猫.png").paths
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert bailian("show", "猫.png").out.splitlines()[-1].split()[1:4] == ["bailian", "text2image", "--model"]


def test_the_list_of_commands_loads_none() -> None:
    code = (
        "import sys; from bailian.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: print([m for m in sys.modules if m.startswith(('bailian.cli.scripts', 'bailian.cli.commands'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(name in done.stdout for name in REQUEST_COMMANDS)


def test_the_wheel_holds_the_package_alone() -> None:
    """The six files stay in the clone: modules named `audio` would be in everybody's way."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "py-modules = []" in text
    for script in SCRIPTS.values():
        file = ROOT / script.split()[0]
        assert file.read_text(encoding="utf-8").startswith("#!")
        assert os.name == "nt" or os.access(file, os.X_OK)


def started_as(monkeypatch: pytest.MonkeyPatch, program: str, path: str) -> ShellWords:
    monkeypatch.setattr(sys, "argv", [program])
    monkeypatch.setenv("PATH", path)
    return ShellWords()


def test_advice_is_in_the_form_that_works_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = Path(".venv", "Scripts" if os.name == "nt" else "bin").absolute()
    here.mkdir(parents=True)
    suffix = ".exe" if os.name == "nt" else ""
    for name in ("python", "bailian"):
        (here / (name + suffix)).write_bytes(b"")
        (here / (name + suffix)).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(here / f"python{suffix}"))
    beside = str(Path(".venv", here.name))

    words = started_as(monkeypatch, "text2image.py", str(here))
    assert words.command("tasks", "wait", "t") == "bailian tasks wait t"
    assert words.script("wanx_edit") == "python wanx_edit.py"
    assert words.caller("speech") == "audio.py tts"

    words = started_as(monkeypatch, str(Path("tools", "audio.py")), "")
    assert words.command("doctor") == str(Path(beside, f"bailian{suffix}")) + " doctor"
    python = str(Path(beside, f"python{suffix}"))
    assert words.script("image") == f"{python} {Path('tools', 'text2image.py')}"
    assert words.with_extra("sandbox").startswith(f"{python} -m pip install ")

    words = started_as(monkeypatch, str(here / "bailian"), str(here))
    assert words.script("transcription") == words.caller("transcription") == "bailian audio asr"

    (here / f"bailian{suffix}").unlink()
    assert started_as(monkeypatch, "bailian", "").script("image_edit") == f"{python} -m bailian image-edit"
