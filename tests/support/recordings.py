"""Recordings made of nothing, for recognition: what the sandbox has said, and a hum."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import requests

from bailian.sandbox.speech.audio_files import wav_header
from bailian.sandbox.speech.models import Voice
from bailian.sandbox.speech.requests import SpeechRequest
from bailian.sandbox.speech.synthesis import Speech, sentences_of, synthesize
from tests.support.sandbox_client import SYNC, Client

SECONDS = 2
SAID = "你好，世界！Hello big world, this is bai lian. 再见。"


def wav(
    data: bytes = b"\1\2" * 16000 * SECONDS, *, coding: int = 1, bytes_per_s: int = 32000, size: int | None = None
) -> bytes:
    """Return a WAV file; `size` is what its headers say of the data."""
    told = len(data) if size is None else size
    form = struct.pack("<HHIIHH", coding, 1, 16000, bytes_per_s, 2, 16)
    return b"RIFF%bWAVEfmt %b%bdata%b%b" % (
        struct.pack("<I", min(told + 36, 0xFFFFFFFF)),
        struct.pack("<I", len(form)),
        form,
        struct.pack("<I", told),
        data,
    )


def spoken(text: str, form: str = "wav", *, rate: int = 8000, streamed: bool = False) -> bytes:
    """Return a file in which the sandbox says this; `streamed`: as it comes sentence by sentence."""
    request = SpeechRequest("cosyvoice-v3-flash", Voice("zh", rate), text, form, rate, 50, 1.0, 1.0)
    if not streamed:
        return b"".join(part.data for part in synthesize(request, sizes="true"))
    speech = Speech(request)
    return b"".join(speech.say(sentence).data for sentence in sentences_of(text)) + speech.end()


def humming(seconds: float = 2.0, rate: int = 16000) -> bytes:
    samples = [round(9000 * math.sin(i / 9)) for i in range(int(seconds * rate))]
    return wav_header(rate, 2 * len(samples)) + struct.pack(f"<{len(samples)}h", *samples)


def silence(seconds: float = 8.0, rate: int = 8000) -> bytes:
    count = 2 * int(seconds * rate)
    return wav_header(rate, count) + bytes(count)


def uri(data: bytes, media: str = "audio/wav") -> str:
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def body_of(model: str, source: str, parameters: dict[str, Any] | None = None, *before: Any) -> dict[str, Any]:
    if model.startswith("qwen3"):
        part: dict[str, Any] = {"audio": source}
    else:
        part = {"type": "input_audio", "input_audio": {"data": source}}
        parameters = {"format": "wav", "sample_rate": "16000", **(parameters or {})}
    messages = [*before, {"role": "user", "content": [part]}]
    return {"model": model, "input": {"messages": messages}, "parameters": parameters or {}}


def hear(client: Client, model: str, source: str, **parameters: Any) -> requests.Response:
    return client.post(SYNC, body_of(model, source, parameters), asks_async=False)
