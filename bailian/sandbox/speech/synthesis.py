"""Speaks a request sentence by sentence, as bytes of the wanted format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bailian.sandbox.speech.audio_files import mp3_encoder, wav_header
from bailian.sandbox.speech.audio_watermark import id3_watermark, packed_watermark, watermark_chunks, with_watermark
from bailian.sandbox.speech.beeps import speak_beeps
from bailian.sandbox.speech.espeak import load_espeak
from bailian.sandbox.speech.mp3_pieces import Mp3Encoder, room_in, silent_frames
from bailian.sandbox.speech.opus import OpusEncoder
from bailian.sandbox.speech.requests import SpeechRequest
from bailian.sandbox.speech.sentences import SpokenSentence, sentences_of

REAL_VOICE_CHARS = 2000
"""A longer text is spoken in beeps even where there is a voice: that would take half a minute."""


@dataclass(frozen=True)
class AudioPart:
    """One sentence and its piece of the file; `begin` in milliseconds."""

    spoken: SpokenSentence
    data: bytes
    begin: int


class _Encoder(Protocol):
    """Sentences in, bytes of the file out."""

    def encode(self, spoken: SpokenSentence) -> bytes: ...
    def end(self) -> bytes: ...


class Speech:
    """Speaks sentence by sentence, while the rest of the text may still be to come.

    Args:
        request: how to speak; its text is not looked at.
        sizes: of a WAV's header: "placeholder" or "zero".
        real_voice: whether there is time for a real voice.
    """

    def __init__(self, request: SpeechRequest, *, sizes: str = "placeholder", real_voice: bool = True) -> None:
        self._request = request
        self.real_voice = real_voice
        self._encoder = _encoder(request, sizes)
        self._begin = 0

    def say(self, sentence: str) -> AudioPart:
        spoken = _spoken(self._request, sentence, real_voice=self.real_voice)
        part = AudioPart(spoken, self._encoder.encode(spoken), self._begin)
        self._begin += spoken.duration_ms
        return part

    def end(self) -> bytes:
        """Return what the encoder still holds."""
        return self._encoder.end()


def synthesize(request: SpeechRequest, *, sizes: str = "placeholder") -> Iterator[AudioPart]:
    """Yield the parts of the file.

    Args:
        request: what to say.
        sizes: of a WAV's header: "placeholder", "true" or "zero".
    """
    if request.format == "mp3":
        yield from _as_mp3(request)
        return
    if request.format == "wav" and sizes == "true":
        yield from _as_wav(request)
        return
    speech = Speech(request, sizes=sizes, real_voice=request.characters <= REAL_VOICE_CHARS)
    texts = sentences_of(request.text)
    for number, text in enumerate(texts, 1):
        part = speech.say(text)
        yield part if number < len(texts) else replace(part, data=part.data + speech.end())


def _as_wav(request: SpeechRequest) -> Iterator[AudioPart]:
    """A header with true sizes needs all samples first."""
    whole = list(_sentences(request))
    head = wav_header(request.sample_rate, sum(len(sentence.samples) for sentence in whole))
    begin = 0
    for sentence in whole:
        yield AudioPart(sentence, head + sentence.samples, begin)
        head = b""
        begin += sentence.duration_ms


def _as_mp3(request: SpeechRequest) -> Iterator[AudioPart]:
    """The tag before the sound holds all words, so all is spoken before the first byte is out."""
    encoder = mp3_encoder(request.sample_rate)
    sentences: list[SpokenSentence] = []
    pieces: list[bytes] = []
    begins = [0]
    for sentence in _sentences(request):
        pieces.append(encoder.encode(sentence.samples))
        begins.append(begins[-1] + sentence.duration_ms)
        sentences.append(SpokenSentence(sentence.text, b"", sentence.sample_rate, sentence.words, sentence.duration_ms))
    pieces[0] = id3_watermark(sentences) + pieces[0]
    pieces[-1] += encoder.end()
    for sentence, piece, begin in zip(sentences, pieces, begins, strict=False):
        yield AudioPart(sentence, piece, begin)


def _sentences(request: SpeechRequest) -> Iterator[SpokenSentence]:
    real_voice = request.characters <= REAL_VOICE_CHARS
    for text in sentences_of(request.text):
        yield _spoken(request, text, real_voice=real_voice)


def _spoken(request: SpeechRequest, text: str, *, real_voice: bool) -> SpokenSentence:
    engine = load_espeak() if real_voice else None
    how: dict[str, Any] = {
        "sample_rate": request.sample_rate,
        "volume": request.volume,
        "rate": request.rate,
        "pitch": request.pitch,
        "female": request.voice.female,
    }
    if engine is None:
        return with_watermark(speak_beeps(text, **how))
    language = request.voice.language
    return with_watermark(engine.speak(text, "en" if language == "zh" and text.isascii() else language, **how))


def _encoder(request: SpeechRequest, sizes: str) -> _Encoder:
    if request.format == "mp3":
        return _Mp3Pieces(request.sample_rate, request.bit_rate_kbps)
    if request.format == "opus":
        return _OpusPieces(request.sample_rate, request.bit_rate_kbps)
    head = wav_header(request.sample_rate, None, zero=sizes == "zero") if request.format == "wav" else b""
    return _PcmPieces(head)


class _PcmPieces:
    def __init__(self, head: bytes) -> None:
        self._head = head

    def encode(self, spoken: SpokenSentence) -> bytes:
        head, self._head = self._head, b""
        return head + spoken.samples

    def end(self) -> bytes:
        return b""


class _Mp3Pieces:
    def __init__(self, sample_rate: int, bit_rate_kbps: int) -> None:
        self._sample_rate = sample_rate
        self._encoder = Mp3Encoder(sample_rate, bit_rate_kbps)

    def encode(self, spoken: SpokenSentence) -> bytes:
        sound = self._encoder.encode(spoken.samples)
        return silent_frames(self._sample_rate, watermark_chunks(spoken, room_in(self._sample_rate))) + sound

    def end(self) -> bytes:
        return self._encoder.end()


class _OpusPieces:
    def __init__(self, sample_rate: int, bit_rate_kbps: int) -> None:
        self._encoder = OpusEncoder(sample_rate, bit_rate_kbps)

    def encode(self, spoken: SpokenSentence) -> bytes:
        return self._encoder.encode(spoken.samples, packed_watermark(spoken))

    def end(self) -> bytes:
        return self._encoder.end()
