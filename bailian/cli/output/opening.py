"""`--open`: a finished file in the program that the system has for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from bailian.cli.output.report import shown_path
from bailian.cli.output.terminal import print_err
from bailian.i18n import tr
from bailian.text.storage_path import ResultPath

MOST_OPENED = 4
"""More windows than that are no help."""


def open_files(files: Sequence[ResultPath]) -> None:
    """Open the files, the first few of many; where no program can, that is a note."""
    for path in files[:MOST_OPENED]:
        if not isinstance(path, Path):
            print_err(tr(f"note: --open: {path} is in storage", f"提示：--open：{path} 在对象存储中"))
            return
        if _has_no_screen() or not _opened(path):
            shown = shown_path(path)
            print_err(
                tr(
                    f"note: --open: no screen or no program for {shown} here",
                    f"提示：--open：此处没有屏幕或没有可打开 {shown} 的程序",
                )
            )
            return


def _opened(path: Path) -> bool:
    with _own_streams():
        return click.launch(str(path.absolute())) == 0


def _has_no_screen() -> bool:
    """Return whether nobody would see it: by ssh, or on a machine without a display."""
    if os.name == "nt" or os.environ.get("WSL_DISTRO_NAME"):
        return False
    if sys.platform == "darwin":
        return bool(os.environ.get("SSH_CONNECTION"))
    return not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def _own_streams() -> Iterator[None]:
    """What is started here writes nowhere: whoever reads our stdout would wait until a person has closed the window."""
    kept = [(number, os.dup(number)) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_RDWR)
    try:
        for number, _ in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        for number, copy in kept:
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
