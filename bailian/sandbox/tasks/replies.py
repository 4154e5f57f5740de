"""What all answers about tasks have in common, key for key (CAP, D-T2I, D-IE, TASKS)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from bailian.sandbox.http.answers import error_fields
from bailian.sandbox.tasks.task_store import Task

CHINA = timezone(timedelta(hours=8))
"""Times in task answers are UTC+8 without saying so (CAP get-task-image-synthesis-success)."""

REGION = "cn-beijing"
CALLER = "1000000000000001"

Sign = Callable[[int], str]
"""Returns the signed link of a result, by its index."""


def china_moment(text: str) -> float:
    """Return when `yyyyMMddHHmmss` was, of a query; the zone is likely UTC+8.

    Raises:
        ValueError: it is no such time.
    """
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=CHINA).timestamp()


def china_time(epoch: float) -> str:
    """`2025-01-08 16:03:59.840`."""
    return datetime.fromtimestamp(epoch, CHINA).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def accepted(task_id: str, request_id: str) -> dict[str, Any]:
    """CAP image-synthesis-nosse."""
    return {"output": {"task_status": "PENDING", "task_id": task_id}, "request_id": request_id}


def unknown(task_id: str, request_id: str) -> dict[str, Any]:
    """CAP get-task-unknown-nosse."""
    return {"request_id": request_id, "output": {"task_id": task_id, "task_status": "UNKNOWN"}}


def task_head(task: Task, *, with_times: bool = True) -> dict[str, Any]:
    """Return what `output` of every query begins with; a failed task has code and message."""
    output: dict[str, Any] = {"task_id": task.task_id, "task_status": task.status}
    if with_times:
        output["submit_time"] = china_time(task.created)
        if task.status in ("RUNNING", "SUCCEEDED", "FAILED"):
            output["scheduled_time"] = china_time(task.scheduled)
        if task.status in ("SUCCEEDED", "FAILED"):
            output["end_time"] = china_time(task.ended)
        elif task.canceled is not None:
            output["end_time"] = china_time(task.canceled)
    if task.status == "FAILED":
        output.update(error_fields(task.outcome.code, task.outcome.message))
    return output


def listing(total: int, page_no: int, page_size: int, tasks: Sequence[Task], request_id: str) -> dict[str, Any]:
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
    """Return what prompt_extend makes of a prompt here; the real one asks a language model."""
    return f"{task.request.read_prompt}，画面层次丰富，光线柔和，细节清晰。（沙箱改写）"
