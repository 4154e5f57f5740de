"""Which file a finished task has behind its link. It is made when somebody fetches it.

Importing this needs Pillow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from bailian.sandbox.edits.drawing import Edit, draw_edit
from bailian.sandbox.films.drawing import draw_film
from bailian.sandbox.films.film import Film, ShownInput
from bailian.sandbox.images.drawing import Picture, draw_png
from bailian.sandbox.message_images.drawing import draw_message_picture, message_picture
from bailian.sandbox.scripted.answers import picture_type
from bailian.sandbox.storage.downloads import Result
from bailian.sandbox.storage.upload_store import UploadStore
from bailian.sandbox.tasks.requests import SCRIPTED, SEED_MAX
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.voices.details import MEDIA_TYPES, make_file, speech_of

_SHOWN = ("role", "kind", "digest", "width", "height", "duration_s")


def result_of(store: UploadStore, task: Task, index: int, size: tuple[int, int] | None) -> Result:
    """Return the result's recipe; `size` instead of the asked one is a fault's."""
    if task.request.kind == "speech":
        speech = speech_of(task.request.details["speech"])
        return Result(speech, MEDIA_TYPES[speech.format], partial(make_file, speech))
    digest = task.request.details.get(SCRIPTED)
    if digest is not None and size is None:
        data = store.input_bytes(digest)
        return Result((SCRIPTED, digest), picture_type(data) or "image/png", lambda: data)
    picture = picture_of_result(task, index, size or task.outcome.drawn_size)
    if task.request.kind == "film":
        film = _film(picture, task.request.details)
        return Result(film, "video/mp4", partial(draw_film, film, store.input_bytes))
    if task.request.kind == "edit":
        edit = _edit(picture, task.request.details)
        return Result(edit, "image/png", partial(draw_edit, edit, store.input_bytes))
    if task.request.kind == "message":
        wanted = message_picture(picture, task.pictures, task.request.details)
        return Result(wanted, "image/png", partial(draw_message_picture, wanted, store.input_bytes))
    return Result(picture, "image/png", partial(draw_png, picture))


def _edit(picture: Picture, details: Mapping[str, Any]) -> Edit:
    others = ("function", "pictures", "mask")
    options = tuple(sorted((name, value) for name, value in details.items() if name not in others))
    return Edit(picture, details["function"], tuple(details["pictures"]), details.get("mask", ""), options)


def _film(picture: Picture, details: Mapping[str, Any]) -> Film:
    inputs = tuple(ShownInput(**{name: one[name] for name in _SHOWN}) for one in details["inputs"])
    options = tuple(sorted((name, str(value)) for name, value in details.get("options", {}).items()))
    how, digest = details["sound"]
    function = details.get("function", "")
    return Film(picture, details["film_s"], details["fps"], inputs, (how, digest), function, options)


def picture_of_result(task: Task, index: int, size: tuple[int, int] | None = None) -> Picture:
    """Return what a result shows, before pictures that came along are drawn into it."""
    request = task.request
    width, height = size or (request.width, request.height)
    seed = request.seed
    if seed is None:  # the service then picks one at random; the task id is as good and can be drawn again
        seed = int.from_bytes(hashlib.sha256(task.task_id.encode()).digest()[:4], "big") % (SEED_MAX + 1)
    qwen = request.model.startswith("qwen")
    own = request.details.get("mark") or ("Qwen-Image" if qwen else "AI生成")  # HORSE; D-QI, D-T2I, T2V
    watermark = own if request.watermark else ""
    return Picture(request.read_prompt, seed, index, width, height, request.model, watermark)
