"""Start-up, CPU and lag of text2image.py beside the official SDK and its command line, in one run."""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SCRIPT = [sys.executable, str(ROOT / "text2image.py")]
SDK = [sys.executable, str(ROOT / "benchmarks" / "sdk_picture.py")]
START_ROUNDS = 15


@dataclass(frozen=True)
class Run:
    wall_s: float
    cpu_s: float


def run(words: list[str], env: dict[str, str], cwd: Path) -> Run:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start_s = time.perf_counter()
    subprocess.run(words, env=env, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall_s = time.perf_counter() - start_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def median_wall_s(runs: list[Run]) -> float:
    return statistics.median(r.wall_s for r in runs)


def start_up(env: dict[str, str], cwd: Path) -> None:
    """Alternate the commands, so that a noisy minute hits all of them."""
    commands = {
        "text2image.py --help": [*SCRIPT, "--help"],
        "bailian --help": [str(BIN / "bailian"), "--help"],
        "text2image.py --dry-run": [*SCRIPT, "一只可爱的猫", "--dry-run"],
        "dashscope --help": [str(BIN / "dashscope"), "--help"],
        "import dashscope": [sys.executable, "-c", "import dashscope"],
    }
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(START_ROUNDS):
        for name, words in commands.items():
            runs[name].append(run(words, env, cwd))
    base_s = median_wall_s(runs["dashscope --help"])
    print(f"\nStart-up (median of {START_ROUNDS}, ratio to `dashscope --help`)")
    for name, measured in runs.items():
        print(f"  {name:26} {median_wall_s(measured) * 1000:7.0f} ms   {median_wall_s(measured) / base_s:5.2f} x")


class Service:
    """A sandbox in a process of its own."""

    def __init__(self, task_s: float, env: dict[str, str]) -> None:
        words = [sys.executable, "-m", "bailian", "sandbox", "serve", "--port", "0", "--task-seconds", str(task_s)]
        self._process = subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if "DASHSCOPE_HTTP_BASE_URL=" in line:
                self.base_url = line.split("DASHSCOPE_HTTP_BASE_URL=")[1].split()[0].strip("'\"")
                break
        self.root_url = self.base_url.removesuffix("/api/v1")

    def state(self) -> dict[str, object]:
        with urllib.request.urlopen(f"{self.root_url}/_sandbox/state") as answer:
            state: dict[str, object] = json.load(answer)
        return state

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate()


def polls(state: dict[str, object]) -> int:
    requests = state["requests"]
    assert isinstance(requests, dict)
    return sum(int(count) for kind, count in requests.items() if "poll" in kind)


def one_picture(task_s: float, rounds: int, env: dict[str, str], cwd: Path) -> None:
    # A journal of its own: what the model took at another service time is no knowledge of this one.
    env = {**env, "BAILIAN_HOME": str(cwd / f"home-{task_s:g}")}
    service = Service(task_s, env)
    env = {**env, "DASHSCOPE_HTTP_BASE_URL": service.base_url, "DASHSCOPE_API_KEY": "sk-benchmark"}
    beyond: dict[str, list[float]] = {"text2image.py": [], "official SDK": []}
    asked: dict[str, list[int]] = {name: [] for name in beyond}
    runs: dict[str, list[Run]] = {name: [] for name in beyond}
    for number in range(rounds + 1):
        for name in beyond:
            folder = cwd / f"{name}-{task_s}-{number}".replace(" ", "-")
            folder.mkdir()
            words = (
                [*SCRIPT, "猫", "-q", "-o", str(folder)]
                if name == "text2image.py"
                else [*SDK, "猫", str(folder / "a.png")]
            )
            before = polls(service.state())
            measured = run(words, env, cwd)
            state = service.state()
            if number == 0:
                continue  # the first run teaches the journal how long the model takes
            tasks = state["tasks"]
            assert isinstance(tasks, list)
            created_s = max(float(task["created"]) for task in tasks)
            (file,) = folder.iterdir()
            beyond[name].append(file.stat().st_mtime - created_s - task_s)
            asked[name].append(polls(state) - before)
            runs[name].append(measured)
    service.stop()
    print(f"\nOne picture, service time {task_s:g} s ({rounds} runs; median)")
    for name in beyond:
        print(
            f"  {name:26} {statistics.median(beyond[name]):6.2f} s beyond the service's time, "
            f"{max(asked[name])} polls at most, {statistics.median(r.cpu_s for r in runs[name]):.2f} s CPU"
        )
    ours, theirs = (statistics.median(r.cpu_s for r in runs[name]) for name in beyond)
    print(f"  {'CPU ratio':26} {ours / theirs:5.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the 20 s service")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        # Both sides run from compiled bytecode, as they do for a user from the second run on.
        left_out = ("DASHSCOPE", "BAILIAN", "PYTHONDONTWRITEBYTECODE")
        env = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        env.update(HOME=folder, BAILIAN_HOME=f"{folder}/bailian", PYTHONPATH=str(ROOT))
        start_up(env, cwd)
        one_picture(5.0, 7, env, cwd)
        if not quick:
            one_picture(20.0, 5, env, cwd)


if __name__ == "__main__":
    main()
