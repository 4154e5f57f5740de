"""The sandbox alone in a process of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest
import requests

PROGRAM = "from bailian.sandbox import serve; serve(task_s=0.01)"


@pytest.mark.few(1)
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serve(ending: signal.Signals) -> None:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(3)]
        found = re.fullmatch(r"export DASHSCOPE_HTTP_BASE_URL=(\S+) DASHSCOPE_API_KEY=(\S+)\n", said[2])
        assert found is not None
        answer = requests.get(f"{found[1]}/tasks/1", headers={"Authorization": f"Bearer {found[2]}"}, timeout=60)
        assert answer.json()["output"]["task_status"] == "UNKNOWN"
        process.send_signal(ending)
        out, err = process.communicate(timeout=60)

    assert process.returncode == 0
    assert out == ""
    assert "Traceback" not in err


SERVE = [sys.executable, "-m", "bailian", "sandbox", "serve", "--port", "0", "--task-seconds", "0"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("flags", "served"),
    [((), True), (("--date", "2026-10-09"), True), (("--date", "2026-10-10"), False), (("--today",), False)],
)
@pytest.mark.slow
def test_serve_refuses_what_is_retired_on_the_day_it_is_told(flags: tuple[str, ...], served: bool) -> None:
    """Without a day every name is served: the seed document's commands run as they stand."""
    with subprocess.Popen([*SERVE, *flags], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = "".join(process.stderr.readline() for _ in range(4))
        found = re.search(r"DASHSCOPE_HTTP_BASE_URL=(\S+) DASHSCOPE_API_KEY=(\S+)\n", said)
        assert found is not None, said
        answer = requests.post(
            f"{found[1]}/services/aigc/text-generation/generation",
            json={"model": "qwen-turbo", "input": {"prompt": "你好"}},
            headers={"Authorization": f"Bearer {found[2]}"},
            timeout=60,
        )
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert (answer.status_code, answer.json().get("code")) == ((200, None) if served else (404, "ModelNotFound"))


@pytest.mark.slow
@pytest.mark.parametrize("flags", [("--date", "10.10.2026"), ("--date", "2026-10-10", "--today")])
def test_serve_refuses_a_day_that_is_none_or_two(flags: tuple[str, ...]) -> None:
    ran = subprocess.run([*SERVE, *flags], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
