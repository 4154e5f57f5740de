"""Answer or error? Reads every shape the service has for saying no. Pure: no network.

Shapes (docs/wire.md "Errors"): flat `{"code","message"}` with 4xx/5xx; the same with HTTP 200; nested
under `error`; a body that is not JSON at all (a gateway's page).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from bailian.errors import MaybeSent, NotTheService
from bailian.i18n import tr
from bailian.service.error_codes import proves_no_work, service_error
from bailian.service.transport.http import Reply

# The vendor's own clients let these through as success (dashscope 2.0.2, `v2/errors.py`).
SUCCESS_CODES = ("200", "Success")
# A task's id has 36 characters; one of another type, or longer than a path may be, cannot be asked for.
MOST_ID_CHARS = 256


class Verdict(Enum):
    """What an HTTP answer is, and so what it proves about a paid request."""

    ANSWER = "answer"
    REFUSED = "refused"
    """By the service, before any work: not executed."""
    UNPROVEN = "unproven"
    """A fault, half an answer, an unknown code: the request may have been executed."""
    FOREIGN = "foreign"
    """Not from the service at all (a login page, a proxy). The request may have been executed before it."""


def verdict(reply: Reply) -> Verdict:
    """Judge an answer by where it comes from and what it proves; the words of an error decide nothing."""
    code, message = ("", "") if reply.data is None else wire_error(reply.data)
    if 200 <= reply.status < 300 and reply.data is not None and (not code or task_id_of(reply.data)):
        return Verdict.ANSWER
    if proves_no_work(code, message, reply.status):
        return Verdict.REFUSED
    return Verdict.FOREIGN if _is_foreign(reply, code) else Verdict.UNPROVEN


# The service documents no redirect. 407 and 511 are words of a proxy and of a network's login (RFC 9110, RFC 6585).
_OF_A_GATEWAY = (*range(300, 400), 407, 511)
# 4xx without the service's JSON that its own gateway gives, too: rather a bad moment than a wall.
_OF_A_MOMENT = (408, 409, 425, 429)


def is_of_a_gateway(reply: Reply) -> bool:
    """Return whether the status alone says that a proxy or a network's login has answered."""
    return reply.status in _OF_A_GATEWAY


def _is_foreign(reply: Reply, code: str) -> bool:
    if is_of_a_gateway(reply):
        return True
    if reply.status >= 400:
        return reply.status < 500 and not code and reply.status not in _OF_A_MOMENT
    return reply.data is None and reply.text.lstrip()[:1] == "<"


def read(reply: Reply, *, task_id: str | None = None) -> dict[str, Any]:
    """Return the JSON object of a good answer.

    Raises:
        ServiceError: the service said no; `maybe_done` if that does not prove that nothing was done.
        NotTheService: something between here and the service answered.
        MaybeSent: what came is half an answer, or a gateway's page.
    """
    found = verdict(reply)
    code, message = ("", "") if reply.data is None else wire_error(reply.data)
    known: dict[str, Any] = {"http_status": reply.status, "request_id": reply.request_id, "task_id": task_id}
    if found is Verdict.ANSWER:
        return reply.data or {}
    if found is Verdict.FOREIGN:
        raise NotTheService(_not_an_answer(reply), **known)
    if not code:
        raise MaybeSent(_not_an_answer(reply), **known)
    raise service_error(
        code,
        message,
        None if 200 <= reply.status < 300 else reply.status,
        request_id=reply.request_id,
        task_id=task_id,
        retry_after_s=reply.retry_after_s,
    )


def task_id_of(data: Mapping[str, Any]) -> str:
    """Return the id of the task that an answer speaks of: a paid one, whatever stands beside it."""
    output = data.get("output")
    task_id = output.get("task_id") if isinstance(output, dict) else None
    return task_id if isinstance(task_id, str) and len(task_id) <= MOST_ID_CHARS else ""


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
    what = repr(shown) if shown else tr("empty", "空")
    return tr(
        f"HTTP {reply.status}, but not an answer of the service: {what}",
        f"HTTP {reply.status}，但不是该服务的应答：{what}",
    )
