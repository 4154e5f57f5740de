"""A thousand small pictures to object storage, beside the same to the disk: CPU of our process a picture.

    python benchmarks/storage.py [--rows 1000] [--rounds 3]

The store is moto's S3 on loopback, in a process of its own; the service is the sandbox, in another. Both runs do all else
alike: submit, poll, download, check, write the recipe, journal, results.jsonl.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.batches import MODEL, Limits, bailian, overlay  # noqa: E402

SETTINGS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
BUCKET = "pictures"
# As real storage does; werkzeug's own default is one connection a request.
KEEPS_CONNECTIONS = """
from werkzeug.serving import WSGIRequestHandler
WSGIRequestHandler.protocol_version = "HTTP/1.1"
from moto.server import main
main(["-H", "127.0.0.1", "-p", "0"])
"""


@contextmanager
def store() -> Iterator[str]:
    """Run moto's S3; give its address."""
    words = [sys.executable, "-c", KEEPS_CONNECTIONS]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        url = next(found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
        yield url
        drain.kill()
    finally:
        process.kill()
        process.wait()


def cpu_ms(cwd: Path, base_url: str, rows: int, output: str) -> float:
    """Run the rows once; return the CPU of the process, start-up included, a picture."""
    cwd.mkdir()
    limits = Limits(1000.0, rows, rows)
    overlay(cwd / "home", MODEL, limits)
    words = [{"prompt": f"第{number}只猫", "size": "512*512", "name": f"p{number}"} for number in range(rows)]
    (cwd / "rows.json").write_text(json.dumps({"image_tasks": words}), encoding="utf-8")
    measured = bailian(["batch", "run", "rows.json", "-q", "--no-gallery", "-o", output], cwd / "home", cwd, base_url)
    return measured.cpu_s / rows * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    from bailian.sandbox import Sandbox

    os.environ.update(SETTINGS)
    limits = Limits(1000.0, given.rows, given.rows)
    ratios = []
    with (
        tempfile.TemporaryDirectory() as folder,
        store() as url,
        Sandbox(task_s=1.0, enforce_limits=False, models={MODEL: limits}) as box,
    ):
        os.environ["AWS_ENDPOINT_URL"] = url
        import fsspec

        client = fsspec.filesystem("s3")
        client.mkdir(BUCKET)
        for number in range(given.rounds):
            disk_ms = cpu_ms(Path(folder) / f"disk{number}", box.base_url, given.rows, "out/")
            there_ms = cpu_ms(Path(folder) / f"s3-{number}", box.base_url, given.rows, f"s3://{BUCKET}/{number}/")
            count = len([name for name in client.find(f"{BUCKET}/{number}") if name.endswith(".png")])
            assert count == given.rows, f"{count} objects"
            ratios.append(there_ms / disk_ms)
            print(f"  disk {disk_ms:.2f} ms, storage {there_ms:.2f} ms CPU a picture: {ratios[-1]:.2f} times")
    print(
        f"{given.rows} pictures: {statistics.median(ratios):.2f} times the CPU of the disk (median of {given.rounds})"
    )


if __name__ == "__main__":
    main()
