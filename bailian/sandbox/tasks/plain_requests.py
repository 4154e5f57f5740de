"""Orders of work that is no picture, so that text, speech and recognition stand in the same book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.sandbox.tasks.requests import TaskRequest


def plain_request(
    kind: str, model: str, path: str, prompt: str, details: Mapping[str, Any] | None = None, *, parts: int = 1
) -> TaskRequest:
    """Return an order; `parts` is how many results it brings."""
    return TaskRequest(
        model=model,
        path=path,
        prompt=prompt,
        read_prompt=prompt,
        negative_prompt="",
        n=parts,
        width=0,
        height=0,
        seed=None,
        prompt_extend=False,
        watermark=False,
        kind=kind,
        details=dict(details or {}),
    )
