"""How the service counts a text: a Han character counts twice, everything else once (PRICE, COSY-CE)."""

from __future__ import annotations

import re

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def counted(text: str) -> int:
    return len(text) + len(_HAN.findall(text))
