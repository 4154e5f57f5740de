"""A sandbox as new for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bailian.sandbox import Sandbox
from tests.support.sandbox_client import Client
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
