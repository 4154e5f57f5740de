"""The terminal's bell, when something that took its time is over: whoever looks elsewhere hears it."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from bailian.cli.output.terminal import is_terminal

if TYPE_CHECKING:
    from bailian.cli.args.options import SharedOptions
    from bailian.config.settings import Settings

BELL_AFTER_S = 10.0


def ring(took_s: float, common: SharedOptions, here: Settings) -> None:
    """Ring if it took long, a person sits at the terminal, and did not ask for silence."""
    if took_s < BELL_AFTER_S or common.quiet or not here.defaults.bell or not is_terminal(sys.stderr):
        return
    with suppress(OSError, ValueError):
        sys.stderr.write("\a")
        sys.stderr.flush()
