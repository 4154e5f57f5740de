"""What holds for every text: nothing is lost or said twice, and what is hidden in a sound is found again."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bailian.sandbox.speech.audio_watermark import (
    find_chunked_watermarks,
    find_packed_watermarks,
    packed_watermark,
    watermark_chunks,
)
from bailian.sandbox.speech.mp3_pieces import room_in, silent_frames
from bailian.sandbox.speech.sentences import SpokenSentence, Word, sentences_of, split_words
from bailian.sandbox.voices.counting import counted
from bailian.sandbox.voices.socket_task import whole_sentences
from bailian.sandbox.voices.ssml import NoSsml, spoken_text

pytestmark = pytest.mark.slow

TEXTS = st.text(st.sampled_from("你好世界。！？；.,!? \n3aBc'<>&/=\"é한") | st.characters(codec="utf-8"), max_size=300)


def bare(text: str) -> str:
    return "".join(text.split())


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=8))
def test_text_in_pieces_is_said_once_and_whole(pieces: list[str]) -> None:
    said, waiting = [], ""
    for piece in pieces:
        whole, waiting = whole_sentences(waiting + piece)
        said += whole
    said += sentences_of(waiting)
    assert bare("".join(said)) == bare("".join(pieces))


def spoken(text: str) -> SpokenSentence:
    words = tuple(Word(word, index, index + 1, signs) for index, (_, word, signs) in enumerate(split_words(text)))
    return SpokenSentence(text, bytes(200), 8000, words)


@settings(deadline=None)
@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=3), st.sampled_from([8000, 16000, 22050, 24000, 44100, 48000]))
def test_words_hidden_in_frames_and_packets_are_found(texts: list[str], rate: int) -> None:
    chunks = [watermark_chunks(spoken(text), room_in(rate)) for text in texts]
    assert all(b"\xff" not in chunk for sentence in chunks for chunk in sentence)
    frames = b"noise".join(silent_frames(rate, sentence) for sentence in chunks)
    assert [sentence.text for sentence in find_chunked_watermarks(frames)] == texts
    packets = b"OggS".join(packed_watermark(spoken(text)) for text in texts)
    assert [sentence.text for sentence in find_packed_watermarks(packets)] == texts


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200))
def test_what_is_damaged_is_not_found_and_harms_nothing(noise: bytes, cut: int) -> None:
    hidden = packed_watermark(spoken("你好，世界。")) + b"".join(watermark_chunks(spoken("再见。"), 64))
    for data in (noise, hidden[:cut] + noise, hidden[:-1]):
        find_packed_watermarks(data)
        find_chunked_watermarks(data)


@given(TEXTS)
def test_ssml_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(NoSsml):
        assert "<speak>" not in spoken_text(f"<speak>{text.replace('&', '')}</speak>")
    with contextlib.suppress(NoSsml):
        spoken_text(text)


@pytest.mark.parametrize(("text", "count"), [("", 0), ("你好", 4), ("a b", 3), ("你a。", 4), ("かな", 2), ("𠀀", 2)])
def test_a_han_character_counts_twice(text: str, count: int) -> None:
    assert counted(text) == count
