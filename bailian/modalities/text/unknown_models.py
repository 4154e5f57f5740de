"""A text model that the catalog does not know: which route it is likely on. Newer models than this version exist.

Facts: docs/wire.md "Texts of today": all of Qwen's lines from 3.5 up, and what sees, are on the multimodal route; the
older lines, and those of other makers that only read, on the text route; omni models, kimi-k3 and names with a maker
before them on neither.
"""

from __future__ import annotations

from difflib import SequenceMatcher

from bailian.catalog import Catalog, Mode, Model, did_you_mean
from bailian.i18n import tr
from bailian.types import Notice

MULTIMODAL_ROUTE = "/services/aigc/multimodal-generation/generation"
TEXT_ROUTE = "/services/aigc/text-generation/generation"
ON_TEXT_ROUTE = ("qwen-plus", "qwen-max", "qwen-flash", "qwen-turbo", "qwen-long", "deepseek-", "glm-", "MiniMax-")
THINKING = (
    ("glm-", "on"),
    ("deepseek-v4", "on"),
    ("MiniMax-", "always"),
    ("deepseek-v3", "off"),
    ("qwen-plus", "off"),
    ("qwen-flash", "off"),
    ("qwen-turbo", "off"),
    ("qwen3.8-2.4t-a95b", "always"),
)
"""How a name begins, and whether it thinks unless it is told (thinking page, October 2026)."""
NO_BUDGET = ("deepseek-", "MiniMax-")
TYPO_RATIO = 0.85


def is_unknown(name: str, catalog: Catalog) -> bool:
    """Return whether a name is nobody's of the catalog and no slip of the pen either.

    A slip has the digits of the name that is meant: another number is another version.
    """
    if name in catalog or not name.strip():  # asked of every row of a batch
        return False
    known = [*catalog, *(alias for model in catalog.values() for alias in model.aliases.values())]
    if name in known:
        return False
    return not any(_digits(name) == _digits(one) and _alike(name, one) for one in known)


def _digits(name: str) -> str:
    return "".join(char for char in name if char.isdigit())


def _alike(name: str, other: str) -> bool:
    matcher = SequenceMatcher(None, name.lower(), other.lower())
    return matcher.quick_ratio() >= TYPO_RATIO and matcher.ratio() >= TYPO_RATIO


def guessed(name: str) -> Model:
    """Return a model of that name with the route it is likely on, and no price."""
    on_text = name.startswith(ON_TEXT_ROUTE)
    usually = "" if on_text else "on"
    thinks = next((default for start, default in THINKING if name.startswith(start)), usually)
    return Model(
        name=name,
        kind="text",
        mode=Mode.SYNC,
        route=TEXT_ROUTE if on_text else MULTIMODAL_ROUTE,
        style="messages" if on_text else "parts",
        thinking=bool(thinks),
        thinking_default=thinks,
        thinking_budget=not name.startswith(NO_BUDGET),
        abilities=("search", "prefix", "json_schema", "json_thinking", *(() if on_text else ("sees",))),
        images_min=0,
        images_max=0 if on_text else 2048,
        sight_max_px=None if on_text else 2_621_440,
        films_max=0 if on_text else 64,
        negative_prompt_chars=0,
        prompt_extend=False,
        unavailable="compatible" if _only_compatible(name) else "",
        price_unit="1k_tokens",
        source="not in the catalog",
    )


def _only_compatible(name: str) -> bool:
    """Return whether the service has a name on its OpenAI-compatible route only: makers' own, what hears and speaks."""
    return "/" in name or "-omni" in name or name == "kimi-k3"


def notice(model: Model, catalog: Catalog) -> Notice:
    route = tr("text", "文本") if model.style == "messages" else tr("multimodal", "多模态")
    near = did_you_mean(model.name, (one.name for one in catalog.of_kind("text")))
    return Notice(
        "unknown_model",
        tr(
            f"the catalog does not know {model.name}{near}; it is sent on the {route} route, with no price and no limits",
            f"本地目录中没有 {model.name}{near}；按{route}接口发送，无价格和限制信息",
        ),
    )
