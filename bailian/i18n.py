"""Every sentence a person reads exists in English and in Chinese; this module picks one."""

from __future__ import annotations

import os
from functools import lru_cache

OWN_VARIABLE = "BAILIAN_LANG"
LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
_preferred: list[str] = []


def prefer(chosen: str) -> None:
    """Take the language that the user's settings name, unless `BAILIAN_LANG` says another; before the first sentence."""
    _preferred[:] = [chosen]
    language.cache_clear()


def language_origin() -> tuple[str, str]:
    """Return "zh" or "en", and what says so; "" where nothing does.

    `BAILIAN_LANG`, else the user's settings, else the locale's variables, else English.
    """
    own = os.environ.get(OWN_VARIABLE, "").strip().lower()
    if own:
        return _known(own), OWN_VARIABLE
    if _preferred:
        return _known(_preferred[0]), "settings.toml"
    for name in LOCALE_VARIABLES:
        value = os.environ.get(name, "").strip().lower()
        if value:
            return _known(value), name
    return "en", ""


@lru_cache(maxsize=1)
def language() -> str:
    """Return "zh" or "en"."""
    return language_origin()[0]


def _known(value: str) -> str:
    return "zh" if value.startswith("zh") else "en"


def tr(en: str, zh: str) -> str:
    """Return the sentence in the user's language."""
    return zh if language() == "zh" else en
