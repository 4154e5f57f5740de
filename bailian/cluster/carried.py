"""What travels to the workers, by its text and not by its name: a scheduler need not have the toolkit installed.

Functions inside functions are pickled so. They load the toolkit where they run. Where there is none they answer None; an older one's version,
if it knows nothing of clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def share_function() -> Callable[[Mapping[str, Any]], Any]:
    """Return what runs a share on a worker; see `workers.run_share`."""

    def bailian(words: Mapping[str, Any]) -> Any:
        try:
            from bailian.cluster.workers import run_share
        except ImportError:
            try:
                from bailian import __version__
            except ImportError:
                return None
            return __version__
        return run_share(words)

    return bailian


def stop_function() -> Callable[[str], bool]:
    """Return what ends the shares of a command on a worker; see `workers.stop_shares`."""

    def stop(command: str) -> bool:
        try:
            from bailian.cluster.workers import stop_shares
        except ImportError:
            return False
        return stop_shares(command)

    return stop
