"""What a worker is told, and what it answers. Both pass the scheduler: neither holds a key, or where the journal is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bailian import __version__
from bailian.i18n import tr


@dataclass(frozen=True)
class Share:
    """A worker's part in a batch: which run it is, and whose. Which rows it gets is found in the journal."""

    command: str
    """The lease of the command that asks. A journal that does not know it is another one."""
    account: str
    """A digest of key and host, as the journal has it. The key cannot be found from it."""
    run: str
    kind: str | None = None
    region: str = "beijing"
    workspace: str | None = None
    on_server: bool = False
    """Whether the journal is on a server; if not, it is in the home folder of this machine."""
    strict: bool = False
    wait: bool = True
    timeout_s: float | None = None
    """Seconds that are left of the command's own."""
    budgets: tuple[tuple[float, str, str | None], ...] = ()
    """Limit (CNY), name and run of each budget of the command; the worker's own count, too."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The account options of the command line: a profile's name, a region, a host."""
    words: str = ""
    """Who says what errors advise, as "module:name"."""

    def packed(self) -> dict[str, Any]:
        """Return it as it travels: another version of the toolkit can read as much as the version."""
        return {"version": __version__, **asdict(self)}


@dataclass(frozen=True)
class ShareResult:
    """How a worker's part ended."""

    host: str
    refused: str = ""
    """Why the worker takes no part; nothing was sent by it then."""
    broken: str = ""
    """Why it ended before its time."""
    done: int = 0
    failed: int = 0
    """Rows that ended on this worker without a whole result."""
    interrupted: bool = False
    stopped: Mapping[str, Any] | None = None
    """The error that ends the whole batch, as the journal keeps errors."""
    stopped_job: str = ""
    elsewhere: tuple[tuple[str, str], ...] = ()
    """Rows whose file is not on this worker: the job's id, and what is said of it."""


def other_version(there: str, here: str) -> str:
    """Return why a worker with another version of the toolkit takes no part."""
    return tr(f"its toolkit is version {there}, this command's {here}", f"其工具版本为 {there}，本命令为 {here}")
