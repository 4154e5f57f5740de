"""The answers of text models: both shapes, whole or in pieces, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from bailian.counts import MOST_TOKENS, count_of
from bailian.errors import BailianError, DoesNotFit
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities.text import ocr
from bailian.modalities.text.schema_check import misfit, not_json, schema_of
from bailian.modalities.text.text_prices import cost_cny
from bailian.modalities.text.text_turns import plain, text_in
from bailian.types import Item, Notice, StoredRequest, TextContext
from bailian.types.json_values import object_of, objects_of


def charged_cny(answer: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    """Return what the tokens used cost by day, when it is dearest."""
    return charged_at(answer, prepared, None)


def charged_at(answer: Mapping[str, Any], prepared: StoredRequest, sent_at_s: float | None) -> float | None:
    """Return what the tokens used, and the searches, cost at the time when the request was sent."""
    usage = object_of(answer.get("usage"))
    input_tokens, output_tokens = (count_of(usage.get(name), MOST_TOKENS) for name in ("input_tokens", "output_tokens"))
    if input_tokens is None or output_tokens is None:
        return None
    details = object_of(usage.get("prompt_tokens_details"))
    cached_tokens = count_of(details.get("cached_tokens", usage.get("cached_tokens")), MOST_TOKENS)
    return cost_cny(
        TextContext.of(prepared.context),
        input_tokens,
        output_tokens,
        cached_tokens=cached_tokens or 0,
        searches=_searches(usage) or 0,
        sent_at_s=sent_at_s,
    )


def _searches(usage: Mapping[str, Any]) -> int | None:
    """Return how often it has searched; None where it does not say so."""
    search = object_of(object_of(usage.get("plugins")).get("search"))
    return count_of(search.get("count"), MOST_TOKENS)


def items(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    """Return the text of an answer, with the beginning that it goes on from. One that was billed and says nothing is
    empty, not lost."""
    text = text_of(answer)
    output = answer.get("output")
    if text is None and answer.get("usage") and _says_nothing(output):
        text = ""
    if text is None:
        return []
    parameters = prepared.parameters
    if task := ocr.task_of(parameters):
        text = ocr.read_text(task, _message(object_of(output)).get("content"), text)
    asked_json = "response_format" in parameters or task == ocr.TASKS["fields"]
    return [Item(0, text=opening(prepared) + text, suffix="json" if asked_json else "txt")]


def opening(prepared: StoredRequest) -> str:
    """Return the beginning that the answer goes on from; "" if it has none."""
    turns = objects_of(object_of(prepared.body.get("input")).get("messages"))
    return (text_in(turns[-1].get("content")) or "") if turns and turns[-1].get("partial") else ""


def text_of(answer: Mapping[str, Any]) -> str | None:
    """Return the text of any shape: `output.choices[0].message.content`, a string or a list, or `output.text`."""
    output = answer.get("output")
    if not isinstance(output, dict):
        return None
    return text_in(_message(output).get("content", output.get("text")))


def thoughts_of(answer: Mapping[str, Any]) -> str:
    """Return what a model has thought before it answered; "" where nothing is shown of it."""
    thought = _message(object_of(answer.get("output"))).get("reasoning_content")
    return thought if isinstance(thought, str) else ""


def _says_nothing(output: Any) -> bool:
    return isinstance(output, dict) and bool(_message(output) or "text" in output)


def _message(output: Mapping[str, Any]) -> dict[str, Any]:
    message = _choice(output).get("message")
    return message if isinstance(message, dict) else {}


def _choice(output: Mapping[str, Any]) -> dict[str, Any]:
    choices = output.get("choices")
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def answer_notices(answer: Mapping[str, Any], prepared: StoredRequest, flags: Sequence[str] = ()) -> list[Notice]:
    """Say so when the answer ended because it was long enough, not because it was over; and where it has searched."""
    told = []
    if end_reason(answer) == "length":
        told.append(_cut(prepared, answer.get("request_id"), flags))
    elif (text := text_of(answer)) is not None and not text.strip():
        told.append(Notice("empty_answer", tr("the answer is empty; it is paid", "回答为空，已计费")))
    if prepared.parameters.get("enable_search"):
        told.append(_sources(answer, _searches(object_of(answer.get("usage")))))
    return told


def _cut(prepared: StoredRequest, request_id: object, flags: Sequence[str]) -> Notice:
    """Say where it was cut, and the command that goes on from there: the journal has the beginning."""
    limit = prepared.parameters.get("max_tokens")
    english = f"the answer was cut at max_tokens ({limit}): ask for more with --max-tokens"
    chinese = f"回答在 max_tokens（{limit}）处被截断：可用 --max-tokens 增大"
    if TextContext.of(prepared.context).goes_on and request_id:
        command = how_to().go_on(flags, str(request_id))
        english, chinese = f"{english}, or go on from there: {command}", f"{chinese}，或从断处续写：{command}"
    return Notice("cut_at_max_tokens", tr(english, chinese))


def _sources(answer: Mapping[str, Any], searches: int | None) -> Notice:
    """Name what it has found; above 15 searches a second the service does not search, without a word."""
    found = web_sources(answer)
    if not found and not searches:
        text = tr(
            "the service did not search: above 15 searches a second it answers without them",
            "服务端未进行搜索：每秒超过 15 次时会直接回答",
        )
        return Notice("not_searched", text)
    lines = [
        f"[{one.get('index', number)}] {one.get('title', '')} {one.get('url', '')}"
        for number, one in enumerate(found, 1)
    ]
    return Notice("sources", "\n".join([tr(f"sources: {len(found)}", f"来源：{len(found)} 个"), *lines]))


def answer_error(answer: Mapping[str, Any], prepared: StoredRequest) -> BailianError | None:
    """Return what is wrong with an answer that has come, and is kept: it does not fit the schema, or is no JSON."""
    schema = schema_of(prepared.parameters)
    wants_fields = schema is None and ocr.task_of(prepared.parameters) == ocr.TASKS["fields"]
    if schema is None and not wants_fields:
        return None
    found = items(answer, prepared)
    says = found[0].text or "" if found else ""
    wrong = not_json(says) if schema is None else misfit(says, schema)
    advice = _advice(answer, "fields" if schema is None else "schema")
    if not wrong:
        return None
    return DoesNotFit(
        tr(f"the answer does not fit the schema: {wrong}", f"回答不符合 schema：{wrong}"),
        advice=tr("it is paid and kept as it is; ", "回答已计费并按原样保留；") + advice,
        request_id=str(answer.get("request_id") or "") or None,
    )


def _advice(answer: Mapping[str, Any], asked: str) -> str:
    """Return what helps: a cut answer is too short, whatever its schema says."""
    if end_reason(answer) == "length":
        return tr("it was cut: ask for more with --max-tokens", "回答被截断：可用 --max-tokens 增大")
    if asked == "fields":
        return tr("ask for fewer fields, or give a clearer picture", "请减少字段，或使用更清晰的图片")
    return tr("describe the fields in the schema, or let the model think", "可在 schema 中补充字段说明，或开启思考")


def end_reason(answer: Mapping[str, Any]) -> object:
    """Return why an answer has ended, in the service's word."""
    output = object_of(answer.get("output"))
    return _choice(output).get("finish_reason") or output.get("finish_reason")


def web_sources(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what it has found on the web."""
    return objects_of(object_of(object_of(answer.get("output")).get("search_info")).get("search_results"))


def with_paths(answer: Mapping[str, Any], prepared: StoredRequest, paths: Mapping[int, str]) -> dict[str, Any]:
    """Return the answer's `output` in message form, its content one text, with the file's `path` if there is one."""
    output: dict[str, Any] = deepcopy(object_of(answer.get("output")))
    if not _choice(output) and isinstance(output.get("text"), str):
        message = {"role": "assistant", "content": output.pop("text")}
        output["choices"] = [{"finish_reason": output.pop("finish_reason", None), "message": message}]
    message = _message(output)
    content = message.get("content")
    if isinstance(content, list):
        found = [part["ocr_result"] for part in objects_of(content) if "ocr_result" in part]
        message |= {"content": text_in(content), **({"ocr_result": found[0]} if found else {})}
    if opening(prepared) and isinstance(message.get("content"), str):
        message["content"] = opening(prepared) + message["content"]
    if paths:
        output["path"] = paths[0]
    return output


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the prompt as sent."""
    turns = [turn for turn in body["input"]["messages"] if not turn.get("partial")]
    return text_in(turns[-1]["content"]) or ""


def next_messages(body: Mapping[str, Any], answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the conversation with this answer, ready for the next question, on whichever route."""
    turns = body["input"]["messages"]
    begun = (text_in(turns[-1]["content"]) or "") if turns and turns[-1].get("partial") else ""
    asked = [{**turn, "content": plain(turn["content"])} for turn in turns if not turn.get("partial")]
    return [*asked, {"role": "assistant", "content": begun + (text_of(answer) or "")}]


class Assembly:
    """Puts the pieces of a stream together: texts are appended, usage is the last one (it is cumulative)."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._thought: list[str] = []
        self._reason: str | None = None
        self._usage: dict[str, Any] | None = None
        self._search_info: dict[str, Any] | None = None
        self._request_id: Any = None

    def add(self, frame: Mapping[str, Any]) -> tuple[str, str]:
        """Take one frame; return (text, thought) that it adds."""
        output = object_of(frame.get("output"))
        message = _message(output)
        text = text_in(message.get("content", output.get("text"))) or ""
        thought = message.get("reasoning_content")
        thought = thought if isinstance(thought, str) else ""
        self._text.append(text)
        self._thought.append(thought)
        reason = _choice(output).get("finish_reason", output.get("finish_reason"))
        if isinstance(reason, str) and reason != "null":  # the string "null" means: not yet
            self._reason = reason
        if isinstance(frame.get("usage"), dict):
            self._usage = frame["usage"]
        if isinstance(output.get("search_info"), dict):
            self._search_info = output["search_info"]
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
            "output": {
                "choices": [{"finish_reason": self._reason, "message": message}],
                **({"search_info": self._search_info} if self._search_info else {}),
            },
            **({"usage": self._usage} if self._usage else {}),
        }
