"""What may be changed while a sandbox runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LINK_LIFE_S = 24 * 3600.0
"""D-T2I: how long a result's link works."""

FETCH_FOREIGN = ("placeholder", "refuse")
REGIONS = ("beijing", "singapore", "virginia", "frankfurt", "tokyo", "hongkong")
LIST_ORDERS = ("newest", "oldest", "mixed")
_WORDS = {"fetch_foreign": FETCH_FOREIGN, "region": REGIONS, "list_order": LIST_ORDERS}
"""The settings that are one of some words."""


@dataclass
class Settings:
    """What may be changed while the sandbox runs."""

    task_s: float = 1.0
    jitter: float = 0.0
    """Share of `task_s` by which tasks differ: 0.2 means 0.8 to 1.2 times."""
    enforce_limits: bool = True
    link_life_s: float = LINK_LIFE_S
    fetch_foreign: str = "placeholder"
    """What stands in for inputs of other computers, which are never asked.

    "placeholder": a drawn picture. "refuse": nothing, the download fails.
    """
    sse_blank_lines: bool = True
    """Whether a stream has blank lines between its frames: newer captures have, others have not."""
    sse_heartbeats: bool = False
    """Whether a stream has a comment of its own before every frame."""

    region: str = "beijing"
    """A key that begins with another region's name, like `sk-singapore`, is not known here."""
    end_after_polls: int = 0
    """A task accepted now ends at this query of it, whatever the time; before, it is RUNNING. 0: it ends by the clock."""
    list_page_size: int = 100
    """The vendor names no maximum; a larger page of the task list is cut to this (a guess)."""
    list_order: str = "newest"
    """Which tasks a list begins with; the vendor names no order. "mixed": now an old one, now a new one."""

    def change(self, changes: Mapping[str, Any]) -> None:
        """Take new values.

        Raises:
            ValueError: an unknown name, or a value of the wrong type.
        """
        for name, value in changes.items():
            if name not in self.__dataclass_fields__:
                raise ValueError(f"there is no setting {name!r}")
            if name in _WORDS:
                if value not in _WORDS[name]:
                    raise ValueError(f"{name} is one of {', '.join(_WORDS[name])}")
                continue
            wants_bool = isinstance(getattr(self, name), bool)
            if isinstance(value, bool) != wants_bool or not isinstance(value, int | float):
                raise ValueError(f"{name} is {'true or false' if wants_bool else 'a number'}")
        for name, value in changes.items():
            setattr(self, name, value)
