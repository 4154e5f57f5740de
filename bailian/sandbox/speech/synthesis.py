"""Speaks an order sentence by sentence, as bytes of the wanted format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bailian.sandbox.speech.audio_files import mp3_encoder, wav_header
from bailian.sandbox.speech.audio_watermark import id3_tag, marked
from bailian.sandbox.speech.beeps import speak_tones
from bailian.sandbox.speech.espeak import load_espeak
from bailian.sandbox.speech.requests import SpeechOrder
from bailian.sandbox.speech.sentences import Spoken, sentences_of

REAL_VOICE_CHARS = 2000
"""A longer text is spoken in tones even where there is a voice: that would take half a minute."""


@dataclass(frozen=True)
class Part:
    """One sentence and its piece of the file; `begin` in milliseconds."""

    spoken: Spoken
    data: bytes
    begin: int


def speak(order: SpeechOrder, *, sizes: str = "placeholder") -> Iterator[Part]:
    """Yield the parts of the file.

    Args:
        order: what to say.
        sizes: of a WAV's header: "placeholder", "true" or "zero".
    """
    if order.format == "mp3":
        yield from _as_mp3(order)
        return
    head = b""
    spoken: Iterator[Spoken] = _sentences(order)
    if order.format == "wav" and sizes == "true":
        whole = list(spoken)
        spoken = iter(whole)
        head = wav_header(order.sample_rate, sum(len(sentence.samples) for sentence in whole))
    elif order.format == "wav":
        head = wav_header(order.sample_rate, None, zero=sizes == "zero")
    begin = 0
    for sentence in spoken:
        yield Part(sentence, head + sentence.samples, begin)
        head = b""
        begin += sentence.duration_ms


def _as_mp3(order: SpeechOrder) -> Iterator[Part]:
    """The tag before the sound holds all words, so all is spoken before the first byte is out."""
    encoder = mp3_encoder(order.sample_rate)
    sentences: list[Spoken] = []
    pieces: list[bytes] = []
    begins = [0]
    for sentence in _sentences(order):
        pieces.append(encoder.encode(sentence.samples))
        begins.append(begins[-1] + sentence.duration_ms)
        sentences.append(Spoken(sentence.text, b"", sentence.sample_rate, sentence.words, sentence.duration_ms))
    pieces[0] = id3_tag(sentences) + pieces[0]
    pieces[-1] += encoder.end()
    for sentence, piece, begin in zip(sentences, pieces, begins, strict=False):
        yield Part(sentence, piece, begin)


def _sentences(order: SpeechOrder) -> Iterator[Spoken]:
    engine = load_espeak() if order.characters <= REAL_VOICE_CHARS else None
    how = {"sample_rate": order.sample_rate, "volume": order.volume}
    for text in sentences_of(order.text):
        if engine is not None:
            language = order.voice.language
            if language == "zh" and text.isascii():
                language = "en"
            spoken = engine.speak(text, language, rate=order.rate, pitch=order.pitch, female=order.voice.female, **how)
        else:
            spoken = speak_tones(text, rate=order.rate, pitch=order.pitch, female=order.voice.female, **how)
        yield marked(spoken)
