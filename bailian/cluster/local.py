"""`--cluster local:N`: a scheduler inside this process, and N workers beside it, for this command alone."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

from bailian.clock import Clock

HOST = "127.0.0.1"
# Their shares are over when they are told to end. One that is not out by then ends by itself.
PATIENCE_S = 5.0
_WORKER = ("-m", "bailian.cluster.local_worker")


class LocalWorkers:
    """Processes that end when their scheduler does, whatever has ended it: they bring in what is under way first."""

    def __init__(self, count: int, clock: Clock) -> None:
        """Start them. They load for about a second, and so does what they are to talk to: all at the same time."""
        self._clock = clock
        self._processes = [self._start(number) for number in range(count)]
        from distributed import LocalCluster

        self._cluster: Any = LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=0, host=HOST, protocol="tcp://", dashboard_address=None, silence_logs=False
        )
        self.url: str = self._cluster.scheduler_address
        for process in self._processes:
            if process.stdin is not None:
                with suppress(OSError), process.stdin as stdin:  # one that has died is not waited for
                    stdin.write(self.url.encode())

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        # Ctrl-C is this command's to hear, not theirs: they are told to end.
        apart: dict[str, Any] = {"start_new_session": True}
        if os.name == "nt":
            apart = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        return subprocess.Popen(  # noqa: S603 - this Python, and our own module
            [sys.executable, *_WORKER, f"local-{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # this command's stdout is data
            **apart,
        )

    @property
    def alive(self) -> int:
        """Return how many of them run."""
        return sum(process.poll() is None for process in self._processes)

    def close(self, *, wait: bool = True) -> None:
        """End the scheduler, and with it the workers. `wait`: for them, a moment."""
        self._cluster.close()
        until_s = self._clock.monotonic() + PATIENCE_S
        for process in self._processes if wait else ():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until_s - self._clock.monotonic()))
