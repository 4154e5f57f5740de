"""What a user asks for of a text to speak."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class SpeechRequest(BaseModel):
    """What a user asks for. `rate` is the speed, 1.0 is about four Han characters a second."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    voice: str | None = None
    prompt: str
    format: str = "wav"
    sample_rate: int | None = None
    volume: int = 50
    rate: float = 1.0
    pitch: float = 1.0
    instruct: str = ""
    ssml: bool = False
    seed: int | None = None
    bit_rate: int | None = None
    pronounce: dict[str, Any] | None = None
    language: str = ""
    http: bool = False
    subtitles: str = ""
