"""The pictures of an answer, whichever way it holds them, and what they cost; a text with pictures in it is one, too."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from bailian.counts import MOST_PICTURES, count_of
from bailian.modalities.rules import picture_prices
from bailian.types import Item, PictureContext, StoredRequest

COUNTS = ("image_count", "output_image_count")
"""How `usage` counts the pictures that were made."""


def items(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    """Return the pictures of an answer: `output.results[]` of a task, `output.choices[]` in message style.

    A result may be {"code","message"} instead of a link: one good picture makes the whole task SUCCEEDED.
    """
    entries = _entries(answer)
    found = [_item(index, entry, prepared.seed) for index, entry in enumerate(entries) if isinstance(entry, dict)]
    if prepared.parameters.get("enable_interleave") and _parts(answer):
        found.append(Item(len(entries), links=True, suffix="md"))
    return found


def _parts(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the texts and pictures of a message in their order."""
    output = answer.get("output")
    contents = _contents(output) if isinstance(output, dict) else []
    return [
        part
        for content in contents
        for part in content
        if isinstance(part, dict) and ("image" in part or isinstance(part.get("text"), str))
    ]


def linked_text(answer: Mapping[str, Any], paths: Mapping[int, str]) -> str:
    """Return a text with pictures in it as Markdown; `paths` are the pictures' own, seen from its folder."""
    pieces: list[str] = []
    index = sum(1 for entry in _entries(answer) if not _is_image(entry))
    for part in _parts(answer):
        if "image" in part:
            pieces.append(f"\n\n![]({_target(paths[index])})\n\n" if index in paths else "")
            index += 1
        else:
            pieces.append(part["text"])
    lines = "".join(pieces).strip().split("\n")
    kept = [line for number, line in enumerate(lines) if line.strip() or number == 0 or lines[number - 1].strip()]
    return "\n".join(kept) + "\n"


def _target(path: str) -> str:
    """Return a path as Markdown links it: in brackets it may hold spaces, but no bracket, percent sign or backslash."""
    for sign, code in (("%", "%25"), ("<", "%3C"), (">", "%3E"), ("\\", "%5C"), ("\n", "%0A"), ("\r", "%0D")):
        path = path.replace(sign, code)
    return f"<{path}>"


def _entries(answer: Mapping[str, Any]) -> list[Any]:
    """Return what stands where results do, readable or not."""
    output = answer.get("output")
    output = output if isinstance(output, dict) else {}
    return [
        *_list(output.get("results")),
        *(part for content in _contents(output) for part in content if _is_image(part)),
    ]


def _contents(output: Mapping[str, Any]) -> list[list[Any]]:
    """Return the content list of each choice, whatever else stands there."""
    messages = [choice.get("message") for choice in _list(output.get("choices")) if isinstance(choice, dict)]
    return [_list(message.get("content")) for message in messages if isinstance(message, dict)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_image(part: object) -> bool:
    return isinstance(part, dict) and "image" in part


def _item(index: int, entry: dict[str, Any], seed: int | None) -> Item:
    url = entry.get("url") or entry.get("image")
    wire = dict(entry) if seed is None else {**entry, "seed": seed + index}
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        return Item(index, url=url, wire=wire)
    return Item(index, code=str(entry.get("code") or "unknown"), message=str(entry.get("message") or ""), wire=wire)


def charged_cny(answer: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    """Return what is billed. Failed pictures are not; `usage.image_count` counts the good ones."""
    unit_cny = prepared.unit_cny
    count = _pictures_billed(answer, prepared)
    prices = PictureContext.of(prepared.context).prices
    if prices and count is not None:
        usage = answer.get("usage")
        return picture_prices.settled_cny(prices, usage if isinstance(usage, dict) else {}, count, prepared)
    return None if unit_cny is None or count is None else round(unit_cny * count, 6)


def _pictures_billed(answer: Mapping[str, Any], prepared: StoredRequest) -> int | None:
    """Return the count told, else the good links; None where neither is readable, or more came than was counted."""
    found = [item for item in items(answer, prepared) if not item.links]
    good = sum(1 for item in found if item.url)
    usage = answer.get("usage")
    name = next((name for name in COUNTS if isinstance(usage, dict) and name in usage), None)
    if isinstance(usage, dict) and name is not None:
        count = count_of(usage[name], MOST_PICTURES)
        return count if count is not None and count >= good else None
    return good if found and len(found) == len(_entries(answer)) else None


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the prompt as sent."""
    wire_input = body["input"]
    if "messages" in wire_input:
        return next(str(part["text"]) for part in wire_input["messages"][0]["content"] if "text" in part)
    return str(wire_input["prompt"])


def with_paths(answer: Mapping[str, Any], prepared: StoredRequest, paths: Mapping[int, str]) -> dict[str, Any]:
    """Return the answer's `output` with each good picture's `path` (and seed) beside its link."""
    given = answer.get("output")
    output: dict[str, Any] = deepcopy(given) if isinstance(given, dict) else {}
    entries = [
        {**item.wire, **({"path": paths[item.index]} if item.index in paths else {})}
        for item in items(answer, prepared)
        if not item.links
    ]
    for item in items(answer, prepared):
        if item.links and item.index in paths:
            output["path"] = paths[item.index]
    if "results" in output:
        output["results"] = entries
        return output
    shown = iter(entries)
    for content in _contents(output):
        content[:] = [next(shown, part) if _is_image(part) else part for part in content]
    return output
