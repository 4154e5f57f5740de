"""From a body to a task request, or the documented refusal (FILM, HORSE, WAN3). Importing this needs Pillow.

The models of 2026 accept nearly any body. What is wrong with it, the task says when it has failed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bailian.sandbox.films.billing import seconds_of
from bailian.sandbox.films.body import check_counts, read_inputs
from bailian.sandbox.films.functions import check_together, length_of, read_function, size_of
from bailian.sandbox.films.inputs import FetcherOf, FilmInput, FilmInputs
from bailian.sandbox.films.parameters import Wishes, read_wishes
from bailian.sandbox.films.rules import FilmModel
from bailian.sandbox.films.sizes import SIZES, size_like, size_of_ratio, tier_of
from bailian.sandbox.http.refusals import Failure, Refusal, field_required, invalid, not_imitated, off_specification
from bailian.sandbox.images.requests import prompt_of
from bailian.sandbox.storage.upload_store import UploadStore
from bailian.sandbox.tasks.requests import TaskRequest, parts_of, read_negative


async def read_film_request(
    name: str, model: FilmModel, path: str, body: Mapping[str, Any], fetcher_of: FetcherOf, store: UploadStore
) -> TaskRequest:
    """Check a body against the service's rules for that model, and fetch its inputs.

    Raises:
        Refusal: with the documented code and message.
    """
    if importlib.util.find_spec("av") is None:
        raise not_imitated(f'{name} without the package av (pip install ".[sandbox]")')
    inputs, parameters = parts_of(body)
    if model.fails_late and model.dialect == "fields" and inputs.get("media") == []:
        raise field_required("input.media.0")  # LIVE: text to video refuses an empty list
    prompt = prompt_of(body)
    request = TaskRequest(model=name, path=path, prompt=prompt, read_prompt=_cut(prompt, model), kind="film")
    try:
        wishes = read_wishes(model, parameters)
        _check_prompt(model, inputs, parameters, wishes)
        request = replace(request, negative_prompt=read_negative(inputs, parameters), **_of_wishes(wishes))
        films = FilmInputs(store, fetcher_of, model)
        if model.dialect == "function":
            return await _by_function(request, model, inputs, parameters, films)
        found = await films.fetch(read_inputs(model, inputs))
        if model.dialect == "reference_urls":
            check_counts(model, [one.role for one in found])
        return _with_inputs(request, model, wishes, found)
    except Failure as failure:
        if isinstance(failure, Refusal) and not model.fails_late:
            raise
        trouble = [failure.code, failure.message]
        return replace(request, details={"trouble": trouble, "fails_at_once": model.fails_late})


def _cut(prompt: str, model: FilmModel) -> str:
    """A prompt that is too long is cut without a word."""
    room = model.prompt_chars
    for place, char in enumerate(prompt):
        room -= 1 if char.isascii() else model.han_counts
        if room < 0:
            return prompt[:place]
    return prompt


def _of_wishes(wishes: Wishes) -> dict[str, Any]:
    return {"seed": wishes.seed, "prompt_extend": wishes.prompt_extend, "watermark": wishes.watermark}


async def _by_function(
    request: TaskRequest, model: FilmModel, inputs: Mapping[str, Any], parameters: Mapping[str, Any], films: FilmInputs
) -> TaskRequest:
    call = read_function(inputs, parameters)
    found = await films.fetch(call.named)
    check_together(found)
    width, height = size_of(call, found)
    film_s = length_of(call, found)
    details = {
        "inputs": [one.as_json() for one in found],
        "film_s": film_s,
        "billed": [0, film_s],
        "fps": model.fps,
        "tier": model.tier,
        "ratio": "",
        "audio": False,
        "sound": ["none", ""],
        "mark": model.mark,
        "function": call.name,
        "options": call.options,
    }
    return replace(request, width=width, height=height, details=details)


def _check_prompt(model: FilmModel, inputs: Mapping[str, Any], parameters: Mapping[str, Any], wishes: Wishes) -> None:
    prompt = inputs.get("prompt")
    if prompt is not None and not isinstance(prompt, str):
        raise off_specification("prompt must be a string")
    if not (prompt or "").strip() and (model.needs_prompt or (model.bills == "wan3" and not inputs.get("media"))):
        raise field_required("input.prompt")
    template = inputs.get("template")
    if template and not (isinstance(template, str) and template in model.templates):
        raise off_specification(f"template {template} is not supported by this model")
    if template and inputs.get("last_frame_url"):
        raise off_specification("template must be used with first_frame_url only")
    if model.bills == "wan3" and not wishes.prompt_extend:
        media = inputs.get("media")
        types = [item.get("type") for item in media if isinstance(item, dict)] if isinstance(media, list) else []
        if "file" in types or "link" in types:
            raise invalid("prompt_extend must be true when file or link is passed")


def _with_inputs(request: TaskRequest, model: FilmModel, wishes: Wishes, found: Sequence[FilmInput]) -> TaskRequest:
    """Return the request, as large and as long as its inputs make it."""
    seconds = seconds_of(model.bills, wishes.duration_s, found)
    width, height = _size(model, wishes, found)
    details: dict[str, Any] = {
        "inputs": [one.as_json() for one in found],
        "film_s": seconds.film,
        "billed": [seconds.billed_in, seconds.billed_out],
        "fps": model.fps,
        "tier": tier_of(f"{width}*{height}") if wishes.size else wishes.tier,
        "ratio": wishes.ratio,
        "audio": wishes.audio,
        "sound": _sound(wishes, found),
        "mark": model.mark,
    }
    if wishes.size and f"{width}*{height}" not in {size for tier in model.tiers for size in SIZES[tier]}:
        details["trouble"] = ["InvalidParameter", f"The size is not match {width}*{height}"]
    return replace(
        request,
        width=width,
        height=height,
        details=details,
    )


def _size(model: FilmModel, wishes: Wishes, found: Sequence[FilmInput]) -> tuple[int, int]:
    """A first frame sets the shape, whatever the ratio says; else the ratio, else the first input to be seen."""
    if wishes.size:
        return wishes.size
    seen = [one for one in found if one.width]
    first = [one for one in seen if one.role == "first_frame"]
    if first or (seen and not (model.ratios and ":" in wishes.ratio)):
        shape = (first or seen)[0]
        return size_like(wishes.tier, shape.width, shape.height)
    return size_of_ratio(wishes.tier, wishes.ratio if ":" in wishes.ratio else "16:9")


def _sound(wishes: Wishes, found: Sequence[FilmInput]) -> list[str]:
    """What is heard: "none", "tone", or "input" with the name of the file whose sound it is."""
    if not wishes.audio:
        return ["none", ""]
    given = [one.digest for one in found if one.kind == "audio"]
    voices = [one.voice for one in found if one.voice]
    kept = [one.digest for one in found if one.kind == "video" and one.sound and wishes.origin]
    heard = [*given, *voices, *kept]
    if wishes.origin and not heard:
        return ["none", ""]
    return ["input", heard[0]] if heard else ["tone", ""]
