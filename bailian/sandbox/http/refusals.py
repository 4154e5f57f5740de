"""The service's documented refusals, word for word.

Keys in the docstrings (D-ERR, D-T2I, CAP …) name the sources; README.md lists them.
"""

from __future__ import annotations

ERROR_URL = "https://help.aliyun.com/zh/model-studio/error-code#error-url"


class Failure(Exception):
    """Something fails in the service's words: its code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Refusal(Failure):
    """A request is refused: HTTP status, code and message of the flat error body (CAP auth-error)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status


def invalid(message: str) -> Refusal:
    return Refusal(400, "InvalidParameter", message)


def off_specification(what: str) -> Refusal:
    """D-ERR: the general sentence for a parameter of the wrong type or range."""
    return invalid(f"the parameters must conform to the specification: {what}")


def field_required(path: str) -> Refusal:
    return invalid(f"Field required: {path}")  # D-ERR


def invalid_url() -> Refusal:
    """D-ERR: an input that is no address the service can use."""
    return Refusal(
        400,
        "InvalidURL",
        "The request URL is invalid, please check the request URL is available and the request image format is "
        "one of the following types: JPEG, JPG, PNG, BMP, and WEBP.",
    )


def unreadable() -> Refusal:
    """D-ERR: what is there is no picture."""
    message = "The media format is not supported or incorrect for the data inspection."
    return Refusal(400, "InvalidParameter.DataInspection", message)


def wrong_path() -> Refusal:
    """A model on a path that does not serve it (spring-ai-alibaba issue 3219; the mark is full-width)."""
    return invalid(f"url error, please check url！ For details, see: {ERROR_URL}")


def no_such_model(*, sync: bool) -> Refusal:
    """D-ERR has two answers; which route gives which is not documented, the split here is a choice."""
    if sync:
        return Refusal(404, "ModelNotFound", "Model can not be found.")
    return invalid("Model not exist.")


def wants_async() -> Refusal:
    """D-ERR, D-T2I: a task endpoint without `X-DashScope-Async: enable`."""
    return Refusal(403, "AccessDenied", "current user api does not support synchronous calls")


def refuses_async() -> Refusal:
    """spring-ai-alibaba issue 4509: the async header on the blocking path, or on a poll."""
    return Refusal(403, "AccessDenied", "current user api does not support asynchronous calls")


def input_inspection() -> Refusal:
    return Refusal(400, "DataInspectionFailed", "Input data may contain inappropriate content.")  # D-ERR


def output_inspection() -> Refusal:
    return Refusal(400, "DataInspectionFailed", "Output data may contain inappropriate content.")  # D-ERR


def throttled() -> Refusal:
    """D-ERR, D-RATE: over a rate. Which of the throttling codes a submit gets was never captured."""
    return Refusal(429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.")


def queue_full() -> Refusal:
    """D-ERR has the code; that a full queue answers so is a guess."""
    return Refusal(429, "Throttling", "Requests throttling triggered.")


def cannot_cancel() -> Refusal:
    """CAP cancel-completed-task."""
    message = "Failed to cancel the task, please confirm if the task is in PENDING status."
    return Refusal(400, "UnsupportedOperation", message)


def not_imitated(what: str) -> Refusal:
    """The sandbox's own: better an honest no than an invented answer.

    400, because clients take any 5xx for a passing fault and ask again.
    """
    message = f"The sandbox does not imitate {what}; see bailian/sandbox/README.md."
    return Refusal(400, "Sandbox.NotImitated", message)
