"""What the READMEs show is what the code does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import Run
from tests.support.setting import ROOT

CONFIGS = sorted(path for path in (ROOT / "configs").iterdir() if not path.name.startswith("."))
SCRIPTS = {
    "image": ["text2image"],
    "video": ["text2video"],
    "text": ["text2text"],
    "speech": ["audio", "tts"],
    "transcription": ["audio", "asr"],
}


@pytest.mark.slow
def test_the_generated_blocks_are_up_to_date() -> None:
    """Help texts, exit codes and the table of models in both READMEs are the code's own."""
    ran = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "readme_blocks.py"), "--check"], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_both_readmes_have_the_same_two_commands() -> None:
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
    commands = re.findall(r"^python3 -m venv.*$", english, re.MULTILINE)
    assert len(commands) == 2
    assert re.findall(r"^python3 -m venv.*$", chinese, re.MULTILINE) == commands


def test_a_readme_is_read_in_one_sitting_and_each_page_stands_in_both_languages() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 250, name
    english_only = {"architecture", "glossary", "wire"}
    pages = {page.name.removesuffix(".md") for page in ROOT.glob("docs/*.md")}
    assert {page for page in pages if ".zh-CN" not in page} - english_only == {
        page.removesuffix(".zh-CN") for page in pages if page.endswith(".zh-CN")
    }
    for page in pages - english_only:
        readme = "README.zh-CN.md" if page.endswith(".zh-CN") else "README.md"
        assert f"](docs/{page}.md)" in (ROOT / readme).read_text(encoding="utf-8"), page


PAGES = sorted(str(page.relative_to(ROOT)) for page in (*ROOT.glob("*.md"), *ROOT.glob("[bd]*/**/*.md")))


def anchors(page: Path) -> set[str]:
    """Return where a link into a page can lead: its headings, as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_to_files_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for target, _, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(#([^)]+))?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
        assert not anchor or anchor in anchors(page.parent / target if target else page), (target, anchor)


@pytest.mark.slow
@pytest.mark.few(4)
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_every_example_config_runs(request: pytest.FixtureRequest, config: Path) -> None:
    """`video.json` is for text2video.py, `image….json` for text2image.py, `batch….…` for `bailian batch run`, …"""
    stem = config.stem.partition("-")[0]
    run: Run
    if stem == "batch":
        run = request.getfixturevalue("bailian")
        ran = run("batch", "run", str(config))
        assert all(path.is_file() for path in ran.paths)
        assert len(ran.paths) >= len(Path("outputs", config.stem, "results.jsonl").read_text("utf-8").splitlines())
        return
    script, *words = SCRIPTS.get(stem, [stem])
    run = request.getfixturevalue(script)
    assert run(*words, "--config", str(config)).out


def test_the_combined_example_of_the_readmes_is_the_config() -> None:
    config = json.loads((ROOT / "configs" / "batch.json").read_text(encoding="utf-8"))
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
        assert config in blocks, name
