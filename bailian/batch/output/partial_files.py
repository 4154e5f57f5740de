"""Files that are half written: under a name of their own, so that two machines may write the same one at once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from bailian.clock import current_clock

# Of several machines at one folder, who has not finished in so long is not at it any more.
KEPT_S = 3600.0


def partial(path: Path) -> Path:
    """Return where a file is written until it is whole."""
    return path.with_name(f".{path.name}.{token_hex(4)}.part")


def remove_partial_files(*patterns: Path, shared: bool) -> None:
    """Remove what killed processes have left half written. `shared`: other machines may be at the folder now."""
    newest_s = current_clock().wall() - KEPT_S if shared else None
    for pattern in patterns:
        for left in pattern.parent.glob(pattern.name):
            with suppress(OSError):
                if newest_s is None or left.stat().st_mtime < newest_s:
                    left.unlink(missing_ok=True)
