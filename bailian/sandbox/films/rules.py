"""What the rules of a film model are made of: the inputs by role, and what it makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bailian.sandbox.images.models import NO_LIMITS, AccountLimits, EditRules, ServiceModel

MEGABYTE = 1024**2


@dataclass(frozen=True, kw_only=True)
class Role:
    """One place for inputs, and what an input there must be."""

    kind: str
    """"image", "video", "audio", "document" or "link"."""
    most: int = 1
    side_px: tuple[int, int] | None = None
    aspect_max: float | None = None
    """8 allows 1:8 to 8:1."""
    formats: frozenset[str] = frozenset()
    takes_alpha: bool = True
    max_mb: int = 100
    seconds: tuple[float, float] | None = None
    together_s: float | None = None
    """Of all inputs in this role."""
    fps: tuple[float, float] | None = None
    inline: bool = False
    """Whether `data:` is fetched."""
    uploads: bool = True
    """Whether `oss://` is fetched."""

    @property
    def picture(self) -> EditRules:
        """The same as rules for pictures."""
        aspect = None if self.aspect_max is None else (1 / self.aspect_max, self.aspect_max)
        return EditRules(
            image_side_px=self.side_px,
            formats=self.formats,
            aspect=aspect,
            takes_alpha=self.takes_alpha,
            max_bytes=self.max_mb * MEGABYTE,
        )


@dataclass(frozen=True, kw_only=True)
class FilmModel(ServiceModel):
    """One model; `default_size` and `n_max` of its base mean nothing here."""

    dialect: str
    """How its inputs stand in the body: "fields", "media", "reference_urls" or "function"."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """The role of each field of `input` that names an input."""
    required: frozenset[str] = frozenset()
    """The fields that must be there."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    sets: tuple[frozenset[str], ...] = ()
    """The only combinations of roles; empty: any."""
    together: tuple[frozenset[str], int, int] | None = None
    """Roles of which there must be so many inputs together."""
    tiers: tuple[int, ...]
    tier: int
    """What is made, and billed, when `resolution` is absent."""
    ratios: tuple[str, ...] = ()
    """Empty: `ratio` is no parameter, the film has its input's."""
    ratio: str = ""
    """What an absent `ratio` means; "input" and "adaptive": as the input. "size": `size` is the parameter instead."""
    size: str = "1920*1080"
    """What an absent `size` means."""
    durations_s: tuple[int, ...]
    sound: str = "none"
    """"none", "always" or "switch": whether a film has sound, and `audio` is read."""
    fps: int
    usage: str
    """Which keys `usage` has; see replies.py."""
    bills: str = "output"
    """Which seconds count; see billing.py."""
    needs_prompt: bool = False
    han_counts: int = 1
    """For how many characters of a prompt a Chinese one counts."""
    templates: frozenset[str] = frozenset()
    shots: bool = False
    audio_setting: bool = False
    marked: bool = False
    """Whether a film has its watermark unless that is switched off."""
    mark: str = "AI生成"
    tells_actual_prompt: bool = False
    fails_late: bool = False
    """Whether nearly any body is accepted, and a wrong one fails as a task."""
    region: str = ""
    """The only region that knows this name; empty: all."""
    url_error: str = "url error, please check url!"
    limits: AccountLimits = NO_LIMITS
