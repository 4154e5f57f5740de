"""Texts and pictures in turn as server-sent events: the only blocking way to get them.

Importing this needs starlette.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer
from bailian.sandbox.http.frames import event_stream
from bailian.sandbox.http.refusals import off_specification
from bailian.sandbox.message_images.modes import MessageModel
from bailian.sandbox.message_images.replies import stream_bodies
from bailian.sandbox.settings import Settings
from bailian.sandbox.tasks.outcomes import cut_off
from bailian.sandbox.tasks.replies import Sign
from bailian.sandbox.tasks.task_store import Task


def streams(model: MessageModel, body: Mapping[str, Any], *, blocking: bool, asks_events: bool) -> bool:
    """Return whether the answer is a stream: texts and pictures in turn are, on the blocking path.

    The header decides, as the vendor's SDK sends no `stream`; what is said must not contradict it (a guess).

    Raises:
        Refusal: a task that shall stream, or a blocking call that shall not.
    """
    parameters = body.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if model.interleaves is None or parameters.get("enable_interleave") is not True:
        return False
    said = parameters.get("stream")
    if not blocking and (said or asks_events):
        raise off_specification("stream is not supported by asynchronous calls")
    if blocking and (said is False or not asks_events):
        raise off_specification("enable_interleave needs stream output in synchronous calls")
    return blocking


def stream_answer(
    task: Task, model: MessageModel, fault: Fault | None, request_id: str, sign: Sign, settings: Settings
) -> Answer:
    """Return the frames; work that fails breaks off with a frame that says why."""
    bodies = stream_bodies(task, model, request_id, sign)
    return event_stream(bodies, cut_off(task.outcome, fault), request_id, settings, lasts_s=task.ended - task.created)
