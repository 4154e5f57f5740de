"""Keys in the system's own keyring, by the library `keyring` (extra `[keyring]`)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bailian.errors import SetupError
from bailian.i18n import tr
from bailian.instructions import how_to

SERVICE = "bailian"


def kept_key(name: str) -> str:
    """Return the key that is kept under this name.

    Raises:
        SetupError: there is none, the keyring is locked, or the library is not installed.
    """
    found = _asked("get_password", SERVICE, name)
    if isinstance(found, str) and found.strip():
        return found.strip()
    raise SetupError(
        tr(f"the system's keyring has no key named {name!r}", f"系统钥匙串中没有名为 {name!r} 的密钥"),
        code="Unauthorized",
        advice=how_to().command("login"),
    )


def keep_key(name: str, key: str) -> None:
    """Keep a key.

    Raises:
        SetupError: as above.
    """
    _asked("set_password", SERVICE, name, key)


def _asked(function: str, *words: str) -> Any:
    try:
        keyring = import_module("keyring")
        failures = import_module("keyring.errors").KeyringError
    except ImportError:
        raise SetupError(
            tr("the library for the system's keyring is not installed", "未安装用于系统钥匙串的库"),
            advice=how_to().with_extra("keyring"),
        ) from None
    try:
        return getattr(keyring, function)(*words)
    except failures as error:
        raise SetupError(
            tr(f"the system's keyring does not answer: {error}", f"系统钥匙串无应答：{error}"),
            advice=tr("unlock it, or keep the key in a file: bailian login", "请先解锁，或改用文件保存：bailian login"),
        ) from None
