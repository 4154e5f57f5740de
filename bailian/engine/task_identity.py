"""What an answer of the service proves: whose task it is, and why it ended without a result. Pure."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping
from typing import Any

from bailian.engine.job import Job
from bailian.errors import TaskFailed
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.service.error_codes import own_advice, wire_rule

# A prompt may come back cut at the model's own limit (500 characters on wan2.2): so long a beginning is proof. A shorter
# one may be somebody's whole prompt.
MIN_PREFIX_CHARS = 400


def shown_prompts(answer: Mapping[str, Any]) -> list[str]:
    """Return every `orig_prompt` of an answer: beside the results, or in each of them."""
    output = answer.get("output")
    if not isinstance(output, dict):
        return []
    results = output.get("results")
    entries = [output, *(results if isinstance(results, list) else [])]
    prompts = [entry.get("orig_prompt") for entry in entries if isinstance(entry, dict)]
    return [prompt for prompt in prompts if isinstance(prompt, str) and prompt]


# Where the answers of tasks hold their results (docs/wire.md "Tasks", "Text to video", "Recognition").
RESULT_KEYS = ("results", "result", "choices", "video_url")


def holds_results(answer: Mapping[str, Any]) -> bool:
    """Return whether an answer shows any result, readable or not. A task can be over before it does."""
    output = answer.get("output")
    return isinstance(output, dict) and any(output.get(key) for key in RESULT_KEYS)


def is_ours(job: Job, answer: Mapping[str, Any]) -> bool | None:
    """Return whether a task's answer shows this job's prompt, or its recording; None while it shows none."""
    body = job.prepared.body
    if not body:
        return None
    matches = getattr(modality_of(job.kind), "matches", None)  # of what has no prompt
    if matches is not None:
        found: bool | None = matches(answer, body, job.id)
        return found
    asked = modality_of(job.kind).asked_prompt(body)
    verdicts = [same_prompt(asked, prompt) for prompt in shown_prompts(answer)]
    if not _as_many(job, answer):
        return False
    if any(verdicts):
        return True
    return None if None in verdicts or not verdicts else False


def _as_many(job: Job, answer: Mapping[str, Any]) -> bool:
    """Return whether a task makes as many results as this job asked for; `TOTAL` is n from the start."""
    output = answer.get("output")
    metrics = output.get("task_metrics") if isinstance(output, dict) else None
    total = metrics.get("TOTAL") if isinstance(metrics, dict) else None
    return type(total) is not int or total == (job.prepared.count or total)


def may_be_either(job: Job, rival: Job, answer: Mapping[str, Any]) -> bool:
    """Return whether a task that shows this job's request may be a rival's. Two that ask for the very same may swap."""
    return job.prepared.body != rival.prepared.body and is_ours(rival, answer) is not False


def same_prompt(asked: str, shown: str) -> bool | None:
    """Return whether a prompt came back: as sent, in another form of the same characters, or cut.

    None: one begins with the other, and that may be chance.
    """
    one, other = _plain(asked), _plain(shown)
    if one == other or (len(other) >= MIN_PREFIX_CHARS and one.startswith(other)):
        return True
    return None if other and (one.startswith(other) or other.startswith(one)) else False


def _plain(text: str) -> str:
    """Return a prompt without what services, gateways and JSON writers change: width, case, spaces, escapes."""
    return " ".join(unicodedata.normalize("NFKC", html.unescape(text)).casefold().split())


def failed_category(wire_code: str, message: str) -> str:
    """Return the category of a task or picture that failed: the code's own where it tells more than "failed"."""
    known = wire_rule(wire_code, message, None).category if wire_code else ""
    telling = ("DataInspectionFailed", "InvalidParameter", "ModelNotFound", "QuotaExceeded")
    return known if known in telling else "TaskFailed"


def failure(output: Mapping[str, Any], status: str, task_id: str | None, request_id: object) -> TaskFailed:
    """Return the error of a task that ended without result. `code` and `message` may both be missing."""
    wire_code, message = str(output.get("code") or ""), str(output.get("message") or "")
    reason = message or tr("the service gives no reason", "服务端未说明原因")
    text = {
        "CANCELED": tr("the task was canceled", "任务已取消"),
        "UNKNOWN": tr(f"the service does not know task {task_id}", f"服务端不存在任务 {task_id}"),
    }.get(status, tr(f"task failed: {reason}", f"任务失败：{reason}"))
    return TaskFailed(
        text,
        code="ResourceNotFound" if status == "UNKNOWN" else failed_category(wire_code, message),
        advice="" if status == "CANCELED" else own_advice(message),
        wire_code=wire_code or status,
        request_id=request_id if isinstance(request_id, str) else None,
        task_id=task_id,
    )
