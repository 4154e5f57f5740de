"""A command with so many options that its help shows them in groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click


class GroupedCommand(click.Command):
    """Shows each option under the title of its group; what belongs to none comes last, under `rest_title`."""

    def __init__(
        self, *args: Any, groups: Callable[[], Mapping[str, tuple[str, ...]]], rest_title: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._groups, self._rest_title = groups, rest_title

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups = self._groups()
        shown: dict[str, list[tuple[str, str]]] = {title: [] for title in (*groups, self._rest_title)}
        titles = {name: title for title, names in groups.items() for name in names}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                shown[titles.get(param.name or "", self._rest_title)].append(record)
        for title, records in shown.items():
            with formatter.section(title):
                formatter.write_dl(records)
