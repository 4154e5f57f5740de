"""The sandbox beside what people test with today: moto's server, and a cassette of vcrpy under the openai client.

    python -m venv /tmp/others && /tmp/others/bin/pip install -q 'moto[server]' vcrpy openai
    .venv/bin/python benchmarks/sandbox.py --others /tmp/others/bin/python

How long each takes to its first answer, answers a second of one client, CPU of the server and memory, in turn and several
times: the median. CPU time is the steadier figure on a busy machine. Without `--others` the sandbox stands alone.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ANSWERS = 1500
ROUNDS = 3
KEY = {"Authorization": "Bearer sk-x", "Content-Type": "application/json"}
TEXT = "/api/v1/services/aigc/text-generation/generation"
QUESTION = json.dumps({"model": "qwen-plus", "input": {"prompt": "hello"}, "parameters": {"result_format": "message"}})

CASSETTE = """
import os, resource, sys, time
import openai, vcr
client = openai.OpenAI(api_key="sk-x", base_url=sys.argv[1], max_retries=0)
ask = lambda: client.chat.completions.create(model="qwen-plus", messages=[{"role": "user", "content": "hello"}])
how = dict(record_mode="once", match_on=["method", "path"], allow_playback_repeats=True, filter_headers=["authorization"])
with vcr.use_cassette(sys.argv[2], **how):
    ask()
    print(time.process_time(), flush=True)
    begun, cpu = time.perf_counter(), time.process_time()
    for _ in range(int(sys.argv[3])):
        ask()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(time.perf_counter() - begun, time.process_time() - cpu, usage.ru_maxrss / 1024)
"""
OPENAI = CASSETTE.replace("import openai, vcr", "import contextlib, openai").replace(
    "vcr.use_cassette(sys.argv[2], **how)", "contextlib.nullcontext()"
)

Figures = tuple[float, float, float, float, float]
"""Seconds to the first answer, by the clock and of CPU; answers a second, CPU ms an answer, MB."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else 0.0


def served(command: list[str], port: int, ask: Callable[[http.client.HTTPConnection], None]) -> Figures:
    """Measure a server from the start of its process."""
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            while True:
                try:
                    ask(connection)
                    break
                except OSError:
                    if process.poll() is not None:
                        raise RuntimeError(f"{command[:3]} has ended") from None
                    connection.close()
                    time.sleep(0.005)
            ready_s = time.perf_counter() - begun
            before, begun = cpu_s(process.pid), time.perf_counter()
            for _ in range(ANSWERS):
                ask(connection)
            lasted_s, spent_s = time.perf_counter() - begun, cpu_s(process.pid) - before
            return ready_s, before, ANSWERS / lasted_s, spent_s * 1000 / ANSWERS, memory_mb(process.pid)
        finally:
            process.kill()


def sandbox_command(port: int) -> list[str]:
    words = ["-m", "bailian", "sandbox", "serve", "--port", str(port), "--no-limits", "--task-seconds", "0"]
    return [sys.executable, *words]


def ask_sandbox(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", TEXT, QUESTION, KEY)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status


def ask_moto(connection: http.client.HTTPConnection) -> None:
    """List the buckets: a small read of the most used service."""
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request"}
    connection.request("GET", "/", headers=headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status


def in_a_client(python: str, code: str, base_url: str, cassette: Path) -> Figures:
    """Measure a program that asks by the openai client."""
    begun = time.perf_counter()
    command = [python, "-c", code, base_url, str(cassette), str(ANSWERS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready_cpu_s = float(process.stdout.readline())
        ready_s = time.perf_counter() - begun
        lasted_s, spent_s, peak_mb = map(float, process.stdout.readline().split())
    return ready_s, ready_cpu_s, ANSWERS / lasted_s, spent_s * 1000 / ANSWERS, peak_mb


def measured(others: str) -> dict[str, Callable[[], Figures]]:
    ways: dict[str, Callable[[], Figures]] = {"the sandbox": lambda: _on_a_port(sandbox_command, ask_sandbox)}
    if not others:
        return ways
    cassette = Path(tempfile.mkdtemp()) / "chat.yaml"

    def moto(port: int) -> list[str]:
        return [others, "-m", "moto.server", "-p", str(port)]

    def client(code: str) -> Figures:
        """With a sandbox beside it: vcrpy asks it once, and then no more."""
        port = free_port()
        with subprocess.Popen(sandbox_command(port), stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            process.stderr.readline()
            try:
                return in_a_client(others, code, f"http://127.0.0.1:{port}/compatible-mode/v1", cassette)
            finally:
                process.kill()

    return {
        **ways,
        "moto's server": lambda: _on_a_port(moto, ask_moto),
        "openai on the sandbox": lambda: client(OPENAI),
        "openai on a vcrpy cassette": lambda: client(CASSETTE),
    }


def _on_a_port(command: Callable[[int], list[str]], ask: Callable[[http.client.HTTPConnection], None]) -> Figures:
    port = free_port()
    return served(command(port), port, ask)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--others", default="", help="a Python that has moto[server], vcrpy and openai")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    ways = measured(arguments.others)
    seen: dict[str, list[Figures]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            seen[name].append(way())
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, median of {arguments.rounds}\n")
    print("| | first answer s | of it CPU s | answers/s | CPU ms an answer | MB |\n|---|--:|--:|--:|--:|--:|")
    for name, figures in seen.items():
        ready_s, ready_cpu_s, per_s, cpu_ms, peak_mb = (
            statistics.median(column) for column in zip(*figures, strict=True)
        )
        print(f"| {name} | {ready_s:.2f} | {ready_cpu_s:.2f} | {per_s:.0f} | {cpu_ms:.2f} | {peak_mb:.0f} |")


if __name__ == "__main__":
    main()
