"""Batches of text rows, small and huge: what a row of a dry run costs, and whether memory grows with the rows.

    python benchmarks/rows.py [--dry 10000 100000 1000000] [--left 10000 100000] [--run 10000 100000]
                              [--results-only]

`--left`: all rows are checked and written down, the run is left after a second, and the results of all are written.

The service is a stub that answers at once, in a process of its own. CPU time is what counts: the clock's is the other
processes' too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.batches import Limits, Measured, bailian, overlay  # noqa: E402
from tests.support.stub import Stub  # noqa: E402


def write(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            row = {"kind": "text", "model": "qwen-plus", "prompt": f"Say in a sentence what is special about {number}."}
            file.write(json.dumps(row) + "\n")


def measured(folder: Path, count: int, base_url: str, *words: str) -> Measured:
    cwd = folder / f"{words[0] if words else 'run'}-{count}"
    cwd.mkdir()
    overlay(cwd / "home", "qwen-plus", Limits(10_000.0, None, None))
    write(cwd / "rows.jsonl", count)
    return bailian(["batch", "run", "rows.jsonl", "-q", *words], cwd / "home", cwd, base_url)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--left", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--run", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--results-only", action="store_true", help="the runs write results.jsonl and no file a row")
    given = parser.parse_args()
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"(this process: {own_mb:.0f} MB, load {os.getloadavg()[0]:.0f})")
    with tempfile.TemporaryDirectory() as folder, Stub("--text-s", "0") as service:
        idle_s = measured(Path(folder), 1, service.base_url, "--dry-run").cpu_s
        for words, counts in (
            (["--dry-run"], given.dry),
            (["--max-duration", "1"], given.left),
            (["--results-only"] if given.results_only else [], given.run),
        ):
            for count in counts:
                one = measured(Path(folder), count, service.base_url, *words)
                row_s = (one.cpu_s - idle_s) / count
                name = " ".join(words) or f"run, {one.delivered} done"
                print(
                    f"{count:>9,} rows, {name}: peak {one.peak_mb:.0f} MB, {row_s * 1e6:,.0f} µs of CPU a row "
                    f"({1 / row_s:,.0f} rows a second), {one.wall_s:.0f} s by the clock",
                    flush=True,
                )


if __name__ == "__main__":
    main()
