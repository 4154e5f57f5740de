"""What passes between a modality and the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bailian.catalog import Model
from bailian.types.answer_context import (
    NOTHING_KNOWN,
    AnswerContext,
    FilmContext,
    PictureContext,
    PicturePrices,
    PriceTier,
    Retirement,
    SpeechContext,
    TextContext,
    TranscriptionContext,
)
from bailian.types.notice import Notice, read_as
from bailian.types.stored_request import NOTHING, RowPlace, StoredRequest

__all__ = [
    "NOTHING",
    "AnswerContext",
    "Film",
    "FilmContext",
    "Input",
    "Item",
    "Mask",
    "Notice",
    "PictureContext",
    "PicturePrices",
    "Prepared",
    "PriceTier",
    "Probe",
    "Recording",
    "Retirement",
    "RowPlace",
    "SpeechContext",
    "StoredRequest",
    "TextContext",
    "TranscriptionContext",
    "read_as",
]


@dataclass(frozen=True)
class Prepared:
    """A checked request, ready to send."""

    model: Model
    wire_model: str
    request: Mapping[str, Any]
    """The user's fields, complete with defaults: what is shown, stored, and makes it again."""
    body: Mapping[str, Any]
    unit_cny: float | None
    """Price of one unit: a picture, or a second of video."""
    units: float
    """How many of them this request is billed for."""
    count: int
    """How many results are expected."""
    notices: tuple[Notice, ...] = ()
    upload: bool = False
    """Local files go by upload, whatever their size."""
    ceiling_cny: float | None = None
    """The most it can cost, where that is not `unit_cny` × `units` (text: the answer's length is open)."""
    stream: bool = False
    """The answer comes in pieces."""
    open_count: bool = False
    """The service decides how many results there are, at most `count`."""
    context: AnswerContext = NOTHING_KNOWN
    """What the modality wants back when it reads the answer, in this process or another."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Where files of this machine were fetched from: addresses in storage, by the files' URLs."""

    @property
    def estimate_cny(self) -> float | None:
        if self.ceiling_cny is not None:
            return round(self.ceiling_cny, 6)
        return None if self.unit_cny is None else round(self.unit_cny * self.units, 6)

    def changed(self, **values: Any) -> Prepared:
        """Return it with other values, as `dataclasses.replace` does in six times the time."""
        made = object.__new__(Prepared)
        made.__dict__.update(self.__dict__)
        made.__dict__.update(values)
        return made

    def stored(self, row: RowPlace | None = None, waits: Mapping[str, Any] = NOTHING) -> StoredRequest:
        """Return what the journal keeps to continue the job in another process; `row`, `waits`: of a batch's row."""
        return StoredRequest.of(
            mode=self.model.mode,
            route=self.model.route,
            body=self.body,
            count=self.count,
            upload=self.upload,
            stream=self.stream,
            open_count=self.open_count,
            context=self.context,
            unit_cny=self.unit_cny,
            units=self.units,
            notices=self.notices,
            row=row,
            waits=waits,
            origins=self.origins,
        )


@dataclass(frozen=True)
class Item:
    """One result of an answer: a link, a text, the sound that came with it, or why there is none."""

    index: int
    url: str | None = None
    text: str | None = None
    sound: bool = False
    """The bytes came over the socket and are on this machine already."""
    suffix: str = ""
    """The file's suffix, where the bytes do not tell it ("txt", "srt")."""
    code: str = ""
    message: str = ""
    vector: bool = False
    """Numbers that stay in the answer: they are written for a whole batch."""
    links: bool = False
    """A text that links the other results: it is written when their names are known."""
    wire: Mapping[str, Any] = field(default_factory=dict)
    """The entry as the service sent it."""

    @property
    def good(self) -> bool:
        return bool(self.url) or self.text is not None or self.sound or self.links or self.vector


@dataclass(frozen=True)
class Probe:
    """What a picture is. Sizes are as a viewer shows it: after the EXIF rotation."""

    format: str
    width_px: int
    height_px: int
    size_bytes: int
    turned: bool = False
    """Its pixels are stored turned or mirrored, and its EXIF says how to show them."""
    alpha: bool = False
    """It can be transparent somewhere."""


@dataclass(frozen=True)
class Mask:
    """What a picture is as a mask. Shares are of its pixels, 0 to 1: none at all is 0, all is 1."""

    white: float
    """The share that would be changed, going by the colours and not by transparency."""
    pure: bool
    """It is black and white, with nothing between."""
    transparent: bool = False
    """It has transparent parts that its colours do not show as white: nobody knows by which the service goes."""
    white_by_alpha: float = 0.0
    """If `transparent`: the share of the transparent part."""
    white_by_paint: float = 0.0
    """If `transparent`: the share that is painted bright on it. Above 0 there are two ways to read it."""


@dataclass(frozen=True)
class Recording:
    """What a sound or film on this machine is."""

    size_bytes: int
    duration_s: float | None = None
    """None where its headers do not say."""
    format: str = ""
    """"wav", "mp3", …; "" where its first bytes do not say."""
    sample_rate_hz: int | None = None
    """None where its headers do not say."""


@dataclass(frozen=True)
class Film:
    """What a film on this machine is. None where its headers do not say."""

    format: str
    """"mp4" or "mov"."""
    size_bytes: int
    width_px: int | None = None
    """As a player shows it: after the rotation."""
    height_px: int | None = None
    duration_s: float | None = None
    fps: float | None = None
    sound: bool | None = None
    """It has a track of sound."""


@dataclass(frozen=True)
class Input:
    """A picture, film or recording to send. `url` is `https://…`, `oss://…` or `file:///absolute/path`."""

    url: str
    probe: Probe | None = None
    """Of a picture; None for what is not on this machine."""
    mask: Mask | None = None
    """Of a mask; None for what is not on this machine."""
    recording: Recording | None = None
    """Of a recording; None for what is not on this machine."""
    film: Film | None = None
    """Of a film; None for what is not on this machine."""
    origin: str = ""
    """Where it was fetched from, if that is storage."""
    notice: Notice | None = None
