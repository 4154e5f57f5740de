"""One picture from its insertion to its file: commits that wait for the disk, hand-overs between threads, CPU time."""

from __future__ import annotations

import os
import queue
import resource
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 20


class CountingQueue:
    """A queue that counts the jobs put into any of them."""

    count = 0

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.get = self._queue.get

    def put(self, item: Any) -> None:
        if item:
            CountingQueue.count += len(item) if isinstance(item, list) else 1
        self._queue.put(item)


class _Queues:
    SimpleQueue = CountingQueue
    Empty = queue.Empty


def one_picture(number: int) -> tuple[int, int, float]:
    """Return the commits, the hand-overs and the milliseconds of CPU of a new engine's only picture."""
    from bailian.catalog import catalog
    from bailian.config.settings import home_folder, read_settings
    from bailian.engine.engine import Engine
    from bailian.engine.job import OutputSpec
    from bailian.modalities import modality_of

    models = catalog.load(home_folder())
    CountingQueue.count = 0
    with Engine(read_settings(), models) as engine:
        commits: list[str] = []
        engine.journal.database._connection.set_trace_callback(
            lambda sql: commits.append(sql) if sql == "COMMIT" else None
        )
        before = resource.getrusage(resource.RUSAGE_THREAD if sys.platform == "linux" else resource.RUSAGE_SELF)
        prepared = modality_of("image").prepare({"prompt": f"第{number}只猫"}, models, "beijing")
        job = engine.intend(prepared, OutputSpec(Path("outputs").absolute(), "{prompt}"))
        list(engine.run([job]))
        after = resource.getrusage(resource.RUSAGE_THREAD if sys.platform == "linux" else resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return len(commits), CountingQueue.count, cpu_s * 1000


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from bailian.engine import scheduler
    from bailian.engine.threads import db_writer
    from bailian.sandbox import Sandbox

    for module in (db_writer, scheduler):
        vars(module)["queue"] = _Queues
    with tempfile.TemporaryDirectory() as folder, Sandbox(task_s=0.0) as box:
        os.chdir(folder)
        os.environ.update(BAILIAN_HOME=f"{folder}/home", DASHSCOPE_API_KEY="sk-benchmark-0123456789")
        os.environ["DASHSCOPE_HTTP_BASE_URL"] = box.base_url
        rounds = [one_picture(number) for number in range(ROUNDS)]
    commits, handed_over, cpu_ms = (statistics.median(values) for values in zip(*rounds, strict=True))
    print(
        f"one picture: {commits:g} commits, {handed_over:g} hand-overs, {cpu_ms:.1f} ms CPU of the scheduler's thread"
    )


if __name__ == "__main__":
    main()
