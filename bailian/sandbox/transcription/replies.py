"""The answer to a query of a transcription task, key for key (PF-REST)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bailian.sandbox.tasks.replies import china_time, unknown
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.transcription.recordings import FileFailure
from bailian.sandbox.transcription.transcripts import speech_ms


def transcription_answer(
    task: Task, outcomes: Sequence[dict[str, Any] | FileFailure], request_id: str, sign: Callable[[int], str]
) -> dict[str, Any]:
    """A task whose files all fail by themselves is SUCCEEDED (PF-REST); one that a fault fails is FAILED with code
    and message beside the results (a log of 2025)."""
    if task.status == "UNKNOWN":
        return unknown(task.task_id, request_id)
    output: dict[str, Any] = {
        "task_id": task.task_id,
        "task_status": task.status,
        "submit_time": china_time(task.created),
    }
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    if task.status in ("RUNNING", "SUCCEEDED", "FAILED"):
        output["scheduled_time"] = china_time(task.scheduled)
    if task.status in ("SUCCEEDED", "FAILED"):
        output["end_time"] = china_time(task.ended)
        if task.status == "FAILED":
            output.update(_filled({"code": task.fate.code, "message": task.fate.message}))
        urls = task.order.details["file_urls"]
        pairs = list(zip(urls, outcomes, strict=True))
        output["results"] = [_result(url, outcome, index, sign) for index, (url, outcome) in enumerate(pairs)]
    elif task.canceled is not None:
        output["end_time"] = china_time(task.canceled)
    good = [outcome for outcome in outcomes if not isinstance(outcome, FileFailure)]
    output["task_metrics"] = {"TOTAL": task.order.n, "SUCCEEDED": len(good), "FAILED": len(outcomes) - len(good)}
    if good:
        answer["usage"] = {"duration": -(-sum(map(speech_ms, good)) // 1000)}  # whole seconds, as in the sample
    return answer


def _result(url: str, outcome: dict[str, Any] | FileFailure, index: int, sign: Callable[[int], str]) -> dict[str, Any]:
    if isinstance(outcome, FileFailure):
        failed = _filled({"code": outcome.code, "message": outcome.message})
        return {"file_url": url, **failed, "subtask_status": "FAILED"}
    return {"file_url": url, "transcription_url": sign(index), "subtask_status": "SUCCEEDED"}


def _filled(pair: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in pair.items() if value}
