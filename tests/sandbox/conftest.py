"""A sandbox a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bailian.sandbox import Sandbox
from tests.support.sandbox_client import Client


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A fast sandbox without limits; tests of limits make their own."""
    with Sandbox(task_s=0.02, enforce_limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def client(box: Sandbox) -> Iterator[Client]:
    made = Client(box)
    with made.http:
        yield made
