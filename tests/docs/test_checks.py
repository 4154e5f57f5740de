"""One word for each check: the Makefile's targets are what CONTRIBUTING and the workflow name, on every Python we name."""

from __future__ import annotations

import re
from importlib import metadata

import pytest

from bailian import __version__
from tests.support.setting import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "checks.yml").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_every_target_is_phony() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) == TARGETS


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", ".github/workflows/checks.yml", ".ci/run"])
def test_the_targets_that_a_page_names_exist(page: str) -> None:
    named = re.findall(
        r"(?:`|run: |^|&& )make ([a-z][a-z -]*)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE
    )
    words = {word for targets in named for word in targets.split()}
    assert words <= TARGETS
    assert words or page == ".ci/run"


def test_the_workflow_checks_every_python_that_the_package_names() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (matrix,) = re.findall(r"python: \[(.+)\]", WORKFLOW)
    assert re.findall(r"Python :: (3\.\d+)", pyproject) == re.findall(r"3\.\d+", matrix)


def test_the_version_stands_in_one_place() -> None:
    assert metadata.version("bailian-toolkit") == __version__
    assert not re.search(r"^version *=.*\d", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
