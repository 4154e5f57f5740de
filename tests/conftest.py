"""What every test stands on: an empty home, no network settings, a sandbox, and the scripts as a user runs them."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from bailian.clock import Clock, timed_by
from bailian.i18n import language
from bailian.sandbox import Sandbox
from tests.support.commands import Run, run_command
from tests.support.journals import ON_SERVER, leave_out, with_name
from tests.support.kinds import is_left_out, is_slow, sort_out
from tests.support.processes import Child, end_children, hear_signals, kill_children
from tests.support.service import FAST_MODELS, Lender
from tests.support.setting import CA_VARIABLES, FAST, KEY, SEED_DAY

if TYPE_CHECKING:
    from tests.support.postgresql import PostgresServer

# On a desk the values are other ones each time. A gate shows the same for the same code: red by chance teaches people to
# run it once more.
IS_GATE = bool(os.environ.get("CI"))
settings.register_profile("quick", deadline=None, database=None, max_examples=30, derandomize=IS_GATE)
settings.register_profile("thorough", deadline=None, database=None, max_examples=400, derandomize=IS_GATE)
settings.load_profile("quick")  # unless `--hypothesis-profile` says otherwise: the plugin loads its own before this

HANG_S = 600
# A hundred thousand odd inputs, on a busy machine.
LONG_HANG_S = 3600
"""No test takes a third of this: who is not over by then waits for something that never comes."""


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
        is_long = any(request.node.get_closest_marker(mark) for mark in ("long", "clients"))
        signal.setitimer(signal.ITIMER_REAL, LONG_HANG_S if is_long else HANG_S)
    yield
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    end_children()


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("DASHSCOPE_", "BAILIAN_")) or name.lower().endswith("_proxy") or name in CA_VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BAILIAN_HOME", str(tmp_path / "bailian"))
    monkeypatch.setenv("BAILIAN_LANG", "en")
    if ON_SERVER:
        monkeypatch.setenv("BAILIAN_JOURNAL", request.getfixturevalue("journal_server").emptied())
    # As after `. .venv/bin/activate`: `bailian` and `python` lead here, whoever starts the tests.
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    monkeypatch.chdir(tmp_path)
    language.cache_clear()
    with timed_by(Clock(pause_scale=FAST, today=SEED_DAY)):
        yield
    language.cache_clear()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return is_left_out(collection_path, config) or None


def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> list[pytest.Item] | None:
    return [] if is_slow(obj, collector.config) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test its kind, before `-m` asks for it."""
    sort_out(items)
    leave_out(items)


def pytest_xdist_auto_num_workers() -> int:
    """Three workers for two cores while those are few: many a test waits for a task or a process. Each reads every module."""
    cores = os.cpu_count() or 1
    return max(cores, min(3 * cores // 2, 8))


@pytest.fixture(scope="session")
def journal_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process."""
    from tests.support.postgresql import PostgresServer

    with closing(PostgresServer()) as server:
        yield server


@pytest.fixture(scope="session")
def lender() -> Iterator[Lender]:
    lender = Lender()
    yield lender
    lender.stop()


@pytest.fixture
def box(lender: Lender) -> Iterator[Sandbox]:
    yield lender.lend(task_s=0.15)
    end_children()  # they would go on asking
    lender.take_back()


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

    return lambda *words, **how: run_command(command, *with_name(words), **how)


@pytest.fixture
def quick(box: Sandbox) -> None:
    """No limits, and tasks that end at once."""
    box.settings.change({"enforce_limits": False, "task_s": 0.05})
    Path("bailian").mkdir()
    Path("bailian/models.toml").write_text(FAST_MODELS, encoding="utf-8")
