"""Server-sent events as this service sends them. Pure: bytes in, frames out.

Facts: docs/wire.md "Text generation" (captured streams 2024-11 to 2026-06, cnblogs/dashscope-sdk). A frame is

    id:1
    event:result
    :HTTP_STATUS/200
    data:{"output":{…},"usage":{…},"request_id":"…"}

The comment holds the frame's real status, since HTTP itself said 200 when the stream began. The blank line between
frames is missing in some captures, so each `data:` line is a frame. There is no `[DONE]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_STATUS = re.compile(r":\s*HTTP_STATUS/(\d{3})")


@dataclass(frozen=True)
class Frame:
    """One `data:` line with what stood before it."""

    data: str
    event: str = ""
    status: int | None = None


def frames(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """Yield the frames of a stream, wherever its chunks are cut; comments and unknown lines are passed over."""
    event, status = "", None
    for line in _lines(chunks):
        found = _STATUS.match(line)
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if found:
            status = int(found.group(1))
        elif name == "event":
            event = value
        elif name == "data":
            yield Frame(value, event, status)
            event, status = "", None


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield whole lines. They are cut as bytes: a character may arrive in two chunks, and so may CR LF."""
    rest: list[bytes] = []
    for chunk in chunks:
        *whole, last = chunk.replace(b"\r", b"\n").split(b"\n")
        for chunk in whole:
            rest.append(chunk)
            yield from _text(rest)
            rest = []
        rest.append(last)
    yield from _text(rest)


def _text(pieces: list[bytes]) -> Iterator[str]:
    line = b"".join(pieces)
    if line:
        yield line.decode("utf-8", "replace")
