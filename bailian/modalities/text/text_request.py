"""What a user may ask of a text model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bailian.catalog import Model

# Temperature is [0, 2) and top_p (0, 1] at the service (error page, 2025-12); the seed document allows both ends.
TEMPERATURE, TOP_P = (0, 2), (0, 1)
HIGHEST_TEMPERATURE = 1.99


LOWEST_TOP_P = 0.001


ROLES = ("system", "user", "assistant")


# A chain of thought is not limited by max_tokens (Qwen API reference, 2025-12).
LONGEST_THOUGHT_TOKENS = 81_920


class TextRequest(BaseModel):
    """What a user asks for. `messages` holds the turns before `prompt`, or the whole conversation."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    prompt: str = ""
    system: str = ""
    messages: list[dict[str, Any]] = Field(default_factory=list)
    image: list[str] = Field(default_factory=list)
    video: list[str] = Field(default_factory=list)
    image_max_tokens: int | None = None
    ocr: str = ""
    ocr_schema: dict[str, Any] | None = None
    """`schema` for a user, which pydantic has taken."""
    max_tokens: int = 1500
    temperature: float = 1.0
    top_p: float = 0.8
    top_k: int | None = None
    seed: int | None = None
    stop: list[str] = Field(default_factory=list)
    repetition_penalty: float | None = None
    presence_penalty: float | None = None
    json_object: bool = False
    json_schema: dict[str, Any] | None = None
    search: bool = False
    prefix: str = ""
    thinking: bool | None = None
    """None: it does not think, where it can be told so."""
    thinking_budget: int | None = None
    stream: bool = False
    chat: str = ""

    def thinks(self, model: Model) -> bool:
        """Return whether the model will think: some always do."""
        return model.thinking_default == "always" or bool(self.thinking)

    @property
    def sees(self) -> bool:
        return bool(self.image or self.video or self.ocr)
