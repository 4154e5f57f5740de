"""The error tree: exit codes, advice, JSON form, and that it survives a process boundary."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from bailian import errors
from bailian.advice import CATEGORIES, advice_for
from bailian.errors import LOCAL_CODES, BailianError, Exit, InvalidRequest, Problem
from bailian.i18n import language
from bailian.service.error_codes import service_error

EXIT_CODES = [
    (errors.InvalidRequest, 2, "InvalidParameter"),
    (errors.SetupError, 3, "SetupError"),
    (errors.BudgetExceeded, 3, "BudgetExceeded"),
    (errors.ServiceError, 4, "InternalError"),
    (errors.TransportError, 5, "ConnectionFailed"),
    (errors.NotSent, 5, "ConnectionFailed"),
    (errors.MaybeSent, 5, "MaybeSent"),
    (errors.TaskFailed, 4, "TaskFailed"),
    (errors.StillRunning, 6, "StillRunning"),
    (errors.SomeFailed, 7, "TaskFailed"),
    (errors.SaveError, 5, "FileError"),
    (errors.Interrupted, 130, "Interrupted"),
]


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    language.cache_clear()
    yield
    language.cache_clear()


def test_exit_codes_are_the_promised_numbers() -> None:
    """Scripts rely on 0, 1, 2, 3, 4, 5, 6, 7 and 130."""
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 4, 5, 6, 7, 130]


@pytest.mark.parametrize("kind, exit_code, code", EXIT_CODES)
def test_each_error_leaves_with_its_exit_code(kind: type[BailianError], exit_code: int, code: str) -> None:
    """Each kind of failure has its own exit code and category."""
    error = kind([Problem("n", "bad")]) if kind is InvalidRequest else kind("text")
    assert (int(error.exit_code), error.code) == (exit_code, code)


def test_every_code_of_the_tree_is_a_category_or_a_local_code() -> None:
    """`code` is one of the nine categories, or a local one where no service was involved."""
    assert {code for _, _, code in EXIT_CODES} <= {*CATEGORIES, *LOCAL_CODES}


@pytest.mark.parametrize("code", CATEGORIES)
def test_each_category_has_advice(code: str) -> None:
    """An error of the service always says what to do about it."""
    assert advice_for(code)


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("code", CATEGORIES)
def test_each_category_has_advice_in_chinese(code: str) -> None:
    """Advice exists in Chinese too."""
    assert any("\u4e00" <= char <= "\u9fff" for char in advice_for(code))


def test_json_form_leaves_absent_values_out() -> None:
    """The error object holds what is known, and no null besides the request id."""
    shown = BailianError("broken", code="MaybeSent").to_json()
    assert shown == {"request_id": None, "error": {"code": "MaybeSent", "message": "broken"}}


def test_json_form_holds_the_services_own_code_beside_ours() -> None:
    """`code` is our category; the service's code, status and ids stay beside it."""
    error = service_error("Throttling.RateQuota", "slow down", 429, request_id="r-1", task_id="t-1")
    shown = error.to_json()
    assert shown["request_id"] == "r-1"
    assert shown["error"] == {
        "code": "RateLimitExceeded",
        "message": "slow down",
        "advice": advice_for("RateLimitExceeded"),
        "wire_code": "Throttling.RateQuota",
        "http_status": 429,
        "task_id": "t-1",
    }


def test_given_advice_wins_even_when_it_is_empty() -> None:
    """A caller that has nothing to advise can say so."""
    assert BailianError("x", code="Unauthorized", advice="").advice == ""


def test_a_refusal_names_every_problem() -> None:
    """All problems are told at once, each with its field."""
    error = InvalidRequest([Problem("n", "too many"), Problem("", "a whole sentence")])
    assert str(error) == "n: too many\na whole sentence"
    assert [problem.field for problem in error.problems] == ["n", ""]


def test_one_problem_can_be_said_in_one_call() -> None:
    """`one` is a refusal with a single problem."""
    error = InvalidRequest.one("size", "odd", advice="try 512*512")
    assert (error.problems, error.advice) == ((Problem("size", "odd"),), "try 512*512")


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest([Problem("n", "bad"), Problem("seed", "bad too")]),
        errors.MaybeSent("gone", http_status=502, task_id="t"),
        service_error("Arrearage", "pay first", 400, request_id="r", retry_after_s=3.0),
        errors.Interrupted("stop"),
    ],
)
def test_errors_survive_pickling(error: BailianError) -> None:
    """An error from another process arrives with everything it knew."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert (str(copy), copy.exit_code) == (str(error), error.exit_code)
