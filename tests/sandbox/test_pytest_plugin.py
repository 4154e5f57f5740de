"""The fixture `sandbox` in a user's own tests: one server a worker, as new for each test, and nothing when unused."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

PLUGIN = "bailian.sandbox.pytest_plugin"

TESTS = {
    "the environment leads to it": """
        import os, requests

        def ask(text="x"):
            url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
            headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
            body = {"model": "qwen-plus", "messages": [{"role": "user", "content": text}]}
            return requests.post(url, json=body, headers=headers, timeout=10).json()["choices"][0]["message"]["content"]

        def test_it(sandbox):
            sandbox.say("晴", prompt="天气")
            assert ask("天气") == "晴"
            sandbox.expect(model="qwen-plus", prompt="天气", times=1)
            assert os.environ["DASHSCOPE_HTTP_BASE_URL"] == sandbox.base_url
            assert "bailian-home" in os.environ["BAILIAN_HOME"]
        """,
    "each test begins anew": """
        import pytest

        @pytest.mark.parametrize("number", range(3))
        def test_it(sandbox, number):
            assert sandbox.requests == [] and sandbox.script.is_empty
            assert sandbox.settings.task_s == 0
            sandbox.say("x")
            sandbox.settings.change({"task_s": 9})
            sandbox.advance(100)
            assert sandbox._started().clock.ahead_s == 100
        """,
    "the sdk is led to it although it was loaded before": """
        import dashscope

        before = dashscope.base_http_api_url

        def test_it(sandbox):
            sandbox.say("42")
            answer = dashscope.Generation.call("qwen-plus", prompt="x")
            assert answer.output.text == "42"

        def test_after():
            assert dashscope.base_http_api_url == before
        """,
    "settings and a script by a marker": """
        import pytest

        @pytest.mark.sandbox(task_s=7, script="answers.yaml")
        class TestIt:
            @pytest.mark.sandbox(task_s=3)
            def test_it(self, sandbox):
                assert sandbox.settings.task_s == 3
                assert [one.text for one in sandbox.script.unused] == ["x"]
        """,
    "afterwards nothing leads to it": """
        import os

        def test_it(sandbox):
            pass

        def test_after():
            assert "OPENAI_BASE_URL" not in os.environ
        """,
    "what was not sent is said": """
        def test_it(sandbox):
            sandbox.expect(model="qwen-plus")
        """,
    "a fixture of ones own goes before it": """
        import pytest

        @pytest.fixture
        def sandbox():
            return "mine"

        def test_it(sandbox):
            assert sandbox == "mine"
        """,
}


def test_in_users_tests(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them in one run: a run loads everything anew."""
    pytest.importorskip("dashscope")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    pytester.makefile(".yaml", answers="- text: x\n")
    files = {f"test_{case.replace(' ', '_').replace('-', '_')}": textwrap.dedent(code) for case, code in TESTS.items()}
    pytester.makepyfile(**files)
    ran = pytester.runpytest_inprocess("-p", PLUGIN, "-p", "no:cacheprovider", "--strict-markers", "-n0")
    outcomes = {name: count for name, count in ran.parseoutcomes().items() if name in ("passed", "failed", "errors")}
    assert outcomes == {"passed": 10, "failed": 1}, ran.outlines
    ran.stdout.fnmatch_lines(["*AssertionError: expected at least 1 time, got 0: model=qwen-plus*"])


@pytest.mark.slow
@pytest.mark.process
def test_each_worker_has_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pathlib, time, pytest

        @pytest.mark.parametrize("number", range(8))
        def test_it(sandbox, number, worker_id):
            (pathlib.Path(__file__).parent / f"port-{worker_id}-{sandbox.port}").touch()
            assert len(sandbox.requests) == 0
    """)
    ran = pytester.runpytest_subprocess("-p", PLUGIN, "-n2", "--dist=each")
    ran.assert_outcomes(passed=16)
    ports = [path.name.split("-")[1:] for path in pytester.path.glob("port-*")]
    assert len(ports) == len({worker for worker, _ in ports}) == len({port for _, port in ports}) == 2


@pytest.mark.slow
@pytest.mark.process
def test_unused_it_loads_nothing() -> None:
    code = f"import sys, pytest, {PLUGIN}; print(*[m for m in sys.modules if m.startswith('bailian') or m in {HEAVY}])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout.split() == ["bailian", "bailian.sandbox", PLUGIN]


HEAVY = ("requests", "uvicorn", "starlette", "PIL", "sqlite3", "asyncio", "yaml")


def test_pytest_finds_it() -> None:
    """Once installed: the name is the module's, so that `-p` and the entry point mean one plugin."""
    found = [one for one in entry_points(group="pytest11") if one.value == PLUGIN]
    assert [one.name for one in found] == [PLUGIN]
