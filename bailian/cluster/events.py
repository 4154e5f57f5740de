"""What a command hears of the workers of its cluster."""

from __future__ import annotations

from dataclasses import dataclass

from bailian.cluster.share import ShareResult


@dataclass(frozen=True)
class Dashboard:
    """The scheduler shows a page about its workers."""

    url: str


@dataclass(frozen=True)
class Begun:
    """A worker has been given its share."""

    worker: str


@dataclass(frozen=True)
class Ended:
    """A worker has answered: its share is over, or it takes no part."""

    worker: str
    result: ShareResult


@dataclass(frozen=True)
class Died:
    """A worker is gone, and its share with it."""

    worker: str


@dataclass(frozen=True)
class SchedulerLost:
    """Nobody answers at the scheduler's address, and nothing is known of the shares; it is asked again for some time."""

    why: str
    patience_s: float


@dataclass(frozen=True)
class SchedulerBack:
    """A scheduler answers there again. It may be another one, and knows nothing of the shares."""


@dataclass(frozen=True)
class SchedulerGone:
    """Nobody has answered there for long enough."""


Event = Dashboard | Begun | Ended | Died | SchedulerLost | SchedulerBack | SchedulerGone
