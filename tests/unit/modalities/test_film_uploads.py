"""Pictures of films that the service takes as links only are uploaded, however small."""

from __future__ import annotations

import pytest

from tests.unit.modalities.film_requests import DAY, LINK, made


@pytest.mark.parametrize("model", ["wan2.6-r2v", "wan2.6-r2v-flash"])
def test_references_of_wan26_are_never_inline(model: str) -> None:
    assert made(model, references=[DAY]).upload
    assert not made(model, references=[LINK]).upload
