"""The toolkit as people install it: what arrives, and the line that adds a part to it where they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from bailian.cli.output import own_install
from bailian.text import quoting
from tests.support.newcomer import bare, copy_of_the_clone
from tests.support.processes import posix_only
from tests.support.setting import ROOT

METADATA = """Metadata-Version: 2.1
Name: bailian-toolkit
Version: 9
Requires-Dist: {here} ; extra == 'sandbox'
Requires-Dist: no-such-thing>=1 ; extra == "keyring"
"""
Table = list[tuple[str | None, dict[str, Any], bool, str]]
LINES: Table = [
    (None, {}, True, "PYTHON -m pip install \"./the clone[keyring]\""),
    (None, {"editable": True}, True, "PYTHON -m pip install -e \"./the clone[keyring]\""),
    (None, {"editable": True}, False, "uv pip install --python PYTHON -e \"./the clone[keyring]\""),
    ("uv-receipt.toml", {}, False, "uv tool install --force \"./the clone[sandbox,keyring]\""),
    ("pipx_metadata.json", {}, False, "pipx install --force \"./the clone[sandbox,keyring]\""),
]  # fmt: skip


@pytest.mark.parametrize("receipt, how, has_pip, line", LINES)
def test_a_part_is_added_in_the_way_it_was_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, receipt: str | None, how: dict[str, Any], has_pip: bool, line: str
) -> None:
    """By pip, pipx or uv, from the folder or wheel that it came from; uv and pipx keep what was added before."""
    clone, known = Path("the clone").absolute(), tmp_path / "site" / "bailian_toolkit-9.dist-info"
    clone.mkdir()
    known.mkdir(parents=True)
    (known / "METADATA").write_text(METADATA.format(here="pytest"), encoding="utf-8")
    (known / "direct_url.json").write_text(json.dumps({"url": clone.as_uri(), "dir_info": how}), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(util, "find_spec", lambda _name: has_pip or None)
    if receipt:
        (tmp_path / receipt).write_text("", encoding="utf-8")
    assert own_install.line_that_adds("keyring", "PYTHON") == line.replace("./", f".{os.sep}")


@pytest.mark.parametrize(
    "system, word, typed",
    [
        ("nt", "C:\\Users\\me\\x.png", "C:\\Users\\me\\x.png"), ("nt", "a cat", '"a cat"'), ("nt", 'a "b"', '"a \\"b\\""'),
        ("nt", "", '""'), ("posix", "a cat", "'a cat'"), ("posix", "x.png", "x.png"),
    ],
)  # fmt: skip
def test_what_is_pasted_fits_the_shell(monkeypatch: pytest.MonkeyPatch, system: str, word: str, typed: str) -> None:
    monkeypatch.setattr(quoting, "ON_WINDOWS", system == "nt")
    assert quoting.line_of(["--image", word]) == f"--image {typed}"


def test_no_text_sends_anybody_to_a_registry() -> None:
    """The toolkit is on none: who asks one for its name gets somebody else's."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bailian/**/*.md"), *ROOT.glob("bailian/**/*.py")]
    named = re.compile(
        r"""install\s+(?:-\S+\s+)*["']?bailian(?!_toolkit-…\.whl)|https?://(?:[\w.-]*\.)?(?:pypi|pythonhosted)\."""
    )
    assert [(page.name, found[0]) for page in pages if (found := named.search(page.read_text(encoding="utf-8")))] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of what is here."""
    folder = tmp_path_factory.mktemp("wheel")
    clone = copy_of_the_clone(folder / "clone")
    words = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(clone)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    (made,) = folder.glob("*.whl")
    return made


@pytest.mark.slow
@pytest.mark.process
def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """No module of a common name beside it; the types, the catalog and the Chinese words are in it."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names} == {"bailian", f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"}
    wanted = {
        "py.typed",
        "catalog/models/image.toml",
        *(f"batch/output/page/{path.name}" for path in (ROOT / "bailian/batch/output/page").iterdir()),
        "cli/locale/zh/LC_MESSAGES/messages.mo",
    }
    assert {f"bailian/{name}" for name in wanted} <= names


@pytest.mark.slow
@pytest.mark.process
@posix_only
@pytest.mark.parametrize("tool", ["pip", "pipx", "uv tool"])
def test_installed_by_each_tool_it_makes_a_picture(wheel: Path, tmp_path: Path, tool: str) -> None:
    """From the wheel, in an environment of its own, and only `bailian` of ours is on the PATH."""
    venv.create(tmp_path / "tools", with_pip=True)
    bin_folder, home = tmp_path / "tools/bin", tmp_path / "newcomer"
    home.mkdir()
    here = {
        f"{name}_{place}": str(tmp_path / name / place) for name in ("PIPX", "UV") for place in ("HOME", "CACHE_DIR")
    }
    env = bare(home, **here, PIPX_BIN_DIR=str(tmp_path / "bin"), UV_TOOL_DIR=str(tmp_path / "uv-tools"), UV_TOOL_BIN_DIR=str(tmp_path / "bin"))  # fmt: skip
    program = tool.split()[0]
    if program != "pip":
        subprocess.run([bin_folder / "pip", "install", "-q", program], env=env, check=True)
    subprocess.run([bin_folder / program, *tool.split()[1:], "install", f"{wheel}[sandbox]"], env=env, check=True)
    found = tmp_path / "tools/bin" if program == "pip" else tmp_path / "bin"
    words = [str(found / "bailian"), "text2image", "猫", "--sandbox", "-o", "cat.png"]
    subprocess.run(words, env={"PATH": "/usr/bin:/bin", "HOME": str(home)}, cwd=tmp_path, check=True)
    assert (tmp_path / "cat.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in found.iterdir() if path.suffix == ".py" or "2image" in path.name] == []
