"""One test a rule: all that break it are named, and a rule for nothing proves nothing."""

from __future__ import annotations

import pytest

from tests.support.rules import for_every


def test_all_that_break_a_rule_are_named() -> None:
    @for_every([1, 2, 3, 4])
    def is_odd(number: int) -> None:
        assert number % 2, "even"

    with pytest.raises(AssertionError, match=r"2: AssertionError: even[\s\S]*4: AssertionError: even"):
        is_odd()


def test_a_rule_for_nothing_is_broken() -> None:
    with pytest.raises(AssertionError, match="for nothing"):
        for_every([])(lambda row: None)()
