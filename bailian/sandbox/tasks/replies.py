"""The JSON bodies the service answers with, key for key (CAP, D-T2I, D-IE, D-QI, TASKS)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from bailian.sandbox.images.models import IMAGE2IMAGE, IMAGE_GENERATION, TEXT2IMAGE
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.video.replies import video_output, video_usage

CHINA = timezone(timedelta(hours=8))
"""Times in task answers are UTC+8 without saying so (CAP get-task-image-synthesis-success)."""

REGION = "cn-beijing"
CALLER = "1000000000000001"
PICTURE_FAILED = (
    "InternalError.Timeout",
    "An internal timeout error has occured during execution, please try again later or contact service support.",
)  # D-IE, the misspelling is the service's

Sign = Callable[[Task, int], str]


def china_time(epoch: float) -> str:
    """`2025-01-08 16:03:59.840`."""
    return datetime.fromtimestamp(epoch, CHINA).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def accepted(task_id: str, request_id: str) -> dict[str, Any]:
    """CAP image-synthesis-nosse."""
    return {"output": {"task_status": "PENDING", "task_id": task_id}, "request_id": request_id}


def unknown(task_id: str, request_id: str) -> dict[str, Any]:
    """CAP get-task-unknown-nosse."""
    return {"request_id": request_id, "output": {"task_id": task_id, "task_status": "UNKNOWN"}}


def task_answer(task: Task, request_id: str, sign: Sign) -> dict[str, Any]:
    """Answer a query of one task."""
    if task.status == "UNKNOWN":
        return unknown(task.task_id, request_id)
    output: dict[str, Any] = {"task_id": task.task_id, "task_status": task.status}
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    if task.status != "FAILED" or _is_qwen(task):  # D-IE's failed example has no times, D-QI's has
        output["submit_time"] = china_time(task.created)
        if task.status in ("RUNNING", "SUCCEEDED", "FAILED"):
            output["scheduled_time"] = china_time(task.scheduled)
        if task.status in ("SUCCEEDED", "FAILED"):
            output["end_time"] = china_time(task.ended)
        elif task.canceled is not None:
            output["end_time"] = china_time(task.canceled)
    if task.status == "FAILED":
        output.update(_code_and_message(task))
    elif task.status == "SUCCEEDED" and task.request.path == IMAGE_GENERATION:
        output.update(finished=True, choices=_choices(task, sign))
        answer["usage"] = _message_usage(task)
    elif task.status == "SUCCEEDED" and task.request.kind == "video":
        output.update(video_output(task, rewritten(task), sign(task, 0)))
        answer["usage"] = video_usage(task)
    elif task.status == "SUCCEEDED":
        output["results"] = [_result(task, index, sign) for index in range(task.request.n)]
        answer["usage"] = {"image_count": task.pictures}
    if task.request.path in (TEXT2IMAGE, IMAGE2IMAGE) and not _is_qwen(task):  # D-QI's example has no task_metrics
        output["task_metrics"] = _metrics(task)
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


def listing(total: int, page_no: int, page_size: int, tasks: list[Task], request_id: str) -> dict[str, Any]:
    """CAP list-task-nosse: flat, other keys than the single query, epoch milliseconds, no prompt."""
    return {
        "total": total,
        "total_page": -(-total // page_size),
        "page_no": page_no,
        "page_size": page_size,
        "request_id": request_id,
        "data": [_row(task) for task in tasks],
    }


def _row(task: Task) -> dict[str, Any]:
    group, function = task.request.path.strip("/").split("/")[-2:]
    row: dict[str, Any] = {
        "api_key_id": "1",
        "caller_parent_id": CALLER,
        "caller_uid": CALLER,
        "gmt_create": int(task.created * 1000),
        "model_name": task.model,
        "region": REGION,
        "request_id": task.request_id,
        "status": task.status,
        "task_id": task.task_id,
        "user_api_unique_key": f"apikey:v1:aigc:{group}:{function}:{task.model}",
    }
    if task.status in ("RUNNING", "SUCCEEDED", "FAILED"):
        row["start_time"] = int(task.scheduled * 1000)
    if task.status in ("SUCCEEDED", "FAILED"):
        row["end_time"] = int(task.ended * 1000)
    elif task.canceled is not None:
        row["end_time"] = int(task.canceled * 1000)
    return row


def rewritten(task: Task) -> str:
    """What prompt_extend makes of a prompt here; the real one asks a language model."""
    return f"{task.request.read_prompt}，画面层次丰富，光线柔和，细节清晰。（沙箱改写）"


def _is_qwen(task: Task) -> bool:
    return task.model.startswith(("qwen", "z-image"))


def _failed_from(task: Task) -> int:
    """Index of the first failed picture; the last ones fail."""
    return task.request.n - min(task.outcome.failed_pictures, task.request.n)


def _result(task: Task, index: int, sign: Sign) -> dict[str, Any]:
    if index >= _failed_from(task):
        return _code_and_message(task)
    if task.request.path == IMAGE2IMAGE:  # D-IE: a link and nothing else
        return {"url": sign(task, index)}
    result = {"orig_prompt": task.request.prompt}
    if task.request.prompt_extend:  # D-T2I: absent when prompt_extend is false
        result["actual_prompt"] = rewritten(task)
    return {**result, "url": sign(task, index)}


def _choices(task: Task, sign: Sign) -> list[dict[str, Any]]:
    """qwen: one choice with all pictures; wan 2.6 and later: one choice a picture (guesses for n > 1)."""
    links = [sign(task, index) for index in range(_failed_from(task))]
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


def _metrics(task: Task) -> dict[str, int]:
    """TOTAL equals n from the start (CAP get-task-running-nosse)."""
    good = task.pictures if task.status == "SUCCEEDED" else 0
    bad = task.request.n - good if task.status in ("SUCCEEDED", "FAILED") else 0
    return {"TOTAL": task.request.n, "SUCCEEDED": good, "FAILED": bad}


def _code_and_message(task: Task) -> dict[str, str]:
    pair = {"code": task.outcome.code, "message": task.outcome.message}
    return {key: value for key, value in pair.items() if value}
