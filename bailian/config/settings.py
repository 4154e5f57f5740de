"""Key, host and home folder: where each comes from, in one order, and how the key stays hidden.

Precedence, first found wins:

1. command-line option (never for the key: it would show in `ps`);
2. the profile that `--profile` or `BAILIAN_PROFILE` names, in `settings.toml`, with its own key;
3. environment: `DASHSCOPE_API_KEY`, `DASHSCOPE_HTTP_BASE_URL`, `DASHSCOPE_WEBSOCKET_BASE_URL`,
   `DASHSCOPE_WORKSPACE_ID`, `DASHSCOPE_API_REGION`, `BAILIAN_HOME`;
4. files: the one named by `DASHSCOPE_API_KEY_FILE_PATH`, else `~/.dashscope/api_key`;
5. default: region beijing, the platform's data folder.

Names and order of the `DASHSCOPE_*` variables are the official SDK's (dashscope 2.0.2, `common/env.py`
and `common/api_key.py`). A workspace has its own host, for HTTP and sockets; a key of a Token Plan has another.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from bailian.config.endpoints import (
    PLAN_KEY_PREFIX,
    checked_base_url,
    checked_socket_url,
    chosen_region,
    chosen_workspace,
    default_base_url,
)
from bailian.config.home import home_folder as home_folder  # who asks for settings asks for their folder, too
from bailian.config.secret import Secret, checked_key, default_key_file, profile_key_file, read_key, user_path
from bailian.config.settings_file import (
    FILE_NAME,
    OWN_JOURNAL,
    Layer,
    journal_url,
    no_settings,
    read_settings_file,
)
from bailian.config.user_defaults import (
    ASK_ABOVE_CNY,
    NO_DEFAULTS,
    Defaults,
    Sources,
    defaults_of,
    layers_of,
    read_ask_above,
    read_budgets,
    read_http_hosts,
)
from bailian.errors import InvalidRequest, SetupError
from bailian.i18n import tr
from bailian.instructions import how_to

if TYPE_CHECKING:
    from bailian.store.backends.journal_place import JournalPlace
    from bailian.store.backends.server_patience import Patience
    from bailian.store.budgets import Budget

T = TypeVar("T")
JOURNAL_VARIABLE = "BAILIAN_JOURNAL"
GET_A_KEY_URL = "https://help.aliyun.com/zh/model-studio/get-api-key"


@dataclass(frozen=True)
class Settings:
    """Where requests go and as whom. `base_url` ends in `/api/v1` without a slash after it."""

    base_url: str
    region: str = "beijing"
    api_key: Secret | None = field(default=None, repr=False)
    workspace: str | None = None
    home: Path = field(default_factory=Path)
    journal_url: str = field(default="", repr=False)
    """`postgresql://…` of the journal that several machines share; it may hold a password. Empty: in `home`."""
    journal_patience: Patience | None = field(default=None, repr=False, compare=False)
    """How the journal's server is waited for; None: as who only reads does."""
    split: bool = False
    """Several processes of this home are at one batch: each claims the rows that it sends."""
    sandbox: bool = False
    speech_url: str | None = None
    """Address of the speech socket where it is not on the host of `base_url`."""
    day_budget_cny: float | None = None
    month_budget_cny: float | None = None
    """What may be spent in a calendar day, and in a month, by all processes together."""
    ask_above_cny: float | None = ASK_ABOVE_CNY
    """Who sits at a terminal is asked before more than that is spent at once; None: never."""
    resume_flags: tuple[str, ...] = ()
    """The account options that were given: a command that continues this run needs them too."""
    key_file: Path | None = None
    """Where the key was read from, if it was a file."""
    profile: str | None = None
    defaults: Defaults = NO_DEFAULTS
    """What stands for options that are left out."""
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where each of these was set; what is not named here is the default."""

    @property
    def socket_url(self) -> str:
        """Return the address of the speech socket: `wss://HOST/api-ws/v1/inference` (Sambert reference, 2026)."""
        if self.speech_url:
            return self.speech_url
        parts = urlsplit(self.base_url)
        return f"{'ws' if parts.scheme == 'http' else 'wss'}://{parts.netloc}/api-ws/v1/inference"

    @property
    def journal(self) -> JournalPlace:
        """Return where the journal is."""
        from bailian.store.backends.journal_place import JournalPlace

        place = JournalPlace(self.home, self.journal_url, self.split)
        return place if self.journal_patience is None else replace(place, patience=self.journal_patience)

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
        keep = how_to().keep_a_key(self.profile or "")
        raise SetupError(
            tr("no API key found", "未找到 API Key"),
            code="Unauthorized",
            advice=tr(
                f"get a key at {GET_A_KEY_URL}, then {keep}",
                f"在 {GET_A_KEY_URL} 获取密钥，然后{keep}",
            ),
        )


def read_settings(
    *,
    region: str | None = None,
    base_url: str | None = None,
    workspace: str | None = None,
    sandbox: bool = False,
    profile: str | None = None,
    problems: list[SetupError] | None = None,
) -> Settings:
    """Collect the settings of one run. `problems` takes what is wrong with the user's files, instead of raising it.

    Raises:
        InvalidRequest: an unknown region, or a base URL that is none.
        SetupError: no such profile, a key file that cannot be read, or a key that cannot be a header's value.
    """
    flags = ("--sandbox",) if sandbox else _flags(region=region, base_url=base_url, workspace=workspace)
    flags = (*_flags(profile=profile), *flags)
    home = home_folder()
    file = _or_noted(lambda: read_settings_file(home), no_settings(home), problems)
    sources = Sources()
    profile = sources.first("profile", (profile, "--profile"), (os.environ.get("BAILIAN_PROFILE"), "BAILIAN_PROFILE"))
    layers = layers_of(file, profile, home)
    own = layers[0] if profile else Layer("")
    candidates = {
        "workspace": (workspace, own.workspace, "DASHSCOPE_WORKSPACE_ID"),
        "region": (region, own.region, "DASHSCOPE_API_REGION"),
        "base_url": (base_url, own.base_url, "DASHSCOPE_HTTP_BASE_URL"),
    }
    named = {
        name: sources.first(
            name,
            (option, f"--{name.replace('_', '-')}"),
            (of_profile, own.origin),
            (os.environ.get(variable), variable),
        )
        for name, (option, of_profile, variable) in candidates.items()
    }
    workspace = sources.checked("workspace", lambda: chosen_workspace(named["workspace"]))
    region = sources.checked("region", lambda: chosen_region(named["region"]))
    named_url = named["base_url"]
    of_journal = sources.first(
        "journal",
        (own.journal, own.origin),
        (os.environ.get(JOURNAL_VARIABLE), JOURNAL_VARIABLE),
        (file.journal, FILE_NAME),
    )
    http_hosts = read_http_hosts(file)
    # A host named on the command line or by a profile is the whole service's, its socket included.
    own_host = base_url or own.base_url
    speech_url = None if own_host else checked_socket_url(os.environ.get("DASHSCOPE_WEBSOCKET_BASE_URL"), http_hosts)
    chosen: dict[str, Any] = {
        "resume_flags": flags,
        "profile": profile,
        "defaults": defaults_of(layers, sources),
        "journal_url": sources.checked("journal", lambda: _checked_journal(of_journal)),
        "ask_above_cny": read_ask_above(layers, sources),
        "origins": sources.origins,
        **_or_noted(lambda: read_budgets(layers, sources), dict[str, Any](), problems),
    }
    if sandbox:
        url = named_url or default_base_url(region, workspace)
        own_journal = {**chosen, "journal_url": ""}  # what costs nothing has no place in the studio's ledger
        return Settings(url, region, Secret("sk-sandbox"), home=home / "sandbox", sandbox=True, **own_journal)
    nothing: tuple[Secret | None, Path | None] = (None, None)
    key, key_file = _or_noted(lambda: _find_key(layers, home, profile, sources), nothing, problems)
    token_plan = key is not None and key.reveal().startswith(PLAN_KEY_PREFIX)
    url = named_url or default_base_url(region, workspace, token_plan=token_plan)
    return Settings(
        sources.checked("base_url", lambda: checked_base_url(url, http_hosts)),
        region,
        key,
        workspace,
        home,
        speech_url=speech_url,
        key_file=key_file,
        **chosen,
    )


def journal_place() -> JournalPlace:
    """Return where the journal of whoever asks is, whatever else is wrong with the settings."""
    return read_settings(problems=[]).journal


def _checked_journal(url: str | None) -> str:
    allowed = journal_url(url) if url else None
    if allowed is not None:
        # What stands there is not shown: it may hold a password.
        raise InvalidRequest.one("journal", tr(f"what is set is not {allowed}", f"应为 {allowed}"), advice="")
    return "" if url in (None, OWN_JOURNAL) else str(url)


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


def at(settings: Settings, base_url: str) -> Settings:
    """Return the settings pointed at another base URL (a sandbox that has just started)."""
    return replace(settings, base_url=base_url)


def _find_key(
    layers: Sequence[Layer], home: Path, profile: str | None, sources: Sources
) -> tuple[Secret | None, Path | None]:
    """Return the key, and the file it is in if it is in one. A profile that is named has its own, if it has one."""
    if profile is not None:
        path = _profile_key(layers[0], home, profile)
        if path is not None:
            sources.origins["key"] = str(path)
            return read_key(path, profile), path
    value = os.environ.get("DASHSCOPE_API_KEY", "").strip()
    if value:
        sources.origins["key"] = "DASHSCOPE_API_KEY"
        return checked_key(value, "DASHSCOPE_API_KEY"), None
    named = os.environ.get("DASHSCOPE_API_KEY_FILE_PATH")
    path = user_path("DASHSCOPE_API_KEY_FILE_PATH", named) if named else default_key_file()
    if path is None or not (named or path.is_file()):
        return None, None
    sources.origins["key"] = str(path)
    return read_key(path), path


def _profile_key(layer: Layer, home: Path, profile: str) -> Path | None:
    if layer.key_file is not None:
        return home / user_path(f"{layer.origin} key_file", layer.key_file)
    path = profile_key_file(home, profile)
    return path if path.is_file() else None
