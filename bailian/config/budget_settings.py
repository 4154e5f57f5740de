"""What the user lets all processes together spend in a day and in a month, read from where it is set."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bailian.errors import SetupError
from bailian.i18n import tr

FILE_NAME = "settings.toml"


def amount(value: object) -> str | None:
    """Return what an amount of money must be, or None for one that is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    most_cny = 10**9
    if is_number and 0 <= value <= most_cny:  # type: ignore[operator]
        return None
    return tr(f"an amount in CNY from 0 to {most_cny}", f"0 到 {most_cny} 之间的金额（元）")


def hosts(value: object) -> str | None:
    """Return what a list of hosts must be, or None for one that is."""
    if isinstance(value, list) and all(isinstance(host, str) for host in value):
        return None
    return tr('a list of host names, such as ["sandbox:8765"]', '主机名列表，例如 ["sandbox:8765"]')


# Table → key → what a value of it must be, see `amount`.
KEYS: Mapping[str, Mapping[str, Callable[[object], str | None]]] = {
    "budget": {"day_cny": amount, "month_cny": amount},
}
# Keys that stand in no table.
SINGLE_KEYS: Mapping[str, Callable[[object], str | None]] = {"allow_http": hosts}


def read_budgets(home: Path) -> dict[str, Any]:
    """Return the budgets: from the environment, else from `settings.toml` in the home folder (`[budget]`).

    Raises:
        SetupError: what is set is no amount of money, or the file is not as it must be.
    """
    kept = read_settings_file(home / FILE_NAME).get("budget", {})
    found = {}
    for name in ("day", "month"):
        variable = f"BAILIAN_{name.upper()}_BUDGET_CNY"
        given = os.environ.get(variable)
        if given:
            found[f"{name}_budget_cny"] = _number_of(variable, given)
        elif f"{name}_cny" in kept:
            found[f"{name}_budget_cny"] = float(kept[f"{name}_cny"])
    return found


def read_http_hosts(home: Path) -> tuple[str, ...]:
    """Return the hosts that may get the key without TLS: `BAILIAN_ALLOW_HTTP=a,b:8765`, else `allow_http = [...]` of
    `settings.toml`. For a sandbox in another container; nobody else on the way is kept from reading along.

    Raises:
        SetupError: the file is not as it must be.
    """
    named = os.environ.get("BAILIAN_ALLOW_HTTP")
    hosts = named.split(",") if named else read_settings_file(home / FILE_NAME).get("allow_http", [])
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


def read_settings_file(path: Path) -> dict[str, Any]:
    """Return the tables of the user's settings, every value as it must be.

    Raises:
        SetupError: it is not TOML, or holds something that is no setting; the text names table and key.
    """
    if not path.exists():  # nothing more to load
        return {}
    from bailian.catalog import did_you_mean
    from bailian.text.toml_files import put_right, read_toml, refused

    tables = read_toml(path)
    for name, table in tables.items():
        if name in SINGLE_KEYS:
            allowed = SINGLE_KEYS[name](table)
            if allowed is not None:
                raise refused(path, name, table, allowed)
            continue
        known = KEYS.get(name)
        if known is None:
            raise SetupError(
                _unknown(path, tr("table", "表"), f"[{name}]", {**KEYS, **SINGLE_KEYS})
                + did_you_mean(name, {**KEYS, **SINGLE_KEYS}),
                advice=put_right(path),
            )
        if not isinstance(table, dict):
            raise refused(path, name, table, tr(f"a table: [{name}]", f"表：[{name}]"))
        for key, value in table.items():
            if key not in known:
                text = _unknown(path, tr("key", "键"), f"[{name}] {key}", known)
                raise SetupError(text + did_you_mean(key, known), advice=put_right(path))
            allowed = known[key](value)
            if allowed is not None:
                raise refused(path, f"[{name}] {key}", value, allowed)
    return tables


def _unknown(path: Path, what: str, name: str, known: Mapping[str, object]) -> str:
    names = ", ".join(known)
    return tr(f"{path}: unknown {what} {name}; there is {names}", f"{path}：未知的{what} {name}；可用的有 {names}")
