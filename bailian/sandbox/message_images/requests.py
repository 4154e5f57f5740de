"""From a body to a task request, or the documented refusal. Importing this needs Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bailian.sandbox.edits.input_images import InputImage, InputImageError, InputImages
from bailian.sandbox.http.refusals import Refusal, field_required, invalid, invalid_url, off_specification
from bailian.sandbox.images.models import IMAGE2IMAGE, MULTIMODAL
from bailian.sandbox.images.requests import message_content, read_count
from bailian.sandbox.message_images.modes import MessageModel, Mode
from bailian.sandbox.message_images.parameters import (
    Box,
    check_boxes,
    check_names,
    check_thinking,
    length_of_set,
    mode_of,
    read_boxes,
    read_images_max,
    read_palette,
)
from bailian.sandbox.message_images.sizes import SizeWish, output_size, read_size
from bailian.sandbox.storage.input_fetcher import InputFetcher
from bailian.sandbox.storage.upload_store import UploadStore
from bailian.sandbox.tasks.requests import (
    NEGATIVE_PROMPT_CHARS,
    TaskRequest,
    parts_of,
    read_prompt,
    read_seed,
    read_switch,
)
from bailian.sandbox.text.tokens import tokens_of


@dataclass(frozen=True)
class Draft:
    """What a body says, before its pictures are looked at."""

    request: TaskRequest
    mode: Mode
    urls: tuple[str, ...]
    size: SizeWish
    boxes: tuple[tuple[Box, ...], ...] = ()


async def read_message_request(
    name: str, model: MessageModel, path: str, body: Mapping[str, Any], fetcher: InputFetcher, store: UploadStore
) -> TaskRequest:
    """Check a body against the service's rules for that model, and fetch its pictures.

    Raises:
        Refusal: with the documented code and message.
    """
    draft = read_draft(name, model, path, body)
    blocking = path == MULTIMODAL
    images = InputImages(store, fetcher, model.inputs, blocking=blocking)
    try:
        pictures = [await images.picture(url) for url in draft.urls]
    except InputImageError as error:
        if blocking:
            raise Refusal(400, error.code, error.message) from None
        details = {**draft.request.details, "trouble": [error.code, error.message]}
        return replace(draft.request, details=details)
    return with_pictures(draft, pictures)


def with_pictures(draft: Draft, pictures: Sequence[InputImage]) -> TaskRequest:
    """Return the request, as large as its pictures make it.

    Raises:
        Refusal: a box outside of its picture.
    """
    sizes = [(picture.width, picture.height) for picture in pictures]
    check_boxes(draft.boxes, sizes)
    width, height = output_size(draft.size, draft.mode, sizes[-1] if sizes else None)
    details = {
        **draft.request.details,
        "pictures": [picture.digest for picture in pictures],
        "picture_sizes": sizes,
        "boxes": draft.boxes,
    }
    return replace(draft.request, width=width, height=height, details=details)


def read_draft(name: str, model: MessageModel, path: str, body: Mapping[str, Any]) -> Draft:
    """Check everything but the pictures themselves.

    Raises:
        Refusal: with the documented code and message.
    """
    if "input" not in body and "messages" in body:
        raise field_required("input.messages")
    inputs, parameters = parts_of(body)
    listed = path == IMAGE2IMAGE
    urls, prompt = _listed(inputs) if listed else _message(inputs, text_last=model.family == "qwen")
    try:
        mode = mode_of(model, parameters, len(urls))
    except Refusal as refusal:
        raise invalid(refusal.message.replace("{name}", name)) from None
    if not listed and not prompt.strip():
        raise invalid("lack of image or text")
    if not model.takes_uploads and any(url.startswith("oss://") for url in urls):
        raise invalid_url()
    check_names(name, model, mode, parameters)
    check_thinking(mode, parameters, len(urls))
    request = _request(name, model, mode, path, prompt, parameters)
    negative = _negative(inputs if listed else parameters)
    size = read_size(model, mode, parameters.get("size"))
    boxes = tuple(tuple(of_one) for of_one in read_boxes(parameters.get("bbox_list"), len(urls)))
    return Draft(replace(request, negative_prompt=negative), mode, tuple(urls), size, boxes)


def _request(
    name: str, model: MessageModel, mode: Mode, path: str, prompt: str, parameters: Mapping[str, Any]
) -> TaskRequest:
    n = read_count(mode, parameters.get("n"))
    made = n
    if mode is model.interleaves:
        made = read_images_max(parameters.get("max_images"))
    elif mode is model.sets:
        made = length_of_set(n)
    extends = "prompt_extend" in mode.parameters and read_switch(parameters, "prompt_extend", default=True)
    details = {
        "asked_n": n,
        "scenario": mode.scenario,
        "palette": read_palette(parameters.get("color_palette")),
        "seed_plus_index": model.seed_plus_index,
    }
    return TaskRequest(
        model=name,
        path=path,
        prompt=prompt,
        read_prompt=_cut(model, prompt),
        negative_prompt="",
        n=made,
        width=0,
        height=0,
        seed=read_seed(parameters.get("seed")),
        prompt_extend=extends,
        watermark=read_switch(parameters, "watermark", default=False),
        kind="message",
        details=details,
    )


def _cut(model: MessageModel, prompt: str) -> str:
    """What the model reads of a prompt: the rest is dropped without a word."""
    if model.prompt_in_tokens:
        return "".join(tokens_of(prompt)[: model.prompt_chars])
    return prompt[: model.prompt_chars]


def _negative(where: Mapping[str, Any]) -> str:
    negative = where.get("negative_prompt") or ""
    if not isinstance(negative, str):
        raise off_specification("negative_prompt must be a string")
    return negative[:NEGATIVE_PROMPT_CHARS]


def _listed(inputs: Mapping[str, Any]) -> tuple[list[str], str]:
    """A prompt, and a list of pictures beside it."""
    prompt = read_prompt(inputs)
    if "images" not in inputs:
        raise field_required("input.images")
    images = inputs["images"]
    if not isinstance(images, list) or not all(isinstance(url, str) and url for url in images):
        raise off_specification("images must be a list of strings")
    return images, prompt


def _message(inputs: Mapping[str, Any], *, text_last: bool) -> tuple[list[str], str]:
    """One message of role user with exactly one text; the pictures' order is their numbering."""
    if "messages" not in inputs:
        raise field_required("input.messages")
    content = message_content(inputs)
    items = content if isinstance(content, list) else []
    urls = [item["image"] for item in items if isinstance(item, dict) and isinstance(item.get("image"), str)]
    texts = [item["text"] for item in items if isinstance(item, dict) and isinstance(item.get("text"), str)]
    if not texts or len(urls) + len(texts) != len(items):
        raise invalid("lack of image or text")
    if len(texts) != 1:
        raise off_specification("messages[0].content must have exactly one text")
    if text_last and "text" not in items[-1]:
        raise off_specification("messages[0].content: the text must come after the images")
    return urls, texts[0]
