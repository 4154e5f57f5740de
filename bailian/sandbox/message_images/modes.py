"""What the rules of a model are made of that draws and edits in one call.

A model has up to four modes; each has its own pictures, counts, sizes and parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bailian.sandbox.images.models import NO_LIMITS, AccountLimits, EditRules, ServiceModel


@dataclass(frozen=True, kw_only=True)
class Mode:
    """What a model takes for one kind of work."""

    pictures: tuple[int, int] = (0, 0)
    n_max: int = 1
    n_default: int = 1
    """What is made, and billed, when `n` is absent."""
    named_px: Mapping[str, int] = field(default_factory=dict)
    """The side of the square whose area a named size has."""
    pixels: tuple[int, int]
    aspect: tuple[float, float] | None = None
    default_px: int
    """The side of the square whose area is made when `size` is absent."""
    keeps_size: bool = True
    """False: a size is checked, but the result is as if there were none."""
    grid_px: int = 1
    """Sides that are asked for are rounded to this."""
    parameters: frozenset[str]
    scenario: str = "t2i"
    """What messages call this mode."""


_NO_INPUTS = EditRules(image_side_px=None, formats=frozenset())


@dataclass(frozen=True, kw_only=True)
class MessageModel(ServiceModel):
    """One model; `default_size`, `pixels` and `n_max` of its base are the modes' here."""

    draws: Mode | None = None
    """From a text alone."""
    edits: Mode | None = None
    """Whenever pictures come with the text."""
    sets: Mode | None = None
    """`enable_sequential`: as many pictures as the model likes, up to `n`."""
    interleaves: Mode | None = None
    """`enable_interleave`: texts and pictures in turn."""
    inputs: EditRules = _NO_INPUTS
    takes_uploads: bool = False
    """Whether an `oss://` address is taken."""
    prompt_in_tokens: bool = False
    """Whether `prompt_chars` counts tokens."""
    area_words: str
    """What is said about too many or too few pixels."""
    count_words: str
    """What is said about too many or too few pictures."""
    usage: str
    """Which keys `usage` has: "qima", "sides", "tokens" or "count"."""
    one_choice: bool = True
    """All pictures in one choice without `type` (qwen), or a choice each with it (wan)."""
    tells_rewrite: bool = False
    seed_plus_index: bool = False
    async_is_throttled: bool = False
    """Whether the async header on the blocking path is answered with 429 instead of 403."""
    url_error: str = "url error, please check url!"
    limits: AccountLimits = NO_LIMITS

    @property
    def modes(self) -> tuple[Mode, ...]:
        return tuple(filter(None, (self.draws, self.edits, self.sets, self.interleaves)))

    @property
    def parameters(self) -> frozenset[str]:
        """Everything that one of its modes takes."""
        return frozenset().union(*(mode.parameters for mode in self.modes))
