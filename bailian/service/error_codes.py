"""What each error code of the service means: our category, whether to send again, and what it proves.

Source: the service's error page (text of 2025-12-26) and captured answers, both restated in
docs/wire.md. Messages are looked at only where one code means two things.

A code alone proves nothing about a paid request: a gateway can put any code into any answer, also after the
work. `proves_no_work` says which answers do; all others leave open whether the request was executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bailian.errors import Exit, Retry, ServiceError
from bailian.i18n import tr
from bailian.instructions import how_to


@dataclass(frozen=True)
class WireRule:
    """The category of a wire code; the other fields are those of `ServiceError`."""

    category: str
    again: Retry = Retry.NEVER
    stops_all: bool = False
    of_model: bool = False
    before_work: bool = True
    """Documented as a refusal before any work is done. A fault of the service is not one."""

    @property
    def exit_code(self) -> Exit:
        if self.category in ("Unauthorized", "QuotaExceeded"):
            return Exit.ACCOUNT
        return Exit.TRY_AGAIN if self.category in ("RateLimitExceeded", "InternalError") else Exit.REFUSED_BY_SERVICE


_QUOTA = WireRule("QuotaExceeded", stops_all=True)
_FREE_TIER = WireRule("QuotaExceeded", stops_all=True, of_model=True)
_THROTTLED = WireRule("RateLimitExceeded", again=Retry.AFTER_PAUSE)
_BUSY = WireRule("InternalError", again=Retry.AFTER_PAUSE, before_work=False)
_BROKEN = WireRule("InternalError", again=Retry.FEW, before_work=False)
_NOT_READY = WireRule("InternalError", again=Retry.FEW)
_REFUSED = WireRule("InvalidParameter")
_INSPECTED = WireRule("DataInspectionFailed")
_NO_MODEL = WireRule("ModelNotFound")
_TIMED_OUT = WireRule("InternalError", before_work=False)

# (wire code or its start, words in the message or "", rule); first match wins, so narrow rows stand first.
WIRE_RULES: tuple[tuple[str, str, WireRule], ...] = (
    ("invalidparameter", "model not exist", _NO_MODEL),
    ("invalidparameter", "file parsing in progress", _NOT_READY),
    ("invalidparameter", "", _REFUSED),
    ("badrequest", "", _REFUSED),
    ("invalidurl", "", _REFUSED),
    ("invalidfile", "", _REFUSED),
    ("invalidimage", "", _REFUSED),
    ("unsupportedoperation", "", _REFUSED),
    ("datainspectionfailed", "", _INSPECTED),
    ("data_inspection_failed", "", _INSPECTED),
    ("ipinfringementsuspect", "", _INSPECTED),
    ("customroleblocked", "", _INSPECTED),
    ("faqruleblocked", "", _INSPECTED),
    ("arrearage", "", _QUOTA),
    ("invalidapikey", "", WireRule("Unauthorized", stops_all=True)),
    ("invalid_api_key", "", WireRule("Unauthorized", stops_all=True)),
    ("not authorized", "", WireRule("Unauthorized", stops_all=True)),
    ("accessdenied.unpurchased", "", WireRule("Unauthorized", stops_all=True)),
    ("accessdenied", "support asynchronous", _REFUSED),
    ("accessdenied", "support synchronous", _REFUSED),
    ("accessdenied", "", WireRule("Unauthorized")),
    ("access_denied", "support asynchronous", _REFUSED),
    ("access_denied", "support synchronous", _REFUSED),
    ("access_denied", "", WireRule("Unauthorized")),
    ("workspace.accessdenied", "", WireRule("Unauthorized", stops_all=True)),
    ("app.accessdenied", "", WireRule("Unauthorized")),
    ("endpoint.accessdenied", "", WireRule("Unauthorized")),
    ("model.accessdenied", "", _NO_MODEL),
    ("allocationquota.freetieronly", "", _FREE_TIER),
    ("modelnotfound", "", _NO_MODEL),
    ("model_not_found", "", _NO_MODEL),
    ("model_not_supported", "", _NO_MODEL),
    ("notfound", "", WireRule("ResourceNotFound")),
    ("workspacenotfound", "", WireRule("ResourceNotFound", stops_all=True)),
    ("throttling.allocationquota", "free allocated quota", _FREE_TIER),
    ("insufficient_quota", "free allocated quota", _FREE_TIER),
    ("insufficient_quota", "", _THROTTLED),
    ("commoditynotpurchased", "", _QUOTA),
    ("prepaidbilloverdue", "", _QUOTA),
    ("postpaidbilloverdue", "", _QUOTA),
    ("budgetlimitexceeded", "", _QUOTA),
    ("throttling", "", _THROTTLED),
    ("limitrequests", "", _THROTTLED),
    ("limit_requests", "", _THROTTLED),
    ("limit_burst_rate", "", _THROTTLED),
    ("requesttimeout", "", _TIMED_OUT),
    ("responsetimeout", "", _TIMED_OUT),
    ("internalerror.timeout", "", _TIMED_OUT),
    ("internalerror.upload", "", _TIMED_OUT),
    ("internalerror.fileupload", "", _TIMED_OUT),
    ("internalerror", "", _BROKEN),
    ("internal_error", "", _BROKEN),
    ("systemerror", "", _BROKEN),
    ("modelservicefailed", "", _BROKEN),
    ("modelservingerror", "", _BUSY),
    ("modelunavailable", "", _BUSY),
    ("serviceunavailable", "", _BUSY),
)

# What an unknown code most likely is: a word for the user. It proves nothing.
_BY_STATUS: Mapping[int, WireRule] = {
    401: WireRule("Unauthorized", stops_all=True),
    403: WireRule("Unauthorized"),
    404: WireRule("ResourceNotFound"),
    408: _TIMED_OUT,
    429: _THROTTLED,
    503: _BUSY,
    504: _TIMED_OUT,
}
# 4xx that a gateway gives while the request is on its way: the proxy wants a password, nobody waited, a request of
# this kind is under way already, too early. RFC 9110 §15.5 and RFC 8470 §5.2.
_SAYS_NOTHING = (407, 408, 409, 425)


def known_rule(wire_code: str, message: str) -> WireRule | None:
    """Return what the documents say about a code; None if they do not know it."""
    code, text = wire_code.lower(), message.lower()
    if not code:
        return None
    return next((rule for start, words, rule in WIRE_RULES if code.startswith(start) and words in text), None)


def wire_rule(wire_code: str, message: str, http_status: int | None) -> WireRule:
    """Return what an answer means, from its code, then its status; an unknown one becomes the nearest."""
    status = http_status or 0
    nearest = _REFUSED if 300 <= status < 500 else _BROKEN
    return known_rule(wire_code, message) or _BY_STATUS.get(status, nearest)


def proves_no_work(wire_code: str, message: str, http_status: int | None) -> bool:
    """Return whether an answer to a paid request proves that it was not executed.

    Only a documented refusal before work does, with the status of one: 4xx, or none of its own (a frame of a stream or
    socket, an error body under HTTP 200). After any 5xx or 3xx, and after an unknown code, the work may be done.
    """
    rule = known_rule(wire_code, message)
    status = http_status or 200
    a_refusal = status < 300 or (400 <= status < 500 and status not in _SAYS_NOTHING)
    return rule is not None and rule.before_work and a_refusal


def may_mean_retired(error: ServiceError) -> bool:
    """Return whether the service answers a retired name so (error page; which of them it gives is not documented)."""
    code, text = (error.wire_code or "").lower(), error.message.lower()
    denied = code in ("accessdenied", "access_denied", "endpoint.accessdenied") and "support" not in text
    return error.code == "ModelNotFound" or denied


def own_advice(message: str) -> str | None:
    """Return what helps where the service's own sentence says what is wrong; None: the category's advice.

    "Failed to download …", "Download … timed out": in the error page under InvalidParameter, InvalidURL and others.
    """
    if "enable_thinking" in message and "restricted to true" in message.lower():
        think = how_to().let_it_think()
        return tr(f"the model always thinks: add {think}", f"该模型总会思考：请加上 {think}")
    if "download" in message.lower():
        return tr(
            "the link must open without a login, from the internet: try it in a private window of the browser",
            "链接必须能从公网直接打开、无需登录：请在浏览器的无痕窗口中试开",
        )
    return None


def service_error(
    wire_code: str,
    message: str,
    http_status: int | None,
    *,
    request_id: str | None = None,
    task_id: str | None = None,
    retry_after_s: float | None = None,
) -> ServiceError:
    """Build the error for an answer of the service."""
    rule = wire_rule(wire_code, message, http_status)
    error = ServiceError(
        message or wire_code or f"HTTP {http_status}",
        code=rule.category,
        advice=own_advice(message) if rule.category == "InvalidParameter" else None,
        wire_code=wire_code or None,
        http_status=http_status,
        request_id=request_id,
        task_id=task_id,
    )
    error.exit_code = rule.exit_code
    error.again, error.maybe_done = rule.again, not proves_no_work(wire_code, message, http_status)
    error.stops_all, error.of_model = rule.stops_all, rule.of_model
    error.retry_after_s = retry_after_s
    return error
