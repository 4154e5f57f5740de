"""The model of a film for which none is named: its inputs decide."""

from __future__ import annotations

from collections.abc import Mapping

from bailian.catalog import Catalog
from bailian.modalities.rules import choice
from bailian.modalities.video.film_inputs import takes
from bailian.modalities.video.video_request import VideoRequest
from bailian.types import Input

KIND = "video"
DEFAULT_MODELS = ("wan2.1-t2v-turbo",)
BY_FIELD: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("vace", ("wanx2.1-vace-plus",)),
    ("continue_", ("wan2.7-i2v",)),
    ("video", ("wan2.7-videoedit",)),
    ("references", ("wan2.7-r2v",)),
    ("last_frame", ("wan2.2-kf2v-flash", "wan2.7-i2v")),
    ("image", ("wan2.2-i2v-flash", "wan2.6-i2v-flash")),
    ("audio", ("wan2.6-t2v",)),
    ("prompt", DEFAULT_MODELS),
)
"""The first field that is given decides; of its models the first that lives, is offered in the region and takes it all."""


def chosen_model(request: VideoRequest, found: Mapping[str, Input], catalog: Catalog, region: str) -> choice.Chosen:
    """Return the model that is named, or the one that the inputs ask for.

    Raises:
        InvalidRequest: no such model, or one of another kind.
    """
    names = next((names for field, names in BY_FIELD if getattr(request, field)), DEFAULT_MODELS)
    if request.model is None and len(names) > 1:
        models = [catalog.find(name, KIND) for name in names]
        there = [model.name for model in models if region in model.regions]
        able = [name for name in there if takes(catalog.find(name, KIND), request, found)]
        names = tuple(able or there or names)
    return choice.choose(request.model, KIND, names, catalog, region)
