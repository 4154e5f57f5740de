"""The bodies of the batch endpoints, key for key (CAP *-batch-compatible, *-file-compatible)."""

from __future__ import annotations

from typing import Any

from bailian.sandbox.batches.batch_store import Batch
from bailian.sandbox.faults import Fault


def fault_error(fault: Fault) -> dict[str, Any]:
    _, code, message = fault.error()
    return {"code": code, "message": message, "param": None, "line": None}


def batch_object(batch: Batch, *, fresh: bool = False) -> dict[str, Any]:
    """CAP create-batch, get-*-batch: key for key, in their order; times in whole seconds."""
    status = "validating" if fresh else batch.status
    running = status not in ("validating", "failed")
    ended = int(batch.ends_at)
    counted = batch.completed is not None
    return {
        "id": batch.batch_id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": {"object": "list", "data": batch.errors} if status == "failed" else None,
        "input_file_id": batch.input_file_id,
        "completion_window": batch.window,
        "status": status,
        "output_file_id": batch.result_id("output") if batch.completed else None,
        "error_file_id": batch.result_id("error") if batch.failed else None,
        "created_at": int(batch.created),
        "in_progress_at": int(batch.created) if running else None,
        "expires_at": None,
        "finalizing_at": int(batch.finalizing) if status in ("finalizing", "completed") else None,
        "completed_at": ended if status == "completed" else None,
        "failed_at": ended if status == "failed" else None,
        "expired_at": ended if status == "expired" else None,
        "cancelling_at": int(batch.stopped_at or ended) if status == "cancelled" else None,
        "cancelled_at": ended if status == "cancelled" else None,
        "request_counts": {
            "total": batch.total if running else 0,
            "completed": (batch.completed or 0) if counted else int(batch.progress * batch.total) if running else 0,
            "failed": batch.failed or 0,
        },
        "metadata": batch.metadata or None,
    }
