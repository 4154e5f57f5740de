"""Each README is followed word for word by a newcomer: an empty home, a new clone, nothing set, and no file of their own.

The commands are read out of the page itself. What each prints is compared with what the page shows, but for times and ids.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.newcomer import bare, copy_of_the_clone
from tests.support.processes import posix_only
from tests.support.setting import ROOT
from tests.support.walked_pages import differs, examples, walked

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    posix_only,
    pytest.mark.skipif(shutil.which("git") is None or shutil.which("jq") is None, reason="the examples use git and jq"),
]
SCRIPTS = ("text2image", "image_edit", "wanx_edit", "text2video", "text2text", "audio")
PAGES = {"README.md": {}, "README.zh-CN.md": {"LANG": "zh_CN.UTF-8"}}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone with a commit, of what is here."""
    folder = copy_of_the_clone(tmp_path / "bailian")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "The toolkit"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_who_follows_the_readme_has_all_that_it_shows(clone: Path, tmp_path: Path, page: str) -> None:
    text = (clone / page).read_text(encoding="utf-8")
    (tmp_path / "home").mkdir()
    env = bare(tmp_path / "home", **PAGES[page])
    install = re.findall(r"^python3 -m venv .* --sandbox$", text, re.MULTILINE)
    settings = [f"export {word}" for word in re.findall(r"`(BAILIAN_SANDBOX=1)`", text)]
    assumed = [*re.findall(r"`(\. \.venv/bin/activate)`", text), *settings]
    assert (len(install), len(assumed)) == (1, 2)
    found = examples(text)
    *begun, _, _ = said = walked(clone, env, [*install, *assumed, *(example.line for example in found)])
    assert len(said) == len(found) + 3, begun[-1]
    assert said[0].endswith(" 0"), said[0]
    assert list(clone.glob("outputs/*.png")), said[0]
    wrong = [told for example, answer in zip(found, said[3:], strict=True) for told in differs(example, answer, clone)]
    assert not wrong, "\n".join(wrong)
    made = {suffix for suffix in (".png", ".mp4", ".wav", ".srt", ".html") if any(clone.rglob(f"*{suffix}"))}
    assert made == {".png", ".mp4", ".wav", ".srt", ".html"}


LATER_PAGES = ("agents", "edits", "history", "install")


@pytest.mark.parametrize("page", [f"docs/{page}{tail}" for page in LATER_PAGES for tail in (".md", ".zh-CN.md")])
def test_the_pages_behind_it_show_what_is_seen(tmp_path: Path, page: str) -> None:
    """For who has the README behind them: installed, in a folder of their own."""
    (tmp_path / "newcomer").mkdir()
    (tmp_path / "work").mkdir()
    bin_folder = f"{Path(sys.executable).parent}{os.pathsep}"
    env = bare(tmp_path / "newcomer", BAILIAN_SANDBOX="1", **({"LANG": "zh_CN.UTF-8"} if "zh" in page else {}))
    env["PATH"] = bin_folder + env["PATH"]
    begin = [f"ln -s {ROOT}/{name}.py" for name in SCRIPTS]
    found = examples((ROOT / page).read_text(encoding="utf-8"))
    said = walked(tmp_path / "work", env, [*begin, *(example.line for example in found)])[len(begin) :]
    wrong = [
        told
        for example, answer in zip(found, said, strict=True)
        for told in differs(example, answer, tmp_path / "work")
    ]
    assert not wrong, "\n".join(wrong)
