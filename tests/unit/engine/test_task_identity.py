"""What an answer shows of a task, whatever stands where a prompt, a reason or a time should."""

from __future__ import annotations

from typing import Any

import pytest

from bailian.engine.steps.poll import _seconds_between
from bailian.engine.task_identity import failure, shown_prompts
from bailian.modalities.video import video
from bailian.service.error_codes import service_error
from bailian.service.responses import task_id_of
from bailian.types import StoredRequest

ODD: list[Any] = [None, True, 5, -1, 10**400, float("nan"), "text", [], [1], {}, {"a": 1}]


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_prompt_is_not_shown(odd: Any) -> None:
    """`results: true` was a crash for a task that was taken over; a number is nobody's prompt."""
    assert shown_prompts({"output": odd}) == []
    assert shown_prompts({"output": {"results": odd, "orig_prompt": "猫"}}) == ["猫"]
    assert shown_prompts({"output": {"results": [odd, {"orig_prompt": odd}, {"orig_prompt": "猫"}]}})[-1] == "猫"


@pytest.mark.parametrize("odd", ODD)
def test_a_failure_says_what_it_can(odd: Any) -> None:
    """Code, message and request id may be anything."""
    error = failure({"code": odd, "message": odd}, "FAILED", "t", odd)
    assert error.request_id is None or isinstance(error.request_id, str)
    assert error.message


@pytest.mark.parametrize("odd", [*ODD, "t" * 257, ""])
def test_an_id_that_cannot_be_asked_for_is_none(odd: Any) -> None:
    """Without an id the account's list tells whether the task exists; "True" would be asked for a whole day."""
    assert task_id_of({"output": {"task_id": odd}}) == ("text" if odd == "text" else "")


@pytest.mark.parametrize("odd", [*ODD, "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9" * 10_000])
def test_times_that_cannot_be_are_no_duration(odd: Any) -> None:
    """A duration is only learned from."""
    assert _seconds_between(odd, "2026-01-01 00:00:00") is None
    assert _seconds_between("2026-01-01 00:00:00", odd) is None


@pytest.mark.parametrize("odd", [value for value in ODD if value != 5])
def test_seconds_that_cannot_be_are_no_bill(odd: Any) -> None:
    """Where the figure is missing the video costs what was asked for; where it is odd nobody knows."""
    prepared = StoredRequest(unit_cny=0.24, units=5)
    answer: dict[str, Any] = {"output": {"video_url": "https://a/b.mp4"}}
    assert video.charged_cny({**answer, "usage": {"video_duration": odd}}, prepared) is None
    assert video.charged_cny({**answer, "usage": {"video_duration": 0}}, prepared) is None
    assert video.charged_cny({**answer, "usage": {"duration": 5.0, "video_duration": odd}}, prepared) == 1.2
    assert video.charged_cny(answer, prepared) == 1.2


@pytest.mark.parametrize(
    "code, message, is_of_link",
    [
        ("InvalidParameter", "Failed to download https://h/a.jpg", True),
        ("InvalidParameter.DataInspection", "Download the media resource timed out", True),
        ("InvalidParameter", "size is not supported", False),
    ],
)
def test_a_link_that_could_not_be_fetched_has_its_own_advice(code: str, message: str, is_of_link: bool) -> None:
    """Of a task that failed, and of a request that was refused."""
    errors = [
        failure({"code": code, "message": message}, "FAILED", "t", None),
        service_error(code, message, 400),
    ]
    assert [error.advice.startswith("the link must open without a login") for error in errors] == [is_of_link] * 2
