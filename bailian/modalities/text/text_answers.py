"""The answers of text models: both shapes, whole or in pieces, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from bailian.counts import MOST_TOKENS, count_of
from bailian.i18n import tr
from bailian.modalities.text.text_prices import cost_cny
from bailian.types import Item, Notice, StoredRequest, TextContext


def charged_cny(answer: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    """Return what the tokens used cost; discounts for cached input are not counted."""
    usage = answer.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    input_tokens, output_tokens = (count_of(usage.get(name), MOST_TOKENS) for name in ("input_tokens", "output_tokens"))
    if input_tokens is None or output_tokens is None:
        return None
    return cost_cny(TextContext.of(prepared.context), input_tokens, output_tokens)


def items(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    """Return the text of an answer. One that was billed and says nothing is empty, not lost."""
    text = text_of(answer)
    if text is None and answer.get("usage") and _says_nothing(answer.get("output")):
        text = ""
    return [] if text is None else [Item(0, text=text, suffix="json" if _asked_json(prepared) else "txt")]


def _asked_json(prepared: StoredRequest) -> bool:
    return "response_format" in prepared.parameters


def text_of(answer: Mapping[str, Any]) -> str | None:
    """Return the text of either shape: `output.choices[0].message.content`, or `output.text`."""
    output = answer.get("output")
    if not isinstance(output, dict):
        return None
    content = _message(output).get("content", output.get("text"))
    return content if isinstance(content, str) else None


def _says_nothing(output: Any) -> bool:
    return isinstance(output, dict) and bool(_message(output) or "text" in output)


def _message(output: Mapping[str, Any]) -> dict[str, Any]:
    message = _choice(output).get("message")
    return message if isinstance(message, dict) else {}


def _choice(output: Mapping[str, Any]) -> dict[str, Any]:
    choices = output.get("choices")
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def answer_notices(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Notice]:
    """Say so when the answer ended because it was long enough, not because it was over."""
    output = answer.get("output")
    output = output if isinstance(output, dict) else {}
    if (_choice(output).get("finish_reason") or output.get("finish_reason")) != "length":
        return []
    limit = prepared.parameters.get("max_tokens")
    return [
        Notice(
            "cut_at_max_tokens",
            tr(
                f"the answer was cut at max_tokens ({limit}): ask for more with --max-tokens",
                f"回答在 max_tokens（{limit}）处被截断：可用 --max-tokens 增大",
            ),
        )
    ]


def with_paths(answer: Mapping[str, Any], prepared: StoredRequest, paths: Mapping[int, str]) -> dict[str, Any]:
    """Return the answer's `output` in message form, with the file's `path` if there is one."""
    given = answer.get("output")
    output: dict[str, Any] = deepcopy(given) if isinstance(given, dict) else {}
    if not _choice(output) and isinstance(output.get("text"), str):
        message = {"role": "assistant", "content": output.pop("text")}
        output["choices"] = [{"finish_reason": output.pop("finish_reason", None), "message": message}]
    if paths:
        output["path"] = paths[0]
    return output


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the prompt as sent."""
    return str(body["input"]["messages"][-1]["content"])


def next_messages(body: Mapping[str, Any], answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the conversation with this answer, ready for the next question."""
    return [*body["input"]["messages"], {"role": "assistant", "content": text_of(answer) or ""}]


class Assembly:
    """Puts the pieces of a stream together: texts are appended, usage is the last one (it is cumulative)."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._thought: list[str] = []
        self._reason: str | None = None
        self._usage: dict[str, Any] | None = None
        self._request_id: Any = None

    def add(self, frame: Mapping[str, Any]) -> tuple[str, str]:
        """Take one frame; return (text, thought) that it adds."""
        output = frame.get("output")
        output = output if isinstance(output, dict) else {}
        message = _message(output)
        text = message.get("content", output.get("text"))
        text = text if isinstance(text, str) else ""
        thought = message.get("reasoning_content")
        thought = thought if isinstance(thought, str) else ""
        self._text.append(text)
        self._thought.append(thought)
        reason = _choice(output).get("finish_reason", output.get("finish_reason"))
        if isinstance(reason, str) and reason != "null":  # the string "null" means: not yet
            self._reason = reason
        if isinstance(frame.get("usage"), dict):
            self._usage = frame["usage"]
        self._request_id = frame.get("request_id") or self._request_id
        return text, thought

    @property
    def began(self) -> bool:
        return any(self._text) or any(self._thought)

    @property
    def finished(self) -> bool:
        return self._reason is not None

    def answer(self) -> dict[str, Any]:
        """Return what has come so far, in the shape of an answer that came whole."""
        message = {"role": "assistant", "content": "".join(self._text)}
        if any(self._thought):
            message["reasoning_content"] = "".join(self._thought)
        return {
            "request_id": self._request_id,
            "output": {"choices": [{"finish_reason": self._reason, "message": message}]},
            **({"usage": self._usage} if self._usage else {}),
        }
