"""The words of a recording, hidden in its sound: so the sandbox can recognize its own recordings.

In PCM the words of each sentence are in the lowest bit of its first samples, which nobody hears.
A repaired header, a cut or a joint leaves them there. In an MP3 made whole they are in an ID3 tag before the
sound, in one made bit by bit in silent frames before each sentence; in Opus in the padding of each sentence's first
packet.
"""

from __future__ import annotations

import base64
import contextlib
import json
import zlib
from dataclasses import dataclass, replace
from typing import Any

from bailian.sandbox.speech.sentences import SpokenSentence, Word

_MAGIC = b"BaiSbx1\x00"
_TAG = b"bailian-sandbox\x00"
_PACKED = b"BaiSbxP\x00"
_CHUNK = b"BaiSbxC\x00"
_TO_DIGITS = bytes(48 + (value & 1) for value in range(256))


@dataclass(frozen=True)
class RecognizedSentence:
    """One sentence found in a recording; milliseconds from the recording's begin."""

    text: str
    begin: int
    end: int
    words: tuple[Word, ...]
    """Their times count from the sentence's begin."""


def with_watermark(spoken: SpokenSentence) -> SpokenSentence:
    """Return the sentence with its words in its samples; one too short for them gets silence behind it."""
    content = zlib.compress(json.dumps(_described(spoken), ensure_ascii=False, separators=(",", ":")).encode(), 9)
    message = _MAGIC + len(content).to_bytes(4, "big") + content
    bits = "".join(f"{byte:08b}" for byte in message)
    samples = bytearray(spoken.samples.ljust(2 * len(bits), b"\0"))
    for place, bit in enumerate(bits):
        samples[2 * place] = samples[2 * place] & 0xFE | (bit == "1")
    return replace(spoken, samples=bytes(samples))


def find_watermarks(samples: bytes, sample_rate: int) -> list[RecognizedSentence]:
    """Return the sentences hidden in mono PCM, in order."""
    digits = samples[0::2].translate(_TO_DIGITS)
    magic = "".join(f"{byte:08b}" for byte in _MAGIC).encode()
    found: list[RecognizedSentence] = []
    at = digits.find(magic)
    while at >= 0:
        recognized = _read(digits, at + len(magic), at * 1000 // sample_rate)
        found += [recognized] if recognized else []
        at = digits.find(magic, at + len(magic))
    return found


def id3_watermark(sentences: list[SpokenSentence]) -> bytes:
    """Return an ID3v2.3 tag with all sentences, to stand before an MP3."""
    text = base64.b64encode(zlib.compress(json.dumps([_described(s) for s in sentences]).encode(), 9))
    content = b"\0" + _TAG + text
    frame = b"TXXX" + len(content).to_bytes(4, "big") + b"\0\0" + content
    size = len(frame)
    return b"ID3\x03\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + frame


def find_id3_watermarks(data: bytes) -> list[RecognizedSentence]:
    """Return the sentences of every tag of ours in a file (several: joined MP3s)."""
    found: list[RecognizedSentence] = []
    begin = 0
    at = data.find(_TAG)
    while at >= 0:
        size = int.from_bytes(data[at - 7 : at - 3], "big") - 1 - len(_TAG)
        text = data[at + len(_TAG) : at + len(_TAG) + size]
        try:
            sentences = json.loads(zlib.decompress(base64.b64decode(text)))
        except (ValueError, zlib.error):
            sentences = []
        for description in sentences:
            found.append(_recognized(description, begin))
            begin = found[-1].end
        at = data.find(_TAG, at + len(_TAG))
    return found


def packed_watermark(spoken: SpokenSentence) -> bytes:
    """Return the words of a sentence as bytes, to be hidden whole."""
    content = zlib.compress(json.dumps(_described(spoken), ensure_ascii=False).encode(), 9)
    return _PACKED + len(content).to_bytes(4, "big") + content


def find_packed_watermarks(data: bytes) -> list[RecognizedSentence]:
    """Return the sentences hidden whole in a file, one after the other."""
    found: list[RecognizedSentence] = []
    at = data.find(_PACKED)
    while at >= 0:
        begin = at + len(_PACKED) + 4
        content = data[begin : begin + int.from_bytes(data[begin - 4 : begin], "big")]
        with contextlib.suppress(ValueError, zlib.error):  # cut inside
            found.append(_recognized(json.loads(zlib.decompress(content)), found[-1].end if found else 0))
        at = data.find(_PACKED, begin)
    return found


def watermark_chunks(spoken: SpokenSentence, room: int) -> list[bytes]:
    """Return the words of a sentence in numbered chunks of at most so many bytes; none of them has a byte 0xff."""
    text = base64.b64encode(zlib.compress(json.dumps(_described(spoken), ensure_ascii=False).encode(), 9))
    size = room - len(_CHUNK) - 4
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    heads = (_CHUNK + bytes((number, len(parts), *divmod(len(part), 128))) for number, part in enumerate(parts))
    return [head + part for head, part in zip(heads, parts, strict=True)]


def find_chunked_watermarks(data: bytes) -> list[RecognizedSentence]:
    """Return the sentences that are hidden in chunks, one after the other."""
    found: list[RecognizedSentence] = []
    text = b""
    at = data.find(_CHUNK)
    while at >= 0:
        begin = at + len(_CHUNK) + 4
        number, count, high, low = data[begin - 4 : begin].ljust(4, b"\0")
        text = (text if number else b"") + data[begin : begin + 128 * high + low]
        if number == count - 1:
            with contextlib.suppress(ValueError, zlib.error):  # a chunk is missing
                content = json.loads(zlib.decompress(base64.b64decode(text)))
                found.append(_recognized(content, found[-1].end if found else 0))
        at = data.find(_CHUNK, begin)
    return found


def _described(spoken: SpokenSentence) -> dict[str, Any]:
    words = [[word.text, word.begin, word.end, word.punctuation] for word in spoken.words]
    return {"t": spoken.text, "d": spoken.duration_ms, "w": words}


def _read(digits: bytes, at: int, begin: int) -> RecognizedSentence | None:
    def number(start: int, count: int) -> int:
        return int(digits[start : start + count] or b"0", 2)

    length = number(at, 32)
    bits = digits[at + 32 : at + 32 + 8 * length]
    if len(bits) < 8 * length or not length:
        return None  # the recording was cut inside the watermark
    try:
        return _recognized(json.loads(zlib.decompress(int(bits, 2).to_bytes(length, "big"))), begin)
    except (ValueError, zlib.error):
        return None


def _recognized(description: dict[str, Any], begin: int) -> RecognizedSentence:
    words = tuple(Word(*word) for word in description["w"])
    return RecognizedSentence(description["t"], begin, begin + description["d"], words)
