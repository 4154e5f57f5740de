"""The answer to a query of a transcription task, key for key (PF-REST)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bailian.sandbox.http.answers import error_fields
from bailian.sandbox.tasks.replies import Sign, task_head
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.transcription.recordings import FileFailure
from bailian.sandbox.transcription.transcripts import speech_ms


def transcription_answer(
    task: Task, file_results: Sequence[dict[str, Any] | FileFailure], request_id: str, sign: Sign
) -> dict[str, Any]:
    """Answer a query. A task whose files all fail by themselves is SUCCEEDED (PF-REST).

    One that a fault fails is FAILED, with code and message beside the results (a log of 2025).
    """
    output = task_head(task)
    if task.request.details.get("one_result"):
        return _one_result(output, file_results, request_id, sign)
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    if task.status in ("SUCCEEDED", "FAILED"):
        pairs = zip(task.request.details["file_urls"], file_results, strict=True)
        output["results"] = [_result(url, file_result, index, sign) for index, (url, file_result) in enumerate(pairs)]
    good = [file_result for file_result in file_results if not isinstance(file_result, FileFailure)]
    output["task_metrics"] = {"TOTAL": task.request.n, "SUCCEEDED": len(good), "FAILED": len(file_results) - len(good)}
    if good:
        answer["usage"] = {"duration": -(-sum(map(speech_ms, good)) // 1000)}  # whole seconds, as in the sample
    return answer


def _one_result(
    output: dict[str, Any], file_results: Sequence[dict[str, Any] | FileFailure], request_id: str, sign: Sign
) -> dict[str, Any]:
    """Qwen3: `result` instead of `results`. A file that fails is told as a failed task (a guess)."""
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    for file_result in file_results:
        if isinstance(file_result, FileFailure):
            output.update(task_status="FAILED", **error_fields(file_result.code, file_result.message))
        else:
            output["result"] = {"transcription_url": sign(0)}
            answer["usage"] = {"seconds": -(-speech_ms(file_result) // 1000)}
    return answer


def _result(url: str, file_result: dict[str, Any] | FileFailure, index: int, sign: Sign) -> dict[str, Any]:
    if isinstance(file_result, FileFailure):
        failed = error_fields(file_result.code, file_result.message)
        return {"file_url": url, **failed, "subtask_status": "FAILED"}
    return {"file_url": url, "transcription_url": sign(index), "subtask_status": "SUCCEEDED"}
