"""The answers about pictures made by message, key for key (MSG)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bailian.sandbox.http.answers import error_fields
from bailian.sandbox.images.replies import metrics
from bailian.sandbox.message_images.interleaved import Part, parts, pieces
from bailian.sandbox.message_images.modes import MessageModel
from bailian.sandbox.tasks.replies import Sign, rewritten, task_head
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.text.tokens import count_tokens

SMALL_PIXELS = 2_250_000
"""Up to here a picture is of the class 1k, above it 2k."""

TOKENS_A_PICTURE = 1024
"""What a picture that comes along counts (a guess; not billed)."""

Content = dict[str, str]


def task_answer(task: Task, model: MessageModel, request_id: str, sign: Sign) -> dict[str, Any]:
    """Answer a query of one task."""
    output = task_head(task, with_times=task.status != "FAILED" or model.family == "qwen")
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    if model.usage == "count":
        if task.status == "SUCCEEDED":
            output["results"] = [_result(task, index, sign) for index in range(task.request.n)]
        output["task_metrics"] = metrics(task)
    elif task.status == "SUCCEEDED":
        output.update(_output(task, model, sign))
    if task.status == "SUCCEEDED":
        answer["usage"] = usage_of(task, model)
    return answer


def blocking_answer(task: Task, model: MessageModel, request_id: str, sign: Sign) -> dict[str, Any]:
    """Answer a synchronous call: what a task has in `output`, without the task."""
    return {"output": _output(task, model, sign), "usage": usage_of(task, model), "request_id": request_id}


def stream_bodies(task: Task, model: MessageModel, request_id: str, sign: Sign) -> Iterator[dict[str, Any]]:
    """Yield what each frame of a stream says. `finished` is true in all of them; the end is the reason "stop"."""
    done = 0
    for part in pieces(_parts(task)):
        done += part.picture is not None
        yield _frame(task, model, request_id, [_content(part, sign)], done, "null")
    yield _frame(task, model, request_id, [], done, "stop")


def _frame(
    task: Task, model: MessageModel, request_id: str, content: list[Content], pictures: int, reason: str
) -> dict[str, Any]:
    output = {"choices": [_choice(content, reason)], "finished": True}
    return {"output": output, "usage": usage_of(task, model, pictures), "request_id": request_id}


def _output(task: Task, model: MessageModel, sign: Sign) -> dict[str, Any]:
    choices = _choices(task, model, sign)
    if model.tells_rewrite:
        return {"rewrite_status": "success" if task.request.prompt_extend else "not_use", "choices": choices}
    return {"choices": choices} if model.one_choice else {"choices": choices, "finished": True}


def _choices(task: Task, model: MessageModel, sign: Sign) -> list[dict[str, Any]]:
    if task.request.details["scenario"] == "interleave":
        return [_choice([_content(part, sign) for part in _parts(task)])]
    links = [sign(index) for index in range(task.pictures)]
    if model.one_choice:
        return [_choice([{"image": link} for link in links])]
    return [_choice([{"image": link, "type": "image"}]) for link in links]


def _choice(content: list[Content], reason: str = "stop") -> dict[str, Any]:
    return {"finish_reason": reason, "message": {"role": "assistant", "content": content}}


def _parts(task: Task) -> list[Part]:
    return parts(task.request.read_prompt, task.pictures)


def _content(part: Part, sign: Sign) -> Content:
    if part.picture is None:
        return {"type": "text", "text": part.text}
    return {"type": "image", "image": sign(part.picture)}


def usage_of(task: Task, model: MessageModel, pictures: int | None = None) -> dict[str, Any]:
    """Return what is billed; `pictures`: those that a stream has brought so far."""
    made = task.pictures if pictures is None else pictures
    width, height = task.outcome.drawn_size or (task.request.width, task.request.height)
    if model.usage == "qima":
        return _qima(task, made, width, height)
    if model.usage == "sides":
        return {"height": height, "image_count": made, "width": width}
    if model.usage == "count":
        return {"image_count": made}
    taken = count_tokens(task.request.prompt) + TOKENS_A_PICTURE * len(task.request.details["pictures"])
    return {
        "image_count": made,
        "input_tokens": taken,
        "output_tokens": 2,
        "size": f"{width}*{height}",
        "total_tokens": taken + 2,
    }


def _qima(task: Task, made: int, width: int, height: int) -> dict[str, Any]:
    """Pictures out and in, each with its class; there is no `image_count`."""
    usage: dict[str, Any] = {
        "output_width": width,
        "output_height": height,
        "output_image_count": made,
        "output_image_type": f"qima_output_{_class_of(width * height)}",
        "input_image_count": len(task.request.details["pictures"]),
    }
    sizes = task.request.details["picture_sizes"]
    if sizes:
        usage["input_image_type"] = f"qima_input_{_class_of(max(wide * high for wide, high in sizes))}"
    return usage


def _class_of(pixels: int) -> str:
    return "1k" if pixels <= SMALL_PIXELS else "2k"


def _result(task: Task, index: int, sign: Sign) -> dict[str, Any]:
    if index >= task.pictures:
        return error_fields(task.outcome.code, task.outcome.message)
    result = {"orig_prompt": task.request.prompt}
    if task.request.prompt_extend:
        result["actual_prompt"] = rewritten(task)
    return {**result, "url": sign(index)}
