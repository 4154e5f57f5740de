"""For users' own tests: the fixture `sandbox`, a made-up Bailian as new for each test.

pytest loads this in every run where the toolkit is installed, so it imports nothing; the server starts with the first
test that asks for it, one a worker. Environment and SDK lead to it during that test.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bailian.sandbox.server import Sandbox

KEY = "sk-sandbox"
MARKER = "sandbox(**settings): settings of the fixture `sandbox` (task_s, enforce_limits, …), and script= a YAML file"
DEFAULTS = {"task_s": 0.0, "enforce_limits": False}
"""A test waits for nothing."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(scope="session")
def bailian_sandbox_server() -> Iterator[Sandbox]:
    """The server of a worker."""
    from bailian.sandbox.server import Sandbox

    with Sandbox() as box:
        yield box


@pytest.fixture
def sandbox(
    bailian_sandbox_server: Sandbox,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Sandbox]:
    """A sandbox as new, to which the vendor's SDK, the `openai` package and the toolkit lead during this test.

    The toolkit's journal is the test's own: what costs nothing must not stand in a person's ledger.
    """
    box = bailian_sandbox_server
    box.reset()
    settings: dict[str, Any] = dict(DEFAULTS)
    for marker in reversed(list(request.node.iter_markers("sandbox"))):
        settings |= marker.kwargs
    script = settings.pop("script", None)
    box.settings.change(settings)
    if script is not None:
        from bailian.sandbox.scripted.script_file import read_script

        box.script.add(*read_script(Path(request.path.parent, script)))
    _lead_to(box, monkeypatch)
    monkeypatch.setenv("BAILIAN_HOME", str(tmp_path_factory.mktemp("bailian-home")))
    yield box
    box.reset()


def _lead_to(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": box.base_url,
        "DASHSCOPE_WEBSOCKET_BASE_URL": box.socket_url,
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": f"{box.root_url}/compatible-mode/v1",
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": f"{box.root_url}/apps/anthropic",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, ",".join(filter(None, (os.environ.get(name, ""), "127.0.0.1"))))
    dashscope = sys.modules.get("dashscope")  # it reads the environment once, when it is imported
    if dashscope is not None:
        monkeypatch.setattr(dashscope, "api_key", KEY)
        monkeypatch.setattr(dashscope, "base_http_api_url", box.base_url)
        monkeypatch.setattr(dashscope, "base_websocket_api_url", box.socket_url)
