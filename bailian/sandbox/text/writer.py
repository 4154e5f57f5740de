"""What the sandbox writes: made up, the same for the same request, and it says so; or what a test has scripted."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.scripted.answers import ScriptedAnswer
from bailian.sandbox.scripted.patterns import Conversation
from bailian.sandbox.scripted.script import Script, is_request, scripted
from bailian.sandbox.text.documents import in_words
from bailian.sandbox.text.reading import answer_of
from bailian.sandbox.text.requests import TextRequest
from bailian.sandbox.text.schemas import fitting
from bailian.sandbox.text.search import cited
from bailian.sandbox.text.tokens import tokens_of
from bailian.sandbox.text.tools import ToolCall
from bailian.sandbox.vision.sightings import describe

QUOTED_CHARS = 60
_SAY = "[sandbox:say "
COUNT_MAX = 100_000
"""The highest number it counts to."""
LONG_MAX = 50_000
"""The longest text, in characters, that a wish such as "800字" or "500 words" brings."""

_HAN = re.compile(r"[\u3400-\u9fff]")
_COUNT = re.compile(
    r"从\s*(?P<from_zh>\d{1,6})\s*数到\s*(?P<to_zh>\d{1,6})|数到\s*(?P<zh>\d{1,6})"
    r"|count\s+from\s+(?P<from_en>\d{1,6})\s+to\s+(?P<to_en>\d{1,6})|count(?:\s+up)?\s+to\s+(?P<en>\d{1,6})",
    re.IGNORECASE,
)
_LENGTH = re.compile(r"(\d{2,5})\s*(?:个?字|words?\b)", re.IGNORECASE)

_MORE_ZH = (
    "沙箱没有语言模型，它只会换一种说法重复您的问题。",
    "这段文字不包含任何真实的知识，请不要当作事实引用。",
    "换成真实的服务以后，同样的请求会得到真正的回答。",
    "回答的长短由 max_tokens 和问题中的字数要求决定。",
)
_MORE_EN = (
    "There is no language model here; the sandbox only says your question again in other words.",
    "Nothing in this text is knowledge, so please do not quote it as fact.",
    "Sent to the real service, the same request would get a real answer.",
    "How long this gets is decided by max_tokens and by a number of words in the question.",
)


@dataclass(frozen=True)
class GeneratedText:
    """The tokens of an answer; joined they are its text."""

    reasoning: tuple[str, ...]
    answer: tuple[str, ...]
    finish_reason: str
    """"stop", "length" or "tool_calls"."""
    tools: tuple[ToolCall, ...] = ()
    ocr_result: Mapping[str, Any] | None = None
    """What a task of a model that reads has beside its text."""


def generate(model: str, request: TextRequest, number: int = 0) -> GeneratedText:
    """Answer a request; each further `number` gives another text for the same question."""
    ocr_result = None
    if request.tools:
        text = ""
    elif request.reading is not None:
        text, ocr_result = answer_of(request.reading, request.sightings)
    else:
        text = _written(model, request) + (f" ({number + 1})" if number and not request.as_json else "")
    if request.begun and text.startswith(request.begun):
        text = text[len(request.begun) :]  # PART: only what comes after the beginning
    ends = [position for position in (text.find(word) for word in request.stops) if position >= 0]
    answer = tokens_of(text[: min(ends)] if ends else text)
    reasoning = tokens_of(_reasoning(request.question))[: request.thinking_budget] if request.thinking else []
    cut = len(answer) > request.max_tokens  # API: max_tokens does not limit the chain of thought
    reason = "length" if cut else "tool_calls" if request.tools else "stop"
    return GeneratedText(tuple(reasoning), tuple(answer[: request.max_tokens]), reason, request.tools, ocr_result)


def _written(model: str, request: TextRequest) -> str:
    question = request.question
    if request.schema is not None:
        return json.dumps(fitting(request.schema, " ".join(question.split())[:QUOTED_CHARS]), ensure_ascii=False)
    seen = describe(request.sightings, chinese=_HAN.search(question) is not None) if request.sightings else ""
    if request.as_json:
        return _as_json(model, question, seen)
    text = _answer(model, question, seen, _told(request))
    return text if request.search is None else cited(text, request.search)


def _told(request: TextRequest) -> list[str]:
    """What the tools and the files say, each in a sentence."""
    chinese = _HAN.search(request.question) is not None
    files = [in_words(document, chinese=chinese) for document in request.documents]
    said = "工具的回答是：“{}”。" if chinese else 'The tool said: "{}".'
    return [*files, *(said.format(result) for result in request.results)]


def _answer(model: str, question: str, seen: str = "", told: Sequence[str] = ()) -> str:
    count = _COUNT.search(question)
    if count is not None and not seen and not told:
        return _counting(count)
    chinese = _HAN.search(question) is not None
    quoted = " ".join(question.split())
    quoted = quoted if len(quoted) <= QUOTED_CHARS else quoted[:QUOTED_CHARS] + "…"
    if chinese:
        text = f"这里是百炼沙箱，以 {model} 的名义作答，内容是编造的。您说的是：“{quoted}”。"
    else:
        text = f'This is the Bailian sandbox answering in the name of {model}; the content is made up. You said: "{quoted}".'
    more, gap = (_MORE_ZH, "") if chinese else (_MORE_EN, " ")
    if seen:
        text = seen + gap + text
    for sentence in told:
        text += gap + sentence
    wish = _LENGTH.search(question)
    if wish is None:
        return text + gap + gap.join(more[:2])
    number = 0
    # A word is taken for six characters.
    while len(text) < min(int(wish[1]) * (1 if chinese else 6), LONG_MAX):
        text += gap + more[number % len(more)]
        number += 1
    return text


def _counting(match: re.Match[str]) -> str:
    groups = match.groupdict()
    first = int(groups["from_zh"] or groups["from_en"] or 1)
    last = int(groups["to_zh"] or groups["zh"] or groups["to_en"] or groups["en"])
    last = min(last, first + COUNT_MAX)
    gap = "，" if groups["to_zh"] or groups["zh"] else ", "
    return gap.join(str(number) for number in range(first, last + 1)) or str(first)


def _as_json(model: str, question: str, seen: str) -> str:
    content = {"sandbox": True, "model": model, "question": question, "answer": _answer(model, question, seen)}
    return json.dumps(content, ensure_ascii=False)


def _reasoning(question: str) -> str:
    if _HAN.search(question):
        return "先看用户问了什么。沙箱没有模型，不能真的思考，所以把问题原样说一遍，并说明这是编造的。"
    return (
        "First see what the user asks. The sandbox has no model and cannot really think, "
        "so it repeats the question and says that the answer is made up."
    )


def scripted_text(script: Script, model: str, request: TextRequest) -> GeneratedText | None:
    """Return what the script says to a request, word for word: neither length nor stop words cut it."""
    answer = scripted("text")
    if answer is None and not is_request():  # a line of a batch
        answer = script.take(Conversation(model, request.question), "text")
    if answer is None:
        said = said_in(request.question)
        answer = None if said is None else ScriptedAnswer(text=said)
    return None if answer is None else _as_scripted(answer, model, request)


def _as_scripted(answer: ScriptedAnswer, model: str, request: TextRequest) -> GeneratedText:
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
