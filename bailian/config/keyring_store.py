"""Keys in the system's own keyring, by the library `keyring` (extra `[keyring]`)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bailian.errors import SetupError
from bailian.i18n import tr
from bailian.instructions import how_to

SERVICE = "bailian"
NO_PROFILE = "default"
"""Under this name is the key that belongs to no profile."""


def kept_key(name: str) -> str:
    """Return the key that is kept under this name.

    Raises:
        SetupError: there is none, the keyring is locked, or the library is not installed.
    """
    found = _asked(name, "get_password", SERVICE, name)
    if isinstance(found, str) and found.strip():
        return found.strip()
    raise SetupError(
        tr(f"the system's keyring has no key named {name!r}", f"系统钥匙串中没有名为 {name!r} 的密钥"),
        code="Unauthorized",
        advice=_login(name, "--keyring"),
    )


def keep_key(name: str, key: str) -> None:
    """Keep a key, and see that it is there: a keyring that is switched off takes everything and keeps nothing.

    Raises:
        SetupError: as above, or it is not there.
    """
    _asked(name, "set_password", SERVICE, name, key)
    if _asked(name, "get_password", SERVICE, name) != key:
        raise SetupError(
            tr("the system's keyring has not kept the key", "系统钥匙串没有保存该密钥"), advice=_in_a_file(name)
        )


def _asked(name: str, function: str, *words: str) -> Any:
    try:
        keyring = import_module("keyring")
        errors = import_module("keyring.errors")
    except ImportError:
        raise SetupError(
            tr("the library for the system's keyring is not installed", "未安装用于系统钥匙串的库"),
            advice=how_to().with_extra("keyring"),
        ) from None
    try:
        return getattr(keyring, function)(*words)
    except errors.NoKeyringError:  # whose own words are about more packages
        raise SetupError(
            tr("this system has no keyring that can be used", "本系统没有可用的钥匙串"), advice=_in_a_file(name)
        ) from None
    except errors.KeyringError as error:
        unlock = tr("unlock it, or ", "请先解锁，或")
        raise SetupError(
            tr(f"the system's keyring does not answer: {error}", f"系统钥匙串无应答：{error}"),
            advice=unlock + _in_a_file(name),
        ) from None


def _login(name: str, *more: str) -> str:
    return how_to().command("login", *(() if name == NO_PROFILE else ("--profile", name)), *more)


def _in_a_file(name: str) -> str:
    return tr(f"keep the key in a file: {_login(name)}", f"改用文件保存：{_login(name)}")
