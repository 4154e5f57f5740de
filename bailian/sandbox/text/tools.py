"""Tools of a text call: the first one is called, with made-up arguments that fit its parameters (API, FC)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.http.refusals import invalid, off_specification
from bailian.sandbox.text.messages import Messages
from bailian.sandbox.text.models import TextModel
from bailian.sandbox.text.schemas import fitting


@dataclass(frozen=True)
class ToolCall:
    """One call that the answer asks for."""

    call_id: str
    name: str
    arguments: str

    def as_json(self, *, first: bool = True, arguments: str | None = None) -> dict[str, Any]:
        """Return the call, or a piece of it: only the first one has id and name."""
        told = self.arguments if arguments is None else arguments
        function = {"name": self.name, "arguments": told} if first else {"arguments": told}
        return {"index": 0, "id": self.call_id if first else "", "type": "function", "function": function}


def read_tool_call(
    name: str, model: TextModel, parameters: Mapping[str, Any], messages: Messages, *, streams: bool, thinking: bool
) -> ToolCall | None:
    """Return the call that the model makes: it makes one whenever the user has the last word.

    Raises:
        Refusal: tools, or a choice of them, that make no sense; the words of the first are guesses.
    """
    tools = parameters.get("tools")
    if not tools:
        return None
    given = [tool.get("function") if isinstance(tool, dict) else None for tool in tools if isinstance(tools, list)]
    functions = [one for one in given if isinstance(one, dict) and one.get("name")]
    if not functions or functions != given:
        raise off_specification('tools must be a list of {"type": "function", "function": {"name": …}}')
    choice = parameters.get("tool_choice", "auto")
    if model.reads:
        raise invalid(f"The model {name} does not support tools.")
    if thinking and choice not in ("none", "auto"):
        raise invalid('tool_choice is one of the strings that should be ["none", "auto"]')  # ERR
    if choice == "none" or messages.last_role != "user":
        return None
    if model.tools_streamed_by_request and streams and parameters.get("tool_stream") is not True:
        return None
    wanted = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    function = next((one for one in functions if one["name"] == wanted), functions[0])
    question = messages.texts[-1]
    call_id = "call_" + hashlib.sha256(f"{name}\n{question}".encode()).hexdigest()[:24]
    arguments = fitting(function.get("parameters") or {"type": "object"}, question[:40])
    return ToolCall(call_id, str(function["name"]), json.dumps(arguments, ensure_ascii=False))
