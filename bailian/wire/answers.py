"""Answer or error? Reads every shape the service has for saying no. Pure: no network.

Shapes (docs/wire.md "Errors"): flat `{"code","message"}` with 4xx/5xx; the same with HTTP 200; nested
under `error`; a body that is not JSON at all (a gateway's page).
"""

from __future__ import annotations

import re
from typing import Any

from bailian.errors import MaybeSent
from bailian.language import say
from bailian.wire.http import Reply
from bailian.wire_codes import service_error

# The vendor's own clients let these through as success (dashscope 2.0.2, `v2/errors.py`).
SUCCESS_CODES = ("", "200", "Success", "None")


def read(reply: Reply, *, task_id: str | None = None) -> dict[str, Any]:
    """Return the JSON object of a good answer.

    Raises:
        ServiceError: the service said no.
        MaybeSent: what came is not an answer of the service (a gateway's page, garbage): if the request
            was a paid one, nobody knows whether it was executed.
    """
    data = reply.data
    code, message = ("", "") if data is None else wire_error(data)
    if data is not None and 200 <= reply.status < 300 and not code:
        return data
    if data is not None and (code or reply.status < 500):
        raise service_error(
            code,
            message,
            None if 200 <= reply.status < 300 else reply.status,
            request_id=reply.request_id,
            task_id=task_id,
            retry_after_s=reply.retry_after_s,
        )
    if 400 <= reply.status < 500:
        raise service_error("", _not_an_answer(reply), reply.status, task_id=task_id, retry_after_s=reply.retry_after_s)
    raise MaybeSent(_not_an_answer(reply), http_status=reply.status, request_id=reply.request_id, task_id=task_id)


def wire_error(data: dict[str, Any]) -> tuple[str, str]:
    """Return (code, message) of an error body, flat or nested; ("", "") for a good one."""
    nested = data.get("error")
    source = nested if isinstance(nested, dict) else data
    code = str(source.get("code") or source.get("type") or "") if source is nested else str(source.get("code") or "")
    message = str(source.get("message") or "")
    if code in SUCCESS_CODES and source is not nested:
        return "", ""
    return code or "unknown", message


def _not_an_answer(reply: Reply) -> str:
    title = re.search(r"<title>(.*?)</title>", reply.text, re.IGNORECASE | re.DOTALL)
    shown = (title.group(1) if title else reply.text).strip()[:80]
    return say(
        f"HTTP {reply.status}, but not an answer of the service: {shown!r}",
        f"HTTP {reply.status}，但不是该服务的应答：{shown!r}",
    )
