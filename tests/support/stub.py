"""The service of the benchmarks: it waits, answers, refuses and drops, and costs next to nothing."""

from __future__ import annotations

import json
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

    def __init__(self, *words: str) -> None:
        self._words = words

    def __enter__(self) -> Self:
        command = [sys.executable, str(ROOT / "benchmarks" / "stub_service.py"), *self._words]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.root = f"http://127.0.0.1:{self._process.stdout.readline().strip()}"
        self.base_url = f"{self.root}/api/v1"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.root}/stats") as answer:
            told: dict[str, Any] = json.load(answer)
        return told
