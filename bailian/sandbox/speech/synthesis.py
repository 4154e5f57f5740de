"""Speaks a request sentence by sentence, as bytes of the wanted format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bailian.sandbox.speech.audio_files import mp3_encoder, wav_header
from bailian.sandbox.speech.audio_watermark import id3_watermark, with_watermark
from bailian.sandbox.speech.beeps import speak_beeps
from bailian.sandbox.speech.espeak import load_espeak
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


def synthesize(request: SpeechRequest, *, sizes: str = "placeholder") -> Iterator[AudioPart]:
    """Yield the parts of the file.

    Args:
        request: what to say.
        sizes: of a WAV's header: "placeholder", "true" or "zero".
    """
    if request.format == "mp3":
        yield from _as_mp3(request)
        return
    head = b""
    spoken: Iterator[SpokenSentence] = _sentences(request)
    if request.format == "wav" and sizes == "true":
        whole = list(spoken)
        spoken = iter(whole)
        head = wav_header(request.sample_rate, sum(len(sentence.samples) for sentence in whole))
    elif request.format == "wav":
        head = wav_header(request.sample_rate, None, zero=sizes == "zero")
    begin = 0
    for sentence in spoken:
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
    engine = load_espeak() if request.characters <= REAL_VOICE_CHARS else None
    how = {"sample_rate": request.sample_rate, "volume": request.volume}
    for text in sentences_of(request.text):
        if engine is not None:
            language = request.voice.language
            if language == "zh" and text.isascii():
                language = "en"
            spoken = engine.speak(
                text, language, rate=request.rate, pitch=request.pitch, female=request.voice.female, **how
            )
        else:
            spoken = speak_beeps(text, rate=request.rate, pitch=request.pitch, female=request.voice.female, **how)
        yield with_watermark(spoken)
