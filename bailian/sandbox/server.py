"""Starts and stops a sandbox: inside a program, or alone in the foreground."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.i18n import tr
from bailian.sandbox.faults import Faults
from bailian.sandbox.http.answers import LoggedRequest
from bailian.sandbox.http.listening import closed_on_failure, is_loopback, listening_socket, root_url_of
from bailian.sandbox.model_names import Limits
from bailian.sandbox.settings import LINK_LIFE_S, Settings
from bailian.sandbox.state import State
from bailian.sandbox.tasks.task_store import Task

if TYPE_CHECKING:
    from bailian.sandbox.runner import Runner
    from bailian.sandbox.scripted.answers import ScriptedAnswer
    from bailian.sandbox.scripted.script import Script

TOKEN_VARIABLE = "BAILIAN_SANDBOX_TOKEN"  # noqa: S105  # a name
START_S = 10.0
EXTRA = 'pip install ".[sandbox]"'


class SandboxUnavailable(ImportError):
    """A package the sandbox needs is not installed; the text names the command that installs it."""


class Sandbox:
    """A made-up Bailian on loopback; a context manager.

    Args:
        port: 0 takes any free port.
        host: the address to listen on.
        state_path: an SQLite file that keeps the tasks for later processes; absent: none does.
        task_s: how long a task, or a synchronous call, takes.
        jitter: by which share of `task_s` tasks differ.
        api_keys: the only keys to accept; absent: any (see README.md for the keys with a meaning).
        enforce_limits: obey the account's submit, query, running and queue limits.
        link_life_s: how long a result link works.
        fetch_foreign: what stands in for input pictures of other computers: "placeholder" or "refuse".
        models: name → limits, and facts of further names; absent: the toolkit's catalog.
        clock: epoch seconds.
        day: names that are retired on this day are refused; None: everything is served.
        allow_hosts: names by which clients may call it, beside this computer's own and `host`.
        region: which region it plays: keys that name another one are refused.
        script: a YAML file of answers, see README.md; or the answers.
        token: whoever has it may command the sandbox from another computer; absent: the variable
            BAILIAN_SANDBOX_TOKEN, or one is made where it listens for other computers.
        certificate: files of a certificate and its key (PEM): then it speaks TLS.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        state_path: Path | None = None,
        task_s: float = 1.0,
        jitter: float = 0.0,
        api_keys: Collection[str] | None = None,
        enforce_limits: bool = True,
        link_life_s: float = LINK_LIFE_S,
        fetch_foreign: str = "placeholder",
        models: Mapping[str, Limits] | None = None,
        clock: Callable[[], float] = time.time,
        day: date | None = None,
        allow_hosts: Collection[str] = (),
        region: str = "beijing",
        script: Path | str | Sequence[ScriptedAnswer] = (),
        token: str | None = None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self._address = (host, port)
        self._allow_hosts = allow_hosts
        self._state_path = state_path
        self._api_keys = api_keys
        self._models = models
        self._clock = clock
        self._day = day
        self._script = script
        self._certificate = certificate
        self.token = _token(host) if token is None else token
        self._state: State | None = None
        self._runner: Runner | None = None
        self._left: tuple[list[Task], list[Task]] = ([], [])
        self.settings = Settings(task_s, jitter, enforce_limits, link_life_s)
        self.settings.change({"fetch_foreign": fetch_foreign, "region": region})
        self.faults = Faults()

    def start(self) -> Sandbox:
        """Listen; returns when requests are answered.

        Raises:
            SandboxUnavailable: the extra `[sandbox]` is not installed.
            OSError: the port is taken.
        """
        if self._runner is not None:
            raise RuntimeError("this sandbox runs already")
        make_runner = _load_runner()
        from bailian.sandbox.http.hosts import Hosts

        sock = listening_socket(self._address)
        with closed_on_failure(sock):  # a state or a certificate that cannot be read
            self._state = State(
                state_path=self._state_path,
                catalog=self._models,
                settings=self.settings,
                faults=self.faults,
                api_keys=self._api_keys,
                clock=self._clock,
                day=self._day,
                script=_script(self._script),
                token=self.token,
            )
            self._address = (self._address[0], sock.getsockname()[1])
            hosts = Hosts(self._address[0], self._allow_hosts)
            runner = make_runner(self._state, sock, hosts, self._certificate)
            runner.start(START_S)
        self._runner = runner
        return self

    def stop(self) -> None:
        """Drop all connections and free the port; `tasks` and `requests` stay readable."""
        if self._runner is None or self._state is None:
            return
        self._runner.stop()
        self._runner = None
        self._left = (self._state.tasks.all(), self._state.tasks.all(blocking=True))
        self._state.database.close()

    def reset(self) -> None:
        """Become as new: no tasks, files, faults or log, full rates, the first settings; the address stays.

        Requests under way end without an answer, and nothing of them is noted. Idle connections stay open.
        """
        state = self._started()
        if self._runner is not None:
            self._runner.end_requests()
        state.reset()

    def answer(self, **fields: Any) -> None:
        """Script an answer, with the names of a script file: `answer(prompt="天气", text="晴", times=1)`.

        Raises:
            WrongEntry: a ValueError that says what is allowed.
        """
        from bailian.sandbox.scripted.script_file import read_here

        self._started().script.add(read_here(fields))

    def say(self, text: str, **when: Any) -> None:
        """Script a text: `say("晴", prompt="天气")`."""
        self.answer(text=text, **when)

    def expect(self, *requests: Mapping[str, Any], in_order: bool = False, only: bool = False, **one: Any) -> None:
        """Check what has been sent: `expect(model="qwen-plus", prompt="猫", times=1)`, or several.

        Raises:
            AssertionError: it is something else; the text says where it differs.
            WrongEntry: a ValueError; no such request can be meant.
        """
        from bailian.sandbox.control.expect_file import read_expectation
        from bailian.sandbox.control.expectations import differences

        wanted = [*requests, *([one] if one else [])]
        expectation = read_expectation({"requests": wanted, "in_order": in_order, "only": only})
        if told := differences(expectation, self.requests):
            raise AssertionError("\n".join(told))

    def expect_file(self, path: Path | str) -> None:
        """Check what has been sent against a YAML file; raises as `expect` does."""
        from bailian.sandbox.control.expect_file import read_expectation_file
        from bailian.sandbox.control.expectations import differences

        if told := differences(read_expectation_file(Path(path)), self.requests):
            raise AssertionError("\n".join(told))

    def advance(self, seconds: float) -> None:
        """Put the sandbox's clock forward: tasks end, links expire, rates are free again."""
        self._started().clock.advance(seconds)

    @property
    def script(self) -> Script:
        """The scripted answers."""
        return self._started().script

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._address[1]

    @property
    def root_url(self) -> str:
        """Where `/_sandbox/…` is."""
        return root_url_of(self._address, tls=self._certificate is not None)

    @property
    def base_url(self) -> str:
        """What stands in for `https://dashscope.aliyuncs.com/api/v1`."""
        return f"{self.root_url}/api/v1"

    @property
    def socket_url(self) -> str:
        """What stands in for `wss://dashscope.aliyuncs.com/api-ws/v1/inference`."""
        return f"ws{self.root_url.removeprefix('http')}/api-ws/v1/inference"

    @property
    def tasks(self) -> list[Task]:
        """Every task ever accepted, oldest first, as it stands now."""
        return self._started().tasks.all() if self._runner is not None else list(self._left[0])

    @property
    def sync_calls(self) -> list[Task]:
        """Every synchronous call whose work was accepted, oldest first."""
        return self._started().tasks.all(blocking=True) if self._runner is not None else list(self._left[1])

    @property
    def requests(self) -> list[LoggedRequest]:
        """The last 100,000 requests, oldest first."""
        return self._started().requests()

    @property
    def is_running(self) -> bool:
        return self._runner is not None

    def _started(self) -> State:
        if self._state is None:
            raise RuntimeError("this sandbox was never started")
        return self._state


def _script(given: Path | str | Sequence[ScriptedAnswer]) -> Sequence[ScriptedAnswer]:
    if not isinstance(given, Path | str):
        return given
    try:
        from bailian.sandbox.scripted.script_file import read_script

        return read_script(Path(given))
    except ModuleNotFoundError as error:
        raise _unavailable(error) from error


def _token(host: str) -> str:
    given = os.environ.get(TOKEN_VARIABLE, "")
    return given or ("" if is_loopback(host) else secrets.token_urlsafe(18))


def _load_runner() -> Callable[..., Runner]:
    try:
        from bailian.sandbox.runner import sandbox_runner
    except ModuleNotFoundError as error:
        raise _unavailable(error) from error
    return sandbox_runner


def _unavailable(error: ModuleNotFoundError) -> Exception:
    """Return the error that says how to install what is missing; anything else that is missing is a bug."""
    package = (error.name or "").partition(".")[0]
    if package not in ("starlette", "uvicorn", "h11", "websockets", "PIL", "anyio", "click", "yaml"):
        return error
    text = tr(f"the sandbox needs the package {package}: {EXTRA}", f"沙箱需要 {package} 包：{EXTRA}")
    return SandboxUnavailable(text, name=error.name)
