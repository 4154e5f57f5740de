"""One recorded exchange: a request without secrets and what was answered. A line of JSON each."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bailian.i18n import tr

ROOT = "{{root}}"
"""Stands in a recording for the address of the recorder, and then of whatever replays it."""

UPLOADS = "/_upload/"
RESULTS = "/_result/"
_TELLING = ("x-dashscope-async", "x-dashscope-sse", "range")
"""Headers that change what is answered."""

VERSION = 1


class BadRecording(ValueError):
    """A file is no recording; the text names the line."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any
    """JSON, a text, or `{"base64": …}`; None: nothing."""
    status: int
    answer_headers: Mapping[str, str]
    pieces: tuple[str, ...]
    """The answer as it came, piece by piece; one only if it was no stream."""
    binary: bool = False
    """Whether the pieces are base64."""

    @property
    def key(self) -> str:
        """What a request has to have in common with this one, to be answered so."""
        body = None if self.path.startswith(UPLOADS) else self.body
        telling = {name: self.headers[name].lower() for name in _TELLING if name in self.headers}
        return json.dumps([self.method, self.path, self.query, telling, body], sort_keys=True, ensure_ascii=False)

    def contents(self, root: str) -> list[bytes]:
        """Return the pieces as they are sent from this address."""
        if self.binary:
            return [base64.b64decode(piece) for piece in self.pieces]
        return [piece.replace(ROOT, root).encode("utf-8", "surrogateescape") for piece in self.pieces]


def body_of(content_type: str, raw: bytes) -> Any:
    """Return a body as it is kept and compared: what is chance in it, the boundary of a form, is not there."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    if boundary and content_type.startswith("multipart/"):
        raw = raw.replace(boundary[1].encode(), b"boundary")
    if not raw:
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}
    try:
        return json.loads(text)
    except ValueError:
        return text


class RecordingFile:
    """Appends exchanges; may be used from any thread. Only its owner can read the file."""

    def __init__(self, path: Path, upstream: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")
        self._lock = threading.Lock()
        if path.stat().st_size == 0:
            self._write({"recording": VERSION, "upstream": upstream})

    def add(self, exchange: Exchange) -> None:
        self._write(asdict(exchange))

    def _write(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        if not _is_clean(text):  # bytes of an answer that were no UTF-8
            text = json.dumps(line, separators=(",", ":"))
        with self._lock:
            self._file.write(text + "\n")
            self._file.flush()

    def close(self) -> None:
        with self._lock:
            self._file.close()


def _is_clean(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_recording_file(path: Path) -> list[Exchange]:
    """Return what was recorded, in order.

    Raises:
        BadRecording: it is none.
        OSError: it cannot be read.
    """
    exchanges = []
    try:
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except UnicodeDecodeError:
        raise BadRecording(tr(f"{path} is no recording: no UTF-8", f"{path} 不是录制文件：不是 UTF-8")) from None
    for number, line in enumerate(lines, 1):
        try:
            data = json.loads(line)
            if number == 1 and data.get("recording") == VERSION:
                continue
            exchanges.append(Exchange(**{**data, "pieces": tuple(data["pieces"])}))
        except (ValueError, TypeError, KeyError, AttributeError):  # each line by itself
            raise BadRecording(
                tr(
                    f"{path}, line {number}: is no exchange that `sandbox serve --record` has written",
                    f"{path} 第 {number} 行：不是 `sandbox serve --record` 写入的记录",
                )
            ) from None
    return exchanges
