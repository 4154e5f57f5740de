"""The service that a command asks: the real one, or a sandbox started for this run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bailian.catalog import Catalog
from bailian.cli.output.terminal import print_err
from bailian.config.settings import Settings
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.engine.context import Progress
    from bailian.engine.engine import Engine


@contextmanager
def engine_at(here: Settings, models: Catalog, progress: Progress, *, quiet: bool = True) -> Iterator[Engine]:
    """Open an engine at the service that a command asks; `quiet` does not say that it is a sandbox."""
    from bailian.engine.engine import Engine

    with service(here, quiet=quiet) as there, Engine(there, models, progress) as engine:
        yield engine


@contextmanager
def service(here: Settings, *, quiet: bool) -> Iterator[Settings]:
    """Return the settings of a service that is there: the real one, or a sandbox started for this run."""
    if not here.sandbox:
        yield here
        return
    from bailian.api.places import running_service

    with running_service(here) as there:
        if not quiet:
            print_err(
                tr(
                    "sandbox: made on this machine; nothing is sent to Alibaba, nothing is paid",
                    "沙箱：结果在本机生成，不会发送到阿里云，也不产生费用",
                )
            )
        yield there
