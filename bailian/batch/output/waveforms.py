"""The waveform of a sound as a few dozen levels: WAV by the standard library, other formats where PyAV is installed.

A long sound is not read as a whole: one short piece stands for each level.
"""

from __future__ import annotations

import json
import os
import sys
import wave
from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from bailian.batch.output.thumbnails import Seen, replace_with

if TYPE_CHECKING:
    from av import AudioFrame
    from av.container import InputContainer

LEVELS = 64
# One letter or digit a level, so that a page of ten thousand sounds stays small; the page reads it as base 36.
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
PIECE_FRAMES = 4_096
# Longer sounds are looked at in pieces: decoding an hour takes seconds.
WHOLE_S = 60.0
# Of a sound that does not say how long it is: two minutes and more.
MOST_FRAMES = 6_000
FRAMES_AFTER_A_JUMP = 8
CONTAINERS = {
    ".mp3": "mp3",
    ".opus": "ogg",
    ".ogg": "ogg",
    ".flac": "flac",
    ".m4a": "mp4",
    ".aac": "aac",
    ".wav": "wav",
}


def waveform(seen: Seen) -> dict[str, Any]:
    """Return the levels of a sound and its length; nothing: it cannot be read here, and the player stands alone."""
    known = seen.preview.with_suffix(".json")
    try:
        seen.fetch(known.name)
        made = _known(known, seen.version)
        if made is None:
            with seen.copy() as copy:
                made = _keep(known, seen.version, _measured(copy))
        return made
    except Exception:  # noqa: BLE001  # decoders raise anything on damaged bytes; the page goes on
        return {}


def _known(known: Path, version: str) -> dict[str, Any] | None:
    try:
        kept = json.loads(known.read_text(encoding="ascii"))
        return {"levels": str(kept["levels"]), "lasts_s": float(kept["lasts_s"])} if kept["of"] == version else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _keep(known: Path, version: str, measured: tuple[list[float], float]) -> dict[str, Any]:
    made = {"levels": _written(measured[0]), "lasts_s": round(measured[1], 1)}
    text = json.dumps({"of": version, **made})
    replace_with(known, lambda part: part.write_text(text, encoding="ascii"))
    return made


def _written(levels: list[float]) -> str:
    """Return the levels as digits; the loudest is the highest, so that a soft voice is seen, too."""
    loudest = max(levels, default=0.0) or 1.0
    return "".join(DIGITS[round(level / loudest * (len(DIGITS) - 1))] for level in levels)


def _measured(path: Path) -> tuple[list[float], float]:
    """Return the levels of a sound and its length in seconds."""
    with path.open("rb") as file:
        if path.suffix.lower() == ".wav":
            try:
                return _of_wav(file)
            except (wave.Error, EOFError):  # packed, or of a kind that the standard library does not read
                file.seek(0)
        return _decoded(file, CONTAINERS[path.suffix.lower()])


def _of_wav(file: BinaryIO) -> tuple[list[float], float]:
    """Read one piece a level, wherever it stands in the file."""
    with wave.open(file) as sound:
        width_bytes, channels = sound.getsampwidth(), sound.getnchannels()
        # A sound that was written as a stream may say that it is two gigabytes long.
        there = os.fstat(file.fileno()).st_size // (width_bytes * channels)
        frames = min(sound.getnframes(), there)
        levels = []
        for number in range(LEVELS):
            start, end = number * frames // LEVELS, (number + 1) * frames // LEVELS
            sound.setpos(start)
            levels.append(_loudest(sound.readframes(min(max(end - start, 1), PIECE_FRAMES)), width_bytes))
        return levels, frames / sound.getframerate()


def _loudest(samples: bytes, width_bytes: int) -> float:
    """Return the highest absolute value, by each sample's highest byte or two. WAV is little-endian, 8 bits have no sign."""
    if width_bytes == 1:
        return max((abs(value - 128) for value in samples), default=0) * 256.0
    if width_bytes == 2:
        return float(_peak(samples))
    high = bytearray(2 * (len(samples) // width_bytes))
    high[0::2], high[1::2] = samples[width_bytes - 2 :: width_bytes], samples[width_bytes - 1 :: width_bytes]
    return float(_peak(bytes(high)))


def _peak(samples: bytes) -> int:
    """Return the highest absolute value of samples of 16 bits."""
    values = array("h", samples[: len(samples) // 2 * 2])
    if sys.byteorder == "big":
        values.byteswap()
    return max(max(values, default=0), -min(values, default=0))


def _decoded(file: BinaryIO, container: str) -> tuple[list[float], float]:
    """Decode a short sound as a whole, of a long one a piece a level. PyAV comes with the extra `sandbox`."""
    import av

    with av.open(file, format=container) as sound:
        lasts_s = (sound.duration or 0) / av.time_base
        peaks = list(_spread(sound, lasts_s) if lasts_s > WHOLE_S else _all(sound))
    if not peaks:
        raise ValueError("nothing can be decoded")
    first_s = peaks[0].start_s
    lasts_s = max(lasts_s, peaks[-1].end_s - first_s)
    levels = [0.0] * LEVELS
    for peak in peaks:
        start, end = (int((at_s - first_s) / lasts_s * LEVELS) for at_s in (peak.start_s, peak.end_s))
        for number in range(max(start, 0), min(end + 1, LEVELS)):
            levels[number] = max(levels[number], float(peak.value))
    return levels, lasts_s


class _Peak(NamedTuple):
    """The loudest sample of a stretch of time."""

    start_s: float
    end_s: float
    value: int


def _all(sound: InputContainer) -> Iterator[_Peak]:
    """Yield the peak of each frame; of a sound that does not say how long it is, not for ever."""
    for frame in islice(sound.decode(audio=0), MOST_FRAMES):
        at_s = frame.time or 0.0
        yield _Peak(at_s, at_s + frame.samples / frame.sample_rate, _peak_of(frame))


def _spread(sound: InputContainer, lasts_s: float) -> Iterator[_Peak]:
    """Yield one peak a level of a sound that is too long to be decoded. After a jump decoders begin softly."""
    import av

    step_s = lasts_s / LEVELS
    for number in range(LEVELS):
        sound.seek(int(number * step_s * av.time_base))
        heard = [_peak_of(frame) for frame in islice(sound.decode(audio=0), FRAMES_AFTER_A_JUMP)]
        yield _Peak(number * step_s, (number + 0.9) * step_s, max(heard, default=0))


def _peak_of(frame: AudioFrame) -> int:
    """Return the highest absolute value of a frame. A resampler of its own takes frames out of their order."""
    import av

    plain = av.AudioResampler(format="s16", layout="mono").resample(frame)
    return max((_peak(bytes(one.planes[0])[: one.samples * 2]) for one in plain), default=0)
