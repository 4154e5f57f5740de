"""Python's calls go to the test's sandbox, as if it were the service."""

from __future__ import annotations

import pytest

from bailian.sandbox import Sandbox
from tests.support.setting import KEY


@pytest.fixture(autouse=True)
def account(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", box.base_url)
