"""Web search in a text call: what was asked for, and the made-up pages that were found (SEARCH; CAP …-search-nosse)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.http.refusals import invalid, off_specification
from bailian.sandbox.images.models import MULTIMODAL
from bailian.sandbox.tasks.requests import read_switch
from bailian.sandbox.text.models import TextModel

FOUND_TOKENS = 400
"""What the found pages add to the input (a guess)."""

STRATEGIES = ("turbo", "max", "agent", "standard", "pro")
"""The last two are the older names of the first two."""

_FORMATS = ("[<number>]", "[ref_<number>]")
_NO_SEARCH = "[sandbox:no-search]"
_PAGES = (
    ("沙箱百科", "sandbox-encyclopedia.example.com", "关于“{}”的条目"),
    ("沙箱新闻", "sandbox-news.example.com", "“{}”的最新消息"),
    ("沙箱论坛", "sandbox-forum.example.com", "大家在谈：{}"),
)


@dataclass(frozen=True)
class SearchWish:
    """One search that takes place."""

    strategy: str
    shows_sources: bool
    citation: str
    """The mark with `<number>` in it; empty: none."""
    forced: bool


def read_search(name: str, model: TextModel, parameters: Mapping[str, Any], *, streams: bool) -> SearchWish | None:
    """Return the search that is asked for.

    Raises:
        Refusal: the model does not search, or not so.
    """
    options = parameters.get("search_options") or {}
    if not isinstance(options, dict):
        raise off_specification("search_options must be an object")
    if not read_switch(parameters, "enable_search", default=False):
        return None
    if not model.searches:
        raise invalid("This model does not support enable_search.")  # ERR
    if model.door == MULTIMODAL and not streams:
        raise invalid("Non-streaming mode does not support Web Search")  # SEARCH, ERR
    strategy = options.get("search_strategy", "turbo")
    if strategy not in STRATEGIES or (strategy == "agent" and not model.agent_search):
        raise invalid(f"search_strategy {strategy} is not supported by {name}")  # a guess
    sources = read_switch(options, "enable_source", default=False)
    cites = sources and read_switch(options, "enable_citation", default=False)  # API: only with sources
    mark = options.get("citation_format", _FORMATS[0])
    if mark not in _FORMATS:
        raise off_specification(f"citation_format must be one of {', '.join(_FORMATS)}")
    forced = read_switch(options, "forced_search", default=False)
    return SearchWish(strategy, sources, mark if cites else "", forced)


def is_needed(wish: SearchWish | None, question: str) -> SearchWish | None:
    """The model itself decides; here it always finds a search useful, unless the question says no."""
    return wish if wish is not None and (wish.forced or _NO_SEARCH not in question) else None


def results_of(question: str) -> list[dict[str, Any]]:
    """Return the found pages, the same for the same question."""
    words = " ".join(question.split())[:24]
    path = hashlib.sha256(question.encode()).hexdigest()[:12]
    return [
        {
            "site_name": site,
            "icon": f"https://{host}/icon.svg",
            "index": number,
            "title": title.format(words),
            "url": f"https://{host}/{path}",
        }
        for number, (site, host, title) in enumerate(_PAGES, 1)
    ]


def cited(text: str, wish: SearchWish) -> str:
    """Put the marks behind the first sentences."""
    if not wish.citation:
        return text
    begin, stop, rest = text.partition("。") if "。" in text else text.partition(". ")
    return f"{begin}{wish.citation.replace('<number>', '1')}{stop}{rest}{wish.citation.replace('<number>', '2')}"
