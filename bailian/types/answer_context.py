"""What a modality wants back when it reads an answer, in this process or another: one class a kind.

The journal keeps it as JSON in the field `facts` of a request. What cannot be read in it is as if it were not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bailian.types.json_values import number_of, object_of, objects_of, text_of, texts_of

if TYPE_CHECKING:
    from typing_extensions import Self  # in `typing` from Python 3.11


@dataclass(frozen=True)
class Retirement:
    """The end of a model, as a refusal of its name is answered with it."""

    on: str
    """The day, as YYYY-MM-DD."""
    message: str
    advice: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Retirement | None:
        on = text_of(data.get("on"))
        return cls(on, text_of(data.get("message")), text_of(data.get("advice"))) if on else None


@dataclass(frozen=True)
class PriceTier:
    """CNY per 1,000 tokens, for inputs up to a length."""

    input: float
    output: float
    thinking_output: float | None = None
    """Of a model that thinks, where that has another price."""
    up_to_input_tokens: float | None = None
    """None: of any length."""

    def times(self, factor: float) -> PriceTier:
        thinking_output = None if self.thinking_output is None else self.thinking_output * factor
        return PriceTier(self.input * factor, self.output * factor, thinking_output, self.up_to_input_tokens)

    def to_json(self) -> dict[str, float]:
        own = {
            "up_to_input_tokens": self.up_to_input_tokens,
            "input": self.input,
            "output": self.output,
            "thinking_output": self.thinking_output,
        }
        return {name: value for name, value in own.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PriceTier | None:
        """Return a tier; None where one of its two prices cannot be read."""
        tokens_in, tokens_out = number_of(data.get("input")), number_of(data.get("output"))
        if tokens_in is None or tokens_out is None:
            return None
        thinking, up_to = number_of(data.get("thinking_output")), number_of(data.get("up_to_input_tokens"))
        return cls(tokens_in, tokens_out, thinking, up_to)


@dataclass(frozen=True)
class AnswerContext:
    """Of every kind; films need no more."""

    retired: Retirement | None = None
    alternatives: str = ""
    """Advice for a name that the service does not know: which names exist."""
    single_attempt: bool = False
    """`--max-cost` has room for one: a lost answer is not asked for again."""

    @classmethod
    def of(cls, context: AnswerContext) -> Self:
        """Return the context of this kind; one of nothing known where it is of another."""
        return context if isinstance(context, cls) else cls()

    def to_json(self) -> dict[str, Any]:
        """Return what the journal keeps; empty where there is nothing to keep."""
        return {
            **({"retired": dict(vars(self.retired))} if self.retired else {}),
            **({"instead": self.alternatives} if self.alternatives else {}),
            **({"once": True} if self.single_attempt else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            retired=Retirement.from_json(object_of(data.get("retired"))),
            alternatives=text_of(data.get("instead")),
            single_attempt=bool(data.get("once")),
            **cls._own(data),
        )

    @classmethod
    def _own(cls, _data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that only this kind has."""
        return {}


@dataclass(frozen=True)
class PicturePrices:
    """CNY of pictures whose price goes by area, or where those that go in are paid, too."""

    output: Mapping[str, float]
    """By the area's name ("1K"); "": of any area."""
    max_px: Mapping[str, float] = field(default_factory=dict)
    """The most pixels of an area; one without has no bound."""
    input: float = 0.0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PicturePrices | None:
        """Return prices; None where none of a picture can be read."""
        output, max_px = (
            {
                name: number
                for name, value in object_of(data.get(key)).items()
                if (number := number_of(value)) is not None
            }
            for key in ("output", "max_px")
        )
        return cls(output, max_px, number_of(data.get("input")) or 0.0) if output else None


@dataclass(frozen=True)
class PictureContext(AnswerContext):
    prices: PicturePrices | None = None
    """None: pictures times one price."""

    def to_json(self) -> dict[str, Any]:
        prices = {"picture_prices": dict(vars(self.prices))} if self.prices else {}
        return {**prices, **super().to_json()}

    @classmethod
    def _own(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"prices": PicturePrices.from_json(object_of(data.get("picture_prices")))}


@dataclass(frozen=True)
class TextContext(AnswerContext):
    prices: tuple[PriceTier, ...] = ()
    """Cheapest first; empty: not known."""
    thinking: bool = False

    def to_json(self) -> dict[str, Any]:
        own = {"prices": [tier.to_json() for tier in self.prices], "thinking": self.thinking}
        return {**own, **super().to_json()}

    @classmethod
    def _own(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        tiers = [PriceTier.from_json(tier) for tier in objects_of(data.get("prices"))]
        return {"prices": tuple(tier for tier in tiers if tier), "thinking": bool(data.get("thinking"))}


@dataclass(frozen=True)
class SpeechContext(AnswerContext):
    parts: tuple[str, ...] = ()
    """The text as it is sent: a task each."""
    subtitles: str = ""
    """Their format; "": none."""

    def to_json(self) -> dict[str, Any]:
        return {"parts": list(self.parts), "subtitles": self.subtitles, **super().to_json()}

    @classmethod
    def _own(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"parts": texts_of(data.get("parts")), "subtitles": text_of(data.get("subtitles"))}


@dataclass(frozen=True)
class TranscriptionContext(AnswerContext):
    second_cny: float | None = None
    formats: tuple[str, ...] = ()
    """The files to write."""
    language: str | None = None
    """Where only one can be spoken."""

    def to_json(self) -> dict[str, Any]:
        return {
            "second_cny": self.second_cny,
            "formats": list(self.formats),
            **({"language": self.language} if self.language else {}),
            **super().to_json(),
        }

    @classmethod
    def _own(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "second_cny": number_of(data.get("second_cny")),
            "formats": texts_of(data.get("formats")),
            "language": text_of(data.get("language")) or None,
        }


NOTHING_KNOWN = AnswerContext()
_OWN: Mapping[str, type[AnswerContext]] = {
    "image": PictureContext,
    "image_edit": PictureContext,
    "text": TextContext,
    "embedding": TextContext,
    "speech": SpeechContext,
    "transcription": TranscriptionContext,
}


def context_from_json(data: Mapping[str, Any], kind: str) -> AnswerContext:
    """Return what the journal kept for a kind."""
    own = _OWN.get(kind, AnswerContext)
    if not data and own in (AnswerContext, PictureContext):
        return NOTHING_KNOWN  # a row of pictures is read ten thousand times
    return own.from_json(data)
