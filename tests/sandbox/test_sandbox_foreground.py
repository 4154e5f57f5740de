"""The sandbox alone in a process of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest
import requests

PROGRAM = "from bailian.sandbox import serve; serve(task_s=0.01)"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serve(ending: signal.Signals) -> None:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(3)]
        found = re.fullmatch(r"export DASHSCOPE_HTTP_BASE_URL=(\S+) DASHSCOPE_API_KEY=(\S+)\n", said[2])
        assert found is not None
        answer = requests.get(f"{found[1]}/tasks/1", headers={"Authorization": f"Bearer {found[2]}"}, timeout=5)
        assert answer.json()["output"]["task_status"] == "UNKNOWN"
        process.send_signal(ending)
        out, err = process.communicate(timeout=10)

    assert process.returncode == 0
    assert out == ""
    assert "Traceback" not in err
