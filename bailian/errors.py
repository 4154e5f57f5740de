"""Everything that can go wrong, as one tree, with the exit code and the advice that belong to it.

    BailianError
    ├── InvalidRequest      refused before a byte left                          exit 2
    ├── SetupError          no key, unreadable settings, no budget              exit 3
    ├── ServiceError        the service answered no (category by wire code)     exit 3, 4 or 5
    ├── TransportError      no usable answer                                    exit 5
    │   ├── NotSent         the request never left: it may be sent again
    │   │   └── Skipped     a row whose input did not come: another row's result
    │   ├── MaybeSent       it left, the answer is missing: the work may be paid
    │   │   └── NotTheService  a login page or a proxy answered: all stops
    │   └── CutShort        a streamed answer broke off; what came is kept
    ├── TaskFailed          FAILED, CANCELED or UNKNOWN task, failed pictures   exit 4
    ├── DoesNotFit          an answer that is not of the schema; it is kept      exit 4
    ├── StillRunning        deadline reached, the task goes on                  exit 6
    ├── SomeFailed          finished, but some pictures or jobs failed          exit 7
    ├── JournalError        the journal cannot be written, so nothing is sent     exit 5
    ├── SaveError           the result exists, the file could not be written    exit 5
    ├── Crashed             a bug of ours ended one job (`engine.crash`)        exit 1
    └── Interrupted         Ctrl-C, SIGTERM or SIGHUP                           exit 130

`code` of an error is one of the seed document's nine categories, or a local one of `LOCAL_CODES`
where no service was involved. The service's own code stays beside it as `wire_code`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any

from bailian.advice import advice_for
from bailian.i18n import reason_of, tr
from bailian.instructions import how_to


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


LOCAL_CODES = (
    "ConnectionFailed",
    "MaybeSent",
    "CutShort",
    "Skipped",
    "StillRunning",
    "SchemaMismatch",
    "FileError",
    "Interrupted",
    "SetupError",
    "BudgetExceeded",
    "Bug",
)


class BailianError(Exception):
    """Root of the tree. `str(error)` is the message; `to_json()` is what `--json` prints."""

    exit_code: Exit = Exit.BUG
    code: str = "InternalError"
    stops_all: bool = False
    """Other requests would fail in the same way: of a batch, none is sent any more."""

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


def journalled(error: BailianError) -> dict[str, Any]:
    """Return an error as the journal keeps it: as it is shown, with its exit code."""
    return {**error.to_json(), "exit_code": int(error.exit_code)}


def from_journal(kept: Mapping[str, Any]) -> BailianError:
    """Return the error that a job ended with, as another process recorded it."""
    shown = kept.get("error", {})
    error = BailianError(
        str(shown.get("message", "")),
        code=shown.get("code"),
        advice=str(shown.get("advice", "")),
        wire_code=shown.get("wire_code"),
        http_status=shown.get("http_status"),
        request_id=kept.get("request_id"),
        task_id=shown.get("task_id"),
    )
    error.exit_code = Exit(kept.get("exit_code", Exit.REFUSED_BY_SERVICE))
    return error


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


# Fields about which a model has nothing to say, so that `bailian models` is no help.
NOT_OF_THE_MODEL = (
    "",
    "config",
    "region",
    "base-url",
    "workspace",
    "name",
    "file",
    "output",
    "messages",
    "mask",
    "json",
)


class InvalidRequest(BailianError):
    """Refused before a byte left. Holds every problem found, not only the first."""

    exit_code = Exit.REFUSED_LOCALLY
    code = "InvalidParameter"

    def __init__(self, problems: Iterable[Problem], *, advice: str | None = None) -> None:
        self.problems = tuple(problems)
        if advice is None and any(problem.field in NOT_OF_THE_MODEL for problem in self.problems):
            advice = ""
        super().__init__(
            "\n".join(f"{p.field}: {p.message}" if p.field else p.message for p in self.problems), advice=advice
        )

    @classmethod
    def one(cls, field: str, message: str, *, advice: str | None = None) -> InvalidRequest:
        return cls([Problem(field, message)], advice=advice)

    @classmethod
    def unreadable(cls, field: str, name: object, error: Exception | str, *, advice: str = "") -> InvalidRequest:
        """Say why a file cannot be read, in the system's words (for a NUL in its name, in Python's)."""
        reason = reason_of(error)
        return cls.one(field, tr(f"cannot read {name}: {reason}", f"无法读取 {name}：{reason}"), advice=advice)


class SetupError(BailianError):
    exit_code = Exit.ACCOUNT
    code = "SetupError"


class BudgetExceeded(SetupError):
    code = "BudgetExceeded"
    stops_all = True


class Retry(str, Enum):
    """Whether a request that was refused may be sent again."""

    AFTER_PAUSE = "wait"
    """Refused unexecuted: as often as it takes, after a pause."""
    FEW = "few"
    """A few times only."""
    NEVER = "no"


class ServiceError(BailianError):
    """The service answered no. Made by `service.error_codes.service_error`."""

    exit_code = Exit.REFUSED_BY_SERVICE

    again: Retry = Retry.NEVER
    of_model: bool = False
    """It stops all of one model only: the free quota of that is used up."""
    maybe_done: bool = False
    """It does not prove that a paid request was not executed: the work may be done and billed."""
    retry_after_s: float | None = None


class TransportError(BailianError):
    exit_code = Exit.TRY_AGAIN
    code = "ConnectionFailed"


class NotSent(TransportError):
    """The request never reached the service: sending it again cannot pay twice."""


class FileElsewhere(NotSent):
    """A row's file is not on this machine; it waits for one that has it."""

    code = "FileElsewhere"


class Skipped(NotSent):
    """A row's input is another row's result, which has not come."""

    code = "Skipped"


class Unreachable(NotSent):
    """No request of this run has reached the service, try after try: the next one would not, either."""

    stops_all = True


class MaybeSent(TransportError):
    """The request left and no answer came: it may have been executed and billed."""

    code = "MaybeSent"
    answer: Mapping[str, Any] | None = None
    """What came instead of a result, if anything readable did: perhaps a person finds the result in it."""


class NotTheService(MaybeSent):
    """Something else answered: a login page, a proxy, another server. The next request would meet it, too."""

    stops_all = True

    def __init__(self, message: str, **known: Any) -> None:
        super().__init__(message, **{"advice": log_in(), **known})


def log_in(*, nothing_sent: bool = False) -> str:
    """Return what to do when something else answers in the service's place; only what was not sent is run again."""
    again = tr(", then run the command again", "，然后重新运行") if nothing_sent else ""
    doctor = how_to().command("doctor")
    text = tr(
        f"log in to the network, or check HTTPS_PROXY and the base URL (`{doctor}`)",
        f"请登录网络，或检查 HTTPS_PROXY 与服务地址（`{doctor}`）",
    )
    return text + again


class CutShort(TransportError):
    """A streamed answer broke off. What came was shown and is in the journal."""

    code = "CutShort"


class TaskFailed(BailianError):
    exit_code = Exit.REFUSED_BY_SERVICE
    code = "TaskFailed"


class DoesNotFit(BailianError):
    """An answer is there and kept, but it is not of the form that was asked for."""

    exit_code = Exit.REFUSED_BY_SERVICE
    code = "SchemaMismatch"


class StillRunning(BailianError):
    exit_code = Exit.STILL_RUNNING
    code = "StillRunning"


class SomeFailed(BailianError):
    exit_code = Exit.SOME_FAILED
    code = "TaskFailed"


class JournalError(BailianError):
    exit_code = Exit.TRY_AGAIN
    code = "FileError"
    stops_all = True


class UnreadableJob(JournalError):
    """A row of the journal that no version of this toolkit has written; the others are as good as ever."""

    stops_all = False


class SaveError(BailianError):
    exit_code = Exit.TRY_AGAIN
    code = "FileError"


class Interrupted(BailianError):
    exit_code = Exit.INTERRUPTED
    code = "Interrupted"
