"""The examples of the sandbox's README run as they stand."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bailian.sandbox.control.expect_file import read_expectation_file
from bailian.sandbox.scripted.script_file import read_script
from tests.support.pictures import bytes_of, drawn
from tests.support.setting import ROOT

README = (ROOT / "bailian/sandbox/README.md").read_text(encoding="utf-8")

pytest_plugins = ["pytester"]


def block(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found is not None, name
    return found[1]


def write_script(folder: Path) -> Path:
    (folder / "cat.png").write_bytes(bytes_of(drawn()))
    path = folder / "answers.yaml"
    path.write_text(block("answers"), encoding="utf-8")
    return path


def test_the_script_is_read(tmp_path: Path) -> None:
    answers = read_script(write_script(tmp_path))
    kinds = ["text", "text", "text", "picture", "transcript", "error", "delay"]
    assert [one.kind for one in answers] == kinds
    assert answers[2].text == "no"


def test_the_expectation_is_read(tmp_path: Path) -> None:
    path = tmp_path / "expect.yaml"
    path.write_text(block("expect"), encoding="utf-8")
    expectation = read_expectation_file(path)
    assert (expectation.in_order, expectation.only, len(expectation.requests)) == (True, True, 2)
    assert expectation.requests[1].count_told == "0 to 2 times"


@pytest.mark.slow
def test_the_tests_pass(pytester: pytest.Pytester) -> None:
    write_script(pytester.path)
    pytester.makepyfile(test_mine=block("pytest"))
    ran = pytester.runpytest_inprocess("-p", "bailian.sandbox.pytest_plugin", "-p", "no:cacheprovider", "-n0")
    ran.assert_outcomes(passed=2)


USERS_TEST = """
import os, requests

def test_it():
    url = os.environ["DASHSCOPE_HTTP_BASE_URL"]
    headers = {"Authorization": "Bearer " + os.environ["DASHSCOPE_API_KEY"]}
    body = {"model": "qwen-plus", "input": {"prompt": "a joke"}}
    answer = requests.post(url + "/services/aigc/text-generation/generation", json=body, headers=headers, timeout=60)
    assert answer.json()["output"]["text"] == "no"
"""


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Linux")
def test_the_three_lines_of_ci(tmp_path: Path) -> None:
    """Each step is a shell of its own there; what the second starts goes on."""
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    write_script(tmp_path)
    (tmp_path / "test_mine.py").write_text(USERS_TEST, encoding="utf-8")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    steps = [line.partition("run: ")[2] for line in block("ci").splitlines()]
    assert steps[0].startswith("pip install")
    serve = steps[1].replace("serve", f"serve --port {port}").replace("8765", str(port))
    test = steps[2].replace("8765", str(port)).replace("pytest", "pytest -p no:cacheprovider -q")
    script = f"{serve}\n{test}\n".replace("& curl", "&\necho $! > pid\ncurl")
    said = tmp_path / "said"
    try:
        with said.open("w") as file:  # what the server inherits is no pipe, so nobody waits for its end
            ran = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, stdout=file, stderr=file, check=False)
        assert ran.returncode == 0, said.read_text(encoding="utf-8")
        assert "1 passed" in said.read_text(encoding="utf-8")
    finally:
        subprocess.run(["kill", (tmp_path / "pid").read_text(encoding="utf-8").strip()], check=False)
