"""The toolkit from Python: the same checks, engine and journal as the scripts. Names are loaded when they are used."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # typing's own costs 8 ms
if TYPE_CHECKING:
    from bailian.api.batch_runs import BatchResult, RowResult, run_batch
    from bailian.api.fetching import wait, wait_all
    from bailian.api.functions import (
        edit_image,
        speak,
        text2image,
        text2text,
        text2video,
        transcribe,
        wanx_edit,
    )
    from bailian.api.keywords import Progress
    from bailian.api.places import Sandbox
    from bailian.api.results import Cost, Result, ResultItem
    from bailian.api.text_streams import Chunk, TextStream

HOMES = {
    "batch_runs": ("BatchResult", "RowResult", "run_batch"),
    "fetching": ("wait", "wait_all"),
    "functions": ("edit_image", "speak", "text2image", "text2text", "text2video", "transcribe", "wanx_edit"),
    "keywords": ("Progress",),
    "places": ("Sandbox",),
    "results": ("Cost", "Result", "ResultItem"),
    "text_streams": ("Chunk", "TextStream"),
}

__all__ = [
    "BatchResult",
    "Chunk",
    "Cost",
    "Progress",
    "Result",
    "ResultItem",
    "RowResult",
    "Sandbox",
    "TextStream",
    "edit_image",
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
    for module, names in HOMES.items():
        if name in names:
            value: object = getattr(import_module(f"bailian.api.{module}"), name)
            return value
    raise AttributeError(f"module 'bailian.api' has no attribute {name!r}")
