"""What reaches the terminal: data on stdout, talk on stderr, and nothing that could drive it."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from bailian.cli.output.live import above
from bailian.cli.output.streams import ReaderGone, is_gone
from bailian.errors import BailianError, SaveError
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.types import Notice

# C0 without tab and newline, DEL, C1, the marks that reorder text, other line ends, and format signs without a shape: a
# server's message must not move the cursor, change colours or hide what follows it.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def is_terminal(stream: Any) -> bool:
    """Return whether a person sits at a stream, which may be closed."""
    return stream is not None and not getattr(stream, "closed", False) and bool(stream.isatty())


def printable(text: str) -> str:
    """Return the text with everything that a terminal would obey made visible."""
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def money(amount_cny: float) -> str:
    """Return an amount as people write it: no exponent, no zeros at the end, a millionth at the finest."""
    return f"{amount_cny:.6f}".rstrip("0").rstrip(".")


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on one line."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # the pipe's encoding lacks a character: JSON has its own way to write it
        text = json.dumps(json.loads(text))
    _write(sys.stdout, text)


def print_data(text: str) -> None:
    """Print a line of data."""
    _write(sys.stdout, printable(text))


def print_text(text: str, end: str = "\n") -> None:
    """Print a text of the service: harmless where a terminal reads it, in a pipe just as it came."""
    _write(sys.stdout, printable(text) if is_terminal(sys.stdout) else text, end)


def print_bytes(data: bytes) -> None:
    """Print a file."""
    buffer = getattr(sys.stdout, "buffer", None)  # a program may have put its own stdout in the place
    if buffer is None or sys.stdout.isatty():
        _write(sys.stdout, printable(data.decode("utf-8", "replace")), end="")
        return
    try:
        buffer.write(data)
        buffer.flush()
    except OSError as error:
        if not is_gone(error):
            raise
        raise nobody_reads() from None


def print_err_chunk(text: str) -> None:
    """Print a piece of talk (a thought) as it comes."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError, SaveError):
            _write(sys.stderr, printable(text), end="")


def print_err(text: str) -> None:
    """Print a line for people. That nobody listens (a closed stderr) must not end a paid run."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError, SaveError):
            _write(sys.stderr, printable(text))


def nobody_reads() -> ReaderGone:
    """Return what is said when the reader of stdout has gone."""
    tasks = how_to().command("tasks", "list")
    return ReaderGone(
        tr("nobody reads stdout any more", "stdout 的读取端已关闭"),
        advice=tr(f"`{tasks}` shows what was saved", f"`{tasks}` 显示已保存的内容"),
    )


def _write(stream: Any, line: str, end: str = "\n") -> None:
    """Write a line; characters that the stream's encoding lacks are escaped, never a reason to fail.

    Raises:
        OSError: the data could not be written (a full disk, a closed pipe).
    """
    encoding = stream.encoding or "utf-8"
    try:
        _write_now(stream, line.encode(encoding, "backslashreplace").decode(encoding) + end)
    except OSError as error:
        if not is_gone(error):
            raise
        raise nobody_reads() from None  # click would turn a broken pipe into a bare exit 1


def _write_now(stream: Any, line: str) -> None:
    with above(stream):
        stream.write(line)
        stream.flush()


def print_notices(notices: Iterable[Notice]) -> None:
    for notice in notices:
        print_err(tr(f"note: {notice.message}", f"提示：{notice.message}"))


def print_error(error: BailianError) -> None:
    """Print what was wrong, what to do, and the numbers that support asks for."""
    first, *rest = error.message.split("\n")
    print_err(tr("error: ", "错误：") + first)
    for line in rest:
        print_err("       " + line)
    if error.advice:
        first, *rest = error.advice.split("\n")
        print_err(tr("  try: ", "  建议：") + first)
        for line in rest:
            print_err("       " + line)
    facts = [
        error.code,
        error.wire_code if error.wire_code != error.code else None,
        f"HTTP {error.http_status}" if error.http_status else None,
        f"request id {error.request_id}" if error.request_id else None,
        f"task id {error.task_id}" if error.task_id else None,
    ]
    print_err("  (" + " · ".join(fact for fact in facts if fact) + ")")
