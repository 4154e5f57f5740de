"""Answer or error? Reads every shape the service has for saying no. Pure: no network.

Shapes (docs/wire.md "Errors"): flat `{"code","message"}` with 4xx/5xx; the same with HTTP 200; nested
under `error`; a body that is not JSON at all (a gateway's page).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bailian.errors import MaybeSent
from bailian.language import say
from bailian.wire.http import Reply
from bailian.wire_codes import service_error

# The vendor's own clients let these through as success (dashscope 2.0.2, `v2/errors.py`).
SUCCESS_CODES = ("200", "Success")


def read(reply: Reply, *, task_id: str | None = None) -> dict[str, Any]:
    """Return the JSON object of a good answer.

    Raises:
        ServiceError: the service said no.
        MaybeSent: what came is not an answer of the service (a gateway's page, garbage): if the request
            was a paid one, nobody knows whether it was executed.
    """
    data = reply.data
    code, message = ("", "") if data is None else wire_error(data)
    good = 200 <= reply.status < 300
    if data is not None and good and (not code or task_id_of(data)):
        return data
    refused = data is not None and (code or reply.status < 500)
    if not refused and not 300 <= reply.status < 500:
        raise MaybeSent(_not_an_answer(reply), http_status=reply.status, request_id=reply.request_id, task_id=task_id)
    raise service_error(
        code,
        message or ("" if data else _not_an_answer(reply)),
        None if good else reply.status,
        request_id=reply.request_id,
        task_id=task_id,
        retry_after_s=reply.retry_after_s,
    )


def task_id_of(data: Mapping[str, Any]) -> str:
    """Return the id of the task that an answer speaks of: a paid one, whatever stands beside it."""
    output = data.get("output")
    return str(output.get("task_id") or "") if isinstance(output, dict) else ""


def wire_error(data: dict[str, Any]) -> tuple[str, str]:
    """Return (code, message) of an error body, flat or nested; the code of a good one is empty."""
    nested = data.get("error")
    if isinstance(nested, dict):
        return str(nested.get("code") or nested.get("type") or "unknown"), str(nested.get("message") or "")
    code = str(data.get("code") or "")
    return "" if code in SUCCESS_CODES else code, str(data.get("message") or "")


def _not_an_answer(reply: Reply) -> str:
    title = re.search(r"<title>(.*?)</title>", reply.text, re.IGNORECASE | re.DOTALL)
    shown = (title.group(1) if title else reply.text).strip()[:80]
    return say(
        f"HTTP {reply.status}, but not an answer of the service: {shown!r}",
        f"HTTP {reply.status}，但不是该服务的应答：{shown!r}",
    )
