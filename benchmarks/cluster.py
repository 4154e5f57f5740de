"""Rows on several workers of one machine, at the limit of the account: the whole command beside the ideal, start included.

    .venv/bin/python benchmarks/cluster.py

The ideal is what the account's limits alone ask for: so many a second, so many running. `--workers 0`: without a cluster.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.batches import MODEL, Limits, bailian, ideal_s, overlay


def measured(rows: int, workers: int, limits: Limits, task_s: float) -> None:
    from bailian.sandbox import Sandbox

    with tempfile.TemporaryDirectory() as folder, Sandbox(task_s=task_s, models={MODEL: limits}) as box:
        home, cwd = Path(folder) / "home", Path(folder)
        overlay(home, MODEL, limits)
        requests = [{"prompt": f"第{number}只猫", "size": "512*512"} for number in range(rows)]
        (cwd / "rows.json").write_text(json.dumps({"image_tasks": requests}), encoding="utf-8")
        words = ["batch", "run", "rows.json", "-q", "--no-gallery"]
        words += ["--cluster", f"local:{workers}"] if workers else []
        took = bailian(words, home, cwd, box.base_url)
        floor_s = ideal_s(box.tasks, limits)
        prompts = Counter(task.body["input"]["prompt"] for task in box.tasks)
        took_s = max(task.ended for task in box.tasks) - min(task.created for task in box.tasks)
        print(
            f"{rows} rows, {workers} workers, {limits.submit_per_s} a second, {limits.running_limit} running, {task_s} s a task"
        )
        print(
            f"  {took.wall_s:.1f} s, ideal {floor_s:.1f} s: {took.wall_s / floor_s:.2f} times; "
            f"from the first submit to the last task's end {took_s:.1f} s; delivered {took.delivered}, "
            f"paid twice {sum(count - 1 for count in prompts.values())}; refused "
            f"{sum(1 for request in box.requests if request.status == 429)}; CPU {took.cpu_s:.1f} s with all workers"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--per-s", type=float, default=2.0)
    parser.add_argument("--running", type=int, default=2)
    parser.add_argument("--task-s", type=float, default=3.0)
    given = parser.parse_args()
    measured(given.rows, given.workers, Limits(given.per_s, given.running), given.task_s)


if __name__ == "__main__":
    main()
