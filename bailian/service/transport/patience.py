"""How an answer is waited for: over interim answers, within a time for all of it, with a last look at what is there.

A socket's own timeout is one of silence: a peer that sends a byte now and then is waited for without end. And a process
that was stopped meanwhile (Ctrl-Z, a machine that slept) finds its time over and the answer in the system's buffer.
"""

from __future__ import annotations

import http.client
import io
import socket
from typing import Any

from bailian.clock import current_clock

# What has arrived already is read within this time after the end.
LAST_LOOK_S = 1.0


class _UntilThen(io.RawIOBase):
    """Reads a socket until a moment."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, within_s: float) -> None:
        self._sock, self._raw = sock, raw
        self._monotonic = current_clock().monotonic
        self._ends_at_s = self._monotonic() + within_s
        self._is_late = False
        self._silence_s = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._ends_at_s - self._monotonic()
        if left_s <= 0:
            if self._is_late:
                raise TimeoutError("the whole answer took too long")
            self._is_late, left_s = True, LAST_LOOK_S
            self._ends_at_s = self._monotonic() + LAST_LOOK_S
        if self._silence_s is None or left_s < self._silence_s:
            self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class PatientResponse(http.client.HTTPResponse):
    """http.client's, which is whole within a time, if one is given. What comes before it (102, 103) is passed over."""

    def __init__(self, sock: socket.socket, *args: Any, within_s: float | None, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if within_s is not None:
            self.fp = io.BufferedReader(_UntilThen(sock, self.fp.detach(), within_s))

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        while 100 < status < 200 and status != http.client.SWITCHING_PROTOCOLS:
            http.client.parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, status, reason
