"""Where a program's requests go: the real service, a sandbox that it has started, or the one of `BAILIAN_SANDBOX`."""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar, Token
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bailian.config import settings as config
from bailian.config.settings import Settings, read_settings
from bailian.errors import InvalidRequest, SetupError
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.backends.sqlite import not_opened
from bailian.store.private import private_file, private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bailian.sandbox import Sandbox as Server

TRUE, FALSE = ("1", "true", "t", "yes", "y", "on"), ("0", "false", "f", "no", "n", "off", "")
TASK_S = 2.0
_own_urls: set[str] = set()
"""Of sandboxes that run in this process."""
_here: ContextVar[Settings | None] = ContextVar("bailian_sandbox", default=None)
_entered: list[Settings] = []
"""Of the sandboxes that are entered, the last one first: where the calls of other threads go, which have no context."""


def wants_sandbox() -> bool:
    """Return what `BAILIAN_SANDBOX` says.

    Raises:
        SetupError: it says neither yes nor no.
    """
    word = os.environ.get("BAILIAN_SANDBOX", "").strip().lower()
    if word in TRUE or word in FALSE:
        return word in TRUE
    raise SetupError(tr(f"BAILIAN_SANDBOX is {word!r}: 1 or 0", f"BAILIAN_SANDBOX 为 {word!r}：应为 1 或 0"), advice="")


def settings_of(account: Mapping[str, Any]) -> Settings:
    """Return the settings of a call: its own, else of the `Sandbox` around it, else of the environment.

    Raises:
        InvalidRequest: settings and parts of them at once.
        SetupError: no such profile, a key that cannot be read.
    """
    names = ("sandbox", "region", "base_url", "workspace", "profile")
    given = {name: account[name] for name in names if account.get(name) is not None}
    whole = account.get("settings")
    if whole is not None and given:
        listed = ", ".join(given)
        raise InvalidRequest.one(
            "settings", tr(f"holds them already: leave out {listed}", f"已包含这些设置：请去掉 {listed}"), advice=""
        )
    if whole is not None:
        return whole  # type: ignore[no-any-return]
    around = _here.get() or next(iter(_entered), None)
    if around is not None and not given:
        return around
    return read_settings(**{"sandbox": wants_sandbox(), **given})


@contextmanager
def running_service(here: Settings) -> Iterator[Settings]:
    """Return the settings of a service that is there; a sandbox runs as long as this is entered.

    Raises:
        SetupError: the sandbox is not installed, or cannot begin.
    """
    if not here.sandbox:
        yield here
        return
    from bailian.sandbox import Sandbox, SandboxUnavailable

    task_s = float(os.environ.get("BAILIAN_SANDBOX_TASK_S") or TASK_S)
    sandbox = Sandbox(state_path=here.home / "service.sqlite3", task_s=task_s)
    try:
        private_folder(here.home.parent)
        private_file(here.home / "service.sqlite3")
        sandbox.start()
    except SandboxUnavailable as error:
        raise SetupError(str(error), advice=how_to().with_extra("sandbox")) from None
    except (OSError, sqlite3.Error) as error:
        raise not_opened(here.home, error) from None
    _own_urls.add(sandbox.base_url)
    try:
        yield config.at(here, sandbox.base_url)
    finally:
        _own_urls.discard(sandbox.base_url)
        sandbox.stop()


class _Shared:
    """The sandboxes of this process, one a home: each lives until the process ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._urls: dict[Path, str] = {}
        self._stack = ExitStack()

    def at(self, here: Settings) -> Settings:
        with self._lock:
            if here.home not in self._urls:
                if not self._urls:
                    atexit.register(self._stack.close)
                self._urls[here.home] = self._stack.enter_context(running_service(here)).base_url
            return config.at(here, self._urls[here.home])


_shared = _Shared()


def there(here: Settings) -> Settings:
    """Return the settings of a service that is there: a sandbox is started once a process."""
    return here if not here.sandbox or here.base_url in _own_urls else _shared.at(here)


class Sandbox:
    """A service on this machine, for nothing. Calls inside its `with` go to it, and their journal is its own.

    So do those of other threads meanwhile: no call pays because a pool made it.

        with Sandbox(task_s=0.1):
            text2image("猫")

    `server` is the sandbox itself: `server.faults`, `server.requests`, `server.settings`.
    """

    def __init__(self, home: Path | str | None = None, *, task_s: float = 1.0, **server: Any) -> None:
        """Make one; it starts when it is entered.

        Args:
            home: where its journal and its tasks are kept; None: nowhere, all is gone with it.
            task_s: how long a task takes.
            server: what else `bailian.sandbox.Sandbox` takes.
        """
        self._home = None if home is None else Path(home)
        self._own = {"task_s": task_s, **server}
        self._stack = ExitStack()
        self._token: Token[Settings | None] | None = None
        self._settings: Settings | None = None
        self.server: Server | None = None

    @property
    def settings(self) -> Settings:
        """Return the settings that lead to it; for threads, and for other processes."""
        if self.server is None or self._settings is None:
            raise SetupError(tr("this sandbox is not running", "该沙箱未运行"), advice="")
        return self._settings

    def __enter__(self) -> Sandbox:
        from bailian.sandbox import Sandbox as Server
        from bailian.sandbox import SandboxUnavailable

        home = self._home or Path(self._stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True)))
        private_folder(home)
        try:
            self.server = self._stack.enter_context(Server(state_path=home / "service.sqlite3", **self._own))
        except SandboxUnavailable as error:
            raise SetupError(str(error), advice=how_to().with_extra("sandbox")) from None
        self._settings = replace(read_settings(sandbox=True), base_url=self.server.base_url, home=home)
        _own_urls.add(self.server.base_url)
        self._token = _here.set(self._settings)
        _entered.insert(0, self._settings)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _here.reset(self._token)
        if self._settings is not None:
            _own_urls.discard(self._settings.base_url)
            _entered.remove(self._settings)
        self._settings = self.server = None
        self._stack.close()
