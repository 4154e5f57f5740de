"""A whole command in this process: its words, what is piped in, what it printed and how it ended."""

from __future__ import annotations

import io
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bailian.cli import guard
from bailian.clock import current_clock
from bailian.engine.signals import SIGNALS


@dataclass(frozen=True)
class Ran:
    """How a command ended. `out` and `err` are what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def paths(self) -> list[Path]:
        return [Path(line) for line in self.out.splitlines()]


class _Stdin(io.StringIO):
    def isatty(self) -> bool:
        return False


def _stdin(given: str | bytes) -> io.TextIOBase:
    """Return what is piped in: a text, or bytes in whatever encoding."""
    return _Stdin(given) if isinstance(given, str) else io.TextIOWrapper(io.BytesIO(given), encoding="utf-8")


def run_command(command: click.Command, *words: str, stdin: str | bytes = "", exits: int | None = 0) -> Ran:
    """Run a whole command in this process; any other exit code than `exits` fails the test (None: all are good)."""
    out, err = io.StringIO(), io.StringIO()
    kept = sys.argv, sys.stdout, sys.stderr, sys.stdin
    handlers = {sign: signal.getsignal(sign) for sign in SIGNALS}
    sys.argv, sys.stdout, sys.stderr, sys.stdin = ["command", *words], out, err, _stdin(stdin)
    code: int | None = None
    try:
        guard.main(command, "text2image.py" if command.name == "main" else "bailian", clock=current_clock())
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv, sys.stdout, sys.stderr, sys.stdin = kept
        for sign, handler in handlers.items():
            signal.signal(sign, handler)
    ran = Ran(-1 if code is None else code, out.getvalue(), err.getvalue())
    assert exits is None or ran.code == exits, (
        f"exit {ran.code}, not {exits}\n--- stdout\n{ran.out}\n--- stderr\n{ran.err}"
    )
    return ran


Run = Callable[..., Ran]
