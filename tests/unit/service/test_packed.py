"""Bodies that came packed: unpacked whatever way they are cut, and a bomb is met before it is in memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.service.transport.packed import (
    MOST_ANSWER_BYTES,
    PIECE_BYTES,
    BadPacking,
    TooLong,
    Unpacker,
    limited,
    unpacked,
)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def two_members(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


PACKERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    (" GZIP , identity", gzip.compress),
    ("gzip", two_members),
    ("gzip", lambda data: gzip.compress(data) + bytes(8)),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("identity", bytes),
    ("", bytes),
    ("br", bytes),
    ("gzip, gzip", bytes),
]


def cut_up(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.few(4)
@pytest.mark.parametrize(("name", "pack"), PACKERS)
@given(data=st.binary(max_size=400), times=st.sampled_from([1, 1, 1000]), size=st.integers(1, 70))
def test_what_was_packed_is_what_comes_out(
    name: str, pack: Callable[[bytes], bytes], data: bytes, times: int, size: int
) -> None:
    """Wherever it is cut; what is packed in a way that nobody knows comes out as it is."""
    whole = data * times
    pieces = list(Unpacker(name).pieces(cut_up(pack(whole), size)))
    assert b"".join(pieces) == whole
    assert all(len(on_chunk) <= max(PIECE_BYTES, size) for on_chunk in pieces)


@pytest.mark.parametrize(("name", "pack"), [PACKERS[0], PACKERS[5], PACKERS[6]])
@given(data=st.binary(min_size=1, max_size=400), size=st.integers(1, 70), lost=st.integers(1, 9))
def test_half_of_it_is_not_taken_for_all(
    name: str, pack: Callable[[bytes], bytes], data: bytes, size: int, lost: int
) -> None:
    packed = pack(data)
    with pytest.raises(BadPacking):
        list(Unpacker(name).pieces(cut_up(packed[: max(1, len(packed) - lost)], size)))


@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_nothing_at_all_is_nothing(name: str) -> None:
    """An answer without a body may name a packing all the same."""
    assert unpacked(b"", name) == b""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "pack"), [PACKERS[0], PACKERS[5], PACKERS[6]])
@pytest.mark.few(1)
def test_a_bomb_is_met_before_it_is_in_memory(name: str, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(MOST_ANSWER_BYTES + 1))
    with pytest.raises(TooLong):
        unpacked(bomb, name)


def test_a_limit_is_one_for_all_pieces() -> None:
    def endless() -> Iterable[bytes]:
        while True:
            yield b"12345"

    got = []
    with pytest.raises(TooLong):
        got += list(limited(endless(), 1000))
    assert b"".join(limited([b"12345"] * 200, 1000)) == b"12345" * 200
