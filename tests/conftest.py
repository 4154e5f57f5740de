"""What every test stands on: an empty home, no network settings, a sandbox, and the scripts as a user runs them."""

from __future__ import annotations

import importlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from bailian.cli import guard
from bailian.engine import schedule
from bailian.language import language
from bailian.sandbox import Sandbox
from bailian.sandbox.answers import LoggedRequest

ROOT = Path(__file__).parent.parent
KEY = "sk-test-0123456789abcdef"
FAST = 0.02
"""Pauses in tests are this part of the real ones."""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("DASHSCOPE_", "BAILIAN_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BAILIAN_HOME", str(tmp_path / "bailian"))
    monkeypatch.setenv("BAILIAN_LANG", "en")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(schedule, "PAUSE_FACTOR", FAST)
    language.cache_clear()
    yield
    language.cache_clear()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(task_s=0.15) as box:
        yield box


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


def run_command(command: click.Command, *words: str, stdin: str = "", exits: int | None = 0) -> Ran:
    """Run a whole command in this process; any other exit code than `exits` fails the test (None: all are good)."""
    out, err = io.StringIO(), io.StringIO()
    kept = sys.argv, sys.stdout, sys.stderr, sys.stdin
    handlers = {sign: signal.getsignal(sign) for sign in (signal.SIGTERM, signal.SIGINT)}
    sys.argv, sys.stdout, sys.stderr, sys.stdin = ["command", *words], out, err, _Stdin(stdin)
    code: int | None = None
    try:
        guard.main(command, "text2image.py" if command.name == "main" else "bailian")
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


def _script(name: str) -> Any:
    """Return a fixture: a script, pointed at the test's sandbox as if it were the service."""

    @pytest.fixture(name=name)
    def script(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
        monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", box.base_url)
        command = importlib.import_module(name).main
        return lambda *words, **how: run_command(command, *words, **how)

    return script


text2image = _script("text2image")
text2video = _script("text2video")
image_edit = _script("image_edit")
wanx_edit = _script("wanx_edit")
text2text = _script("text2text")
audio = _script("audio")


@pytest.fixture
def bailian(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", box.base_url)
    from bailian.cli.commands import bailian as command

    return lambda *words, **how: run_command(command, *words, **how)


def first_post(box: Sandbox) -> LoggedRequest:
    """Return the first request that asks for something to be made."""
    return next(entry for entry in box.requests if entry.method == "POST")


FAST_START = (
    "import sys; import bailian.engine.schedule as s; s.PAUSE_FACTOR = {factor}; sys.argv[0] = 'text2image.py'; "
    "from bailian.cli import guard; {command}; guard.main(main)"
)


def start_script(
    box: Sandbox, *words: str, command: str = "from text2image import main", factor: float = FAST
) -> subprocess.Popen[str]:
    """Start a command as a process of its own, against the test's sandbox."""
    env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", FAST_START.format(factor=factor, command=command), *words],
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def start_bailian(box: Sandbox, *words: str) -> subprocess.Popen[str]:
    return start_script(box, *words, command="from bailian.cli.commands import bailian as main")


def end(process: subprocess.Popen[str], timeout_s: float = 120) -> Ran:
    out, err = process.communicate(timeout=timeout_s)
    return Ran(process.returncode, out, err)


FAST_MODELS = "".join(
    f'[models."{name}"]\nsubmit_per_s = 500\n' + (f"running_limit = {running}\n" if running else "")
    for name, running in {
        "wan2.2-t2i-flash": 1000, "wanx2.1-imageedit": 1000, "wan2.1-t2v-turbo": 1000,
        "qwen-plus": 0, "qwen-image-edit": 0, "sambert-zhichu-v1": 0, "paraformer-v1": 0,
    }.items()
)  # fmt: skip
"""Rates as if there were none: these tests are about loss, not about speed."""


@pytest.fixture
def quick(box: Sandbox) -> None:
    """No limits, and tasks that end at once."""
    box.settings.change({"enforce_limits": False, "task_s": 0.05})
    Path("bailian").mkdir()
    Path("bailian/models.toml").write_text(FAST_MODELS, encoding="utf-8")
