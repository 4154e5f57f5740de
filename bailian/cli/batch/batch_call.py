"""One run of a batch, as the shell asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bailian.cli.args.options import SharedOptions
from bailian.cli.output.report import prefix_here

if TYPE_CHECKING:
    from bailian.batch.sync import BatchSpec


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """The options of a batch, as given."""

    run: str | None = None
    kind: str | None = None
    """That of rows that say nothing of theirs."""
    models: tuple[str, ...] = ()
    """Each row is run by each of them; none: by its own."""
    retry_failed: bool = True
    retry_held: bool = False
    fresh: bool = False
    max_duration_s: float | None = None
    cron: bool = False
    gallery: bool = True
    upload: bool = False
    batch_api: bool = False
    vectors: str = "json"
    results_only: bool = False
    in_flight: int | None = None
    cluster: str | None = None
    """Whose workers send the rows; None: this process."""
    on_end: str | None = None
    """A command of the user's, run by the shell when the run is over."""


@dataclass(frozen=True)
class Call:
    """One run of a batch, as the shell asked for it."""

    spec: BatchSpec
    overrides: Mapping[str, Any]
    """Fields of the command line, which win over every row's."""
    common: SharedOptions
    options: BatchOptions
    agreed_cny: float | None = None
    """What a person has agreed to spend, if one was asked."""

    @cached_property
    def prefix(self) -> str:
        """Return how the paths of this folder begin."""
        return prefix_here()

    @property
    def shown(self) -> bool:
        """Return whether people are told how it goes."""
        return not (self.common.quiet or self.common.as_json or self.options.cron)

    @property
    def timeout_s(self) -> float | None:
        """Return after how many seconds to leave: a script's `--timeout` counts if it was given; its default does not."""
        context = click.get_current_context(silent=True)
        given = context and context.get_parameter_source("timeout_s") is ParameterSource.COMMANDLINE
        return self.common.timeout_s if given else self.options.max_duration_s
