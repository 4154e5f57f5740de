"""One line of a batch answered: a chat completion, or vectors (CAP get-file-content-compatible; BATCH).

Importing this needs Pillow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bailian.sandbox.batches.input_file import EMBEDDINGS, TEST_MODEL
from bailian.sandbox.embeddings.replies import compatible_answer
from bailian.sandbox.embeddings.requests import first_text, read_compatible
from bailian.sandbox.http.refusals import invalid, output_inspection
from bailian.sandbox.images.models import MULTIMODAL
from bailian.sandbox.state import State
from bailian.sandbox.tasks.outcomes import refuse_on_demand
from bailian.sandbox.text.desk import TextDesk, TextOrder, answers_of
from bailian.sandbox.text.models import TextModel
from bailian.sandbox.text.requests import TextRequest, read_text_request
from bailian.sandbox.text.writer import GeneratedText

_TEST_ANSWER = "This is a test result of the Bailian sandbox; no model was asked."
_NOT_PARAMETERS = ("model", "messages", "stream")
_ADDRESSES = {"image_url": "image", "video_url": "video"}
"""A part of a compatible message, and what it is called on the multimodal path."""


class LineAnswers:
    """Answers lines with the models of a sandbox."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __call__(self, line: Mapping[str, Any], request_id: str, created: int) -> dict[str, Any]:
        """Return the body of a line's answer.

        Raises:
            Refusal: there is none.
        """
        body = line["body"]
        name = str(body["model"])
        if name == TEST_MODEL:
            return _completion(name, None, GeneratedText((), (_TEST_ANSWER,), "stop"), request_id, created)
        if line["url"] == EMBEDDINGS:
            _obey(first_text(body))
            return compatible_answer(name, read_compatible(self._state.models.embeddings[name], body), request_id)
        request = self._read(name, body, self._state.models.texts[name])
        return _completion(name, request, answers_of(self._state, name, request)[0], request_id, created)

    def _read(self, name: str, body: Mapping[str, Any], model: TextModel) -> TextRequest:
        """The rules are those of the native call; only the envelope differs."""
        parameters = {key: value for key, value in body.items() if key not in _NOT_PARAMETERS}
        parameters["result_format"] = "message"
        # BATCH: thinking is allowed, although nothing streams.
        parameters["incremental_output"] = bool(body.get("enable_thinking"))
        messages = body.get("messages")
        if model.door == MULTIMODAL and isinstance(messages, list):
            messages = [_native(message) for message in messages]
        native = {"model": name, "input": {"messages": messages}, "parameters": parameters}
        request = read_text_request(name, model, native, streams=True)
        _obey(request.question)
        order = TextOrder(name, model, native, "", streams=False)
        return asyncio.run(TextDesk(self._state).looked(order, request))


def _obey(prompt: str) -> None:
    refuse_on_demand(prompt)
    if "[sandbox:fail]" in prompt:
        raise output_inspection()


def _native(message: Any) -> Any:
    """Return a compatible message as the multimodal path has it."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    return {**message, "content": [_part(part) for part in content]}


def _part(part: Any) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return {"text": part.get("text")}
    if kind == "video":
        return {"video": part.get("video")}
    address = part.get(str(kind)) if kind in _ADDRESSES else None
    if not isinstance(address, dict):
        raise invalid("Input should be a valid dictionary: messages.content")
    return {_ADDRESSES[str(kind)]: address.get("url")}


def _completion(
    name: str, request: TextRequest | None, generated: GeneratedText, request_id: str, created: int
) -> dict[str, Any]:
    """CAP get-file-content-compatible, key for key."""
    message = {"role": "assistant", "content": "".join(generated.answer)}
    spent = len(generated.reasoning) + len(generated.answer)
    asked = request.input_tokens if request else 0
    usage: dict[str, Any] = {"completion_tokens": spent, "prompt_tokens": asked, "total_tokens": asked + spent}
    if generated.reasoning:
        message["reasoning_content"] = "".join(generated.reasoning)
        usage["completion_tokens_details"] = {"reasoning_tokens": len(generated.reasoning)}
    return {
        "created": created,
        "usage": usage,
        "model": name,
        "id": f"chatcmpl-{request_id}",
        "choices": [{"finish_reason": generated.finish_reason, "index": 0, "message": message}],
        "object": "chat.completion",
    }
