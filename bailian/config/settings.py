"""Key, host and home folder: where each comes from, in one order, and how the key stays hidden.

Precedence, first found wins:

1. command-line option (never for the key: it would show in `ps`);
2. environment: `DASHSCOPE_API_KEY`, `DASHSCOPE_HTTP_BASE_URL`, `DASHSCOPE_WEBSOCKET_BASE_URL`,
   `DASHSCOPE_WORKSPACE_ID`, `DASHSCOPE_API_REGION`, `BAILIAN_HOME`;
3. files: the one named by `DASHSCOPE_API_KEY_FILE_PATH`, else `~/.dashscope/api_key`;
4. default: region beijing, the platform's data folder.

Names and order of the `DASHSCOPE_*` variables are the official SDK's (dashscope 2.0.2, `common/env.py`
and `common/api_key.py`). A workspace has its own host, for HTTP and sockets; a key of a Token Plan has another.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from bailian.config.budget_settings import read_budgets, read_http_hosts
from bailian.config.endpoints import (
    PLAN_KEY_PREFIX,
    checked_base_url,
    checked_socket_url,
    chosen_region,
    chosen_workspace,
    default_base_url,
)
from bailian.errors import SetupError
from bailian.i18n import tr
from bailian.store.private import NO_HOME
from bailian.text.decoding import NotText, read_text

if TYPE_CHECKING:
    from bailian.store.budgets import Budget

T = TypeVar("T")
GET_A_KEY_URL = "https://help.aliyun.com/zh/model-studio/get-api-key"


class Secret:
    """A key that does not show itself: `repr`, `str` and formatting give the mask."""

    def __init__(self, value: str) -> None:
        if not re.fullmatch(r"[\x21-\x7e]+", value) or value.strip("\"'") != value:
            raise ValueError("a key has no spaces, quotation marks or other than ASCII characters")
        self._value = value

    def reveal(self) -> str:
        return self._value

    @property
    def masked(self) -> str:
        return f"{self._value[:3]}…{self._value[-4:]}" if len(self._value) >= 16 else "…"

    def __repr__(self) -> str:
        return f"Secret({self.masked})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled")


@dataclass(frozen=True)
class Settings:
    """Where requests go and as whom. `base_url` ends in `/api/v1` without a slash after it."""

    base_url: str
    region: str = "beijing"
    api_key: Secret | None = field(default=None, repr=False)
    workspace: str | None = None
    home: Path = field(default_factory=Path)
    sandbox: bool = False
    speech_url: str | None = None
    """Address of the speech socket where it is not on the host of `base_url`."""
    day_budget_cny: float | None = None
    month_budget_cny: float | None = None
    """What may be spent in a calendar day, and in a month, by all processes together."""
    resume_flags: tuple[str, ...] = ()
    """The account options that were given: a command that continues this run needs them too."""
    key_file: Path | None = None
    """Where the key was read from, if it was a file."""

    @property
    def socket_url(self) -> str:
        """Return the address of the speech socket: `wss://HOST/api-ws/v1/inference` (Sambert reference, 2026)."""
        if self.speech_url:
            return self.speech_url
        parts = urlsplit(self.base_url)
        return f"{'ws' if parts.scheme == 'http' else 'wss'}://{parts.netloc}/api-ws/v1/inference"

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """Return what all processes together may spend in a day and in a month."""
        from bailian.store.budgets import Budget

        limits = {"day": self.day_budget_cny, "month": self.month_budget_cny}
        return tuple(Budget(limit_cny, name) for name, limit_cny in limits.items() if limit_cny is not None)

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def account(self) -> str:
        """Return a short name for whose tasks these are, so that journal rows of two accounts never mix.

        A key is bound to one account and region, whichever of the vendor's hosts is used; behind any
        other host the same key may mean something else.
        """
        if self.sandbox:
            return "sandbox"
        host = "" if self.host.endswith(".aliyuncs.com") else urlsplit(self.base_url).netloc
        key = self.api_key.reveal() if self.api_key else ""
        return hashlib.sha256(f"{key}\n{host}".encode()).hexdigest()[:16]

    def require_key(self) -> Secret:
        """Return the key.

        Raises:
            SetupError: there is none; the text says how to get one and how to try without.
        """
        if self.api_key is not None:
            return self.api_key
        raise SetupError(
            tr("no API key found", "未找到 API Key"),
            code="Unauthorized",
            advice=tr(
                f"get a key at {GET_A_KEY_URL} and `export DASHSCOPE_API_KEY=sk-…` (or write it to ~/.dashscope/api_key); "
                "to try without a key and without cost, add --sandbox",
                f"在 {GET_A_KEY_URL} 获取密钥，然后 `export DASHSCOPE_API_KEY=sk-…`（或写入 ~/.dashscope/api_key）；"
                "想先免费试用，请加 --sandbox",
            ),
        )


def read_settings(
    *,
    region: str | None = None,
    base_url: str | None = None,
    workspace: str | None = None,
    sandbox: bool = False,
    problems: list[SetupError] | None = None,
) -> Settings:
    """Collect the settings of one run. `problems` takes what is wrong with the user's files, instead of raising it.

    Raises:
        InvalidRequest: an unknown region, or a base URL that is none.
        SetupError: a key file that cannot be read, or a key that cannot be a header's value.
    """
    flags = _flags(region=region, base_url=base_url, workspace=workspace) if not sandbox else ("--sandbox",)
    workspace = chosen_workspace(workspace)
    region = chosen_region(region)
    # A host named on the command line is the whole service's, its socket included.
    home = home_folder()
    budgets = _or_noted(lambda: read_budgets(home), dict[str, Any](), problems)
    no_hosts: tuple[str, ...] = ()
    http_hosts = _or_noted(lambda: read_http_hosts(home), no_hosts, problems)
    speech_url = None if base_url else checked_socket_url(os.environ.get("DASHSCOPE_WEBSOCKET_BASE_URL"), http_hosts)
    named_url = base_url or os.environ.get("DASHSCOPE_HTTP_BASE_URL")
    if sandbox:
        return Settings(
            named_url or default_base_url(region, workspace),
            region,
            Secret("sk-sandbox"),
            home=home / "sandbox",
            sandbox=True,
            resume_flags=flags,
            **budgets,
        )
    nothing: tuple[Secret | None, Path | None] = (None, None)
    key, key_file = _or_noted(_find_key, nothing, problems)
    token_plan = key is not None and key.reveal().startswith(PLAN_KEY_PREFIX)
    return Settings(
        checked_base_url(named_url or default_base_url(region, workspace, token_plan=token_plan), http_hosts),
        region,
        key,
        workspace,
        home,
        speech_url=speech_url,
        resume_flags=flags,
        key_file=key_file,
        **budgets,
    )


def _or_noted(read: Callable[[], T], otherwise: T, problems: list[SetupError] | None) -> T:
    try:
        return read()
    except SetupError as error:
        if problems is None:
            raise
        problems.append(error)
        return otherwise


def _flags(**given: str | None) -> tuple[str, ...]:
    return tuple(word for name, value in given.items() if value for word in (f"--{name.replace('_', '-')}", value))


def home_folder() -> Path:
    """Return where journal, limits and the user's models live: `BAILIAN_HOME`, else the platform's data folder.

    A user without a home (a container's random user id) has `NO_HOME`.
    """
    named = os.environ.get("BAILIAN_HOME")
    if named:
        return _path("BAILIAN_HOME", named).absolute()
    from platformdirs import user_data_path

    try:
        folder = user_data_path("bailian", appauthor=False)
    except RuntimeError:  # nobody knows where this user is at home
        return NO_HOME
    return folder if folder.is_absolute() else NO_HOME  # older versions leave the "~"


def _path(variable: str, value: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise SetupError(
            tr(f"{variable}: nobody knows this home folder: {value}", f"{variable}：没有这个主目录：{value}")
        ) from None


def at(settings: Settings, base_url: str) -> Settings:
    """Return the settings pointed at another base URL (a sandbox that has just started)."""
    return replace(settings, base_url=base_url)


def _find_key() -> tuple[Secret | None, Path | None]:
    """Return the key, and the file it is in if it is in one."""
    path = None
    value = os.environ.get("DASHSCOPE_API_KEY", "").strip()
    origin = "DASHSCOPE_API_KEY"
    if not value:
        path = _key_file()
        if path is None:
            return None, None
        origin, reason = str(path), ""
        try:
            value = read_text(path).text.strip()
        except NotText:  # whose own words may hold a part of the key
            reason = tr("it is no text: save it as UTF-8", "不是文本：请另存为 UTF-8")
        except OSError as error:
            reason = str(error)
        if reason:
            raise SetupError(tr(f"cannot read the key file {path}: {reason}", f"无法读取密钥文件 {path}：{reason}"))
    if not value:
        return None, path
    try:
        return Secret(value), path
    except ValueError:
        raise SetupError(
            tr(
                f"the key in {origin} has spaces or characters no key has (a quote mark, a second line?)",
                f"{origin} 中的密钥含有空格或非法字符（多余的引号或换行？）",
            ),
            code="Unauthorized",
        ) from None


def _key_file() -> Path | None:
    named = os.environ.get("DASHSCOPE_API_KEY_FILE_PATH")
    if named:
        return _path("DASHSCOPE_API_KEY_FILE_PATH", named)
    try:
        path = Path.home() / ".dashscope" / "api_key"
    except RuntimeError:  # a user id that nobody knows
        return None
    return path if path.is_file() else None
