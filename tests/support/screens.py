"""Commands on terminals, against the test's sandbox as if it were the service."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from bailian.sandbox import Sandbox
from tests.support.processes import FAST_START
from tests.support.screen import Terminal
from tests.support.setting import FAST, KEY, ROOT

BAILIAN = "from bailian.cli.main import bailian as main"


class Screens:
    """Starts commands on terminals, against the test's sandbox."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self._terminals: list[Terminal] = []

    def terminal(self, columns: int = 80, lines: int = 24) -> Terminal:
        self._terminals.append(Terminal(columns, lines))
        return self._terminals[-1]

    def start(self, on: Terminal, *words: str, command: str = BAILIAN, **how: Any) -> subprocess.Popen[bytes]:
        env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        env |= {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "DASHSCOPE_API_KEY": KEY}
        env |= {"DASHSCOPE_HTTP_BASE_URL": self._box.base_url, **how.pop("env", {})}
        return on.start([sys.executable, "-c", FAST_START.format(factor=FAST, command=command), *words], env, **how)

    def run(self, on: Terminal, *words: str, **how: Any) -> int:
        process = self.start(on, *words, **how)
        on.read()
        return process.wait()

    def close(self) -> None:
        for terminal in self._terminals:
            terminal.close()
