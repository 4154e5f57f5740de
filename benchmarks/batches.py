"""Batches against their floor: pictures at the service's limits, beside a thread pool over the official SDK."""

from __future__ import annotations

import argparse
import heapq
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bailian.sandbox.tasks.task_store import Task

ROOT = Path(__file__).resolve().parent.parent
MODEL = "wan2.2-t2i-flash"


@dataclass(frozen=True)
class Limits:
    """What the made-up service grants one model."""

    submit_per_s: float | None
    running_limit: int | None
    queue_limit: int | None = 500


@dataclass
class Measured:
    """How a batch went. Times in seconds."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    delivered: int


def bailian(words: list[str], home: Path, cwd: Path, base_url: str, *, journal: str = "") -> Measured:
    """Run `bailian …` in a process of its own; `journal`: the address of a server that has it."""
    ours = ("DASHSCOPE_", "BAILIAN_", "PYTHONDONTWRITEBYTECODE")
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        "BAILIAN_HOME": str(home),
        "DASHSCOPE_API_KEY": "sk-0123456789abcdef",
        "DASHSCOPE_HTTP_BASE_URL": base_url,
        "PYTHONPATH": str(ROOT),
        **({"BAILIAN_JOURNAL": journal} if journal else {}),
    }
    start_s = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bailian", *words], env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start_s
    text = process.stderr.read().decode() if process.stderr else ""
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 7):
        print(text, file=sys.stderr)
    results = list(cwd.glob("outputs/*/results.jsonl"))
    lines = results[0].read_text(encoding="utf-8").splitlines() if results else []
    delivered = sum(1 for line in lines if json.loads(line)["state"] == "done")
    return Measured(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, delivered)


def overlay(home: Path, model: str, limits: Limits, poll_per_s: float = 20.0) -> None:
    home.mkdir(parents=True, exist_ok=True)
    lines = [f'[models."{model}"]', f"poll_per_s = {poll_per_s}"]
    for name in ("submit_per_s", "running_limit", "queue_limit"):
        value = getattr(limits, name)
        if value is not None:
            lines.append(f"{name} = {value}")
    (home / "models.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def in_flight(count: int, task_s: float, jitter: float) -> None:
    """All tasks at once, ending at different times: how far each file is behind its task's end."""
    from bailian.sandbox import Sandbox

    limits = Limits(1000.0, count, count)
    with tempfile.TemporaryDirectory() as folder, Sandbox(task_s=task_s, jitter=jitter, models={MODEL: limits}) as box:
        home, cwd = Path(folder) / "home", Path(folder)
        overlay(home, MODEL, limits)
        rows = [{"prompt": f"第{i}只猫", "size": "512*512", "name": f"p{i}"} for i in range(count)]
        (cwd / "rows.json").write_text(json.dumps({"image_tasks": rows}), encoding="utf-8")
        measured = bailian(["batch", "run", "rows.json", "-q", "--no-gallery"], home, cwd, box.base_url)
        ends_s = {task.body["input"]["prompt"]: task.ended for task in box.tasks}
        lags_s = [(cwd / "outputs" / "rows" / f"p{i}.png").stat().st_mtime - ends_s[f"第{i}只猫"] for i in range(count)]
        kinds = Counter(request.kind for request in box.requests)
        print(f"\n{count} tasks in flight, {task_s} s ± {jitter:.0%}")
        print(
            f"  delivered {measured.delivered}; end to file: median {statistics.median(lags_s):.1f} s, "
            f"95 % within {sorted(lags_s)[int(0.95 * count)]:.1f} s"
        )
        print(f"  requests {dict(kinds)}, refused {sum(1 for r in box.requests if r.status == 429)}")
        print(f"  {measured.wall_s:.0f} s, CPU {measured.cpu_s:.1f} s, peak {measured.peak_mb:.0f} MB")


def pictures(count: int, limits: Limits, task_s: float, jitter: float = 0.0) -> None:
    """Pictures at the limits: how far the last file is behind the last task's end."""
    from bailian.sandbox import Sandbox

    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(task_s=task_s, jitter=jitter, models={MODEL: limits}) as box,
    ):
        home, cwd = Path(folder) / "home", Path(folder)
        overlay(home, MODEL, limits)
        rows = [{"prompt": f"第{i}只猫", "size": "512*512"} for i in range(count)]
        (cwd / "rows.json").write_text(json.dumps({"image_tasks": rows}), encoding="utf-8")
        measured = bailian(["batch", "run", "rows.json", "-q", "--no-gallery"], home, cwd, box.base_url)
        files = list((cwd / "outputs" / "rows").glob("*.png"))
        last_file_s = max(path.stat().st_mtime for path in files)
        ends_s = [task.ended for task in box.tasks]
        begin_s = min(task.created for task in box.tasks)
        floor_s = ideal_s(box.tasks, limits)
        kinds = Counter(request.kind for request in box.requests)
        refused = sum(1 for request in box.requests if request.status == 429)
        took_s = last_file_s - begin_s
        print(
            f"\n{count} pictures, {limits.submit_per_s}/s, {limits.running_limit} running, {task_s} s ± {jitter:.0%} each"
        )
        print(f"  delivered {measured.delivered} of {count}, {len(box.tasks)} tasks, {refused} times 429")
        print(f"  first submit to last file {took_s:.1f} s = {took_s / floor_s:.3f} x the ideal of {floor_s:.1f} s")
        print(f"  server's last end to last file {last_file_s - max(ends_s):.2f} s")
        per_job = {kind: round(number / count, 2) for kind, number in kinds.items()}
        print(f"  requests a job {sum(kinds.values()) / count:.2f} {per_job}")
        print(f"  CPU {measured.cpu_s:.2f} s, peak {measured.peak_mb:.0f} MB")


def ideal_s(tasks: list[Task], limits: Limits) -> float:
    """Return how long these tasks take where one is sent as soon as the rate allows, and begins when another's place is free.

    Each is PENDING for a share of its time before, as the sandbox has it.
    """
    from bailian.sandbox.tasks.task_store import PENDING_SHARE

    running_s: list[float] = []
    for number, task in enumerate(tasks):
        pending_s = (task.ended - task.scheduled) * PENDING_SHARE / (1 - PENDING_SHARE)
        begin_s = number / (limits.submit_per_s or math.inf) + pending_s
        if limits.running_limit and len(running_s) >= limits.running_limit:
            begin_s = max(begin_s, heapq.heappop(running_s))
        heapq.heappush(running_s, begin_s + (task.ended - task.scheduled))
    return max(running_s)


def texts(count: int, rounds: int) -> None:
    """Text rows against a fast service, in turn with a thread pool over the official SDK: a machine has its moods."""
    print(f"\n{count} text rows")
    ratios = []
    # Kept to the end: for minutes after ten thousand files are deleted ext4 takes longer to make new ones.
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            # A process of its own: what a child's peak counts begins with what its parent had.
            cwd = Path(folder) / str(number)
            cwd.mkdir()
            words = [sys.executable, __file__, "--texts-round", str(count), "--folder", str(cwd)]
            told = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
            ours, sdk, tick_s = told["ours"], told["sdk"], told["tick_s"]
            for name, one in (("bailian", ours), ("SDK", sdk)):
                print(
                    f"  {name}: {one['done']} done, {one['rows_per_s']:.0f} rows/s, {one['cpu_ms']:.2f} ms CPU a row, "
                    f"peak {one['peak_mb']:.0f} MB"
                )
            print(
                f"  a cron tick with nothing to do: {tick_s:.2f} s = {tick_s / sdk['import_s']:.2f} x import dashscope"
            )
            ratios.append(ours["cpu_ms"] / sdk["cpu_ms"])
    print(f"  CPU a row beside the SDK: {statistics.median(ratios):.2f} x (median of {rounds})")


def texts_round(count: int, cwd: Path) -> None:
    """Run the rows once by us, once by the SDK, each a process with all it does, and tell how it went, as JSON."""
    from bailian.sandbox import Sandbox

    rows = (
        json.dumps({"kind": "text", "prompt": f"第{i}题", "max_tokens": 20}, ensure_ascii=False) + "\n"
        for i in range(count)
    )
    home = cwd / "home"
    with Sandbox(task_s=0.0, enforce_limits=False) as box:
        overlay(home, "qwen-plus", Limits(10000.0, None, None))
        (cwd / "rows.jsonl").write_text("".join(rows), encoding="utf-8")
        ours = bailian(["batch", "run", "rows.jsonl", "-q", "--no-gallery"], home, cwd, box.base_url)
        tick = bailian(["batch", "run", "rows.jsonl", "--cron"], home, cwd, box.base_url)
        words = [sys.executable, __file__, "--sdk-texts", str(count), "--base-url", box.base_url]
        sdk = subprocess.run(words, capture_output=True, text=True, check=True)
    told = {
        "done": ours.delivered,
        "rows_per_s": count / ours.wall_s,
        "cpu_ms": ours.cpu_s / count * 1000,
        "peak_mb": ours.peak_mb,
    }
    print(json.dumps({"ours": told, "sdk": json.loads(sdk.stdout), "tick_s": tick.wall_s}))


def sdk_texts(count: int, base_url: str) -> None:
    """The same rows over the SDK in 32 threads; nothing is saved."""
    start_s = time.perf_counter()
    import dashscope

    import_s = time.perf_counter() - start_s
    dashscope.base_http_api_url, dashscope.api_key = base_url, "sk-0123456789abcdef"

    def ask(number: int) -> bool:
        answer = dashscope.Generation.call("qwen-plus", prompt=f"第{number}题", max_tokens=20, result_format="message")
        return bool(answer.status_code == 200)

    start_s = time.perf_counter()
    with ThreadPoolExecutor(32) as pool:
        done = sum(pool.map(ask, range(count)))
    wall_s = time.perf_counter() - start_s
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "done": done,
        "rows_per_s": done / wall_s,
        "cpu_ms": (used.ru_utime + used.ru_stime) / count * 1000,
        "peak_mb": used.ru_maxrss / 1024,
        "import_s": import_s,
    }
    print(json.dumps(told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["200", "12", "texts", "flight"], action="append")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3, help="of text rows")
    parser.add_argument("--flight", type=int, default=5000, help="tasks in flight")
    parser.add_argument("--texts-round", type=int)
    parser.add_argument("--folder", type=Path, help="of one round")
    parser.add_argument("--sdk-texts", type=int)
    parser.add_argument("--base-url")
    given = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if given.sdk_texts:
        return sdk_texts(given.sdk_texts, given.base_url)
    if given.texts_round:
        return texts_round(given.texts_round, given.folder)
    wanted = given.only or ["200", "12", "texts", "flight"]
    if "200" in wanted:
        pictures(200, Limits(20.0, 20), 3.9, 0.36)
    if "12" in wanted:
        pictures(12, Limits(2.0, 2), 3.0)
    if "texts" in wanted:
        texts(given.rows, given.rounds)
    if "flight" in wanted:
        in_flight(given.flight, given.flight / 12, 0.8)


if __name__ == "__main__":
    main()
