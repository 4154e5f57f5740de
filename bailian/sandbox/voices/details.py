"""What is noted of a spoken text, so that its file can be made again when somebody fetches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bailian.sandbox.speech.models import Voice
from bailian.sandbox.speech.requests import SpeechRequest
from bailian.sandbox.speech.synthesis import synthesize

MEDIA_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "pcm": "application/octet-stream", "opus": "audio/ogg"}
AudioKey = tuple[tuple[str, Any], ...]


def noted(request: SpeechRequest) -> dict[str, Any]:
    """Return everything that the sound depends on, as JSON values."""
    return asdict(request)


def speech_of(details: Mapping[str, Any]) -> SpeechRequest:
    return SpeechRequest(**{**details, "voice": Voice(**details["voice"])})


def make_file(request: SpeechRequest) -> bytes:
    """Return the whole file; a WAV with true sizes."""
    return b"".join(part.data for part in synthesize(request, sizes="true"))
