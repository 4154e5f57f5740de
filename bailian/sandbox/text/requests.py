"""From a request body to a text request, or the documented refusal (API, ERR; CAP parameter-error-nosse)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bailian.sandbox.http.refusals import invalid, off_specification
from bailian.sandbox.tasks.requests import read_parameters, read_switch
from bailian.sandbox.text.documents import Document, file_ids_of
from bailian.sandbox.text.messages import Messages, question_of, read_listed, read_plain
from bailian.sandbox.text.models import TEXT_GENERATION, TextModel
from bailian.sandbox.text.parameters import (
    check_number_of_answers,
    check_ranges,
    check_thinking,
    read_format,
    read_logprobs,
    read_max_tokens,
    read_thinking,
    read_thinking_budget,
    stop_words,
)
from bailian.sandbox.text.reading import Reading, read_reading
from bailian.sandbox.text.search import FOUND_TOKENS, SearchWish, read_search
from bailian.sandbox.text.tokens import count_tokens
from bailian.sandbox.text.tools import ToolCall, read_tool_calls
from bailian.sandbox.vision.parts import MediaPart, check_counts
from bailian.sandbox.vision.sightings import Sighting

TOKENS_A_MESSAGE = 3
"""What each message costs besides its words (a guess)."""


@dataclass(frozen=True)
class TextRequest:
    """What one accepted request asks for."""

    question: str
    """The last user message, or the prompt."""
    text_tokens: int
    """Of the messages."""
    result_format: str
    incremental: bool
    max_tokens: int
    thinking: bool
    thinking_budget: int
    as_json: bool
    stops: tuple[str, ...]
    listed: bool = False
    """Whether contents are lists, in and out: the multimodal path."""
    schema: Mapping[str, Any] | None = None
    begun: str = ""
    """The answer's beginning, which the client has written."""
    search: SearchWish | None = None
    tools: tuple[ToolCall, ...] = ()
    results: tuple[str, ...] = ()
    """What the tools have answered."""
    file_ids: tuple[str, ...] = ()
    """Of files that shall be read."""
    documents: tuple[Document, ...] = ()
    """Those files, once they have been opened."""
    logprobs: int | None = None
    """How many other words each word is told with; None: no probabilities."""
    n: int = 1
    """How many answers."""
    reading: Reading | None = None
    media: tuple[MediaPart, ...] = ()
    shown: tuple[MediaPart, ...] = ()
    high_resolution: bool = False
    sightings: tuple[Sighting, ...] = ()
    """What was seen of `shown`, once it has been looked at."""
    image_tokens: int = 0
    video_tokens: int = 0

    @property
    def input_tokens(self) -> int:
        found = FOUND_TOKENS if self.search is not None else 0
        read = sum(document.tokens for document in self.documents)
        return self.text_tokens + self.image_tokens + self.video_tokens + found + read


def read_text_request(
    name: str, model: TextModel, body: Mapping[str, Any], *, streams: bool, compatible: bool = False
) -> TextRequest:
    """Check a body against the service's rules for that model; its pictures are not fetched yet.

    Args:
        compatible: whether the body came by a route of another maker's shape.

    Raises:
        Refusal: with the documented code and message.
    """
    inputs = body.get("input")
    inputs = inputs if isinstance(inputs, dict) else {}
    listed = model.door != TEXT_GENERATION
    messages = read_listed(inputs) if listed else read_plain(inputs)
    parameters = read_parameters(body)
    text_tokens = _text_tokens(model, messages, parameters)
    check_ranges(parameters, compatible=compatible)
    result_format = "message" if listed else parameters.get("result_format", model.default_format)
    if result_format not in ("text", "message"):
        raise off_specification("result_format must be text or message")
    _check_media(name, model, messages)
    as_json, schema = read_format(name, model, parameters.get("response_format"), messages.texts)
    incremental = read_switch(parameters, "incremental_output", default=False)
    thinking = read_thinking(name, model, parameters)
    begun = messages.begun is not None
    if begun and not model.completes:
        raise invalid(f"The model {name} does not support partial mode.")  # a guess: PART only lists the others
    check_number_of_answers(parameters, thinking=thinking)
    if thinking:
        check_thinking(model, result_format, streams=streams, incremental=incremental, as_json=as_json, begun=begun)
    return TextRequest(
        question=question_of(body),
        text_tokens=text_tokens,
        result_format=result_format,
        incremental=incremental,
        max_tokens=read_max_tokens(parameters.get("max_tokens"), model.max_output),
        thinking=thinking,
        thinking_budget=read_thinking_budget(parameters.get("thinking_budget"), model.max_thinking),
        as_json=as_json,
        stops=stop_words(parameters.get("stop")),
        listed=listed,
        schema=schema,
        begun=messages.begun or "",
        search=read_search(name, model, parameters, streams=streams or compatible),
        tools=read_tool_calls(
            name, model, parameters, messages, streams=streams, thinking=thinking, compatible=compatible
        ),
        results=messages.results,
        file_ids=file_ids_of(name, messages.texts),
        logprobs=read_logprobs(parameters),
        n=parameters.get("n") or 1,
        reading=read_reading(name, model, parameters, messages),
        media=messages.media,
        shown=messages.shown,
        high_resolution=read_switch(parameters, "vl_high_resolution_images", default=False),
    )


def _text_tokens(model: TextModel, messages: Messages, parameters: Mapping[str, Any]) -> int:
    """Return what the words count; thoughts of earlier answers only when they are handed on (THINK)."""
    kept = messages.thoughts if read_switch(parameters, "preserve_thinking", default=False) else ()
    tools = parameters.get("tools")
    told = [*messages.texts, *kept, *([str(tools)] if tools else [])]  # FC: descriptions of tools are billed
    tokens = sum(count_tokens(text) for text in told) + TOKENS_A_MESSAGE * len(messages.texts)
    if tokens > model.max_input:
        raise invalid(f"Range of input length should be [1, {model.max_input}]")
    return tokens


def _check_media(name: str, model: TextModel, messages: Messages) -> None:
    if not messages.media:
        if model.reads:
            raise invalid(f"The model {name} needs an image.")  # a guess
        return
    if model.sight is None:
        raise invalid(f"The model {name} does not support image or video input.")
    check_counts(model.sight, messages.media)


def with_sightings(request: TextRequest, seen: Sequence[Sighting]) -> TextRequest:
    """Return the request with what was seen of its media, one sighting each; the answer is about the last ones."""
    return replace(
        request,
        sightings=tuple(seen[len(seen) - len(request.shown) :]) if request.shown else (),
        image_tokens=sum(one.tokens for one in seen if one.kind == "image"),
        video_tokens=sum(one.tokens for one in seen if one.kind == "video"),
    )
