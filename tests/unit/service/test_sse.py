"""Streams as the service sends them: cut anywhere, with and without blank lines, with comments and rubbish between."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bailian.service.sse import Frame, frames

CAPTURED = (
    b"id:1\nevent:result\n:HTTP_STATUS/200\n"
    b'data:{"output":{"finish_reason":"null","text":"1+"},"usage":{},"request_id":"r"}\n\n'
    b"id:2\nevent:result\n:HTTP_STATUS/200\n"
    b'data:{"output":{"finish_reason":"stop","text":"1=2"},"usage":{},"request_id":"r"}\n\n'
)
REFUSED = (
    b'id:1\nevent:error\n:HTTP_STATUS/429\ndata:{"code":"Throttling.RateQuota","message":"slow","request_id":"r"}\n\n'
)


def test_a_captured_stream() -> None:
    first, second = frames([CAPTURED])
    assert (first.event, first.status, json.loads(first.data)["output"]["text"]) == ("result", 200, "1+")
    assert json.loads(second.data)["output"]["finish_reason"] == "stop"


def test_blank_lines_may_be_missing() -> None:
    assert list(frames([CAPTURED.replace(b"\n\n", b"\n")])) == list(frames([CAPTURED]))


def test_the_real_status_stands_in_a_comment() -> None:
    (frame,) = frames([REFUSED])
    assert (frame.event, frame.status) == ("error", 429)


def test_a_status_is_its_frames_only() -> None:
    assert [frame.status for frame in frames([REFUSED, b"data:{}\n"])] == [429, None]


def test_heartbeats_and_unknown_lines_are_passed_over() -> None:
    noise = b": ping\n\nretry: 3\nsomething\nid\n"
    assert list(frames([noise, CAPTURED, noise])) == list(frames([CAPTURED]))


def test_a_stream_without_an_end_of_line_gives_what_is_there() -> None:
    assert list(frames([b"data:{}"])) == [Frame("{}")]


@given(st.lists(st.integers(0, len(CAPTURED)), max_size=12), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_chunks_may_be_cut_anywhere(cuts: list[int], newline: bytes) -> None:
    stream = CAPTURED.replace(b"1=2", "一等于二😀".encode()).replace(b"\n", newline)
    edges = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    chunks = [stream[start:stop] for start, stop in pairwise(edges)]
    assert list(frames(chunks)) == list(frames([stream]))


@given(st.binary(max_size=300))
def test_rubbish_is_no_reason_to_fail(rubbish: bytes) -> None:
    for frame in frames([rubbish]):
        assert isinstance(frame.data, str)


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=20), max_size=6))
def test_every_text_arrives_as_it_was_sent(texts: list[str]) -> None:
    stream = "".join(f"data:{json.dumps(text, ensure_ascii=False)}\n" for text in texts).encode()
    assert [json.loads(frame.data) for frame in frames([stream])] == texts
