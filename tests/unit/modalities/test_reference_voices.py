"""Voices of references: which is whose, on a command line, in a cell and in JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.errors import InvalidRequest
from bailian.modalities.video import voices

WRITTEN = {
    "none": ([], []),
    "of the second": (["2=b.mp3"], ["", "b.mp3"]),
    "in any order": (["3=c.mp3", " 1 = a.mp3"], ["a.mp3", "", "c.mp3"]),
    "side by side": (["a.mp3", "", "c.mp3"], ["a.mp3", "", "c.mp3"]),
    "a name with =": (["2=v=1.mp3"], ["", "v=1.mp3"]),
    "a link with =": (["https://h/a.mp3?x=1"], ["https://h/a.mp3?x=1"]),
    "the same twice": (["1=a.mp3", "1=a.mp3"], ["a.mp3"]),
}


@pytest.mark.parametrize(("words", "places"), WRITTEN.values(), ids=WRITTEN)
def test_each_voice_stands_beside_its_reference(words: list[str], places: list[str]) -> None:
    assert voices.in_their_places(words) == places


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["0=a.mp3"], "counted from 1 to 10"),
        (["11=a.mp3"], "counted from 1 to 10"),
        (["999999=a.mp3"], "counted from 1 to 10"),
        (["1=a.mp3", "1=b.mp3"], "reference 1 has two voices"),
        (["a.mp3", "1=b.mp3"], "reference 1 has two voices"),
    ],
)
def test_a_voice_that_can_be_nobodys_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        voices.in_their_places(words)


@given(st.dictionaries(st.integers(1, voices.MOST), st.text("ab=./1", min_size=1).map(str.strip).filter(bool)))
def test_what_is_numbered_is_found_under_its_number(numbered: dict[int, str]) -> None:
    places = voices.in_their_places([f"{number}={file}" for number, file in numbered.items()])
    assert {number: file for number, file in enumerate(places, 1) if file} == numbered
    assert voices.in_their_places([word if not word[:1].isdigit() else f"./{word}" for word in places]) is not None


def test_a_voice_without_its_reference_is_a_problem() -> None:
    assert not voices.problems(["a", "b"], ["", "v"])
    (problem,) = voices.problems(["a"], ["", "v"])
    assert problem.message.startswith("a voice for reference 2 of 1")
