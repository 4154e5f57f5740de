"""The answers about drawn and edited pictures, key for key (CAP, D-T2I, D-IE, D-QI)."""

from __future__ import annotations

from typing import Any

from bailian.sandbox.http.answers import error_fields
from bailian.sandbox.images.models import IMAGE2IMAGE, IMAGE_GENERATION, TEXT2IMAGE
from bailian.sandbox.tasks.replies import Sign, rewritten, task_head
from bailian.sandbox.tasks.task_store import Task


def task_answer(task: Task, request_id: str, sign: Sign) -> dict[str, Any]:
    """Answer a query of one task."""
    # D-IE's failed example has no times, D-QI's has.
    output = task_head(task, with_times=task.status != "FAILED" or _is_qwen(task))
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    if task.status == "SUCCEEDED" and task.request.path == IMAGE_GENERATION:
        output.update(finished=True, choices=_choices(task, sign))
        answer["usage"] = _message_usage(task)
    elif task.status == "SUCCEEDED":
        output["results"] = [_result(task, index, sign) for index in range(task.request.n)]
        answer["usage"] = {"image_count": task.pictures}
    if task.request.path in (TEXT2IMAGE, IMAGE2IMAGE) and not _is_qwen(task):  # D-QI's example has no task_metrics
        output["task_metrics"] = metrics(task)
    return answer


def blocking_answer(task: Task, request_id: str, sign: Sign) -> dict[str, Any]:
    """Answer a synchronous call (CAP multimodal-generation-image-nosse); wan as in its task answer."""
    width, height = task.outcome.drawn_size or (task.request.width, task.request.height)
    if not _is_qwen(task):
        output: dict[str, Any] = {"choices": _choices(task, sign), "finished": True}
        return {"output": output, "usage": _message_usage(task), "request_id": request_id}
    output = {
        "choices": _choices(task, sign),
        "task_metric": {"FAILED": 0, "SUCCEEDED": task.pictures, "TOTAL": task.request.n},  # singular here
    }
    usage = {"height": height, "image_count": task.pictures, "width": width}
    return {"output": output, "usage": usage, "request_id": request_id}


def _is_qwen(task: Task) -> bool:
    return task.model.startswith(("qwen", "z-image"))


def _failed_from(task: Task) -> int:
    """Index of the first failed picture; the last ones fail."""
    return task.request.n - min(task.outcome.failed_pictures, task.request.n)


def _result(task: Task, index: int, sign: Sign) -> dict[str, Any]:
    if index >= _failed_from(task):
        return error_fields(task.outcome.code, task.outcome.message)
    if task.request.path == IMAGE2IMAGE:  # D-IE: a link and nothing else
        return {"url": sign(index)}
    result = {"orig_prompt": task.request.prompt}
    if task.request.prompt_extend:  # D-T2I: absent when prompt_extend is false
        result["actual_prompt"] = rewritten(task)
    return {**result, "url": sign(index)}


def _choices(task: Task, sign: Sign) -> list[dict[str, Any]]:
    """qwen: one choice with all pictures; wan 2.6 and later: one choice a picture (guesses for n > 1)."""
    links = [sign(index) for index in range(_failed_from(task))]
    if _is_qwen(task):
        contents: list[list[dict[str, str]]] = [[{"image": link} for link in links]]
    else:
        contents = [[{"image": link, "type": "image"}] for link in links]
    messages = [{"content": content, "role": "assistant"} for content in contents]
    return [{"finish_reason": "stop", "message": message} for message in messages]


def _message_usage(task: Task) -> dict[str, Any]:
    """The usage of the message style; its keys are a guess."""
    width, height = task.outcome.drawn_size or (task.request.width, task.request.height)
    return {
        "image_count": task.pictures,
        "input_tokens": 0,
        "output_tokens": 0,
        "size": f"{width}*{height}",
        "total_tokens": 0,
    }


def metrics(task: Task) -> dict[str, int]:
    """TOTAL equals n from the start (CAP get-task-running-nosse)."""
    good = task.pictures if task.status == "SUCCEEDED" else 0
    bad = task.request.n - good if task.status in ("SUCCEEDED", "FAILED") else 0
    return {"TOTAL": task.request.n, "SUCCEEDED": good, "FAILED": bad}
