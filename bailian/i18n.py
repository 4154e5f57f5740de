"""Every sentence a person reads exists in English and in Chinese; this module picks one."""

from __future__ import annotations

import os
from functools import lru_cache


@lru_cache(maxsize=1)
def language() -> str:
    """Return "zh" or "en": `BAILIAN_LANG`, else the locale's variables, else English."""
    for name in ("BAILIAN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "").strip().lower()
        if value:
            return "zh" if value.startswith("zh") else "en"
    return "en"


def tr(en: str, zh: str) -> str:
    """Return the sentence in the user's language."""
    return zh if language() == "zh" else en
