"""What is known of a task that a job waits for, from its own answers and from the task list."""

from __future__ import annotations

from dataclasses import dataclass

from bailian.engine.timing import DurationProfile, ends_between, longest_look_pause_s

OVER = ("SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN")
# A task that so many looks in a row did not show is asked for by itself.
UNSEEN_LOOKS = 2


@dataclass(slots=True)
class Watched:
    """One task. Times are the process's steady clock's."""

    job_id: str
    began_s: float
    """When it began to run, or will, as far as that is known."""
    profile: DurationProfile | None
    due_s: float
    """When it would be asked for by itself."""
    window_s: float
    """When that was for the first time: from then on it may be over."""
    alive_s: float
    """When it was last known not to be over."""
    anyway_s: float
    """When it is asked for whatever the list says."""
    created_s: float | None = None
    """By the list, on the service's clock."""
    runs: bool = False
    """It was seen to run, so it is over when it does no more."""
    unseen: int = 0
    """How many looks at the list in a row did not show it."""
    misjudged: bool = False
    """The list showed it to be over, and it was not."""
    over: bool = False
    """The list shows that it is over."""

    @property
    def is_listed(self) -> bool:
        """Return whether the list can be expected to show it."""
        return self.unseen < UNSEEN_LOOKS and not self.misjudged

    def chance(self, now_s: float) -> float:
        """Return how likely it has ended since it was last known not to be over."""
        return ends_between(self.alive_s - self.began_s, now_s - self.began_s, self.profile)

    def ends_per_s(self, now_s: float) -> float:
        """Return how likely it ends within a second from now."""
        return ends_between(now_s - self.began_s, now_s + 1.0 - self.began_s, self.profile)

    def longest_pause_s(self, now_s: float) -> float:
        """Return how seldom the list may be looked at while it may be over."""
        return longest_look_pause_s(now_s - self.began_s, self.profile)
