"""Circles among rows that wait for each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def circles(sources: Mapping[int, Sequence[int]]) -> Iterator[list[int]]:
    """Yield circles, each once, as rows of which each waits for the next; no circle is without one of its rows in them.

    `sources`: what each row waits for. Rows that are no key of it are not waited for.
    """
    seen: dict[int, int] = {}
    for begin in sources:
        path: list[int] = []
        rest = [iter((begin,))]
        while rest:
            row = next(rest[-1], None)
            if row is None:
                rest.pop()
                if path:
                    seen[path.pop()] = -1
            elif row not in sources or seen.get(row) == -1:
                continue
            elif row in seen:
                yield path[seen[row] :]
            else:
                seen[row] = len(path)
                path.append(row)
                rest.append(iter(sources[row]))
