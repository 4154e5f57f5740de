"""Tables for people, by rich; tab-separated lines when piped."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bailian.cli.terminal import printable, write_data


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows with the same keys. A pipe gets one line a row with tabs, so that `cut` and `awk` work."""
    columns = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    cells = [[printable("" if row[name] is None else str(row[name])) for name in columns] for row in rows]
    if not sys.stdout.isatty():
        for line in cells:
            write_data("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column, name in enumerate(columns):
        table.add_column(name, no_wrap=column == 0)
    for line in cells:
        table.add_row(*(Text(cell) for cell in line))
    Console().print(table)
