"""A key belongs to its region: another one does not know it."""

from __future__ import annotations

from typing import Any

import pytest
from message_bodies import blocking

from bailian.sandbox import Sandbox
from bailian.sandbox.settings import REGIONS
from tests.support.sandbox_client import Client


def ask(client: Client, what: str) -> Any:
    if what == "draw":
        return blocking(client, "qwen-image-2.0")
    return client.get({"list": "/models", "poll": "/tasks/1", "grant": "/uploads"}[what], action="getPolicy", model="x")


@pytest.mark.few(2)
@pytest.mark.parametrize("what", ["draw", "list", "poll", "grant"])
def test_a_key_of_another_region_is_not_known(what: str) -> None:
    """In the words for any wrong key: the service does not say which region would know it."""
    with Sandbox(task_s=0, region="singapore") as box:
        client = Client(box)
        with client.http:
            for region in (*REGIONS, "test"):
                client.http.headers["Authorization"] = f"Bearer sk-{region}-1"
                answer = ask(client, what)
                known = region in ("singapore", "test")
                assert (answer.status_code == 200) == known, (region, answer.text)
                if not known:
                    assert (answer.status_code, answer.json()["code"]) == (401, "InvalidApiKey")
                    assert answer.json()["message"] == "Invalid API-key provided."


def test_the_region_can_be_changed_while_it_runs(client: Client, box: Sandbox) -> None:
    client.http.headers["Authorization"] = "Bearer sk-singapore-1"
    assert ask(client, "list").status_code == 401
    changed = client.http.post(f"{box.root_url}/_sandbox/settings", json={"region": "singapore"}, timeout=10)
    assert changed.status_code == 200
    assert ask(client, "list").status_code == 200
    with pytest.raises(ValueError, match="region is one of beijing, singapore"):
        box.settings.change({"region": "mars"})
    box.reset()
    assert ask(client, "list").status_code == 401
