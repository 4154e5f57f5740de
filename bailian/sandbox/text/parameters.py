"""The parameters of text calls: ranges, types and the words about wrong ones (API, ERR; THINK, STRUCT, PART)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bailian.sandbox.http.refusals import Refusal, invalid, not_imitated, off_specification
from bailian.sandbox.tasks.requests import is_integer, read_switch
from bailian.sandbox.text.models import ALWAYS, NEVER, UNLESS_OFF, TextModel

SEED_MAX = 9223372036854775807
"""The native validator's figure (ERR); the API page says 2147483647."""

_STOP = (
    'The "stop" parameter must be of type "str", "list[str]", "list[int]", or "list[list[int]]", '
    "and all elements within the list must be of the same type."
)
_JSON_WORD = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
_FORMATS = "response_format should be a dict, includes 'type' and an optional key 'json_schema'."
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

_NOT_IMITATED = ("enable_code_interpreter",)
TOP_LOGPROBS_MAX = 5
_THINKING_ON = "enable_thinking is true"


def check_ranges(parameters: Mapping[str, Any], *, compatible: bool = False) -> None:
    """Refuse numbers and stop words that are out of range, and what the sandbox does not do.

    Raises:
        Refusal: in the validator's words.
    """
    for name, kind, fits, sentence in _NUMBERS:
        value = parameters.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int if kind == "Integer" else int | float):
            raise invalid(f"'{name}' must be {kind}")  # ERR, for temperature and top_p; the others follow
        if not fits(value):
            raise invalid(sentence)
        if name == "n" and value > 1 and not compatible:
            raise not_imitated("n greater than 1 for text")  # how a native answer shows them is not known
    _check_stop(parameters.get("stop"))
    for name in _NOT_IMITATED:
        if parameters.get(name):
            raise not_imitated(f"the parameter {name}")


def check_number_of_answers(parameters: Mapping[str, Any], *, thinking: bool) -> None:
    """Refuse several answers with thoughts or calls of tools (API, DEF: not together; the words are guesses).

    Raises:
        Refusal: with what stands in the way.
    """
    if (parameters.get("n") or 1) == 1:
        return
    if parameters.get("tools"):
        raise invalid("The parameter n must be 1 when tools are used.")
    if thinking:
        raise invalid(f"The parameter n must be 1 when {_THINKING_ON}")


def read_logprobs(parameters: Mapping[str, Any]) -> int | None:
    """Return how many other words each word of the answer is told with (API: 0 to 5); None: no probabilities.

    Raises:
        Refusal: a number out of range; the words are a guess.
    """
    most = parameters.get("top_logprobs")
    if most is not None and not is_integer(most, 0, TOP_LOGPROBS_MAX):
        raise off_specification(f"top_logprobs must be an integer between 0 and {TOP_LOGPROBS_MAX}")
    return (most or 0) if read_switch(parameters, "logprobs", default=False) else None


def read_max_tokens(value: Any, most: int) -> int:
    if value is None:
        return most  # API: the model's maximum
    if not is_integer(value, 1, most):
        raise invalid(f"Range of max_tokens should be [1, {most}]")
    return int(value)


def read_thinking_budget(value: Any, most: int) -> int:
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


def stop_words(stop: Any) -> tuple[str, ...]:
    """Token ids are taken and stop nothing: no token here has the service's number."""
    words = [stop] if isinstance(stop, str) else stop or []
    return tuple(word for word in words if isinstance(word, str) and word)


def read_format(name: str, model: TextModel, wanted: Any, texts: Sequence[str]) -> tuple[bool, dict[str, Any] | None]:
    """Return whether the answer is JSON, and the schema it has to fit.

    Raises:
        Refusal: a format that is unknown, or unknown to this model.
    """
    if wanted is None:
        return False, None
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_schema":
        if not model.schemas:  # a guess: STRUCT only says which models have it
            raise invalid(f"The model {name} does not support response_format of type json_schema.")
        return True, _schema(wanted.get("json_schema"))
    if kind not in ("text", "json_object"):
        got = kind or type(wanted).__name__
        raise invalid(f"Unknown format of response_format, {_FORMATS} The response_format type from user is {got}.")
    if kind == "json_object" and not any("json" in text.lower() for text in texts):
        raise invalid(_JSON_WORD)
    return kind == "json_object", None


def _schema(given: Any) -> dict[str, Any]:
    """STRUCT: `name` and `schema`; the words about a wrong one are a guess."""
    wrapped = given if isinstance(given, dict) else {}
    name, schema = wrapped.get("name"), wrapped.get("schema")
    if not isinstance(name, str) or not name:
        raise invalid(f"{_FORMATS} json_schema.name is required.")
    if not isinstance(schema, dict):
        raise invalid(f"{_FORMATS} json_schema.schema must be a JSON schema object.")
    return schema


def read_thinking(name: str, model: TextModel, parameters: Mapping[str, Any]) -> bool:
    """Return whether the model thinks about this request.

    Raises:
        Refusal: it cannot, or cannot be kept from it; the words of NotSupportEnableThinking are a guess.
    """
    said = parameters.get("enable_thinking")
    wanted = read_switch(parameters, "enable_thinking", default=model.thinks in (UNLESS_OFF, ALWAYS))
    effort = parameters.get("reasoning_effort")
    if effort is not None and model.efforts:
        if effort not in model.efforts:
            raise invalid(f"reasoning_effort must be one of {', '.join(model.efforts)}")
        if parameters.get("thinking_budget") is not None:
            raise invalid("reasoning_effort and thinking_budget cannot be used together")
        wanted = wanted and effort != "none"
    if model.thinks == ALWAYS and said is False:
        raise invalid("The value of the enable_thinking parameter is restricted to True.")
    if model.thinks == NEVER and said is True:
        message = f"The model {name} does not support enable_thinking."
        raise Refusal(400, "InvalidParameter.NotSupportEnableThinking", message)
    return wanted and model.thinks != NEVER


def check_thinking(
    model: TextModel, result_format: str, *, streams: bool, incremental: bool, as_json: bool, begun: bool
) -> None:
    """Refuse what does not go together with thinking (ERR, in this order, a guess; PART).

    The older models think only in a stream of increments; of the newer ones nothing says so.
    """
    if not model.thinks_unstreamed:
        if not streams:
            raise invalid("parameter.enable_thinking must be set to false for non-streaming calls")
        if result_format != "message":
            raise invalid(f'The result_format parameter must be "message" when {_THINKING_ON}')
        if not incremental:
            raise invalid(f'The incremental_output parameter must be "true" when {_THINKING_ON}')
    if as_json and not model.json_thinks:
        raise invalid(f"Json mode response is not supported when {_THINKING_ON}")
    if begun:
        raise invalid(f"Partial mode is not supported when {_THINKING_ON}")
