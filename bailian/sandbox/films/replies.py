"""The answer about a film, key for key; which keys `usage` has is the family's (FILM, HORSE, WAN3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bailian.sandbox.films.rules import FilmModel
from bailian.sandbox.tasks.replies import Sign, rewritten, task_head
from bailian.sandbox.tasks.task_store import Task


def task_answer(task: Task, model: FilmModel, request_id: str, sign: Sign) -> dict[str, Any]:
    """Answer a query of one task; a failed one has no times."""
    output = task_head(task, with_times=task.status != "FAILED")
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    if task.status == "SUCCEEDED":
        output["orig_prompt"] = task.request.prompt
        if model.tells_actual_prompt and task.request.prompt_extend:
            output["actual_prompt"] = rewritten(task)
        output["video_url"] = sign(0)
        answer["usage"] = _USAGES[model.usage](task)
    return answer


def _number(seconds: float) -> int | float:
    """Whole seconds are written without a point."""
    rounded = round(seconds, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def _video(task: Task) -> dict[str, Any]:
    return {"video_duration": _out(task), "video_ratio": "standard", "video_count": 1}


def _text(task: Task) -> dict[str, Any]:
    """T2V: up to wan2.5, `video_ratio` is a size."""
    return {**_video(task), "video_ratio": _size(task)}


def _text_sized(task: Task) -> dict[str, Any]:
    return {**_new(task), "size": _size(task)}


def _size(task: Task) -> str:
    return f"{task.request.width}*{task.request.height}"


def _frames(task: Task) -> dict[str, Any]:
    return {"video_duration": _out(task), "video_count": 1, "SR": task.request.details["tier"]}


def _seconds(task: Task) -> dict[str, Any]:
    return {"duration": _out(task), "video_count": 1, "SR": task.request.details["tier"]}


def _new(task: Task) -> dict[str, Any]:
    """`ratio` only where it was a parameter."""
    details = task.request.details
    billed_in, billed_out = details["billed"]
    usage = {
        "duration": _number(billed_in + billed_out),
        "input_video_duration": _number(billed_in),
        "output_video_duration": _number(billed_out),
        "video_count": 1,
        "SR": details["tier"],
    }
    return {**usage, "ratio": details["ratio"]} if ":" in details["ratio"] else usage


def _split(task: Task) -> dict[str, Any]:
    """In the samples of these models the tier is a string."""
    return {**_new(task), "SR": str(task.request.details["tier"])}


def _sized(task: Task) -> dict[str, Any]:
    usage = _new(task)
    return {**usage, "duration": float(usage["duration"]), "size": _size(task)}


def _wan3(task: Task) -> dict[str, Any]:
    usage, details = _new(task), task.request.details
    return {**usage, "duration": float(usage["duration"]), "fps": details["fps"], "ratio": details["ratio"]}


def _out(task: Task) -> int | float:
    return _number(task.request.details["billed"][1])


def _with_audio(of: Callable[[Task], dict[str, Any]]) -> Callable[[Task], dict[str, Any]]:
    return lambda task: {**of(task), "audio": task.request.details["audio"]}


_USAGES: Mapping[str, Callable[[Task], dict[str, Any]]] = {
    "text": _text,
    "text_sized": _text_sized,
    "video": _video,
    "kf2v": _frames,
    "seconds": _seconds,
    "split": _split,
    "split_audio": _with_audio(_split),
    "sized": _sized,
    "sized_audio": _with_audio(_sized),
    "new": _new,
    "wan3": _wan3,
}
