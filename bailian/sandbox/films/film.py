"""What a film is drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bailian.sandbox.images.drawing import Picture

Load = Callable[[str], bytes]
"""Returns an input by the name that it is kept by."""


@dataclass(frozen=True)
class ShownInput:
    """One input as it is seen."""

    role: str
    kind: str
    digest: str
    width: int = 0
    height: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True)
class Film:
    """Everything a film depends on."""

    picture: Picture
    """Prompt, seed, size, model, watermark."""
    film_s: float
    fps: int
    inputs: tuple[ShownInput, ...] = ()
    sound: tuple[str, str] = ("none", "")
    function: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def of_role(self, *roles: str) -> list[ShownInput]:
        """Return the inputs in these roles, in their order."""
        return [one for one in self.inputs if one.role in roles]
