"""Batches of text rows, small and huge: what a row of a dry run costs, and whether memory grows with the rows.

    python benchmarks/rows.py [--dry 10000 100000 1000000] [--left 10000 100000] [--run 10000 100000]

`--left`: all rows are checked and written down, the run is left after a second, and the results of all are written.

The service is a stub that answers at once, in a process of its own. CPU time is what counts: the clock's is the other
processes' too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from batches import Limits, Measured, bailian, overlay

ANSWER = json.dumps(
    {
        "request_id": "0",
        "output": {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "好"}}]},
        "usage": {"input_tokens": 9, "output_tokens": 1},
    }
).encode()


class Stub(BaseHTTPRequestHandler):
    """Answers every call at once, over connections that stay open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    do_GET = do_POST

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


def serve() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    print(server.server_port, flush=True)
    server.serve_forever()


@contextmanager
def stub() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/api/v1"
    finally:
        process.kill()
        process.communicate()


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
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        return serve()
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"(this process: {own_mb:.0f} MB, load {os.getloadavg()[0]:.0f})")
    with tempfile.TemporaryDirectory() as folder, stub() as base_url:
        idle_s = measured(Path(folder), 1, base_url, "--dry-run").cpu_s
        for words, counts in (
            (["--dry-run"], given.dry),
            (["--max-duration", "1"], given.left),
            ([], given.run),
        ):
            for count in counts:
                one = measured(Path(folder), count, base_url, *words)
                row_s = (one.cpu_s - idle_s) / count
                name = " ".join(words) or f"run, {one.delivered} done"
                print(
                    f"{count:>9,} rows, {name}: peak {one.peak_mb:.0f} MB, {row_s * 1e6:,.0f} µs of CPU a row "
                    f"({1 / row_s:,.0f} rows a second), {one.wall_s:.0f} s by the clock",
                    flush=True,
                )
    return None


if __name__ == "__main__":
    main()
