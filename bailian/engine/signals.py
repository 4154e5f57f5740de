"""Ctrl-C waits for a good moment: never between an answer that has come and the journal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

# Windows has no hang-up.
SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))


class ShutdownSignals:
    """While it is entered, the first Ctrl-C (or SIGTERM, or SIGHUP) is only noted; the second is raised at once, as ever.

    Another thread than the main one, and a process that ignores Ctrl-C (nohup), are left as they are.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake` is called in the signal's handler: it may only put something into a `SimpleQueue`."""
        self._wake = wake
        self._before: dict[int, Any] = {}
        self.pressed = False

    def press(self) -> None:
        """Do as the first Ctrl-C does; from any thread."""
        self.pressed = True
        self._wake()

    def raise_if_pressed(self) -> None:
        """Raise KeyboardInterrupt: here is a good moment."""
        if self.pressed:
            raise KeyboardInterrupt

    def __enter__(self) -> ShutdownSignals:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if callable(signal.getsignal(number)):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True
        self._wake()
