"""When a prompt that comes back is ours, another's, or either."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.engine.task_identity import MIN_PREFIX_CHARS, same_prompt

LONG = "一只戴着红色围巾的猫。" * 60


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("a cat\n\nin  snow", "a cat in snow"),
        ("a cat\nin snow", "a cat\r\nin snow"),
        ("cats & <dogs>", "cats &amp; &lt;dogs&gt;"),
        ("ＡＢＣ １２", "ABC 12"),
        ("A Cat", "A CAT"),
        (" 猫 ", "猫"),
        (LONG, LONG[:500]),
    ],
)
def test_another_form_of_the_same_prompt_is_ours(asked: str, shown: str) -> None:
    assert same_prompt(asked, shown) is True


@pytest.mark.parametrize("shown", [LONG[:100], LONG[: MIN_PREFIX_CHARS - 1], LONG + "还有一只狗"])
def test_a_beginning_may_be_somebody_elses_whole_prompt(shown: str) -> None:
    assert same_prompt(LONG, shown) is None


@pytest.mark.parametrize(("asked", "shown"), [("猫", "狗"), ("a cat", "a cow"), ("猫", "")])
def test_another_prompt_is_anothers(asked: str, shown: str) -> None:
    assert same_prompt(asked, shown) is False


@pytest.mark.slow
@given(st.text(min_size=1, max_size=80))
def test_what_was_sent_is_always_recognised(prompt: str) -> None:
    """In whatever form a gateway shows it."""
    if prompt.split():
        assert same_prompt(prompt, prompt) is True
        assert same_prompt(html.unescape(prompt), html.escape(html.unescape(prompt))) is not False
