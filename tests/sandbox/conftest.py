"""A sandbox as new for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bailian.sandbox import Sandbox
from tests.support.sandbox_client import Client
from tests.support.served_files import ServedFiles
from tests.support.service import Lender


@pytest.fixture
def box(lender: Lender) -> Iterator[Sandbox]:
    """A fast sandbox without limits; tests of limits make their own."""
    yield lender.lend(task_s=0.02, enforce_limits=False)
    lender.take_back()


@pytest.fixture
def client(box: Sandbox) -> Iterator[Client]:
    made = Client(box)
    with made.http:
        yield made


@pytest.fixture
def sdk(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The vendor's own SDK, unchanged: its package, which asks the sandbox over either of its roads."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    dashscope = pytest.importorskip("dashscope")
    monkeypatch.setattr(dashscope, "base_http_api_url", box.base_url)
    monkeypatch.setattr(dashscope, "base_websocket_api_url", f"ws://127.0.0.1:{box.port}/api-ws/v1/inference")
    monkeypatch.setattr(dashscope, "api_key", "sk-sdk")
    return dashscope


@pytest.fixture
def openai_client(box: Sandbox) -> Iterator[Any]:
    """OpenAI's own client, unchanged, pointed at the compatible route."""
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=f"{box.root_url}/compatible-mode/v1", api_key="sk-openai", max_retries=0) as made:
        yield made


@pytest.fixture
def anthropic_client(box: Sandbox) -> Iterator[Any]:
    """Anthropic's own client, unchanged, pointed at its route."""
    anthropic = pytest.importorskip("anthropic")
    with anthropic.Anthropic(base_url=f"{box.root_url}/apps/anthropic", api_key="sk-x", max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def files() -> Iterator[ServedFiles]:
    """A web server to which a test puts what the service shall fetch."""
    with ServedFiles() as made:
        yield made
