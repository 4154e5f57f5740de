"""How who uses a journal on a server waits for it: when it begins, and whenever the server goes away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Who only wants to read something looks at the clock; a server that has no connection left has one again soon, or never.
READING_S = 10.0
# A server that is restarted is back within a minute; whoever mends a disk needs longer.
RUNNING_S = 600.0


def _tell_nobody(_why: str) -> None:
    pass


def _stays() -> bool:
    return False


@dataclass(frozen=True)
class Patience:
    """What a connection does while its server is away. The default is that of a command that reads, and is over."""

    for_s: float = READING_S
    on_pause: Callable[[str], None] = _tell_nobody
    """Told why this process waits, once each time; and (empty) that it goes on."""
    is_leaving: Callable[[], bool] = _stays
    """Asked while it waits: who wants to leave waits for no server."""


READING = Patience()


def running(on_pause: Callable[[str], None], is_leaving: Callable[[], bool] = _stays) -> Patience:
    """Return the patience of a run: what it sends, and has sent, is worth waiting for."""
    return Patience(RUNNING_S, on_pause, is_leaving)
