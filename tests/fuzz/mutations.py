"""Makes odd answers of good ones: JSON with anything in the place of anything, and bytes with their figures changed."""

from __future__ import annotations

import json
import random
from typing import Any

MOST_CHANGES = 4
DEEP = 1_100
NASTY = (
    *("null", "true", "false", "0", "-0", "1", "-1", "5.0", "0.5", "2147483648", "4294967296", "18446744073709551616"),
    *("1e400", "-1e400", "1e308", "NaN", "Infinity", "-Infinity", "1" + "0" * 400, "-1" + "0" * 5000, "01", "- 1"),
    *(
        '""',
        '"x"',
        '"0"',
        '"true"',
        '"null"',
        '"\\u0000"',
        '"\\ud83d"',
        '"\\udc00\\ud800"',
        '"\ufeff\u202e\\u001b[31m"',
    ),
    *('"http://["', '"https://"', '"file:///etc/passwd"', '"9999-99-99 99:99:99"', '"0001-01-01T00:00:00+23:59"'),
    *('"' + "长" * 5_000 + '"', '"\\ud83d' * 3 + '"', "'x'", "undefined", "[", "{", '"', ""),
    *("[]", "{}", "[[]]", "[null]", "[{}]", "[true, 1, {}]", '{"a": {"b": []}}', '{"": ""}', '{"\\ud83d": 1}'),
    *('1, "url": true', '"x", "usage": 5', '[], "output": {}, "results": 1'),  # a key that comes twice
    *("[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "[" * DEEP),
)
_FIGURES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def odd_json(good: bytes, chance: random.Random) -> bytes:
    """Return the JSON with one to four places of it changed, and sometimes a byte of the whole."""
    value: Any = {"root": json.loads(good)}
    raw_texts: dict[str, str] = {}
    for number in range(chance.randint(1, MOST_CHANGES)):
        places = _places(value)
        if not places:
            break
        holder, key = chance.choice(places)
        if chance.random() < 0.6:
            mark = f"raw-{number}-raw"
            raw_texts[json.dumps(mark)] = chance.choice(NASTY)
            holder[key] = mark
        else:
            _rearrange(value, holder, key, chance)
    text = json.dumps(value["root"], ensure_ascii=False) if "root" in value else chance.choice(NASTY)
    for mark, raw in raw_texts.items():
        text = text.replace(mark, raw)
    content = text.encode("utf-8", "surrogatepass")
    return odd_bytes(content, chance) if chance.random() < 0.1 else content


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every holder and key of a value."""
    found, todo = [], [value]
    while todo:
        holder = todo.pop()
        for key in holder if isinstance(holder, dict) else range(len(holder)):
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                todo.append(holder[key])
    return found


def _rearrange(value: Any, holder: Any, key: Any, chance: random.Random) -> None:
    """Leave out, wrap, repeat or exchange one place for another of the same answer."""
    what = chance.randrange(5)
    if what == 0:
        del holder[key]
    elif what == 1:
        holder[key] = [holder[key]]
    elif what == 2:
        holder[key] = {"url": holder[key]}
    elif what == 3 and isinstance(holder, list):
        holder.extend(holder[key : key + 1] * 3)
    else:
        other, name = chance.choice(_places(value))
        holder[key] = json.loads(json.dumps(other[name]))


def odd_bytes(good: bytes, chance: random.Random) -> bytes:
    """Return the bytes with one to four places changed: a byte, a figure of 16 or 32 bits, a piece cut or repeated."""
    data = bytearray(good)
    for _ in range(chance.randint(1, MOST_CHANGES)):
        at = chance.randrange(len(data) + 1)
        what = chance.randrange(6)
        if what == 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        elif what in (1, 2):
            width = chance.choice((2, 4))
            figure = chance.choice(_FIGURES) & (1 << 8 * width) - 1
            data[at : at + width] = figure.to_bytes(width, chance.choice(("little", "big")))
        elif what == 3:
            del data[at:]
        elif what == 4:
            del data[at : at + chance.randrange(1, 20)]
        else:
            data[at:at] = data[at : at + chance.randrange(1, 200)]
    return bytes(data)
