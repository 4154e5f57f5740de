"""The toolkit from Python."""

from __future__ import annotations

import subprocess
import sys

import pytest

import bailian
from bailian.sandbox import Fault, Sandbox
from tests.support.setting import KEY, ROOT


@pytest.fixture(autouse=True)
def account(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", box.base_url)


def test_pictures_from_python() -> None:
    outcome = bailian.text2image("猫", n=2, size="512*512", timeout_s=60)
    assert all(path.exists() for path in outcome.files)
    assert (len(outcome.files), outcome.error, outcome.job.charged_cny) == (2, None, 0.28)


def test_a_refusal_is_raised_before_anything_is_sent(box: Sandbox) -> None:
    with pytest.raises(bailian.BailianError, match="1 to 4"):
        bailian.text2image("猫", n=9, timeout_s=60)
    assert box.requests == []


def test_some_failed_pictures_come_with_the_error(box: Sandbox) -> None:
    box.faults.add(Fault(on="submit", kind="partial"))
    outcome = bailian.text2image("猫", n=2, timeout_s=60)
    assert len(outcome.files) == 1
    assert outcome.error is not None


def test_a_failed_task_is_raised_with_its_id(box: Sandbox) -> None:
    box.faults.add(Fault(on="poll", kind="failed"))
    with pytest.raises(bailian.BailianError) as raised:
        bailian.text2image("猫", timeout_s=60)
    assert raised.value.task_id == box.tasks[0].task_id


def test_every_public_name_can_be_loaded() -> None:
    assert all(getattr(bailian, name) for name in bailian.__all__)
    with pytest.raises(AttributeError):
        bailian.nothing  # noqa: B018 - the lookup is the test


def test_importing_the_package_loads_nothing() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); before = set(sys.modules); import bailian; print(*sorted(set(sys.modules) - before))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in ran.stdout.split() if name.startswith("bailian")] == ["bailian"]
    assert not {"requests", "pydantic", "click", "sqlite3"} & set(ran.stdout.split())
