"""A clone as somebody gets it, and the environment of somebody who has set nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.setting import ROOT

PIP_SETTINGS = re.compile(r"pip_.*|(https?|no|all)_proxy|(ssl|curl|requests)_.*|ci|tmpdir", re.IGNORECASE)
"""What a machine needs to reach its index, as in .ci/run; of this one's variables no others."""


def copy_of_the_clone(folder: Path) -> Path:
    """Copy what a clone has, and what is not committed yet."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if shutil.which("git") is None:
        pytest.skip("no git")
    names = subprocess.run(listed, capture_output=True, check=False).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    if not folder.exists():
        pytest.skip("this is no clone")
    return folder


def bare(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of somebody who has set nothing. Pip may know an index of this machine."""
    for name in (".config/pip/pip.conf", ".pip/pip.conf"):
        if (Path.home() / name).is_file():
            (home / name).parent.mkdir(parents=True)
            shutil.copy2(Path.home() / name, home / name)
    pip = {name: value for name, value in os.environ.items() if PIP_SETTINGS.fullmatch(name)}
    for ours, pips in (("SSL_CERT_FILE", "PIP_CERT"), ("UV_DEFAULT_INDEX", "PIP_INDEX_URL")):  # uv has its own names
        if pips in pip:
            pip.setdefault(ours, pip[pips])
    python3 = Path(sys.executable).resolve().parent
    return {"PATH": f"{python3}{os.pathsep}{os.environ['PATH']}", "HOME": str(home), **pip, **more}
