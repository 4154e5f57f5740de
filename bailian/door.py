"""The first of ours that runs: Ctrl-C while the modules load ends in one line, at once. Nothing has been done yet."""

from __future__ import annotations

import os
import signal
from importlib import import_module

TYPE_CHECKING = False  # typing's own costs 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

    from click import Command

INTERRUPTED = 130
_said = b"error: interrupted\n"


def run(command: str, prog_name: str) -> NoReturn:
    """Load a command, "module:name", and run it with the guard around it; from there on Ctrl-C is the guard's."""
    global _said
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:  # under nohup it is ignored, and stays so
        signal.signal(signal.SIGINT, _leave)
    from bailian.i18n import tr

    _said = tr("error: interrupted\n", "错误：已中断\n").encode()
    from bailian.cli import guard

    guard.main(_loaded(command), prog_name)


def main_of(command: str) -> Callable[[str], Command]:
    """Return what gives a script its `main` when somebody imports the script."""

    def loaded(name: str) -> Command:
        if name != "main":
            raise AttributeError(name)
        return _loaded(command)

    return loaded


def _loaded(command: str) -> Command:
    module, _, name = command.partition(":")
    found: Command = getattr(import_module(module), name)
    return found


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """Raised in the middle of an import, an interrupt may end as another error, or as a traceback that nobody catches."""
    os.write(2, _said)
    os._exit(INTERRUPTED)
