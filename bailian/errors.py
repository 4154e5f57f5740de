"""Everything that can go wrong, as one tree, with the exit code and the advice that belong to it.

    BailianError
    ├── InvalidRequest      refused before a byte left                          exit 2
    ├── SetupError          no key, unreadable settings, no budget              exit 3
    ├── ServiceError        the service answered no (category by wire code)     exit 3, 4 or 5
    ├── TransportError      no usable answer                                    exit 5
    │   ├── NotSent         the request never left: it may be sent again
    │   └── MaybeSent       it left, the answer is missing: the work may be paid
    ├── TaskFailed          FAILED, CANCELED or UNKNOWN task, failed pictures   exit 4
    ├── StillRunning        deadline reached, the task goes on                  exit 6
    ├── SomeFailed          finished, but some pictures or jobs failed          exit 7
    ├── SaveError           the result exists, the file could not be written    exit 5
    └── Interrupted         Ctrl-C or SIGTERM                                   exit 130

`code` of an error is one of the seed document's nine categories, or a local one of `LOCAL_CODES`
where no service was involved. The service's own code stays beside it as `wire_code`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from bailian.language import say


class Exit(IntEnum):
    """Exit codes of every script and command."""

    OK = 0
    BUG = 1
    REFUSED_LOCALLY = 2
    ACCOUNT = 3
    REFUSED_BY_SERVICE = 4
    TRY_AGAIN = 5
    STILL_RUNNING = 6
    SOME_FAILED = 7
    INTERRUPTED = 130


CATEGORIES = (
    "InvalidParameter",
    "DataInspectionFailed",
    "TaskFailed",
    "Unauthorized",
    "RateLimitExceeded",
    "ResourceNotFound",
    "InternalError",
    "ModelNotFound",
    "QuotaExceeded",
)
LOCAL_CODES = ("ConnectionFailed", "MaybeSent", "StillRunning", "FileError", "Interrupted", "SetupError", "BudgetExceeded")


def advice_for(code: str) -> str:
    """Return what the user can do about an error of this category."""
    advice = {
        "InvalidParameter": say(
            "change the named value; `bailian models NAME` shows what a model takes",
            "请修改所指的参数；`bailian models 模型名` 列出该模型允许的取值",
        ),
        "DataInspectionFailed": say(
            "the content check refused it: change the prompt or the input picture",
            "内容审核未通过：请修改提示词或输入图片",
        ),
        "TaskFailed": say(
            "run the command again; if it fails again, give the request id to the service's support",
            "请重新运行；若仍然失败，请把 request id 提供给技术支持",
        ),
        "Unauthorized": say(
            "check DASHSCOPE_API_KEY, and that the key is of the region in use (`bailian doctor`)",
            "请检查 DASHSCOPE_API_KEY，以及密钥所属地域是否与当前地域一致（`bailian doctor`）",
        ),
        "RateLimitExceeded": say(
            "wait a minute and run the command again", "请求频率超限，请等待一分钟后重新运行"
        ),
        "ResourceNotFound": say(
            "the service keeps tasks for 24 hours and only for the account that made them; check id, key and region",
            "任务只保留 24 小时，且只有创建它的账号可以查询；请检查 task_id、密钥与地域",
        ),
        "InternalError": say("the service has a problem: run the command again later", "服务内部错误，请稍后重新运行"),
        "ModelNotFound": say(
            "check the name with `bailian models`, and that the model is activated for this account and region",
            "请用 `bailian models` 核对模型名称，并确认该账号和地域已开通此模型",
        ),
        "QuotaExceeded": say(
            "top up the account, or switch off “stop when the free quota is used up” in the console",
            "请充值，或在控制台关闭“免费额度用完即停”",
        ),
        "ConnectionFailed": say(
            "check the network, HTTPS_PROXY and the base URL (`bailian doctor`), then run the command again",
            "请检查网络、HTTPS_PROXY 与服务地址（`bailian doctor`），然后重新运行",
        ),
    }
    return advice.get(code, "")


class BailianError(Exception):
    """Root of the tree. `str(error)` is the message; `to_json()` is what `--json` prints."""

    exit_code: Exit = Exit.BUG
    code: str = "InternalError"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        advice: str | None = None,
        wire_code: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        task_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.advice = advice_for(self.code) if advice is None else advice
        self.wire_code = wire_code
        self.http_status = http_status
        self.request_id = request_id
        self.task_id = task_id

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), dict(vars(self))))

    def to_json(self) -> dict[str, Any]:
        """Return the seed document's error object plus local fields; absent values are left out."""
        error = {"code": self.code, "message": self.message, "advice": self.advice or None}
        for name in ("wire_code", "http_status", "task_id"):
            error[name] = getattr(self, name)
        return {
            "request_id": self.request_id,
            "error": {key: value for key, value in error.items() if value is not None},
        }


def _rebuild(cls: type[BailianError], state: dict[str, Any]) -> BailianError:
    error = cls.__new__(cls)
    Exception.__init__(error, state["message"])
    error.__dict__.update(state)
    return error


@dataclass(frozen=True)
class Problem:
    """One refused value: which field, and what is wrong and allowed."""

    field: str
    message: str


class InvalidRequest(BailianError):
    """Refused before a byte left. Holds every problem found, not only the first."""

    exit_code = Exit.REFUSED_LOCALLY
    code = "InvalidParameter"

    def __init__(self, problems: Iterable[Problem], *, advice: str | None = None) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "\n".join(f"{p.field}: {p.message}" if p.field else p.message for p in self.problems), advice=advice
        )

    @classmethod
    def one(cls, field: str, message: str, *, advice: str | None = None) -> InvalidRequest:
        return cls([Problem(field, message)], advice=advice)


class SetupError(BailianError):
    exit_code = Exit.ACCOUNT
    code = "SetupError"


class BudgetExceeded(SetupError):
    code = "BudgetExceeded"


class ServiceError(BailianError):
    """The service answered no. Made by `service_error`, which knows the wire codes."""

    exit_code = Exit.REFUSED_BY_SERVICE

    def __init__(self, message: str, *, rule: WireRule, retry_after_s: float | None = None, **details: Any) -> None:
        super().__init__(message, code=rule.category, **details)
        self.exit_code = rule.exit_code
        self.again = rule.again
        self.stops_all = rule.stops_all
        self.maybe_done = rule.maybe_done
        self.retry_after_s = retry_after_s


class TransportError(BailianError):
    exit_code = Exit.TRY_AGAIN
    code = "ConnectionFailed"


class NotSent(TransportError):
    """The request never reached the service: sending it again cannot pay twice."""


class MaybeSent(TransportError):
    """The request left and no answer came: it may have been executed and billed."""

    code = "MaybeSent"


class TaskFailed(BailianError):
    exit_code = Exit.REFUSED_BY_SERVICE
    code = "TaskFailed"


class StillRunning(BailianError):
    exit_code = Exit.STILL_RUNNING
    code = "StillRunning"


class SomeFailed(BailianError):
    exit_code = Exit.SOME_FAILED
    code = "TaskFailed"


class SaveError(BailianError):
    exit_code = Exit.TRY_AGAIN
    code = "FileError"


class Interrupted(BailianError):
    exit_code = Exit.INTERRUPTED
    code = "Interrupted"


@dataclass(frozen=True)
class WireRule:
    """What a wire code means: its category, and whether the same request may be sent again."""

    category: str
    again: str = "no"
    """"wait": refused unexecuted, send again after a pause. "few": a few times only. "no": never."""
    stops_all: bool = False
    """No other job of this key (or of this model, for free quota) can succeed either."""
    maybe_done: bool = False
    """The gateway gave up waiting: the work may be done and billed."""

    @property
    def exit_code(self) -> Exit:
        if self.category in ("Unauthorized", "QuotaExceeded"):
            return Exit.ACCOUNT
        return Exit.TRY_AGAIN if self.category in ("RateLimitExceeded", "InternalError") else Exit.REFUSED_BY_SERVICE


_QUOTA = WireRule("QuotaExceeded", stops_all=True)
_THROTTLED = WireRule("RateLimitExceeded", again="wait")
_BUSY = WireRule("InternalError", again="wait")
_BROKEN = WireRule("InternalError", again="few")
_REFUSED = WireRule("InvalidParameter")
_INSPECTED = WireRule("DataInspectionFailed")
_NO_MODEL = WireRule("ModelNotFound")
_TIMED_OUT = WireRule("InternalError", maybe_done=True)

# (wire code or its start, words in the message or "", rule); first match wins, so narrow rows stand first.
# Source: the service's error page (text of 2025-12-26) and captured answers, see docs/wire.md; messages are
# looked at only where one code means two things.
WIRE_RULES: tuple[tuple[str, str, WireRule], ...] = (
    ("invalidparameter", "model not exist", _NO_MODEL),
    ("invalidparameter", "file parsing in progress", _BROKEN),
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
    ("access_denied", "", WireRule("Unauthorized")),
    ("workspace.accessdenied", "", WireRule("Unauthorized", stops_all=True)),
    ("app.accessdenied", "", WireRule("Unauthorized")),
    ("model.accessdenied", "", _NO_MODEL),
    ("allocationquota.freetieronly", "", _QUOTA),
    ("modelnotfound", "", _NO_MODEL),
    ("model_not_found", "", _NO_MODEL),
    ("model_not_supported", "", _NO_MODEL),
    ("notfound", "", WireRule("ResourceNotFound")),
    ("workspacenotfound", "", WireRule("ResourceNotFound", stops_all=True)),
    ("throttling.allocationquota", "free allocated quota", _QUOTA),
    ("insufficient_quota", "free allocated quota", _QUOTA),
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
    ("internalerror", "", _BROKEN),
    ("internal_error", "", _BROKEN),
    ("systemerror", "", _BROKEN),
    ("modelservicefailed", "", _BROKEN),
    ("modelservingerror", "", _BUSY),
    ("modelunavailable", "", _BUSY),
    ("serviceunavailable", "", _BUSY),
)

_BY_STATUS: Mapping[int, WireRule] = {
    400: _REFUSED,
    401: WireRule("Unauthorized", stops_all=True),
    403: WireRule("Unauthorized"),
    404: WireRule("ResourceNotFound"),
    408: _TIMED_OUT,
    413: _REFUSED,
    429: _THROTTLED,
    503: _BUSY,
    504: _TIMED_OUT,
}


def wire_rule(wire_code: str, message: str, http_status: int | None) -> WireRule:
    """Return what an answer means, from its code, then its status; an unknown one becomes the nearest."""
    code, text = wire_code.lower(), message.lower()
    for start, words, rule in WIRE_RULES:
        if code.startswith(start) and words in text:
            return rule
    if http_status in _BY_STATUS:
        return _BY_STATUS[http_status]
    if http_status is not None and 400 <= http_status < 500:
        return _REFUSED
    return _BROKEN


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
    return ServiceError(
        message or wire_code or f"HTTP {http_status}",
        rule=rule,
        retry_after_s=retry_after_s,
        wire_code=wire_code or None,
        http_status=http_status,
        request_id=request_id,
        task_id=task_id,
    )
