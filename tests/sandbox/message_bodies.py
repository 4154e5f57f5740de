"""Bodies of the models that draw and edit in one call, and pictures to send with them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import requests
from PIL import Image

from tests.support.sandbox_client import MESSAGES, SYNC, Client

IMAGE2IMAGE = "/services/aigc/image2image/image-synthesis"
FAR = "https://example.com/a.png"
"""A picture that the sandbox does not fetch: a drawn one stands in."""


def picture(size: tuple[int, int] = (600, 500), colour: str = "green", mode: str = "RGB", kind: str = "PNG") -> str:
    """Return a picture as a `data:` URL."""
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def body_of(model: str, pictures: Sequence[str] = (), text: str = "一只猫", **parameters: Any) -> dict[str, Any]:
    """Return the body that this model's dialect wants."""
    if model == "wan2.5-i2i-preview":
        return {"model": model, "input": {"prompt": text, "images": list(pictures)}, "parameters": parameters}
    content = [*({"image": url} for url in pictures), {"text": text}]
    return {"model": model, "input": {"messages": [{"role": "user", "content": content}]}, "parameters": parameters}


def blocking(
    client: Client, model: str, pictures: Sequence[str] = (), text: str = "一只猫", **parameters: Any
) -> requests.Response:
    return client.post(SYNC, body_of(model, pictures, text, **parameters), asks_async=False)


def submitted(
    client: Client, model: str, pictures: Sequence[str] = (), text: str = "一只猫", **parameters: Any
) -> requests.Response:
    path = IMAGE2IMAGE if model == "wan2.5-i2i-preview" else MESSAGES
    return client.post(path, body_of(model, pictures, text, **parameters))


def finished(client: Client, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return the last answer about a task."""
    answer = submitted(client, *args, **kwargs)
    assert answer.status_code == 200, answer.text
    return client.wait(answer.json()["output"]["task_id"])


def links_of(answer: dict[str, Any]) -> list[str]:
    """Return every picture of an answer, whether one choice has them or each its own."""
    contents = [choice["message"]["content"] for choice in answer["output"]["choices"]]
    return [part["image"] for content in contents for part in content if "image" in part]


def opened(client: Client, link: str) -> Image.Image:
    image = Image.open(io.BytesIO(client.download(link).content))
    assert image.format == "PNG"
    return image


def told(answer: requests.Response) -> tuple[int, str, str]:
    """Return status, code and message of a refusal, which has nothing else."""
    body = answer.json()
    assert set(body) == {"code", "message", "request_id"}
    return answer.status_code, body["code"], body["message"]
