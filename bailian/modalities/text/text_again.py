"""A checked text request with another prompt: what the check would make of it, without checking all else again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from bailian.files import tokens
from bailian.modalities.text.text_prices import ceiling_cny, longest_answer
from bailian.modalities.text.text_turns import text_in
from bailian.types import Prepared, TextContext

# With one of these other rules look at the prompt, or the prompt is not all that is said.
_CAREFUL = (
    *("messages", "image", "video", "image_max_tokens", "ocr", "ocr_schema", "json_object", "json_schema"),
    *("prefix", "chat"),
)


def other_texts(prepared: Prepared) -> Callable[[str], Prepared | None] | None:
    """Return what makes the same request with another plain prompt; see `bailian.modalities.other_texts`."""
    asked, body = prepared.request, prepared.body
    turns: list[Mapping[str, Any]] = body["input"]["messages"]
    *before, last = turns
    if any(name in asked for name in _CAREFUL) or text_in(last["content"]) != asked.get("prompt"):
        return None
    in_parts = isinstance(last["content"], list)
    other_tokens = sum(tokens.ceiling(text_in(turn["content"]) or "") for turn in before)
    other_tokens += tokens.TOKENS_A_MESSAGE * len(turns)
    context = TextContext.of(prepared.context)
    longest = longest_answer(body["parameters"], thinks=context.thinking)
    most_tokens = prepared.model.max_input_tokens

    @lru_cache(maxsize=1024)
    def cost_cny(length: int) -> float | None:
        return ceiling_cny(context, length, longest)

    def made(text: str) -> Prepared | None:
        length = other_tokens + tokens.ceiling(text)
        if most_tokens and length > most_tokens:
            return None
        content = [{"text": text}] if in_parts else text
        said = {**body["input"], "messages": [*before, {**last, "content": content}]}
        return prepared.changed(
            request={**asked, "prompt": text}, body={**body, "input": said}, ceiling_cny=cost_cny(length)
        )

    return made
