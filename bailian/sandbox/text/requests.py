"""From a request body to a text request, or the documented refusal (API, ERR; CAP parameter-error-nosse)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.http.refusals import Refusal, invalid, not_imitated, off_specification
from bailian.sandbox.tasks.requests import is_integer, read_parameters, read_switch
from bailian.sandbox.text.models import TextModel
from bailian.sandbox.text.tokens import count_tokens

SEED_MAX = 9223372036854775807
"""The native validator's figure (ERR); the API page says 2147483647."""

TOKENS_A_MESSAGE = 3
"""What each message costs besides its words (a guess)."""

ROLES = ("system", "user", "assistant", "tool")
_ROLE_MESSAGE = "Role must be user or assistant and Content length must be greater than 0"
_NEITHER = 'Either "prompt" or "messages" must exist and cannot both be none'
_STOP = (
    'The "stop" parameter must be of type "str", "list[str]", "list[int]", or "list[list[int]]", '
    "and all elements within the list must be of the same type."
)
_JSON_WORD = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
_NUMBERS: tuple[tuple[str, str, Callable[[float], bool], str], ...] = (
    ("temperature", "Float", lambda value: 0 <= value < 2, "Temperature should be in [0.0, 2.0)"),
    ("top_p", "Float", lambda value: 0 < value <= 1, "Range of top_p should be (0.0, 1.0]"),
    ("top_k", "Integer", lambda value: value >= 0, "Parameter top_k be greater than or equal to 0"),
    ("repetition_penalty", "Float", lambda value: value > 0, "Repetition_penalty should be greater than 0.0"),
    ("presence_penalty", "Float", lambda value: -2 <= value <= 2, "Presence_penalty should be in [-2.0, 2.0]"),
    ("n", "Integer", lambda value: 1 <= value <= 4, "Range of n should be [1, 4]"),
    ("seed", "Integer", lambda value: 0 <= value <= SEED_MAX, f"Range of seed should be [0, {SEED_MAX}]"),
)
"""Name, type, range, and the validator's own sentence (ERR), in the order they are looked at."""

_NOT_IMITATED = ("tools", "logprobs", "enable_search", "enable_code_interpreter")


@dataclass(frozen=True)
class TextRequest:
    """What one accepted request asks for."""

    question: str
    """The last user message, or the prompt."""
    input_tokens: int
    result_format: str
    incremental: bool
    max_tokens: int
    thinking: bool
    thinking_budget: int
    as_json: bool
    stops: tuple[str, ...]


def question_of(body: Mapping[str, Any]) -> str:
    """Return what is asked, without judging the body (for faults and logs)."""
    inputs = body.get("input")
    inputs = inputs if isinstance(inputs, dict) else {}
    question = last_question(inputs)
    return str(inputs.get("prompt") or "") if question is None else question


def last_question(inputs: Mapping[str, Any]) -> str | None:
    """Return the last user message, without judging the others."""
    messages = inputs.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            return str(message.get("content"))
    return None


def read_text_request(name: str, model: TextModel, body: Mapping[str, Any], *, streams: bool) -> TextRequest:
    """Check a body against the service's rules for that model.

    Raises:
        Refusal: with the documented code and message.
    """
    inputs = body.get("input")
    inputs = inputs if isinstance(inputs, dict) else {}
    if inputs.get("messages") is None and inputs.get("prompt") is None:
        raise invalid(_NEITHER)  # also when the messages stand beside `input` (ERR)
    parameters = read_parameters(body)
    texts = _texts(inputs)
    input_tokens = sum(count_tokens(text) + TOKENS_A_MESSAGE for text in texts)
    if input_tokens > model.max_input:
        raise invalid(f"Range of input length should be [1, {model.max_input}]")
    _check_numbers(parameters)
    _check_stop(parameters.get("stop"))
    _check_not_imitated(parameters)
    result_format = parameters.get("result_format", model.default_format)
    if result_format not in ("text", "message"):
        raise off_specification("result_format must be text or message")
    as_json = _wants_json(parameters.get("response_format"), texts)
    incremental = read_switch(parameters, "incremental_output", default=False)
    thinking = read_switch(parameters, "enable_thinking", default=False)
    if thinking:
        _check_thinking(name, model, result_format, streams=streams, incremental=incremental, as_json=as_json)
    return TextRequest(
        question=question_of(body),
        input_tokens=input_tokens,
        result_format=result_format,
        incremental=incremental,
        max_tokens=_max_tokens(parameters.get("max_tokens"), model.max_output),
        thinking=thinking,
        thinking_budget=_thinking_budget(parameters.get("thinking_budget"), model.max_thinking),
        as_json=as_json,
        stops=_stop_words(parameters.get("stop")),
    )


def _texts(inputs: Mapping[str, Any]) -> list[str]:
    """An empty `messages` wins over a prompt (CAP parameter-error-nosse)."""
    messages = inputs.get("messages")
    if messages is None:
        prompt = inputs["prompt"]
        if not isinstance(prompt, str):
            raise off_specification("prompt must be a string")
        if not prompt:
            raise invalid(_NEITHER)
        return [prompt]
    if not isinstance(messages, list):
        raise invalid("Input should be a valid list: input.messages")
    if not messages:
        raise invalid(_ROLE_MESSAGE)
    for index, message in enumerate(messages):
        _check_message(index, message)
    last = messages[-1]
    if last["role"] == "system" or (last["role"] == "assistant" and last.get("partial") is not True):
        raise Refusal(500, "InternalError.Algo", "list index out of range")  # ERR: the last one must be the user's
    return [message["content"] for message in messages]


def _check_message(index: int, message: Any) -> None:
    if not isinstance(message, dict):
        raise invalid("Input should be a valid dictionary or instance of GPT3Message")  # ERR
    role = message.get("role")
    if role not in ROLES or (role == "system" and index > 0):
        raise invalid(_ROLE_MESSAGE)
    if "content" not in message:
        raise invalid("The content field is a required field.")  # ERR
    if not isinstance(message["content"], str):
        raise invalid("input content must be a string.")  # ERR
    if not message["content"] and role != "assistant":
        raise invalid(_ROLE_MESSAGE)


def _check_numbers(parameters: Mapping[str, Any]) -> None:
    for name, kind, fits, sentence in _NUMBERS:
        value = parameters.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int if kind == "Integer" else int | float):
            raise invalid(f"'{name}' must be {kind}")  # ERR, for temperature and top_p; the others follow
        if not fits(value):
            raise invalid(sentence)
        if name == "n" and value > 1:
            raise not_imitated("n greater than 1 for text")


def _max_tokens(value: Any, most: int) -> int:
    if value is None:
        return most  # API: the model's maximum
    if not is_integer(value, 1, most):
        raise invalid(f"Range of max_tokens should be [1, {most}]")
    return int(value)


def _thinking_budget(value: Any, most: int) -> int:
    if value is None:
        return most
    if not is_integer(value, 1, most):
        raise invalid(f"The thinking_budget parameter must be a positive integer and not greater than {most}")
    return int(value)


def _check_stop(stop: Any) -> None:
    if stop is None or isinstance(stop, str):
        return
    if not isinstance(stop, list) or len({type(item) for item in stop}) > 1:
        raise invalid(_STOP)
    if not all(isinstance(item, str | int | list) and not isinstance(item, bool) for item in stop):
        raise invalid(_STOP)


def _stop_words(stop: Any) -> tuple[str, ...]:
    """Token ids are taken and stop nothing: no token here has the service's number."""
    words = [stop] if isinstance(stop, str) else stop or []
    return tuple(word for word in words if isinstance(word, str) and word)


def _check_not_imitated(parameters: Mapping[str, Any]) -> None:
    for name in _NOT_IMITATED:
        if parameters.get(name):
            raise not_imitated(f"the parameter {name}")


def _wants_json(response_format: Any, texts: list[str]) -> bool:
    if response_format is None:
        return False
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if kind == "json_schema":
        raise not_imitated("response_format json_schema")
    if kind not in ("text", "json_object"):
        raise invalid(
            "Unknown format of response_format, response_format should be a dict, includes 'type' and an optional "
            f"key 'json_schema'. The response_format type from user is {kind or type(response_format).__name__}."
        )
    if kind == "json_object" and not any("json" in text.lower() for text in texts):
        raise invalid(_JSON_WORD)
    return bool(kind == "json_object")


def _check_thinking(
    name: str, model: TextModel, result_format: str, *, streams: bool, incremental: bool, as_json: bool
) -> None:
    """ERR, in this order (a guess)."""
    if not model.max_thinking:
        message = f"The model {name} does not support enable_thinking."  # ERR has the code; the words are a guess
        raise Refusal(400, "InvalidParameter.NotSupportEnableThinking", message)
    if not streams:
        raise invalid("parameter.enable_thinking must be set to false for non-streaming calls")
    if result_format != "message":
        raise invalid('The result_format parameter must be "message" when enable_thinking is true')
    if not incremental:
        raise invalid('The incremental_output parameter must be "true" when enable_thinking is true')
    if as_json:
        raise invalid("Json mode response is not supported when enable_thinking is true")
