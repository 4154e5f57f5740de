"""One line of a batch answered: a chat completion, or vectors (CAP get-file-content-compatible; BATCH).

Importing this needs Pillow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bailian.sandbox.batches.input_file import EMBEDDINGS, TEST_MODEL
from bailian.sandbox.compatible.chat_replies import usage_of
from bailian.sandbox.compatible.chat_requests import native_body
from bailian.sandbox.embeddings.replies import compatible_answer
from bailian.sandbox.embeddings.requests import first_text, read_compatible
from bailian.sandbox.http.refusals import output_inspection
from bailian.sandbox.state import State
from bailian.sandbox.tasks.outcomes import refuse_on_demand
from bailian.sandbox.text.answering import TextAnswering, TextOrder, answers_of
from bailian.sandbox.text.models import TextModel
from bailian.sandbox.text.requests import TextRequest, read_text_request
from bailian.sandbox.text.writer import GeneratedText

_TEST_ANSWER = "This is a test result of the Bailian sandbox; no model was asked."


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
        """The rules are those of a chat, but that a line may think although nothing streams (BATCH)."""
        native = native_body(name, model, body)
        request = read_text_request(name, model, native, streams=True, compatible=True)
        _obey(request.question)
        order = TextOrder(name, model, native, "", streams=False)
        return asyncio.run(TextAnswering(self._state).looked(order, request))


def _obey(prompt: str) -> None:
    refuse_on_demand(prompt)
    if "[sandbox:fail]" in prompt:
        raise output_inspection()


def _completion(
    name: str, request: TextRequest | None, generated: GeneratedText, request_id: str, created: int
) -> dict[str, Any]:
    """CAP get-file-content-compatible, key for key."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(generated.answer)}
    message |= {"reasoning_content": "".join(generated.reasoning)} if generated.reasoning else {}
    message |= {"tool_calls": [tool.as_json() for tool in generated.tools]} if generated.tools else {}
    counted = usage_of(request, (generated,)) if request else {}
    usage: dict[str, Any] = {
        name: counted.get(name, 0) for name in ("completion_tokens", "prompt_tokens", "total_tokens")
    }
    if generated.reasoning:
        usage["completion_tokens_details"] = {"reasoning_tokens": len(generated.reasoning)}
    return {
        "created": created,
        "usage": usage,
        "model": name,
        "id": f"chatcmpl-{request_id}",
        "choices": [{"finish_reason": generated.finish_reason, "index": 0, "message": message}],
        "object": "chat.completion",
    }
