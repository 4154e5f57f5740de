"""A bare client of the speech socket for the models that are told a voice."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bailian.sandbox import Sandbox

FLASH = {"model": "cosyvoice-v3-flash", "voice": "longanyang"}
HAPPY = "你说话的情感是happy。"
POEM = ["床前明月光，", "疑是地上霜。举头", "望明月，低头思故乡。", "The end."]
SAID = "".join(POEM)
BAD_418 = ("InvalidParameter", "[tts:]Engine return error code: 418")
BAD_428 = ("InvalidParameter", "[tts:]Engine return error code: 428")

Frames = list[dict[str, Any] | bytes]


def dial(box: Sandbox, key: str = "sk-test") -> ClientConnection:
    headers = {"Authorization": f"Bearer {key}"}
    return connect(box.socket_url, additional_headers=headers, proxy=None, compression=None)


def frame(action: str, task_id: str, payload: dict[str, Any]) -> str:
    return json.dumps({"header": {"action": action, "task_id": task_id, "streaming": "duplex"}, "payload": payload})


def run_task(model: str, voice: str | None, task_id: str = "a" * 32, **parameters: Any) -> str:
    told = {} if voice is None else {"voice": voice}
    payload = {
        "model": model,
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "input": {},
        "parameters": {"text_type": "PlainText", **told, **parameters},
    }
    return frame("run-task", task_id, payload)


def continue_task(text: str, task_id: str = "a" * 32) -> str:
    return frame("continue-task", task_id, {"input": {"text": text}})


def finish_task(task_id: str = "a" * 32, **inputs: Any) -> str:
    return frame("finish-task", task_id, {"input": inputs})


def answers(socket: ClientConnection) -> Iterator[dict[str, Any] | bytes]:
    """Frames until the task ends."""
    while True:
        got = socket.recv(timeout=60)
        content = got if isinstance(got, bytes) else json.loads(got)
        yield content
        if isinstance(content, dict) and content["header"]["event"] in ("task-finished", "task-failed"):
            return


def speak(
    box: Sandbox, *texts: str, model: str = FLASH["model"], voice: str | None = FLASH["voice"], **parameters: Any
) -> Frames:
    with dial(box) as socket:
        with contextlib.suppress(ConnectionClosed):  # a task that fails at once is over before all is sent
            socket.send(run_task(model, voice, **parameters))
            for text in texts or POEM:
                socket.send(continue_task(text))
            socket.send(finish_task())
        return list(answers(socket))


def sound(frames: Frames) -> bytes:
    return b"".join(frame for frame in frames if isinstance(frame, bytes))


def outputs(frames: Frames, kind: str) -> list[dict[str, Any]]:
    """Return the payloads of one type of event."""
    found = [f["payload"] for f in frames if isinstance(f, dict) and f["header"]["event"] == "result-generated"]
    return [payload for payload in found if payload["output"]["type"] == kind]


def error(frames: Frames) -> tuple[str, str]:
    last = frames[-1]
    assert isinstance(last, dict)
    assert (last["header"]["event"], last["payload"]) == ("task-failed", {})
    return last["header"]["error_code"], last["header"]["error_message"]


def usage(frames: Frames) -> int:
    last = frames[-1]
    assert isinstance(last, dict)
    assert last["header"]["event"] == "task-finished", last
    characters: int = last["payload"]["usage"]["characters"]
    return characters
