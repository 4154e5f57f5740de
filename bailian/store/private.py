"""What is below the home folder is its owner's alone, whatever the umask: folders 0700, files 0600."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from bailian.errors import SetupError
from bailian.i18n import tr

OTHERS = 0o077


def private_folder(path: Path) -> Path:
    """Make a folder, and those above it that are missing, for the owner alone; tighten one that is there.

    Raises:
        OSError: it cannot be made.
    """
    missing = []
    above = path
    while not above.exists():
        missing.append(above)
        above = above.parent
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    _tighten(path, 0o700)
    return path


def private_file(path: Path) -> Path:
    """Make an empty file for the owner alone, or tighten one that is there; who opens it for writing keeps its mode.

    Raises:
        OSError: it cannot be made.
    """
    private_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    _tighten(path, 0o600)
    return path


def open_to_others(path: Path) -> bool:
    """Return whether other users of this machine may read a file or a folder. Windows tells it by other means."""
    try:
        return os.name != "nt" and bool(path.stat().st_mode & OTHERS)
    except OSError:
        return False


def _tighten(path: Path, mode: int) -> None:
    if open_to_others(path):
        with suppress(OSError):  # another user's: it is theirs to say
            path.chmod(mode)


NO_HOME = Path(os.devnull) / "no-home"
"""Nothing can be read or written there."""


def no_home() -> SetupError:
    return SetupError(
        tr(
            "there is no folder for the journal: HOME is not set, and the system does not know this user's home",
            "没有可存放日志的目录：未设置 HOME，系统中也没有该用户的主目录",
        ),
        advice=tr(
            "set BAILIAN_HOME=/a/folder that can be written and stays: what is paid is known from there",
            "请设置 BAILIAN_HOME=/可写且会保留的目录：已付费的结果记录在其中",
        ),
    )
