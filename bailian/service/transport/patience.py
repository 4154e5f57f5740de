"""How an answer is waited for: over interim answers, within a time for all of it, with a last look at what is there.

A socket's own timeout is one of silence: a peer that sends a byte now and then is waited for without end. And a process
that was stopped meanwhile (Ctrl-Z, a machine that slept) finds its time over and the answer in the system's buffer.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
from typing import Any

from bailian.clock import current_clock

# What has arrived already is read within this time after the end.
LAST_LOOK_S = 1.0
# The timeout of a socket, a system call each time, is shortened where it would be too long by more than this share.
SLACK_SHARE, SLACK_S = 0.1, 1.0


class Time:
    """How long a socket may still be read."""

    def __init__(self, sock: socket.socket, within_s: float | None) -> None:
        """`within_s`: None: without an end, but for the socket's own."""
        self._sock = sock
        self._monotonic = current_clock().monotonic
        self._ends_at_s = math.inf if within_s is None else self._monotonic() + within_s
        self._is_late = False
        silence_s = sock.gettimeout()
        self._shorten_from_s = math.inf if silence_s is None else silence_s - min(SLACK_S, SLACK_SHARE * silence_s)

    @property
    def left_s(self) -> float | None:
        """Return the seconds that are left; None: without an end."""
        return None if self._ends_at_s == math.inf else self._ends_at_s - self._monotonic()

    def allow(self) -> None:
        """Let the next read wait as long as there is time.

        Raises:
            TimeoutError: it is over, and a last look was taken.
        """
        if self._ends_at_s == math.inf:
            return
        left_s = self._ends_at_s - self._monotonic()
        if left_s <= 0:
            if self._is_late:
                raise TimeoutError("the whole answer took too long")
            self._is_late, left_s = True, LAST_LOOK_S
            self._ends_at_s = self._monotonic() + LAST_LOOK_S
        if left_s < self._shorten_from_s:
            self._sock.settimeout(left_s)


class _UntilThen(io.RawIOBase):
    """Reads a socket until a moment; first what was read of it before."""

    def __init__(self, raw: io.RawIOBase, time: Time, begun: bytes) -> None:
        self._raw, self._time, self._begun = raw, time, begun

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._begun:
            some = self._begun[: len(buffer)]
            buffer[: len(some)] = some
            self._begun = self._begun[len(some) :]
            return len(some)
        self._time.allow()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class PatientResponse(http.client.HTTPResponse):
    """http.client's, which is whole within a time, if one is given. What comes before it (102, 103) is passed over."""

    def __init__(
        self, sock: socket.socket, *args: Any, within_s: float | None, begun: bytes = b"", **kwargs: Any
    ) -> None:
        """`begun`: what was read of it before."""
        super().__init__(sock, *args, **kwargs)
        if within_s is not None or begun:
            self.fp = io.BufferedReader(_UntilThen(self.fp.detach(), Time(sock, within_s), begun))

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        while 100 < status < 200 and status != http.client.SWITCHING_PROTOCOLS:
            http.client.parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, status, reason
