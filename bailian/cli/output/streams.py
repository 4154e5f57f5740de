"""stdout and stderr of a command: talk that nobody hears is let go, data that cannot be written is remembered.

Python itself flushes both when it ends, and exits with 120 if that fails: a code that says nothing. Bytes which a
broken stream did not take would wait in its buffer for that moment. So each stream's lowest layer is ours.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

from bailian.errors import SaveError

_results_expected = False


class ReaderGone(SaveError):
    """The reader of stdout has gone: `| head` has seen enough."""


def expect_results() -> None:
    """From now on stdout carries what was paid for: that nobody reads it is a failure."""
    global _results_expected
    _results_expected = True


def reader_may_leave() -> bool:
    """Return whether stdout carries nothing but lists and help, which `head` may cut short."""
    return not _results_expected


def is_gone(error: OSError) -> bool:
    """Return whether a write has failed because the reader has gone."""
    # Windows says "invalid argument" to who writes into a pipe that nobody reads.
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL)


class Output(io.RawIOBase):
    """The layer below a stream's buffer. `failure` is why it takes no more: once broken, broken."""

    def __init__(self, stream: Any, raw: io.RawIOBase, *, must_arrive: bool) -> None:
        """`must_arrive`: a failure is the writer's to handle (stdout); else it is swallowed (stderr).

        `raw` is the lowest layer of `stream`, which would close it if nobody kept it.
        """
        super().__init__()
        self._stream = stream
        self._raw = raw
        self._must_arrive = must_arrive
        self.failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        if self.failure is None:
            try:
                written: int | None = self._raw.write(data)
                if written is None:  # a pipe that does not block, and is full
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            except OSError as error:
                self.failure = error
            else:
                return written
        if self._must_arrive:
            raise self.failure
        return len(memoryview(data).cast("B"))

    def let_go(self) -> None:
        """Swallow what still comes: the verdict is known, and only the interpreter's own flush is left."""
        self._must_arrive = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        return bool(self._raw.isatty())


def take_over() -> Output | None:
    """Put our layer under stdout and stderr; return stdout's. Streams that a program has put in their place stay.

    A closed stdin is an empty one, to a closed stderr nothing is said; into a closed stdout nothing can be written.
    The numbers 0, 1 and 2 are taken, so that no file or connection gets one of them.
    """
    global _results_expected
    _results_expected = False
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_RDWR)):
        if not _is_open(number):
            os.open(os.devnull, mode)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr, _ = _over(sys.stderr, must_arrive=False)
    sys.stdout, output = _over(sys.stdout, must_arrive=True)
    return output


def _over(stream: Any, *, must_arrive: bool) -> tuple[Any, Output | None]:
    """Return the stream with our layer at its bottom, and that layer."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # with PYTHONUNBUFFERED there is no buffer between
    if not isinstance(raw, io.RawIOBase) or isinstance(raw, Output):
        return stream, None
    stream.flush()
    layer = Output(stream, raw, must_arrive=must_arrive)
    text = io.TextIOWrapper(
        io.BufferedWriter(layer),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering or stream.write_through,
    )
    return text, layer


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
