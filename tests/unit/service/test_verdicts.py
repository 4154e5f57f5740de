"""What each answer proves about a paid request: every status with every kind of body."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bailian.errors import BailianError, MaybeSent, NotTheService, ServiceError
from bailian.service.error_codes import WIRE_RULES
from bailian.service.responses import Verdict, read, verdict
from bailian.service.transport.http import Reply, json_object

STATUSES = range(300, 600)
REFUSALS = [(code, words) for code, words, rule in WIRE_RULES if rule.before_work]
FAULTS = [(code, words) for code, words, rule in WIRE_RULES if not rule.before_work]
NOT_OF_THE_SERVICE = ["", "<html><title>Sign in</title></html>", "[1, 2]", "{}", '{"hint": 1}', '{"error": "text"}']
# A proxy or a network's login says so itself (RFC 9110 §15.4 and §15.5.8, RFC 6585 §6).
GATEWAY = {*range(300, 400), 407, 511}
# A proof of nothing, though they are 4xx: nobody waited, one like it is under way, too early.
OPEN = {408, 409, 425}


def reply(status: int, body: str) -> Reply:
    return Reply(status, {}, body, json_object(body.encode()))


def flat(code: str, message: str) -> str:
    return json.dumps({"code": code, "message": message, "request_id": "r"})


def nested(code: str, message: str) -> str:
    return json.dumps({"error": {"code": code, "message": message}, "request_id": "r"})


def bodies(codes: list[tuple[str, str]]) -> Iterator[str]:
    for code, words in codes:
        yield flat(code, words)
        yield nested(code, words)


def expected(status: int, *, refused: bool, foreign: bool) -> Verdict:
    """Return the verdict of the rule: only 4xx can refuse, and only in the service's own JSON."""
    if status in GATEWAY:
        return Verdict.FOREIGN
    if status >= 500 or status in OPEN:
        return Verdict.UNPROVEN
    if refused:
        return Verdict.REFUSED
    return Verdict.FOREIGN if foreign and status != 429 else Verdict.UNPROVEN


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("texts", "refused", "foreign"),
    [
        (list(bodies(REFUSALS)), True, False),
        (list(bodies(FAULTS)), False, False),
        (list(bodies([("SomethingNew", "?"), ("418", ""), ("x", "quota")])), False, False),
        (NOT_OF_THE_SERVICE, False, True),
    ],
    ids=["a documented refusal", "a documented fault", "an unknown code", "not of the service"],
)
def test_the_verdict_on_every_status(texts: list[str], refused: bool, foreign: bool) -> None:
    """Only a documented refusal before work, in the service's JSON and with a 4xx of one, proves that nothing was done."""
    wrong = [
        (status, text, found.value)
        for status in STATUSES
        for text in texts
        if (found := verdict(reply(status, text))) is not expected(status, refused=refused, foreign=foreign)
    ]
    assert wrong == []


@pytest.mark.slow
def test_the_error_says_what_the_verdict_is() -> None:
    """Who catches it decides by its kind: refused, perhaps done, or not from the service."""
    wrong = []
    for status in STATUSES:
        for text in [*bodies(REFUSALS[:3]), *bodies(FAULTS[:3]), flat("SomethingNew", "?"), *NOT_OF_THE_SERVICE]:
            found, error = verdict(reply(status, text)), error_of(status, text)
            maybe = isinstance(error, MaybeSent) or (isinstance(error, ServiceError) and error.maybe_done)
            if maybe is (found is Verdict.REFUSED) or isinstance(error, NotTheService) is not (
                found is Verdict.FOREIGN
            ):
                wrong.append((status, text, found.value, repr(error)))
    assert wrong == []


def error_of(status: int, text: str) -> BailianError:
    with pytest.raises(BailianError) as raised:
        read(reply(status, text))
    return raised.value


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"output": {"task_id": "t"}}', Verdict.ANSWER),
        ('{"output": {"task_id": "t"}, "code": "InternalError"}', Verdict.ANSWER),
        ('{"code": "InvalidParameter", "message": "no"}', Verdict.REFUSED),
        ('{"code": "InternalError", "message": "no"}', Verdict.UNPROVEN),
        ('{"code": "SomethingNew"}', Verdict.UNPROVEN),
        ('{"output": {"task', Verdict.UNPROVEN),
        ("", Verdict.UNPROVEN),
        (" <!doctype html><title>Sign in</title>", Verdict.FOREIGN),
    ],
)
def test_the_verdict_under_http_200(body: str, found: Verdict) -> None:
    """An error body under 200 is documented; a page is a login that hides its redirect; a cut answer is ours, perhaps."""
    assert verdict(reply(200, body)) is found


@pytest.mark.parametrize("status", [404, 500])
def test_a_wall_stops_a_batch_a_bad_moment_does_not(status: int) -> None:
    assert error_of(status, "<html>").stops_all is (status == 404)
