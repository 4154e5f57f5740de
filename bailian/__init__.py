"""Alibaba Bailian (DashScope) from a shell and from Python: checked before sending, journalled before paying.

    from bailian import text2image
    paths = text2image("一只可爱的猫", model="wan2.2-t2i-flash", timeout_s=300).files

Importing this package costs nothing: a name is loaded when it is used.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing's own costs 8 ms
if TYPE_CHECKING:
    from bailian.api import text2image, text2video
    from bailian.catalog import load as load_catalog
    from bailian.config.settings import Settings, read_settings
    from bailian.engine.engine import Engine
    from bailian.engine.job import OutputSpec
    from bailian.engine.step import Outcome
    from bailian.errors import BailianError

_HOMES = {
    "BailianError": ("bailian.errors", "BailianError"),
    "Engine": ("bailian.engine.engine", "Engine"),
    "Outcome": ("bailian.engine.step", "Outcome"),
    "OutputSpec": ("bailian.engine.job", "OutputSpec"),
    "Saving": ("bailian.engine.job", "OutputSpec"),  # its name before the modules had rooms
    "Settings": ("bailian.config.settings", "Settings"),
    "load_catalog": ("bailian.catalog", "load"),
    "read_settings": ("bailian.config.settings", "read_settings"),
    "text2image": ("bailian.api", "text2image"),
    "text2video": ("bailian.api", "text2video"),
}

__all__ = [
    "BailianError",
    "Engine",
    "Outcome",
    "OutputSpec",
    "Settings",
    "__version__",
    "load_catalog",
    "read_settings",
    "text2image",
    "text2video",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'bailian' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value: object = getattr(import_module(module), attribute)
    return value
