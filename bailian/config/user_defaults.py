"""What the user's settings come to: the profile's layer over the general one, and where each value was set."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bailian.config.home import home_folder
from bailian.config.secret import profile_key_file
from bailian.config.settings_file import FILE_NAME, NEVER, PROFILES, Layer, SettingsFile, amount
from bailian.errors import InvalidRequest, SetupError
from bailian.i18n import tr
from bailian.instructions import how_to

T = TypeVar("T")
ASK_ABOVE_CNY = 10.0


class Sources:
    """Where each setting comes from, noted as it is chosen."""

    def __init__(self) -> None:
        self.origins: dict[str, str] = {}

    def first(self, name: str, *candidates: tuple[T | None, str]) -> T | None:
        """Return the first value that is set; an empty text is none."""
        for value, origin in candidates:
            if value is not None and value != "":
                self.origins[name] = origin
                return value
        return None

    def checked(self, name: str, read: Callable[[], T]) -> T:
        """Return a setting that `read` judges. On the command line a wrong one is a wrong request; elsewhere it is a setting.

        Raises:
            InvalidRequest: an option is wrong.
            SetupError: a variable or the file is; the text says where it stands.
        """
        try:
            return read()
        except InvalidRequest as error:
            origin = self.origins.get(name, "--")
            if origin.startswith("--"):
                raise
            raise wrong_setting(origin, name, error) from None


def wrong_setting(origin: str, name: str, error: InvalidRequest) -> SetupError:
    """Return the error for a value that was set in the file or by a variable, `origin`, and not for this request alone."""
    advice = tr(f"export it anew, or: unset {origin}", f"请重新设置，或：unset {origin}")
    if origin.startswith(FILE_NAME):
        from bailian.text.toml_files import put_right

        path = home_folder() / FILE_NAME
        origin, advice = f"{path}: {origin.removeprefix(FILE_NAME).strip()} {name}", put_right(path)
    why = "; ".join(problem.message for problem in error.problems)
    return SetupError(tr(f"{origin}: {why}", f"{origin}：{why}"), advice=advice)


@dataclass(frozen=True)
class Defaults:
    """What stands for options that are left out; None: the toolkit's own."""

    folder: str | None = None
    name: str | None = None
    sidecar: bool = False
    recipe: str = "on"
    """What is written into a picture: "on", "no-price" or "off"."""
    bell: bool = True
    """The terminal's bell rings when something that took long is over."""
    preview: bool = False
    """Pictures are shown in the terminal."""
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By kind: fields of requests that do not say them."""
    field_origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    """"kind.field" → where it is set."""


NO_DEFAULTS = Defaults()


def layers_of(file: SettingsFile, profile: str | None, home: Path) -> tuple[Layer, ...]:
    """Return what applies, the strongest first.

    Raises:
        SetupError: there is no such profile.
    """
    if profile is None:
        return (file.general,)
    if profile in file.profiles:
        return file.profiles[profile], file.general
    if profile_key_file(home, profile).is_file():  # a login alone makes a profile
        return Layer(f"{FILE_NAME} [{PROFILES}.{profile}]"), file.general
    known = ", ".join(profile_names(file, home)) or tr("none yet", "尚无")
    raise SetupError(
        tr(f"there is no profile {profile!r}; there is: {known}", f"没有名为 {profile!r} 的配置；现有：{known}"),
        advice=how_to().command("login", "--profile", profile),
    )


def profile_names(file: SettingsFile, home: Path) -> list[str]:
    """Return the profiles of the file, and those that have a key only."""
    folder = profile_key_file(home, "-").parent
    kept = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    return list(dict.fromkeys([*file.profiles, *kept]))


def defaults_of(layers: Sequence[Layer], sources: Sources) -> Defaults:
    fields: dict[str, dict[str, Any]] = {}
    origins: dict[str, str] = {}
    for layer in reversed(layers):
        for kind, own in layer.fields.items():
            fields.setdefault(kind, {}).update(own)
            origins |= {f"{kind}.{name}": layer.origin for name in own}
    bell = sources.first("bell", *((layer.bell, layer.origin) for layer in layers))
    return Defaults(
        folder=sources.first("folder", *((layer.folder, layer.origin) for layer in layers)),
        name=sources.first("name", *((layer.name, layer.origin) for layer in layers)),
        sidecar=bool(sources.first("sidecar", *((layer.sidecar, layer.origin) for layer in layers))),
        recipe=sources.first("recipe", *((layer.recipe, layer.origin) for layer in layers)) or "on",
        bell=bell is not False,
        preview=bool(sources.first("preview", *((layer.preview, layer.origin) for layer in layers))),
        fields=fields,
        field_origins=origins,
    )


def read_budgets(layers: Sequence[Layer], sources: Sources) -> dict[str, float]:
    """Return the budgets: from the environment, else from the layers.

    Raises:
        SetupError: what is set is no amount of money.
    """
    found = {}
    for name in ("day", "month"):
        variable = f"BAILIAN_{name.upper()}_BUDGET_CNY"
        given = os.environ.get(variable)
        limit_cny = sources.first(
            f"{name}_budget_cny",
            (_number_of(variable, given) if given else None, variable),
            *((layer.day_cny if name == "day" else layer.month_cny, layer.origin) for layer in layers),
        )
        if limit_cny is not None:
            found[f"{name}_budget_cny"] = float(limit_cny)
    return found


def read_ask_above(layers: Sequence[Layer], sources: Sources) -> float | None:
    """Return from which cost on a person is asked; None: never."""
    asked = sources.first("ask_above_cny", *((layer.ask_above_cny, layer.origin) for layer in layers))
    if asked == NEVER:
        return None
    return ASK_ABOVE_CNY if asked is None else float(str(asked))


def read_http_hosts(file: SettingsFile) -> tuple[str, ...]:
    """Return the hosts that may get the key without TLS: `BAILIAN_ALLOW_HTTP=a,b:8765`, else `allow_http = [...]` of
    `settings.toml`. For a sandbox in another container; nobody else on the way is kept from reading along.
    """
    named = os.environ.get("BAILIAN_ALLOW_HTTP")
    hosts = named.split(",") if named else file.allow_http
    return tuple(host.strip().lower() for host in hosts if host.strip())


def _number_of(variable: str, given: str) -> float:
    try:
        amount_cny = float(given)
    except ValueError:
        amount_cny = -1.0
    allowed = amount(amount_cny)
    if allowed is not None:
        raise SetupError(
            tr(f"{variable}={given}: it must be {allowed}", f"{variable}={given}：应为{allowed}"),
            advice=f"export {variable}=20",
        )
    return amount_cny
