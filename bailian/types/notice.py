"""What a user is told about a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """Something sent differently from what was asked, or worth knowing before paying. `--strict` refuses it."""

    code: str
    message: str


def read_as(remark: str) -> list[Notice]:
    """Return what is to be said about how a file or stdin was read; nothing of one in UTF-8."""
    return [Notice("read_as", remark)] if remark else []
