"""A scripted answer as the text models give it; `[sandbox:say …]` in a prompt is the shortest script."""

from __future__ import annotations

import hashlib

from bailian.sandbox.scripted.answers import ScriptedAnswer
from bailian.sandbox.scripted.patterns import Conversation
from bailian.sandbox.scripted.script import Script, is_request, scripted
from bailian.sandbox.text.requests import TextRequest
from bailian.sandbox.text.tokens import tokens_of
from bailian.sandbox.text.tools import ToolCall
from bailian.sandbox.text.writer import GeneratedText

_SAY = "[sandbox:say "


def scripted_text(script: Script, model: str, request: TextRequest) -> GeneratedText | None:
    """Return what the script says to a request, word for word: neither length nor stop words cut it."""
    answer = scripted("text")
    if answer is None and not is_request():  # a line of a batch
        answer = script.take(Conversation(model, request.question), "text")
    if answer is None:
        said = said_in(request.question)
        answer = None if said is None else ScriptedAnswer(text=said)
    return None if answer is None else _written(answer, model, request)


def _written(answer: ScriptedAnswer, model: str, request: TextRequest) -> GeneratedText:
    thoughts = tokens_of(answer.thought or "") if request.thinking else []
    calls = tuple(
        ToolCall(_call_id(model, request.question, index), one.name, one.arguments, index)
        for index, one in enumerate(answer.tool_calls)
    )
    reason = "tool_calls" if calls else "stop"
    return GeneratedText(tuple(thoughts), tuple(tokens_of(answer.text or "")), reason, calls)


def _call_id(model: str, question: str, index: int) -> str:
    return "call_" + hashlib.sha256(f"{model}\n{question}\nscripted {index}".encode()).hexdigest()[:24]


def said_in(prompt: str) -> str | None:
    """Return the text of `[sandbox:say TEXT]`; brackets inside it come in pairs."""
    begin = prompt.find(_SAY)
    if begin < 0:
        return None
    depth = 0
    for at in range(begin, len(prompt)):
        depth += {"[": 1, "]": -1}.get(prompt[at], 0)
        if depth == 0:
            return prompt[begin + len(_SAY) : at]
    return None
