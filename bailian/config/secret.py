"""A key: where it is found, and how it stays hidden."""

from __future__ import annotations

import re
from pathlib import Path

from bailian.errors import SetupError
from bailian.i18n import reason_of, tr
from bailian.instructions import how_to
from bailian.text.decoding import NotText, read_text

KEYS_FOLDER = "keys"
"""In the home folder: a file for each profile, named after it (`bailian login --profile NAME`)."""
IN_KEYRING = "keyring:"
"""A key file that begins so says under which name the system's keyring has the key."""


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


def default_key_file() -> Path | None:
    """Return where a key lies that belongs to no profile, as the official SDK has it; None for a user without a home."""
    try:
        return Path.home() / ".dashscope" / "api_key"
    except RuntimeError:  # a user id that nobody knows
        return None


def profile_key_file(home: Path, profile: str) -> Path:
    """Return where `bailian login` keeps the key of a profile."""
    return home / KEYS_FOLDER / profile


def user_path(variable: str, value: str) -> Path:
    """Return a path that the user has set, with `~` for his home.

    Raises:
        SetupError: nobody knows that home.
    """
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise SetupError(
            tr(f"{variable}: nobody knows this home folder: {value}", f"{variable}：没有这个主目录：{value}")
        ) from None


def read_key(path: Path, profile: str | None = None) -> Secret | None:
    """Return the key in a file, or in the keyring that it points to; None if it is empty. `profile`: whose key it is.

    Raises:
        SetupError: it cannot be read, or holds no key.
    """
    reason, value = "", ""
    login = how_to().command("login", *(("--profile", profile) if profile else ()))
    advice = tr(f"`{login}` keeps a key there", f"`{login}` 可在那里保存密钥")
    try:
        value = read_text(path).text.strip()
    except NotText:  # whose own words may hold a part of the key
        reason = tr("it is no text: save it as UTF-8", "不是文本：请另存为 UTF-8")
    except OSError as error:
        reason = reason_of(error)
    if reason:
        raise SetupError(
            tr(f"cannot read the key file {path}: {reason}", f"无法读取密钥文件 {path}：{reason}"), advice=advice
        )
    if value.startswith(IN_KEYRING):
        from bailian.config.keyring_store import kept_key

        value = kept_key(value.removeprefix(IN_KEYRING))
    return checked_key(value, str(path)) if value else None


def checked_key(value: str, origin: str) -> Secret:
    """Return a key; `origin` is where it stands, as people are told.

    Raises:
        SetupError: it has what no key has.
    """
    try:
        return Secret(value)
    except ValueError:
        raise SetupError(
            tr(
                f"the key in {origin} has spaces or characters no key has (a quote mark, a second line?)",
                f"{origin} 中的密钥含有空格或非法字符（多余的引号或换行？）",
            ),
            code="Unauthorized",
        ) from None
