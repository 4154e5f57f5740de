"""The user's `settings.toml`: what stands for options that are left out, and profiles that lay their own over it.

language = "zh"                 # en or zh

[budget]                        # CNY that all processes together may spend
day_cny = 20
ask_above_cny = 10              # what costs more is asked about on a terminal; 0: always, "never": not at all

[output]
folder = "~/pictures"           # instead of outputs/
name = "{date}_{prompt}"
sidecar = true
recipe = "no-price"             # what is written into a picture: on, no-price, off
bell = false                    # no bell when something that took long is over
preview = true                  # show each picture in the terminal, as --preview

[text2image]                    # by script: whatever a row of a batch may say
model = "wan2.7-image"
size = "2K"

[profile.shop]                  # another account; may hold the tables above, too
key_file = "~/.keys/shop"
region = "singapore"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bailian.errors import SetupError
from bailian.i18n import tr

FILE_NAME = "settings.toml"
SCRIPT_KINDS = {
    "text2image": "image",
    "image_edit": "image_edit",
    "wanx_edit": "wanx_edit",
    "text2text": "text",
    "text2video": "video",
    "tts": "speech",
    "asr": "transcription",
}
"""The table of a script, and the kind of its requests."""
RECIPES = ("on", "no-price", "off")
LANGUAGES = ("en", "zh")
MOST_CNY = 10**9
NEVER = "never"
OWN_JOURNAL = "sqlite"
"""The journal of this machine alone."""
JOURNAL_SCHEMES = ("postgresql://", "postgres://")
PROFILE_NAME = re.compile(r"[\w.-]{1,64}")

Allowed = Callable[[object], str | None]
"""Returns what a value must be; None for one that is."""


@dataclass(frozen=True)
class Layer:
    """What one level of the file sets; None, empty: nothing."""

    origin: str
    """Where it stands, as people are told: "settings.toml [profile.shop]"."""
    day_cny: float | None = None
    month_cny: float | None = None
    ask_above_cny: float | str | None = None
    folder: str | None = None
    name: str | None = None
    sidecar: bool | None = None
    recipe: str | None = None
    bell: bool | None = None
    preview: bool | None = None
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By kind: the fields of its requests."""
    journal: str | None = field(default=None, repr=False)
    key_file: str | None = None
    region: str | None = None
    workspace: str | None = None
    base_url: str | None = None


@dataclass(frozen=True)
class SettingsFile:
    """The whole file."""

    path: Path
    general: Layer
    language: str | None = None
    journal: str | None = field(default=None, repr=False)
    allow_http: tuple[str, ...] = ()
    profiles: Mapping[str, Layer] = field(default_factory=dict)


def no_settings(home: Path) -> SettingsFile:
    return SettingsFile(home / FILE_NAME, Layer(FILE_NAME))


def amount(value: object) -> str | None:
    """Return what an amount of money must be, or None for one that is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 0 <= value <= MOST_CNY:  # type: ignore[operator]
        return None
    return tr(f"an amount in CNY from 0 to {MOST_CNY}", f"0 到 {MOST_CNY} 之间的金额（元）")


def _amount_or_never(value: object) -> str | None:
    allowed = None if value == NEVER else amount(value)
    return allowed and allowed + tr(f', or "{NEVER}"', f'，或 "{NEVER}"')


def _hosts(value: object) -> str | None:
    if isinstance(value, list) and all(isinstance(host, str) for host in value):
        return None
    return tr('a list of host names, such as ["sandbox:8765"]', '主机名列表，例如 ["sandbox:8765"]')


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and value.strip() else tr("a text", "文本")


def _folder(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return tr("a folder", "目录")
    of_another = value.startswith("~") and value[1:2] not in ("", "/", "\\")
    return tr("a folder; ~/ is your own home", "目录；~/ 表示您自己的主目录") if of_another else None


def _switch(value: object) -> str | None:
    return None if isinstance(value, bool) else tr("true or false", "true 或 false")


def journal_url(value: object) -> str | None:
    """Return what a journal's place must be, or None for one that is. What it is now may hold a password."""
    if value == OWN_JOURNAL:
        return None
    if isinstance(value, str) and value.startswith(JOURNAL_SCHEMES):
        if value.partition("://")[2].partition("/")[0].count("@") <= 1:
            return None
        return tr("an address with one @; in a password it is written %40", "只含一个 @ 的地址；密码中的 @ 写作 %40")
    return tr(
        f'postgresql://USER@HOST/DATABASE, or "{OWN_JOURNAL}" for the files of the home folder',
        f'postgresql://用户@主机/数据库，或 "{OWN_JOURNAL}"（主目录中的文件）',
    )


def _one_of(*words: str) -> Allowed:
    return lambda value: None if value in words else tr(f"one of {', '.join(words)}", f"{'、'.join(words)} 之一")


def _anything(_value: object) -> str | None:
    """The fields of a request are judged with the request: what its model takes is known there."""
    return None


Keys = Mapping[str, Allowed]
TABLES: Mapping[str, Keys | None] = {
    "budget": {"day_cny": amount, "month_cny": amount, "ask_above_cny": _amount_or_never},
    "output": {
        "folder": _folder,
        "name": _text,
        "sidecar": _switch,
        "recipe": _one_of(*RECIPES),
        "bell": _switch,
        "preview": _switch,
    },
    **dict.fromkeys(SCRIPT_KINDS),
}
"""Table → its keys; None: the fields of that script's requests."""
PROFILE_KEYS: Keys = {"journal": journal_url, "key_file": _text, "region": _text, "workspace": _text, "base_url": _text}
SINGLE_KEYS: Keys = {"allow_http": _hosts, "journal": journal_url, "language": _one_of(*LANGUAGES)}
PROFILES = "profile"


def read_settings_file(home: Path) -> SettingsFile:
    """Return what the file of a home folder sets, every value as it must be; nothing if there is none.

    Raises:
        SetupError: it is not TOML, or holds something that is no setting; the text names table and key.
    """
    path = home / FILE_NAME
    if not path.exists():  # nothing more to load
        return no_settings(home)
    from bailian.text.toml_files import read_toml, refused

    tables = read_toml(path)
    profiles = tables.pop(PROFILES, {})
    if not isinstance(profiles, dict):
        raise refused(path, PROFILES, profiles, tr(f"a table: [{PROFILES}.NAME]", f"表：[{PROFILES}.名称]"))
    single = {name: _checked(path, name, tables.pop(name), SINGLE_KEYS[name]) for name in SINGLE_KEYS if name in tables}
    general = _layer(path, "", tables, {**SINGLE_KEYS, f"{PROFILES}.NAME": _anything})
    return SettingsFile(
        path,
        general,
        single.get("language"),
        single.get("journal"),
        tuple(single.get("allow_http", ())),
        {name: _profile(path, name, table) for name, table in profiles.items()},
    )


def _profile(path: Path, name: str, table: object) -> Layer:
    from bailian.text.toml_files import refused

    where = f"[{PROFILES}.{name}]"
    if not isinstance(table, dict):
        raise refused(path, f"{PROFILES}.{name}", table, tr(f"a table: {where}", f"表：{where}"))
    if not PROFILE_NAME.fullmatch(name):
        allowed = tr("a name of letters, digits, - _ .", "由字母、数字、- _ . 组成的名称")
        raise refused(path, PROFILES, name, allowed)
    own = {key: _checked(path, f"{where} {key}", table[key], PROFILE_KEYS[key]) for key in PROFILE_KEYS if key in table}
    rest = {key: value for key, value in table.items() if key not in own}
    return replace(_layer(path, f"{PROFILES}.{name}.", rest, PROFILE_KEYS), **own)


def _layer(path: Path, prefix: str, tables: Mapping[str, object], beside: Mapping[str, object]) -> Layer:
    """Return what the tables of one level set; `beside`: what may stand there, too, and was taken out already."""
    from bailian.catalog import did_you_mean
    from bailian.text.toml_files import put_right, refused

    found: dict[str, Any] = {}
    fields: dict[str, Mapping[str, Any]] = {}
    for written, table in tables.items():
        name, where = written.replace("-", "_"), f"[{prefix}{written}]"
        if name not in TABLES:
            raise SetupError(_unknown_name(path, prefix, written, table, [*TABLES, *beside]), advice=put_right(path))
        if not isinstance(table, dict):
            raise refused(path, f"{prefix}{written}", table, tr(f"a table: {where}", f"表：{where}"))
        keys = TABLES[name]
        if keys is None:
            fields[SCRIPT_KINDS[name]] = table
            continue
        for key, value in table.items():
            if key not in keys:
                text = _unknown(path, tr("key", "键"), f"{where} {key}", list(keys)) + did_you_mean(key, keys)
                raise SetupError(text, advice=put_right(path))
            found[key] = _checked(path, f"{where} {key}", value, keys[key])
    origin = f"{FILE_NAME} [{prefix.rstrip('.')}]" if prefix else FILE_NAME
    return Layer(origin, fields=fields, **found)


def _unknown_name(path: Path, prefix: str, written: str, value: object, known: list[str]) -> str:
    """Return what is wrong with a name that stands for nothing at its level, and what may have been meant."""
    from bailian.catalog import did_you_mean

    script = {kind: script for script, kind in SCRIPT_KINDS.items()}.get(written)
    if script is not None and isinstance(value, dict):
        meant = tr(f"; did you mean {script}?", f"；您是想用 {script} 吗？")
    else:
        meant = did_you_mean(written, known)
    if isinstance(value, dict):
        return _unknown(path, tr("table", "表"), f"[{prefix}{written}]", known) + meant
    below = tr(
        f"; a field stands below its script: [{prefix}text2image]", f"；字段写在脚本的表中：[{prefix}text2image]"
    )
    return _unknown(path, tr("key", "键"), f"{prefix}{written}", known) + (meant or below)


def _checked(path: Path, where: str, value: Any, allowed_by: Allowed) -> Any:
    from bailian.text.toml_files import refused

    allowed = allowed_by(value)
    if allowed is not None:
        raise refused(path, where, "…" if allowed_by is journal_url else value, allowed)
    return value


def _unknown(path: Path, what: str, name: str, known: list[str]) -> str:
    names = ", ".join(known)
    return tr(f"{path}: unknown {what} {name}; there is {names}", f"{path}：未知的{what} {name}；可用的有 {names}")
