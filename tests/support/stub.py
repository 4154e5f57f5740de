"""The service of the benchmarks: it waits, answers, refuses and drops, and costs next to nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tests.support.setting import ROOT

if TYPE_CHECKING:
    from typing_extensions import Self


class Stub:
    """A process of its own. Use as a context manager."""

    def __init__(self, *words: str, holds: bool = False) -> None:
        """`holds`: texts are answered when they are let go."""
        self._words = ("--text-s", "600", *words) if holds else words
        self._program = ROOT / ("tests/support/held_texts.py" if holds else "benchmarks/stub_service.py")

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(self._program), *self._words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self._process.stdout is not None
        self.root = f"http://127.0.0.1:{self._process.stdout.readline().strip()}"
        self.base_url = f"{self.root}/api/v1"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def let_go(self) -> None:
        """End all texts that are held; those that come later are answered soon."""
        with urllib.request.urlopen(f"{self.root}/let-go") as answer:
            answer.read()

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.root}/stats") as answer:
            told: dict[str, Any] = json.load(answer)
        return told
