"""The text models of this service, with the service's own rules (API, MODELS, DEF; TODAY for those of 2026).

Figures are the documents'; names come from the catalog, and from the tables here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bailian.sandbox.images.models import MULTIMODAL
from bailian.sandbox.model_names import SNAPSHOT, ModelName
from bailian.sandbox.vision.models import OLD, PAPER, TODAY, VL3, WIDE, Sight

TEXT_GENERATION = "/services/aigc/text-generation/generation"
NO_DOOR = ""
"""Of the models that only the compatible routes serve."""

NEVER, ASKED, UNLESS_OFF, ALWAYS = "never", "asked", "unless_off", "always"
"""When a model thinks (THINK): never, when `enable_thinking` is true, unless it is false, always."""

_EFFORTS = ("xhigh", "high", "max", "medium", "low", "minimal", "none")


@dataclass(frozen=True)
class Rate:
    """What an account may send of a model, where no catalog says so."""

    submit_per_s: float | None
    running_limit: int | None = None
    queue_limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class TextModel:
    """One text model as the service sees it."""

    max_input: int
    max_output: int
    max_thinking: int = 0
    """The longest chain of thought; 0: the model cannot think."""
    default_format: str = "message"
    """`result_format` when absent: "text" for the three old names, else "message" (API)."""
    door: str = TEXT_GENERATION
    """The only native path that serves it; the compatible route serves every one."""
    thinks: str = NEVER
    thinks_unstreamed: bool = True
    """Whether a call without a stream may think; for the older ones ERR says no."""
    json_thinks: bool = False
    """Whether `json_object` goes together with thinking (STRUCT)."""
    schemas: bool = False
    """Whether `json_schema` is known (STRUCT)."""
    searches: bool = True
    agent_search: bool = True
    completes: bool = True
    """Whether an answer may be begun by the client, `partial` (PART)."""
    tools_streamed_by_request: bool = False
    """Whether a stream has calls of tools only with `tool_stream` (FC)."""
    efforts: tuple[str, ...] = ()
    """The words of `reasoning_effort`."""
    sight: Sight | None = None
    reads: bool = False
    """Whether it has the tasks of `ocr_options`."""
    batches: bool = True
    """Whether batch files may name it (BC)."""
    limits: Rate = Rate(None)
    retired_on: str = ""


def _old(**figures: Any) -> TextModel:
    return TextModel(default_format="text", thinks_unstreamed=False, **figures)


def _seeing(sight: Sight, **facts: Any) -> TextModel:
    """A Qwen of today on the multimodal path: it thinks unless it is told not to."""
    thoughts: dict[str, Any] = {"max_thinking": 262_144, "thinks": UNLESS_OFF}
    sizes: dict[str, Any] = {"max_input": 991_808, "max_output": 131_072}
    return TextModel(door=MULTIMODAL, sight=sight, **{**sizes, **thoughts, "limits": Rate(500.0), **facts})


def _maker(**facts: Any) -> TextModel:
    """A model of another maker on the text path."""
    sizes: dict[str, Any] = {"max_input": 1_000_000, "max_output": 393_216, "max_thinking": 393_216}
    return TextModel(
        **{**sizes, "thinks": UNLESS_OFF, "completes": False, "batches": False, "limits": Rate(250.0), **facts}
    )


_STRUCTURED: dict[str, Any] = {"schemas": True, "json_thinks": True}
_MAX38: dict[str, Any] = {**_STRUCTURED, "agent_search": False, "efforts": _EFFORTS}
_GLM: dict[str, Any] = {
    "max_input": 991_808, "max_output": 131_072, "max_thinking": 131_072, "searches": False,
    "tools_streamed_by_request": True, "limits": Rate(500 / 60),
}  # fmt: skip
_KIMI: dict[str, Any] = {"batches": False,
    "max_input": 245_760, "max_output": 16_384, "max_thinking": 81_920, "searches": False, "limits": Rate(500 / 60),
}  # fmt: skip
_READING: dict[str, Any] = {
    "max_thinking": 0, "thinks": NEVER, "reads": True, "searches": False, "completes": False, "max_output": 8_192,
}  # fmt: skip
_VL: dict[str, Any] = {"max_input": 253_952, "searches": False, "batches": False}
_ENDED = "2026-10-10"

RULES: Mapping[str, TextModel] = {
    "qwen-turbo": _old(max_input=1_000_000, max_output=16_384, max_thinking=38_912, thinks=ASKED),
    "qwen-plus": _old(max_input=997_952, max_output=32_768, max_thinking=81_920, thinks=ASKED),
    "qwen-max": _old(max_input=30_720, max_output=8_192, batches=False),
    "qwen-flash": TextModel(
        max_input=997_952, max_output=32_768, max_thinking=81_920, thinks=ASKED, thinks_unstreamed=False
    ),
    "qwen-long": TextModel(max_input=10_000_000, max_output=8_192, searches=False, completes=False),
    "qwen3-max": TextModel(
        max_input=258_048, max_output=65_536, max_thinking=81_920, thinks=ASKED, thinks_unstreamed=False,
        retired_on=_ENDED,
    ),
    "qwen3.7-max": TextModel(
        max_input=991_808, max_output=131_072, max_thinking=262_144, thinks=UNLESS_OFF, limits=Rate(500.0),
        **_STRUCTURED,
    ),
    "qwen3.8-max": _seeing(WIDE, **_MAX38),
    "qwen3.8-max-0902": _seeing(WIDE, **_MAX38),
    "qwen3.8-flash": _seeing(WIDE, **_MAX38, batches=False),
    "qwen3.8-27b": _seeing(TODAY, batches=False, agent_search=False, limits=Rate(5000 / 60)),
    "qwen3.8-2.4t-a95b": _seeing(TODAY, batches=False, agent_search=False, thinks=ALWAYS),
    "qwen3.7-plus": _seeing(WIDE, **_STRUCTURED),
    "qwen3.7-flash": _seeing(TODAY, **_STRUCTURED),
    "qwen3.6-plus": _seeing(TODAY, max_output=65_536),
    "qwen3.6-flash": _seeing(TODAY, max_output=65_536),
    "qwen3.6-max-preview": TextModel(
        max_input=245_760, max_output=65_536, max_thinking=81_920, thinks=UNLESS_OFF, retired_on=_ENDED
    ),
    "qwen3.5-plus": _seeing(TODAY, max_output=65_536),
    "qwen3.5-flash": _seeing(TODAY, max_output=65_536),
    "qwen3-vl-plus": _seeing(VL3, **_VL, max_output=32_768, max_thinking=81_920, thinks=ASKED),
    "qwen3-vl-flash": _seeing(VL3, **_VL, max_output=32_768, max_thinking=81_920, thinks=ASKED, retired_on=_ENDED),
    "qwen-vl-max": _seeing(OLD, **_VL, max_output=8_192, max_thinking=0, thinks=NEVER, retired_on=_ENDED),
    "qwen-vl-plus": _seeing(OLD, **_VL, max_output=8_192, max_thinking=0, thinks=NEVER, retired_on=_ENDED),
    "qwen-vl-ocr": _seeing(PAPER, max_input=30_000, limits=Rate(10.0), **_READING),
    "qwen-vl-ocr-latest": _seeing(PAPER, max_input=30_000, limits=Rate(10.0), **_READING, retired_on=_ENDED),
    "qwen3.5-ocr": _seeing(PAPER, max_input=49_152, limits=Rate(100.0), **{**_READING, "max_output": 16_384}),
    "kimi-k2.6": _seeing(TODAY, **_KIMI, thinks=ASKED),
    "kimi-k2.5": _seeing(TODAY, **_KIMI, thinks=ASKED),
    "kimi-k2.7-code": _seeing(TODAY, **_KIMI, thinks=ALWAYS),
    "kimi/kimi-k3": TextModel(
        max_input=1_000_000, max_output=131_072, max_thinking=131_072, thinks=ALWAYS, searches=False, batches=False,
        door=NO_DOOR, sight=TODAY, limits=Rate(500 / 60),
    ),
    "deepseek-v4.1-flash": _maker(door=NO_DOOR, sight=TODAY),
    "deepseek-v4-flash": _maker(),
    "deepseek-v4-flash-0731": _maker(),
    "deepseek-v4-pro": _maker(),
    "deepseek-v4-pro-0813": _maker(),
    "glm-5": _maker(**{**_GLM, "max_input": 202_752}),
    "glm-5.1": _maker(**{**_GLM, "max_input": 202_752}),
    "glm-5.2": _maker(**_GLM),
    "glm-5.3": _maker(**{**_GLM, "tools_streamed_by_request": False, "limits": Rate(250.0)}, thinks=ALWAYS),
    "MiniMax-M2.5": _maker(
        max_input=204_800, max_output=32_768, max_thinking=32_768, searches=False, thinks=ALWAYS, limits=Rate(500 / 60)
    ),
}  # fmt: skip
"""The figures of the others are the catalog's."""

_RETIRED_TEXTS = (
    "qwq-plus", "qwen3-coder-plus", "qwen-long-latest", "deepseek-v3.2", "deepseek-r1", "glm-4.5", "glm-4.6", "glm-4.7",
    "kimi-k2-thinking",
)  # fmt: skip
_ENDED_RULES = TextModel(max_input=129_024, max_output=8_192, searches=False, completes=False, retired_on=_ENDED)

_OWN: Mapping[str, TextModel] = {**RULES, **dict.fromkeys(_RETIRED_TEXTS, _ENDED_RULES)}


def text_models(names: Iterable[ModelName]) -> dict[str, TextModel]:
    """Return the text models of these names, and those of the table that no catalog names."""
    known = {name.name: name for name in names if "text" in name.kinds}
    by_catalog = {name: _by_catalog(one) for name, one in known.items() if _is_served(one) and name not in _OWN}
    return {**by_catalog, **_OWN}


def own_ends() -> dict[str, str]:
    """Return the days on which names of the table end, for those that the catalog lacks."""
    return {name: model.retired_on for name, model in _OWN.items() if model.retired_on}


def only_compatible(name: str) -> bool:
    """Whether only the compatible route serves a name (GRP): other makers' own names, what hears and speaks."""
    return "/" in name or "-omni" in name or name == "kimi-k3"


def _is_served(known: ModelName) -> bool:
    return known.path in (TEXT_GENERATION, MULTIMODAL) and not getattr(known.entry, "unavailable", "")


def _by_catalog(known: ModelName) -> TextModel:
    """Return what the catalog says of a name; a dated one has the rules of its model."""
    dated = SNAPSHOT.fullmatch(known.name)
    if dated and dated[1] in _OWN:
        return _OWN[dated[1]]
    entry = known.entry
    thinks = bool(getattr(entry, "thinking", False))
    model = TextModel(
        max_input=getattr(entry, "max_input_tokens", None) or 129_024,
        max_output=getattr(entry, "max_output_tokens", None) or 8_192,
        max_thinking=38_912 if thinks else 0,
        thinks=ASKED if thinks else NEVER,
        thinks_unstreamed=False,
    )
    return model if known.path == TEXT_GENERATION else replace(model, door=MULTIMODAL, sight=TODAY)
