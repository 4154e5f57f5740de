"""What a modality wants back when it reads an answer, in this process or another: one class a kind.

The journal keeps it as JSON in the field `facts` of a request. What cannot be read in it is as if it were not there.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from bailian.types.json_values import number_of, object_of, objects_of, text_of, texts_of

if TYPE_CHECKING:
    from typing_extensions import Self  # in `typing` from Python 3.11


MARSHAL_PLAIN = 2
"""The form in which equal values have equal bytes: later ones note what is shared."""


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


PRICES = (
    *("input", "output", "thinking_output", "cached_input"),
    *("off_peak_input", "off_peak_output", "off_peak_cached_input"),
)


@dataclass(frozen=True)
class PriceTier:
    """CNY per 1,000 tokens, for inputs up to a length."""

    input: float
    output: float
    thinking_output: float | None = None
    """Of a model that thinks, where that has another price."""
    up_to_input_tokens: float | None = None
    """None: of any length."""
    cached_input: float | None = None
    """Of input that the service has read before; None: nothing is taken off for it."""
    off_peak_input: float | None = None
    """These three: at night, where that has other prices."""
    off_peak_output: float | None = None
    off_peak_cached_input: float | None = None

    def off_peak(self) -> PriceTier:
        """Return the prices at night."""
        if self.off_peak_input is None or self.off_peak_output is None:
            return self
        cached = self.cached_input if self.off_peak_cached_input is None else self.off_peak_cached_input
        return replace(
            self, input=self.off_peak_input, output=self.off_peak_output, thinking_output=None, cached_input=cached
        )

    def times(self, factor: float) -> PriceTier:
        prices = {name: value * factor for name in PRICES if (value := getattr(self, name)) is not None}
        return replace(self, **prices)

    def to_json(self) -> dict[str, float]:
        own = {name: getattr(self, name) for name in ("up_to_input_tokens", *PRICES)}
        return {name: value for name, value in own.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PriceTier | None:
        """Return a tier; None where one of its two prices cannot be read."""
        own = {name: number_of(data.get(name)) for name in ("up_to_input_tokens", *PRICES)}
        if own["input"] is None or own["output"] is None:
            return None
        return cls(**own)  # type: ignore[arg-type]


@dataclass(frozen=True)
class AnswerContext:
    """Of every kind; `wanx_edit` needs no more."""

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

    @cached_property
    def as_text(self) -> str:
        """Return the JSON that the journal keeps, worked out once for all rows of a batch; "" if there is nothing."""
        data = self.to_json()
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")) if data else ""

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


def _numbers_of(value: object) -> dict[str, float]:
    """Return the numbers of a table; what is none is as if it were not there."""
    table = {name: number_of(inner) for name, inner in object_of(value).items()}
    return {name: number for name, number in table.items() if number is not None}


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
        output, max_px = (_numbers_of(data.get(key)) for key in ("output", "max_px"))
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
class FilmContext(AnswerContext):
    prices: Mapping[str, float] = field(default_factory=dict)
    """CNY a second, by tier ("720P")."""
    silent_prices: Mapping[str, float] = field(default_factory=dict)
    """The same without sound, where that is cheaper."""

    def to_json(self) -> dict[str, Any]:
        own = {"film_prices": dict(self.prices), "silent_film_prices": dict(self.silent_prices)}
        return {**{name: table for name, table in own.items() if table}, **super().to_json()}

    @classmethod
    def _own(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "prices": _numbers_of(data.get("film_prices")),
            "silent_prices": _numbers_of(data.get("silent_film_prices")),
        }


@dataclass(frozen=True)
class TextContext(AnswerContext):
    prices: tuple[PriceTier, ...] = ()
    """Cheapest first; empty: not known."""
    thinking: bool = False
    search_cny: float = 0.0
    """Of each search."""
    media_tokens: int = 0
    """What pictures and films are reckoned with, beside the texts."""
    goes_on: bool = False
    """It can go on from a beginning: an answer that was cut."""

    def to_json(self) -> dict[str, Any]:
        own: dict[str, Any] = {"prices": [tier.to_json() for tier in self.prices], "thinking": self.thinking}
        beside = {"search_cny": self.search_cny, "media_tokens": self.media_tokens, "goes_on": self.goes_on}
        return {**own, **{name: value for name, value in beside.items() if value}, **super().to_json()}

    @classmethod
    def _own(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        tiers = [PriceTier.from_json(tier) for tier in objects_of(data.get("prices"))]
        return {
            "prices": tuple(tier for tier in tiers if tier),
            "thinking": bool(data.get("thinking")),
            "search_cny": number_of(data.get("search_cny")) or 0.0,
            "media_tokens": int(number_of(data.get("media_tokens")) or 0),
            "goes_on": bool(data.get("goes_on")),
        }


@dataclass(frozen=True)
class SpeechContext(AnswerContext):
    parts: tuple[str, ...] = ()
    """The text as it is sent: a task each."""
    subtitles: str = ""
    """Their format; "": none."""
    piece_chars: int | None = None
    """On the socket a part goes in pieces of at most so many counted characters; None: all of it with the question."""
    http: bool = False
    """A part is a call over HTTP, answered with a link."""
    han_counts: int = 1
    """What one Han character counts."""
    tokens: PriceTier | None = None
    """The price of a model that is paid by tokens."""

    def to_json(self) -> dict[str, Any]:
        return {
            "parts": list(self.parts),
            "subtitles": self.subtitles,
            **({"piece_chars": self.piece_chars} if self.piece_chars else {}),
            **({"http": True} if self.http else {}),
            **({"han_counts": self.han_counts} if self.han_counts != 1 else {}),
            **({"tokens": self.tokens.to_json()} if self.tokens else {}),
            **super().to_json(),
        }

    @classmethod
    def _own(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        pieces, han = number_of(data.get("piece_chars")), number_of(data.get("han_counts"))
        return {
            "parts": texts_of(data.get("parts")),
            "subtitles": text_of(data.get("subtitles")),
            "piece_chars": int(pieces) if pieces and pieces >= 1 else None,
            "http": bool(data.get("http")),
            "han_counts": int(han) if han and 1 <= han <= 9 else 1,
            "tokens": PriceTier.from_json(object_of(data.get("tokens"))),
        }


@dataclass(frozen=True)
class TranscriptionContext(AnswerContext):
    second_cny: float | None = None
    formats: tuple[str, ...] = ()
    """The files to write."""
    language: str | None = None
    """Where only one can be spoken."""
    token_cny: tuple[float, float] | None = None
    """Per 1,000 tokens of the recording and of the text, of a model that is billed by them."""
    hot_words: tuple[Mapping[str, Any], ...] = ()
    """A list of them is made before the request leaves, and removed when nothing needs it any more."""

    def to_json(self) -> dict[str, Any]:
        return {
            "second_cny": self.second_cny,
            "formats": list(self.formats),
            **({"language": self.language} if self.language else {}),
            **({"token_cny": list(self.token_cny)} if self.token_cny else {}),
            **({"hot_words": [dict(one) for one in self.hot_words]} if self.hot_words else {}),
            **super().to_json(),
        }

    @classmethod
    def _own(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "second_cny": number_of(data.get("second_cny")),
            "formats": texts_of(data.get("formats")),
            "language": text_of(data.get("language")) or None,
            "token_cny": _pair_of(data.get("token_cny")),
            "hot_words": tuple(objects_of(data.get("hot_words"))),
        }


def _pair_of(value: object) -> tuple[float, float] | None:
    numbers = [number_of(one) for one in value] if isinstance(value, list) else []
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        return None
    return numbers[0], numbers[1]


NOTHING_KNOWN = AnswerContext()
_OWN: Mapping[str, type[AnswerContext]] = {
    "image": PictureContext,
    "image_edit": PictureContext,
    "video": FilmContext,
    "text": TextContext,
    "embedding": TextContext,
    "speech": SpeechContext,
    "transcription": TranscriptionContext,
}


def context_from_json(data: Mapping[str, Any], kind: str) -> AnswerContext:
    """Return what the journal kept for a kind."""
    own = _OWN.get(kind, AnswerContext)
    if not data and own in (AnswerContext, PictureContext, FilmContext):
        return NOTHING_KNOWN  # a row of pictures is read ten thousand times
    return _context(marshal.dumps(dict(data), MARSHAL_PLAIN), kind)


@lru_cache(maxsize=64)
def _context(data: bytes, kind: str) -> AnswerContext:
    """Read a context; the rows of a batch have the same: prices by the length of the input, what a model takes."""
    return _OWN.get(kind, AnswerContext).from_json(marshal.loads(data))  # noqa: S302 - dumped by our caller
