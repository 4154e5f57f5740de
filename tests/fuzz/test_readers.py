"""Whatever the service sends, and whatever users write: it is read, or refused by an error of ours; and no figure of money is nonsense.

A few odd answers a reader in every run of the tests, hundreds with `make test-all`, a hundred thousand with `make test-long`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bailian.errors import BailianError
from tests.fuzz import file_readers, readers, text_readers, user_readers, wire_readers
from tests.fuzz.readers import Reader

READERS: dict[str, Reader] = {
    **readers.READERS,
    **wire_readers.READERS,
    **file_readers.READERS,
    **user_readers.READERS,
    **text_readers.READERS,
}
MANY = 100_000


@pytest.fixture(scope="module", autouse=True)
def no_files_left() -> Iterator[None]:
    yield
    file_readers.forget_folder()


def read(reader: Reader, data: bytes) -> None:
    with suppress(BailianError):
        reader.read(data)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_good_answers_are_read(reader: Reader) -> None:
    """Odd ones are made of these: if they were refused, nothing behind the refusal would be tried."""
    for data in reader.good:
        read(reader, data)


@pytest.mark.few(8)
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@settings(suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**64))
def test_odd_answers_are_read_or_refused(reader: Reader, seed: int) -> None:
    """A crash would stop every other job, and the next run would meet it again."""
    chance = random.Random(seed)
    read(reader, reader.odd(chance.choice(reader.good), chance))


@pytest.mark.long
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_hundred_thousand_odd_answers_are_read_or_refused(reader: Reader) -> None:
    """The same answers in each run: what is found here is found again."""
    chance = random.Random(1907)
    for number in range(MANY):
        odd = reader.odd(chance.choice(reader.good), chance)
        try:
            read(reader, odd)
        except Exception as error:
            raise AssertionError(f"answer {number}: {odd[:2000]!r}") from error
