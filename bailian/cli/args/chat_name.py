"""What a conversation may be called."""

from __future__ import annotations

from bailian.errors import Problem
from bailian.i18n import tr
from bailian.modalities.rules.fields import check_prompt


def name_problems(field: str, name: str) -> list[Problem]:
    """Return what is wrong with a conversation's name: it is one line, with something to see in it."""
    if "\n" in name or "\r" in name:
        return [Problem(field, tr("must be one line", "应为一行文字"))]
    return check_prompt(field, name, None)
