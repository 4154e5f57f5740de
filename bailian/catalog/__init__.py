"""Every model as data: names, limits, prices, dates."""

from bailian.catalog.catalog import (
    Catalog,
    as_kind,
    did_you_mean,
    load,
)
from bailian.catalog.model import FIELD_NAMES, KINDS, MODES, Mode, Model

__all__ = [
    "FIELD_NAMES",
    "KINDS",
    "MODES",
    "Catalog",
    "Mode",
    "Model",
    "as_kind",
    "did_you_mean",
    "load",
]
