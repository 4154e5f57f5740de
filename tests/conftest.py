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
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import click
import pytest

from bailian import clock
from bailian.cli import guard
from bailian.clock import Clock, current_clock, timed_by
from bailian.engine.signals import SIGNALS
from bailian.i18n import language
from bailian.sandbox import Sandbox
from bailian.sandbox.http.answers import LoggedRequest

ROOT = Path(__file__).parent.parent
KEY = "sk-test-0123456789abcdef"
SEED_DAY = date(2026, 6, 1)
"""Every model that the seed document names lives, and no end is near. Tests of later days say which."""
FAST = 0.02
"""Pauses in tests are this part of the real ones."""
HANG_S = 600
# A hundred thousand odd inputs, on a busy machine.
LONG_HANG_S = 3600
"""No test takes a third of this: who is not over by then waits for something that never comes."""


CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def _go_on(_signal: int, _frame: FrameType | None) -> None:
    """Under nohup the tests survive their terminal. What they start hears of it: only ignoring is handed down."""


NO_HANG_UP = os.name != "nt" and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def hear_signals() -> None:
    """Give every process that tests start the signals as a shell's foreground has them.

    Who starts the tests may have them ignored (nohup, `… &` in a script) or blocked, and both are handed down.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if os.name != "nt":
        signal.signal(signal.SIGHUP, _go_on if NO_HANG_UP else signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*SIGNALS, signal.SIGALRM, signal.SIGCHLD})


class Child(subprocess.Popen[Any]):
    """A process that a test starts. It does not outlive the test, and a failed test does not wait for it."""

    started: list[Child] = []  # noqa: RUF012 - of all tests, emptied after each

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.started.append(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, error, trace)


def kill_children() -> None:
    """End what is left of a test's processes."""
    for child in Child.started:
        if child.poll() is None:
            child.kill()


def _hangs(_signal: int, _frame: FrameType | None) -> None:
    kill_children()  # without waiting for them: what is interrupted here may hold the lock of that
    pytest.fail(f"the test hangs: not over after {HANG_S} s")


@pytest.fixture(autouse=True)
def ends_by_itself(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test waits for ever, whatever it waits for, and none depends on the signals its surroundings ignore."""
    hear_signals()
    monkeypatch.setattr(subprocess, "Popen", Child)
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _hangs)
        is_long = request.node.get_closest_marker("long") is not None
        signal.setitimer(signal.ITIMER_REAL, LONG_HANG_S if is_long else HANG_S)
    yield
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    kill_children()
    for child in Child.started:
        child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                with suppress(OSError):  # what was not read any more
                    pipe.close()
    Child.started.clear()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("DASHSCOPE_", "BAILIAN_")) or name.lower().endswith("_proxy") or name in CA_VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BAILIAN_HOME", str(tmp_path / "bailian"))
    monkeypatch.setenv("BAILIAN_LANG", "en")
    # As after `. .venv/bin/activate`: `bailian` and `python` lead here, whoever starts the tests.
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    monkeypatch.chdir(tmp_path)
    language.cache_clear()
    with timed_by(Clock(pause_scale=FAST, today=SEED_DAY)):
        yield
    language.cache_clear()


def run_on(day: date, monkeypatch: pytest.MonkeyPatch, pause_scale: float = FAST) -> None:
    """Let the rest of a test run on another day."""
    monkeypatch.setattr(clock, "_current", replace(current_clock(), today=day, pause_scale=pause_scale))


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
    from bailian.cli.main import bailian as command

    return lambda *words, **how: run_command(command, *words, **how)


def first_post(box: Sandbox) -> LoggedRequest:
    """Return the first request that asks for something to be made."""
    return next(entry for entry in box.requests if entry.method == "POST")


FAST_START = (
    "import sys, datetime; from bailian.clock import Clock; sys.argv[0] = 'text2image.py'; "
    "from bailian.cli import guard; {command}; "
    f"guard.main(main, clock=Clock(pause_scale={{factor}}, today={SEED_DAY!r}))"
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
    return start_script(box, *words, command="from bailian.cli.main import bailian as main")


def said_until(process: subprocess.Popen[str], mark: str) -> str:
    """Read what a process says on stderr up to a line with the mark; fail when it ends without having said it."""
    assert process.stderr is not None
    said = ""
    while mark not in said:
        line = process.stderr.readline()
        assert line, f"it ended without {mark!r}:\n{said}"
        said += line
    return said


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
