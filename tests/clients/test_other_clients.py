"""Other people's clients on the sandbox, unchanged, each in an environment of its own: the calls of its quick start.

Outside the default run and `.ci/run`, since it installs from the package index: `make test-clients`. An environment is kept
in `.clients/` until its list of packages changes. What a client gets wrong by itself is named as its own fault.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from tests.support.setting import ROOT

pytestmark = [pytest.mark.clients, pytest.mark.process]

SCRIPTS = Path(__file__).parent / "scripts"
KEPT = ROOT / ".clients"
INSTALL_S = 1800
BEFORE = dict(os.environ)
"""As it was before a test: pip and npm find their settings by it."""
SURROUNDINGS = {name: value for name, value in BEFORE.items() if not name.lower().endswith("_proxy")}
"""No proxy may stand between a client and this computer."""
RUN_S = 600


@dataclass(frozen=True)
class OtherClient:
    """One client: its script, and what that needs."""

    script: str
    packages: tuple[str, ...]
    own_faults: Mapping[str, str] = field(default_factory=dict)
    """Steps that fail by the client's own fault, and why."""

    @property
    def home(self) -> Path:
        """Where its environment is kept."""
        digest = hashlib.sha256(" ".join(self.packages).encode()).hexdigest()[:8]
        return KEPT / f"{Path(self.script).stem}-{digest}"


CLIENTS = (
    OtherClient("litellm_calls.py", ("litellm",)),
    OtherClient("langchain_calls.py", ("langchain-openai", "langchain-qwq")),
    OtherClient("langchain_community_calls.py", ("langchain-community", "dashscope")),
    OtherClient("sdk_command_calls.py", ("dashscope",)),
    OtherClient("ali_bailian_mcp_calls.py", ("ali-bailian-mcp",)),
    OtherClient("pydantic_ai_calls.py", ("pydantic-ai-slim[openai]",)),
    OtherClient("instructor_calls.py", ("instructor",)),
    # It does not name all that it imports.
    OtherClient("qwen_agent_calls.py", ("qwen-agent", "python-dateutil", "soundfile", "tqdm")),
    OtherClient("haystack_calls.py", ("haystack-ai",)),
    OtherClient(
        "llama_index_calls.py",
        ("llama-index-llms-openai-like", "llama-index-llms-dashscope", "llama-index-embeddings-dashscope"),
    ),
    OtherClient("openai_node_calls.mjs", ("openai",)),
    OtherClient("qwen_code_calls.mjs", ("@qwen-code/qwen-code",)),
    OtherClient("ai_sdk_calls.mjs", ("@ai-sdk/alibaba", "ai", "zod")),
)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.script)
def test_the_calls_of_its_quick_start(client: OtherClient) -> None:
    command = _node(client) if client.script.endswith(".mjs") else _python(client)
    with Sandbox(task_s=0.02, enforce_limits=False) as box:
        surroundings = {**SURROUNDINGS, "SANDBOX_ROOT": box.root_url}
        done = subprocess.run(
            command, env=surroundings, capture_output=True, text=True, timeout=RUN_S, encoding="utf-8"
        )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    wrong = {name: said for name, said in told.items() if said != "ok" and name not in client.own_faults}
    assert not wrong, "\n".join(f"{name}: {said}" for name, said in wrong.items())
    assert set(client.own_faults) <= set(told)


def _python(client: OtherClient) -> list[str]:
    python = client.home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready = client.home / "ready"
    if not ready.exists():
        venv.create(client.home, with_pip=True, clear=True)
        _install([str(python), "-m", "pip", "install", "-q", *client.packages])
        ready.touch()
    return [str(python), str(SCRIPTS / client.script)]


def _node(client: OtherClient) -> list[str]:
    """Node looks for packages beside a script, so the scripts are copied to where the packages are."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no Node here")
    ready = client.home / "ready"
    if not ready.exists():
        client.home.mkdir(parents=True, exist_ok=True)
        _install([npm, "install", "--silent", "--prefix", str(client.home), *client.packages])
        ready.touch()
    for script in SCRIPTS.glob("*.mjs"):
        shutil.copy(script, client.home)
    return [node, str(client.home / client.script)]


def _install(command: list[str]) -> None:
    done = subprocess.run(command, env=BEFORE, capture_output=True, text=True, timeout=INSTALL_S, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-3000:]
