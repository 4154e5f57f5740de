"""Texts and pictures in turn: as a stream, as a task, and as what breaks off."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from message_bodies import blocking, body_of, finished, links_of, picture, told

from bailian.sandbox import Fault
from tests.support.sandbox_client import MESSAGES, SYNC, Client

pytestmark = pytest.mark.slow

EVENTS = {"X-DashScope-Sse": "enable"}
IN_TURN = {"enable_interleave": True, "stream": True}


def frames_of(answer: requests.Response) -> list[tuple[str, dict[str, Any]]]:
    """Return event and data of each frame."""
    assert answer.headers["content-type"] == "text/event-stream;charset=UTF-8"
    frames = []
    for block in answer.content.decode().strip().split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.split("\n") if not line.startswith(":"))
        frames.append((fields["event"], json.loads(fields["data"])))
    return frames


def streamed(client: Client, text: str = "三步做蛋糕", **parameters: Any) -> list[tuple[str, dict[str, Any]]]:
    body = body_of("wan2.6-image", [], text, **{**IN_TURN, **parameters})
    answer = client.post(SYNC, body, asks_async=False, **EVENTS)
    assert answer.status_code == 200, answer.text
    return frames_of(answer)


def test_a_stream_brings_texts_in_pieces_and_pictures_at_once(client: Client) -> None:
    frames = streamed(client, max_images=3, size="1280*1280")
    choices = [data["output"]["choices"][0] for _, data in frames]
    assert {event for event, _ in frames} == {"result"}
    assert all(data["output"]["finished"] is True for _, data in frames), "it says nothing"
    assert [choice["finish_reason"] for choice in choices] == ["null"] * (len(frames) - 1) + ["stop"]
    parts = [part for choice in choices for part in choice["message"]["content"]]
    kinds = [part["type"] for part in parts]
    order = [kind for k, kind in enumerate(kinds) if k == 0 or kinds[k - 1] != kind]
    assert order == ["text", "image"] * 3 + ["text"]
    assert len(parts) > 7, "texts come in pieces"
    assert frames[-1][1]["usage"]["image_count"] == 3
    assert frames[-1][1]["usage"]["size"] == "1280*1280"
    counts = [data["usage"]["image_count"] for _, data in frames]
    assert counts == sorted(counts)
    assert {client.download(part["image"]).content[:4] for part in parts if part["type"] == "image"} == {b"\x89PNG"}


def test_a_task_has_all_of_it_in_one_choice(client: Client) -> None:
    body = finished(client, "wan2.6-image", [picture()], "三步做蛋糕", enable_interleave=True, max_images=2)
    (choice,) = body["output"]["choices"]
    kinds = [part["type"] for part in choice["message"]["content"]]
    assert kinds == ["text", "image", "text", "image", "text"]
    texts = "".join(part["text"] for part in choice["message"]["content"] if part["type"] == "text")
    pieces = [
        part["text"]
        for _, data in streamed(client, max_images=2)
        for part in data["output"]["choices"][0]["message"]["content"]
        if part["type"] == "text"
    ]
    assert "".join(pieces) == texts
    assert body["usage"]["image_count"] == 2


@pytest.mark.parametrize(
    "path, headers, parameters",
    [
        (SYNC, {}, {}),
        (SYNC, {}, {"stream": True}),
        (SYNC, EVENTS, {"stream": False}),
        (MESSAGES, {"X-DashScope-Async": "enable"}, {"stream": True}),
        (MESSAGES, {"X-DashScope-Async": "enable", **EVENTS}, {}),
    ],
)
def test_it_streams_on_the_blocking_path_and_nowhere_else(
    client: Client, path: str, headers: dict[str, str], parameters: dict[str, Any]
) -> None:
    body = body_of("wan2.6-image", [], enable_interleave=True, **parameters)
    assert told(client.post(path, body, asks_async=False, **headers))[:2] == (400, "InvalidParameter")
    assert (client.box.tasks, client.box.sync_calls) == ([], [])


def test_a_refusal_has_its_status_also_where_a_stream_was_asked_for(client: Client) -> None:
    body = body_of("wan2.6-image", [], **IN_TURN, n=2)
    refused = told(client.post(SYNC, body, asks_async=False, **EVENTS))
    assert refused == (400, "InvalidParameter", "num_images_per_prompt must be 1")


def test_other_work_is_answered_whole_whatever_the_header_says(client: Client) -> None:
    body = body_of("wan2.7-image", n=1)
    assert len(links_of(client.post(SYNC, body, asks_async=False, **EVENTS).json())) == 1


def test_a_stream_breaks_off_where_the_fault_says(client: Client) -> None:
    client.box.faults.add(Fault("sync", "stream_error", count=6))
    frames = streamed(client, max_images=3)
    assert [event for event, _ in frames] == ["result"] * 6 + ["error"]
    assert frames[-1][1]["code"] == "Throttling.AllocationQuota"
    part = next(p for _, d in frames[:6] for p in d["output"]["choices"][0]["message"]["content"] if "image" in p)
    assert client.download(part["image"]).status_code == 200, "what came before the error is there"


def test_without_a_stream_its_error_is_a_status(client: Client) -> None:
    client.box.faults.add(Fault("sync", "stream_error"))
    assert told(blocking(client, "wan2.7-image"))[:2] == (429, "Throttling.AllocationQuota")
    assert client.box.sync_calls == []


def test_a_stream_that_fails_ends_with_an_error(client: Client) -> None:
    frames = streamed(client, "x [sandbox:fail]")
    assert (frames[-1][0], frames[-1][1]["code"]) == ("error", "DataInspectionFailed")
    assert not any("image" in part for _, d in frames[:-1] for part in d["output"]["choices"][0]["message"]["content"])
