"""The time to the first sound of a text of many sentences, into a pipe as a player reads it, beside the official SDK.

One voice, one sandbox, processes in turn; the time is from the start of the process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bailian.sandbox import Sandbox

ROOT = Path(__file__).resolve().parent.parent
TEXT = "你好，世界。今天天气很好！我们去公园散步吧。" * 4
OURS = [sys.executable, str(ROOT / "audio.py"), "tts", TEXT, "--voice", "longanyang", "--format", "mp3"]
COMMANDS = {
    "audio.py tts -o -": [*OURS, "-o", "-", "-q"],
    "SDK tts_v2": [sys.executable, str(ROOT / "benchmarks" / "sdk_speech.py"), TEXT],
}


def times_s(words: list[str], env: dict[str, str], folder: str) -> tuple[float, float]:
    """Return when the first byte came, and when all was there."""
    start_s = time.perf_counter()
    with subprocess.Popen(words, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert os.read(process.stdout.fileno(), 1), words
        first_s = time.perf_counter() - start_s
        process.stdout.read()
    assert process.returncode == 0, words
    return first_s, time.perf_counter() - start_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--task-s", type=float, default=6.0, help="how long the service speaks all of it")
    asked = parser.parse_args()
    with Sandbox(task_s=asked.task_s, enforce_limits=False) as box, tempfile.TemporaryDirectory() as folder:
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("DASHSCOPE", "BAILIAN"))},
            "DASHSCOPE_API_KEY": "sk-bench", "DASHSCOPE_HTTP_BASE_URL": box.base_url,
            "DASHSCOPE_WEBSOCKET_BASE_URL": box.socket_url, "BAILIAN_HOME": f"{folder}/home",
        }  # fmt: skip
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
        for _ in range(asked.rounds):  # in turn: a noisy minute hits all of them
            for name, words in COMMANDS.items():
                runs[name].append(times_s(words, env, folder))
    firsts = {name: statistics.median(first for first, _ in runs[name]) for name in COMMANDS}
    base_s = firsts["SDK tts_v2"]
    for name in COMMANDS:
        whole_s = statistics.median(whole for _, whole in runs[name])
        print(
            f"{name:20} to sound {firsts[name]:5.2f} s ({firsts[name] / base_s:4.2f} x)   to the end {whole_s:5.2f} s"
        )


if __name__ == "__main__":
    main()
