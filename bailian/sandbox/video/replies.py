"""The answer about a video, key for key (T2V §"poll")."""

from __future__ import annotations

from typing import Any

from bailian.sandbox.tasks.replies import Sign, rewritten, task_head
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.video.models import tier_of


def task_answer(task: Task, request_id: str, sign: Sign) -> dict[str, Any]:
    """Answer a query of one task; a failed one has no times, as with pictures."""
    output = task_head(task, with_times=task.status != "FAILED")
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    if task.status == "SUCCEEDED":
        output.update(video_output(task, rewritten(task), sign(0)))
        answer["usage"] = video_usage(task)
    return answer


def video_output(task: Task, actual_prompt: str, link: str) -> dict[str, Any]:
    """`video_url` is one string; `actual_prompt` only with prompt_extend, and never from wan2.6 on."""
    output = {"orig_prompt": task.request.prompt}
    if task.request.prompt_extend and task.request.details["tells_actual_prompt"]:
        output["actual_prompt"] = actual_prompt
    return {**output, "video_url": link}


def video_usage(task: Task) -> dict[str, Any]:
    """Up to wan2.5: `video_ratio` is a size, not a ratio. From wan2.6: other keys."""
    request = task.request
    duration_s = request.details["duration_s"]
    size = f"{request.width}*{request.height}"
    if request.details["usage"] == "video":
        return {"video_duration": duration_s, "video_ratio": size, "video_count": 1}
    return {
        "duration": duration_s,
        "size": size,
        "input_video_duration": 0,
        "output_video_duration": duration_s,
        "video_count": 1,
        "SR": tier_of(size),
    }
