"""Alibaba Bailian (DashScope) from a shell and from Python: checked before sending, journalled before paying.

    from bailian import text2image
    paths = text2image("一只可爱的猫", model="wan2.2-t2i-flash").files

`bailian.aio` has the same functions to be awaited. Importing this package costs nothing: a name is loaded when it is used.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing's own costs 8 ms
if TYPE_CHECKING:
    from bailian.api import (
        BatchResult,
        Chunk,
        Cost,
        Progress,
        Result,
        ResultItem,
        RowResult,
        Sandbox,
        TextStream,
        aio,
        edit_image,
        run_batch,
        speak,
        text2image,
        text2text,
        text2video,
        transcribe,
        wait,
        wait_all,
        wanx_edit,
    )
    from bailian.catalog import load as load_catalog
    from bailian.config.settings import Settings, read_settings
    from bailian.engine.engine import Engine
    from bailian.engine.job import OutputSpec
    from bailian.engine.step import Outcome
    from bailian.errors import BailianError, InvalidRequest, StillRunning
    from bailian.modalities.audio.speech_request import SpeechRequest
    from bailian.modalities.picture.image import ImageRequest
    from bailian.modalities.picture.image_edit import ImageEditRequest
    from bailian.modalities.picture.wanx_edit import WanxEditRequest
    from bailian.modalities.recognition.transcription_request import TranscriptionRequest
    from bailian.modalities.text.text_request import TextRequest
    from bailian.modalities.video.video_request import VideoRequest
    from bailian.types import Notice

_HOMES = {
    "BailianError": ("bailian.errors", "BailianError"),
    "Engine": ("bailian.engine.engine", "Engine"),
    "ImageEditRequest": ("bailian.modalities.picture.image_edit", "ImageEditRequest"),
    "ImageRequest": ("bailian.modalities.picture.image", "ImageRequest"),
    "InvalidRequest": ("bailian.errors", "InvalidRequest"),
    "Notice": ("bailian.types", "Notice"),
    "Outcome": ("bailian.engine.step", "Outcome"),
    "OutputSpec": ("bailian.engine.job", "OutputSpec"),
    "Saving": ("bailian.engine.job", "OutputSpec"),  # its name before the modules had rooms
    "Settings": ("bailian.config.settings", "Settings"),
    "SpeechRequest": ("bailian.modalities.audio.speech_request", "SpeechRequest"),
    "StillRunning": ("bailian.errors", "StillRunning"),
    "TextRequest": ("bailian.modalities.text.text_request", "TextRequest"),
    "TranscriptionRequest": ("bailian.modalities.recognition.transcription_request", "TranscriptionRequest"),
    "VideoRequest": ("bailian.modalities.video.video_request", "VideoRequest"),
    "WanxEditRequest": ("bailian.modalities.picture.wanx_edit", "WanxEditRequest"),
    "load_catalog": ("bailian.catalog", "load"),
    "read_settings": ("bailian.config.settings", "read_settings"),
}

__all__ = [
    "BailianError",
    "BatchResult",
    "Chunk",
    "Cost",
    "Engine",
    "ImageEditRequest",
    "ImageRequest",
    "InvalidRequest",
    "Notice",
    "Outcome",
    "OutputSpec",
    "Progress",
    "Result",
    "ResultItem",
    "RowResult",
    "Sandbox",
    "Settings",
    "SpeechRequest",
    "StillRunning",
    "TextRequest",
    "TextStream",
    "TranscriptionRequest",
    "VideoRequest",
    "WanxEditRequest",
    "__version__",
    "aio",
    "edit_image",
    "load_catalog",
    "read_settings",
    "run_batch",
    "speak",
    "text2image",
    "text2text",
    "text2video",
    "transcribe",
    "wait",
    "wait_all",
    "wanx_edit",
]


def __getattr__(name: str) -> object:
    if name == "aio":
        return import_module("bailian.api.aio")
    if name not in _HOMES and name not in __all__:
        raise AttributeError(f"module 'bailian' has no attribute {name!r}")
    module, attribute = _HOMES.get(name, ("bailian.api", name))
    value: object = getattr(import_module(module), attribute)
    return value
