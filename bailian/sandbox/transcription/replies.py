"""The answer to a query of a transcription task, key for key (PF-REST)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bailian.sandbox.tasks.replies import china_time, unknown
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.transcription.recordings import FileFailure
from bailian.sandbox.transcription.transcripts import speech_ms


def transcription_answer(
    task: Task, file_results: Sequence[dict[str, Any] | FileFailure], request_id: str, sign: Callable[[int], str]
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
            output.update(_filled({"code": task.outcome.code, "message": task.outcome.message}))
        urls = task.request.details["file_urls"]
        pairs = list(zip(urls, file_results, strict=True))
        output["results"] = [_result(url, file_result, index, sign) for index, (url, file_result) in enumerate(pairs)]
    elif task.canceled is not None:
        output["end_time"] = china_time(task.canceled)
    good = [file_result for file_result in file_results if not isinstance(file_result, FileFailure)]
    output["task_metrics"] = {"TOTAL": task.request.n, "SUCCEEDED": len(good), "FAILED": len(file_results) - len(good)}
    if good:
        answer["usage"] = {"duration": -(-sum(map(speech_ms, good)) // 1000)}  # whole seconds, as in the sample
    return answer


def _result(
    url: str, file_result: dict[str, Any] | FileFailure, index: int, sign: Callable[[int], str]
) -> dict[str, Any]:
    if isinstance(file_result, FileFailure):
        failed = _filled({"code": file_result.code, "message": file_result.message})
        return {"file_url": url, **failed, "subtask_status": "FAILED"}
    return {"file_url": url, "transcription_url": sign(index), "subtask_status": "SUCCEEDED"}


def _filled(pair: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in pair.items() if value}
