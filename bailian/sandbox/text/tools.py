"""Tools of a text call: one is called, or two at once, with made-up arguments that fit its parameters (API, FC)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.http.refusals import Refusal, invalid, off_specification
from bailian.sandbox.text.messages import Messages
from bailian.sandbox.text.models import TextModel
from bailian.sandbox.text.schemas import fitting

PARALLEL_CALLS = 2
"""How many tools are called at once where `parallel_tool_calls` allows it: the model's own choice, so this is one."""


@dataclass(frozen=True)
class ToolCall:
    """One call that the answer asks for."""

    call_id: str
    name: str
    arguments: str
    index: int = 0
    """Among the calls of one answer."""

    def as_json(self, *, first: bool = True, arguments: str | None = None) -> dict[str, Any]:
        """Return the call, or a piece of it: only the first one has id and name."""
        told = self.arguments if arguments is None else arguments
        function = {"name": self.name, "arguments": told} if first else {"arguments": told}
        return {"index": self.index, "id": self.call_id if first else "", "type": "function", "function": function}


def read_tool_calls(
    name: str,
    model: TextModel,
    parameters: Mapping[str, Any],
    messages: Messages,
    *,
    streams: bool,
    thinking: bool,
    compatible: bool = False,
) -> tuple[ToolCall, ...]:
    """Return the calls that the model makes: it makes some whenever the user has the last word, or when it must.

    Raises:
        Refusal: tools, or a choice of them, that make no sense; the words of the first are guesses.
    """
    tools = parameters.get("tools")
    if not tools:
        return ()
    given = [tool.get("function") if isinstance(tool, dict) else None for tool in tools if isinstance(tools, list)]
    functions = [one for one in given if isinstance(one, dict) and one.get("name")]
    if not functions or functions != given:
        raise off_specification('tools must be a list of {"type": "function", "function": {"name": …}}')
    choice = "auto" if parameters.get("tool_choice") is None else parameters["tool_choice"]
    if model.reads:
        raise invalid(f"The model {name} does not support tools.")
    _check_choice(choice, thinking=thinking, compatible=compatible)
    must = choice not in ("none", "auto")
    if choice == "none" or (messages.last_role != "user" and not must):
        return ()
    if model.tools_streamed_by_request and streams and parameters.get("tool_stream") is not True:
        return ()
    question = messages.texts[-1]
    if messages.last_role != "user":  # what was called before has been answered
        functions = [one for one in functions if one["name"] not in messages.called] or functions[-1:]
    chosen = _chosen(functions, choice, question, parallel=parameters.get("parallel_tool_calls") is True)
    seed = f"{name}\n{len(messages.texts)}\n{question}"
    return tuple(_call(seed, function, question, index) for index, function in enumerate(chosen))


def _check_choice(choice: Any, *, thinking: bool, compatible: bool) -> None:
    named = isinstance(choice, dict) and isinstance(choice.get("function"), dict)
    if compatible:
        # FC, 2026: `required` is taken without thinking, and never promised; a report of 2025 has it refused.
        if choice not in ("none", "auto", "required") and not named:
            raise _wrong_choice()
        if thinking and choice not in ("none", "auto"):
            words = "The tool_choice parameter does not support being set to required or object in thinking mode"
            raise invalid(f"<400> InternalError.Algo.InvalidParameter: {words}")  # FC, 2026
    elif thinking and choice not in ("none", "auto"):
        raise _wrong_choice()


def _wrong_choice() -> Refusal:
    return invalid('tool_choice is one of the strings that should be ["none", "auto"]')  # ERR


def _chosen(functions: list[dict[str, Any]], choice: Any, question: str, *, parallel: bool) -> list[dict[str, Any]]:
    """Return the named one, else those whose names the question has, else the first ones."""
    if isinstance(choice, dict):
        wanted = choice["function"].get("name") if isinstance(choice.get("function"), dict) else None
        return [next((one for one in functions if one["name"] == wanted), functions[0])]
    told = [one for one in functions if str(one["name"]) in question]
    return (told or functions)[: PARALLEL_CALLS if parallel else 1]


def _call(seed: str, function: Mapping[str, Any], question: str, index: int) -> ToolCall:
    call_id = "call_" + hashlib.sha256(f"{seed}\n{index}".encode()).hexdigest()[:24]
    arguments = fitting(function.get("parameters") or {"type": "object"}, question[:40])
    return ToolCall(call_id, str(function["name"]), json.dumps(arguments, ensure_ascii=False), index)
