"""From the body of an editing request to a task request, or the documented refusal (D-QIE, D-IE, D-ERR).

Importing this needs Pillow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.sandbox.edits.by_function import read_function
from bailian.sandbox.edits.by_instruction import read_instruction
from bailian.sandbox.edits.input_images import InputImages
from bailian.sandbox.images.models import MULTIMODAL, ServiceModel
from bailian.sandbox.storage.input_fetcher import InputFetcher
from bailian.sandbox.storage.upload_store import UploadStore
from bailian.sandbox.tasks.requests import TaskRequest


async def read_edit_request(
    name: str, model: ServiceModel, path: str, body: Mapping[str, Any], fetcher: InputFetcher, store: UploadStore
) -> TaskRequest:
    """Check a body against the service's rules for that model, and fetch its pictures.

    Raises:
        Refusal: with the documented code and message.
    """
    rules = model.edit
    assert rules is not None  # noqa: S101  # the caller chose by it
    images = InputImages(store, fetcher, rules, blocking=path == MULTIMODAL)
    if path == MULTIMODAL:
        return await read_instruction(name, model, rules, body, images)
    return await read_function(name, model, body, images)
