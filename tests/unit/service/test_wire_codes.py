"""What each code of the service means: category, exit code, and whether to send again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.advice import CATEGORIES
from bailian.errors import Exit
from bailian.instructions import how_to
from bailian.service.error_codes import WIRE_RULES, service_error, wire_rule
from tests.support.rules import for_every

ASYNC_REFUSED = "current user api does not support asynchronous calls"
SYNC_REFUSED = "current user api does not support synchronous calls"
FREE_QUOTA = "Free allocated quota exceeded."

MEANINGS = [
    (400, "InvalidParameter", "num_images_per_prompt must be 1", "InvalidParameter", "no"),
    (400, "InvalidParameter", "Model not exist.", "ModelNotFound", "no"),
    (400, "InvalidParameter", "File parsing in progress, please try again later.", "InternalError", "few"),
    (400, "InvalidParameter.DataInspection", "Unable to download the media resource", "InvalidParameter", "no"),
    (400, "BadRequest.EmptyInput", "", "InvalidParameter", "no"),
    (413, "BadRequest.TooLarge", "", "InvalidParameter", "no"),
    (400, "InvalidURL.ConnectionRefused", "", "InvalidParameter", "no"),
    (400, "InvalidImageFormat", "", "InvalidParameter", "no"),
    (400, "InvalidFile.Size", "", "InvalidParameter", "no"),
    (400, "UnsupportedOperation", "Failed to cancel the task", "InvalidParameter", "no"),
    (400, "DataInspectionFailed", "Input data may contain inappropriate content.", "DataInspectionFailed", "no"),
    (400, "data_inspection_failed", "", "DataInspectionFailed", "no"),
    (400, "IPInfringementSuspect", "", "DataInspectionFailed", "no"),
    (400, "CustomRoleBlocked", "", "DataInspectionFailed", "no"),
    (400, "Arrearage", "Access denied, please make sure your account is in good standing.", "QuotaExceeded", "no"),
    (401, "InvalidApiKey", "Invalid API-key provided.", "Unauthorized", "no"),
    (401, "invalid_api_key", "", "Unauthorized", "no"),
    (401, "NOT AUTHORIZED", "", "Unauthorized", "no"),
    (403, "AccessDenied", ASYNC_REFUSED, "InvalidParameter", "no"),
    (403, "AccessDenied", SYNC_REFUSED, "InvalidParameter", "no"),
    (403, "access_denied", ASYNC_REFUSED, "InvalidParameter", "no"),
    (403, "access_denied", "Access denied.", "Unauthorized", "no"),
    (403, "AccessDenied", "Access denied.", "Unauthorized", "no"),
    (403, "AccessDenied.Unpurchased", "", "Unauthorized", "no"),
    (403, "Model.AccessDenied", "", "ModelNotFound", "no"),
    (403, "Workspace.AccessDenied", "", "Unauthorized", "no"),
    (403, "AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted.", "QuotaExceeded", "no"),
    (404, "ModelNotFound", "Model can not be found.", "ModelNotFound", "no"),
    (404, "model_not_found", "", "ModelNotFound", "no"),
    (404, "NotFound", "", "ResourceNotFound", "no"),
    (404, "WorkSpaceNotFound", "", "ResourceNotFound", "no"),
    (429, "Throttling", "Requests throttling triggered.", "RateLimitExceeded", "wait"),
    (429, "Throttling.RateQuota", "", "RateLimitExceeded", "wait"),
    (429, "LimitRequests", "", "RateLimitExceeded", "wait"),
    (429, "limit_requests", "", "RateLimitExceeded", "wait"),
    (429, "Throttling.BurstRate", "", "RateLimitExceeded", "wait"),
    (429, "limit_burst_rate", "", "RateLimitExceeded", "wait"),
    (429, "Throttling.Concurrency", "", "RateLimitExceeded", "wait"),
    (429, "Throttling.AllocationQuota", "Allocated quota exceeded", "RateLimitExceeded", "wait"),
    (429, "insufficient_quota", "You exceeded your current quota", "RateLimitExceeded", "wait"),
    (429, "Throttling.AllocationQuota", FREE_QUOTA, "QuotaExceeded", "no"),
    (429, "insufficient_quota", FREE_QUOTA, "QuotaExceeded", "no"),
    (429, "CommodityNotPurchased", "", "QuotaExceeded", "no"),
    (429, "PrepaidBillOverdue", "", "QuotaExceeded", "no"),
    (429, "PostpaidBillOverdue", "", "QuotaExceeded", "no"),
    (429, "BudgetLimitExceeded", "", "QuotaExceeded", "no"),
    (500, "InternalError", "An internal error has occured", "InternalError", "few"),
    (500, "InternalError.Algo", "inference internal error.", "InternalError", "few"),
    (500, "internal_error", "", "InternalError", "few"),
    (500, "SystemError", "", "InternalError", "few"),
    (500, "ModelServiceFailed", "", "InternalError", "few"),
    (503, "ModelServingError", "Too many requests.", "InternalError", "wait"),
    (503, "ModelUnavailable", "", "InternalError", "wait"),
]


@for_every(MEANINGS)
def test_the_documented_codes(status: int, code: str, message: str, category: str, again: str) -> None:
    """Each code of the error page has its category, and is sent again only where the cause passes."""
    error = service_error(code, message, status)
    assert (error.code, error.again) == (category, again)
    assert (error.wire_code, error.http_status) == (code, status)


@pytest.mark.parametrize(
    "code", ["InvalidApiKey", "Arrearage", "AllocationQuota.FreeTierOnly", "PrepaidBillOverdue", "WorkSpaceNotFound"]
)
def test_trouble_of_the_account_stops_all_jobs(code: str) -> None:
    """No other job of the key can succeed either."""
    assert service_error(code, "", 400).stops_all


@pytest.mark.parametrize("code", ["InvalidParameter", "DataInspectionFailed", "Throttling", "InternalError"])
def test_trouble_of_one_job_stops_only_that_job(code: str) -> None:
    """A refused prompt or a busy service is no reason to stop the batch."""
    assert not service_error(code, "", 400).stops_all


@pytest.mark.parametrize(
    "status, category",
    [
        (400, "InvalidParameter"), (401, "Unauthorized"), (403, "Unauthorized"), (404, "ResourceNotFound"),
        (408, "InternalError"), (409, "InvalidParameter"), (413, "InvalidParameter"), (429, "RateLimitExceeded"),
        (302, "InvalidParameter"), (500, "InternalError"), (503, "InternalError"), (504, "InternalError"),
        (None, "InternalError"),
    ],
)  # fmt: skip
def test_an_unknown_code_is_read_by_its_status(status: int | None, category: str) -> None:
    """A code that no table lists becomes the nearest category, for the words of it; it proves nothing."""
    error = service_error("SomethingNew", "?", status)
    assert (error.code, error.maybe_done) == (category, True)


@pytest.mark.parametrize(
    "category, exit_code",
    [
        ("InvalidApiKey", Exit.ACCOUNT),
        ("Arrearage", Exit.ACCOUNT),
        ("Throttling", Exit.TRY_AGAIN),
        ("InternalError", Exit.TRY_AGAIN),
        ("InvalidParameter", Exit.REFUSED_BY_SERVICE),
        ("DataInspectionFailed", Exit.REFUSED_BY_SERVICE),
        ("ModelNotFound", Exit.REFUSED_BY_SERVICE),
        ("NotFound", Exit.REFUSED_BY_SERVICE),
    ],
)
def test_exit_codes_follow_the_category(category: str, exit_code: Exit) -> None:
    """Key and quota leave with 3, faults worth retrying with 5, refusals with 4."""
    assert service_error(category, "", None).exit_code == exit_code


def test_every_row_can_be_reached() -> None:
    """No row of the table is hidden by a wider one above it."""
    for start, words, rule in WIRE_RULES:
        assert wire_rule(start, words, None) == rule


@pytest.mark.parametrize("code, message, shown", [("X", "why", "why"), ("X", "", "X"), ("", "", "HTTP 500")])
def test_an_error_always_has_a_text(code: str, message: str, shown: str) -> None:
    """Without a message the code is shown, without a code the status."""
    assert str(service_error(code, message, 500)) == shown


@given(st.text(), st.text(), st.none() | st.integers(0, 999))
def test_any_answer_has_a_meaning(code: str, message: str, status: int | None) -> None:
    """Whatever the service says, the result is one of the nine categories."""
    rule = wire_rule(code, message, status)
    assert rule.category in CATEGORIES
    assert rule.again in ("wait", "few", "no")
    assert service_error(code, message, status).maybe_done or rule.before_work


def test_a_model_that_always_thinks_says_what_helps() -> None:
    told = "The value of the enable_thinking parameter is restricted to True."
    assert how_to().let_it_think() in service_error("InvalidParameter", told, 400).advice
    assert how_to().let_it_think() not in service_error("InvalidParameter", "temperature", 400).advice
