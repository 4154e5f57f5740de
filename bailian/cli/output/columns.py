"""Tables for people, by rich; tab-separated lines when piped."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bailian.cli.help.layout import terminal_columns
from bailian.cli.output.terminal import print_data, print_err, printable
from bailian.i18n import tr

# A text that gives way is shown in so many columns at least.
LEAST_COLUMNS = 16


def print_table(rows: Sequence[Mapping[str, Any]], keep: Sequence[str] = (), gives_way: str | None = None) -> None:
    """Print rows with the same keys. A pipe gets one line a row with tabs, so that `cut` and `awk` work.

    `keep`: columns that must be read in full; on a narrow terminal others are left out for them, the last first.
    `gives_way`: the column of these that is cut before others are left out.
    """
    people = sys.stdout.isatty()  # a program counts the columns: none of them comes and goes with what is found
    columns = [name for name in rows[0] if not people or any(row[name] not in (None, "") for row in rows)]
    cells = [[printable("" if row[name] is None else str(row[name])) for name in columns] for row in rows]
    if not people:
        for line in cells:
            print_data("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in line))
        return
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=terminal_columns())
    widths = [max(cell_len(text) for text in (name, *column)) for name, *column in zip(columns, *cells, strict=True)]
    if gives_way in columns:
        widths[columns.index(gives_way)] = min(LEAST_COLUMNS, widths[columns.index(gives_way)])
    shown = list(range(len(columns)))
    for column in reversed(range(len(columns))):
        if keep and columns[column] not in keep and sum(widths[i] + 2 for i in shown) - 2 > console.width:
            shown.remove(column)
    left_out = [name for column, name in enumerate(columns) if column not in shown]
    columns, cells = [columns[i] for i in shown], [[line[i] for i in shown] for line in cells]
    others = sum(widths[i] + 2 for i, name in zip(shown, columns, strict=True) if name != gives_way)
    room = max(LEAST_COLUMNS, console.width - others)  # rich would take from all of them alike, down to nothing
    table = Table(box=None, pad_edge=False)
    for column, name in enumerate(columns):
        whole = widths[shown[column]] if gives_way and name != gives_way else None
        most = room if name == gives_way else None
        table.add_column(name, no_wrap=column == 0 or gives_way is not None, min_width=whole, max_width=most)
    for line in cells:
        table.add_row(*(Text(cell) for cell in line))
    console.print(table)
    if left_out:
        names = ", ".join(left_out)
        print_err(
            tr(
                f"left out, the terminal is narrow: {names} (--json has all)",
                f"终端较窄，未显示：{names}（--json 含全部）",
            )
        )
