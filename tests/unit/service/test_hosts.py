"""Which host a request goes to: the workspace's own, the region's shared one, the Token Plan's; and whose a key is."""

from __future__ import annotations

import pytest
import responses

from bailian.config import endpoints
from bailian.config.settings import Settings, read_settings
from bailian.errors import InvalidRequest
from bailian.service import client
from bailian.service.client import Service
from tests.support.commands import Run
from tests.support.setting import KEY

PLAN_KEY = "sk-sp-0123456789abcdef"
DENIED = {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "r"}
UNKNOWN = {"output": {"task_id": endpoints.PLAN_HOST, "task_status": "UNKNOWN"}, "request_id": "r"}
OWN = "ws-1.cn-beijing.maas.aliyuncs.com"


@pytest.mark.parametrize("region, region_id", endpoints.REGION_IDS.items())
@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_workspace_has_its_own_host(monkeypatch: pytest.MonkeyPatch, by: str, region: str, region_id: str) -> None:
    """The vendor recommends it; for HTTP and sockets alike, by --workspace or the SDK's variable."""
    if by == "variable":
        monkeypatch.setenv("DASHSCOPE_WORKSPACE_ID", "ws-1")
    here = read_settings(region=region, workspace="ws-1" if by == "option" else None)
    assert here.base_url == f"https://ws-1.{region_id}.maas.aliyuncs.com/api/v1"
    assert here.socket_url == f"wss://ws-1.{region_id}.maas.aliyuncs.com/api-ws/v1/inference"


def test_without_a_workspace_the_old_host_stays() -> None:
    assert read_settings().host == "dashscope.aliyuncs.com"
    assert read_settings(region="finance", workspace="ws-1").host == "dashscope-finance.aliyuncs.com", "it has no other"


def test_a_host_that_is_named_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", PLAN_KEY)
    assert read_settings(workspace="ws-1", base_url="https://a.example/api/v1").host == "a.example"


def test_a_token_plan_key_goes_to_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The public hosts do not know it, and it is known in beijing only."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", PLAN_KEY)
    assert read_settings().base_url == "https://token-plan.cn-beijing.maas.aliyuncs.com/api/v1"
    assert read_settings(workspace="ws-1").host == endpoints.PLAN_HOST
    with pytest.raises(InvalidRequest, match="known in beijing only, not in singapore"):
        read_settings(region="singapore")


@pytest.mark.parametrize(
    "host, timeout_s",
    [("dashscope.aliyuncs.com", client.SYNC_TIMEOUT_S), (OWN, client.WORKSPACE_SYNC_TIMEOUT_S)],
)
def test_an_answer_is_waited_for_as_long_as_the_host_does(
    monkeypatch: pytest.MonkeyPatch, host: str, timeout_s: float
) -> None:
    """600 s and 3,600 s: who leaves earlier loses what is paid."""
    waited: list[float] = []
    service = Service(Settings(f"https://{host}/api/v1"))
    monkeypatch.setattr(service, "_read", lambda reply: reply)
    monkeypatch.setattr(service._http, "send", lambda *_args, read_timeout_s, **_own: waited.append(read_timeout_s))
    service.call("/route", {"input": {}})
    assert waited == [timeout_s]
    assert timeout_s in (620, 3620)


def _answering(*hosts: str) -> None:
    for base_url in {*endpoints.known_hosts("ws-1").values()}:
        host = base_url.split("/")[2]
        body, status = (UNKNOWN, 200) if host in hosts else (DENIED, 401)
        responses.get(f"{base_url}/tasks/00000000-0000-0000-0000-000000000000", json=body, status=status)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "words, hosts, said",
    [
        ([], ["dashscope-intl.aliyuncs.com"], "https://dashscope-intl.aliyuncs.com/api/v1 (--region singapore)"),
        (
            ["--workspace", "ws-1"],
            ["dashscope.aliyuncs.com"],
            "https://dashscope.aliyuncs.com/api/v1 (--region beijing)",
        ),
        (
            ["--workspace", "ws-1"],
            ["ws-1.eu-central-1.maas.aliyuncs.com"],
            "(--region frankfurt --workspace ws-1)",
        ),
    ],
)
@responses.activate
def test_doctor_says_whose_a_refused_key_is(
    bailian: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], hosts: list[str], said: str
) -> None:
    """It asks the vendor's own hosts for a task that does not exist, which is free."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.delenv("DASHSCOPE_HTTP_BASE_URL", raising=False)
    _answering(*hosts)
    ran = bailian("doctor", *words, exits=3)
    assert "the key belongs to" in ran.out
    assert said in ran.out
    assert all(call.request.method == "GET" for call in responses.calls)


@responses.activate
def test_doctor_shows_a_key_to_the_vendor_only(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of somebody's gateway is nothing that Alibaba should see."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", "https://gateway.example/api/v1")
    responses.get("https://gateway.example/api/v1/tasks/00000000-0000-0000-0000-000000000000", json=DENIED, status=401)
    bailian("doctor", exits=3)
    assert {call.request.url.split("/")[2] for call in responses.calls} == {"gateway.example"}
