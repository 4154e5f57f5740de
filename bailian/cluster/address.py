"""What `--cluster` takes: workers that are started here, or the scheduler that others joined. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bailian.errors import InvalidRequest
from bailian.i18n import tr

MOST_LOCAL = 64
_LOCAL = re.compile(r"local:([0-9]{1,9})")
_SCHEDULER = re.compile(r"(?:tcp|tls)://(?:\[[0-9A-Fa-f:.%]+\]|[^\s:/@?#\[\]]+):([0-9]{1,5})")
_PORT_MAX = 65_535


@dataclass(frozen=True)
class ClusterAddress:
    """Where the workers are."""

    url: str = ""
    """The scheduler's, `tcp://…` or `tls://…`; empty: workers are started on this machine."""
    local_workers: int = 0

    @property
    def is_local(self) -> bool:
        return not self.url

    @property
    def title(self) -> str:
        """Return what people are told it is, as they wrote it."""
        return self.url or f"local:{self.local_workers}"


def parsed(word: str) -> ClusterAddress:
    """Return what `--cluster` names.

    Raises:
        InvalidRequest: it is neither `local:N` nor a scheduler's address with its port.
    """
    word = word.strip()
    local, scheduler = _LOCAL.fullmatch(word), _SCHEDULER.fullmatch(word)
    if local and 1 <= int(local[1]) <= MOST_LOCAL:
        return ClusterAddress(local_workers=int(local[1]))
    if scheduler and 1 <= int(scheduler[1]) <= _PORT_MAX:
        return ClusterAddress(word)
    if local or word == "local":
        message = tr(
            f"{word} needs a number of workers from 1 to {MOST_LOCAL}", f"{word} 需要 1 到 {MOST_LOCAL} 的进程数"
        )
        raise InvalidRequest.one("cluster", message, advice=tr("--cluster local:4", "--cluster local:4"))
    # What stands there is not shown: it may hold a password.
    raise InvalidRequest.one(
        "cluster",
        tr("is no scheduler's address with a port, and not local:N", "应为带端口的调度器地址，或 local:N"),
        advice=tr(
            "--cluster tcp://scheduler:8786, tls://scheduler:8786 or local:4",
            "--cluster tcp://scheduler:8786、tls://scheduler:8786 或 local:4",
        ),
    )
