"""Fetches what a film request names, and looks at it: each file must be what its role wants. Importing this needs Pillow.

The words for bad films are those of the page of error codes (D-ERR).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bailian.sandbox.edits.input_images import (
    InputImageError,
    check_picture,
    drawn_mask,
    is_black_and_white,
    placeholder,
)
from bailian.sandbox.films.body import REFERENCE, VOICE, NamedInput
from bailian.sandbox.films.rules import MEGABYTE, FilmModel, Role
from bailian.sandbox.http.refusals import Failure, Refusal, invalid_url
from bailian.sandbox.images.drawing import Picture
from bailian.sandbox.speech.audio_files import wav_header
from bailian.sandbox.storage.input_fetcher import FetchFailed, InputFetcher, NotOnLoopback
from bailian.sandbox.storage.upload_store import UploadStore
from bailian.sandbox.video.clips import Clip, UnreadableClip, probe
from bailian.sandbox.video.drawing import Video, draw_video
from bailian.sandbox.video.encoding import SOUND_HZ
from bailian.sandbox.video.tones import tone

FetcherOf = Callable[[int], InputFetcher]
"""Returns a fetcher for files of at most so many bytes."""

TOLERANCE_S = 0.1
"""A film's last frame may be shown a little longer than its seconds say (a guess)."""

_FOREIGN_S = 3
_FOREIGN_PX = (640, 480)
"""The film that stands in for one of another computer."""


class InputError(Failure):
    """An input cannot be used: the task fails."""


@dataclass(frozen=True)
class FilmInput:
    """One input that was fetched."""

    role: str
    kind: str
    digest: str = ""
    """The name it is kept by; empty: nothing is (a link)."""
    width: int = 0
    height: int = 0
    duration_s: float = 0.0
    fps: float = 0.0
    sound: bool = False
    voice: str = ""
    """The name that the sound beside it is kept by."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class FilmInputs:
    """Gets the inputs of one call.

    Args:
        store: keeps them.
        fetcher_of: gets them.
        model: says what they must be.
    """

    def __init__(self, store: UploadStore, fetcher_of: FetcherOf, model: FilmModel) -> None:
        self._store = store
        self._fetcher_of = fetcher_of
        self._model = model

    async def fetch(self, named: Sequence[NamedInput]) -> list[FilmInput]:
        """Return the inputs in the same order.

        Raises:
            Refusal: no address that the service takes.
            InputError: an input that cannot be fetched or used.
        """
        found: list[FilmInput] = []
        for one in named:
            found.append(await self._one(one, next((film for film in found if film.kind == "video"), None)))
        for name, role in self._model.roles.items():
            total = sum(one.duration_s for one in found if one.role == name)
            if role.together_s is not None and total > role.together_s + TOLERANCE_S:
                raise _wrong_duration(0, role.together_s)
        return found

    async def _one(self, named: NamedInput, film: FilmInput | None) -> FilmInput:
        """Fetch one input; a mask that stands in for a foreign one is as large as the film before it."""
        if named.role == "link":
            return FilmInput("link", "link")
        role = None if named.role == REFERENCE else self._model.roles[named.role]
        data = await self._bytes(named.url, role, film if named.role.startswith("mask") else None)
        if role is None:
            name = "reference_image" if _is_picture(data) else "reference_video"
            role = self._model.roles[name]
        else:
            name = named.role
        checked = await asyncio.to_thread(_checked, name, role, data)
        voice = ""
        if named.voice:
            rules = self._model.roles[VOICE]
            sound = await self._bytes(named.voice, rules)
            await asyncio.to_thread(_checked, VOICE, rules, sound)
            voice = self._store.add_input(sound)
        return FilmInput(**{**checked.as_json(), "digest": self._store.add_input(data), "voice": voice})

    async def _bytes(self, url: str, role: Role | None, film: FilmInput | None = None) -> bytes:
        """Fetch one file; a role that is not known yet takes pictures and films."""
        max_mb = 100 if role is None else role.max_mb
        if role is not None and not role.uploads and url.startswith("oss://"):
            raise self._not_fetched(url)
        if (role is None or not role.inline) and url[:5].lower() == "data:":
            raise self._not_fetched(url)
        try:
            return await self._fetcher_of(max_mb * MEGABYTE).get(url)
        except NotOnLoopback:
            return await _stand_in(url, "image" if role is None else role.kind, film)
        except FetchFailed:
            raise self._not_fetched(url) from None
        except Refusal:
            if not self._model.fails_late:
                raise
            raise self._not_fetched(url) from None

    def _not_fetched(self, url: str) -> Failure:
        if self._model.fails_late:
            return InputError("InvalidParameter", f"Failed to download {url[:200]}")
        if url[:5].lower() == "data:":
            return invalid_url()
        return InputError("BadRequest.InputDownloadFailed", "Reference image download failed, please check image url.")


def _is_picture(data: bytes) -> bool:
    starts = (b"\x89PNG", b"\xff\xd8", b"BM", b"RIFF")
    return data.startswith(starts) and data[8:12] != b"WAVE"


def _checked(name: str, role: Role, data: bytes) -> FilmInput:
    """Look at one file; texts from D-ERR.

    Raises:
        InputError: it is not what its role wants.
    """
    if len(data) > role.max_mb * MEGABYTE:
        raise InputError(
            "InvalidFile.Size", f"Invalid file size. The {role.kind} file size must be less than {role.max_mb}MB."
        )
    if role.kind == "document":
        return FilmInput(name, role.kind)
    if role.kind == "image":
        return _picture(name, role, data)
    try:
        clip = probe(data)
    except UnreadableClip:
        words = (
            "Invalid video file." if role.kind == "video" else "Invalid file, cannot open file as video/audio/image."
        )
        raise InputError("InvalidParameter" if role.kind == "video" else "InvalidFile.Openerror", words) from None
    _check_clip(role, clip)
    return FilmInput(
        name,
        role.kind,
        width=clip.width,
        height=clip.height,
        duration_s=clip.duration_s,
        fps=clip.fps,
        sound=clip.sound,
    )


def _picture(name: str, role: Role, data: bytes) -> FilmInput:
    try:
        width, height = check_picture(data, role.picture)
    except InputImageError as error:
        raise InputError(error.code, error.message) from None
    except Refusal as refusal:  # no picture at all
        raise InputError(refusal.code, refusal.message) from None
    if name == "mask_image" and not is_black_and_white(data):
        words = "mask_image_url must be pure black (0,0,0) and white (255,255,255)"
        raise InputError("InvalidParameter", f"the parameters must conform to the specification: {words}")
    return FilmInput(name, role.kind, width=width, height=height)


def _check_clip(role: Role, clip: Clip) -> None:
    formats = set(clip.format.split(","))
    wants_film = role.kind == "video"
    if (role.formats and not formats & role.formats) or bool(clip.width) != wants_film:
        words = "Invalid file format，the request file format is one of the following types: "
        raise InputError("InvalidFile.Format", words + ("MP4, MOV." if wants_film else "MP3, WAV."))
    if role.side_px is not None and wants_film:
        low, high = role.side_px
        if not (low <= min(clip.width, clip.height) and max(clip.width, clip.height) <= high):
            words = f"Invalid video resolution. The height or width of video must be {low} ~ {high}."
            raise InputError("InvalidFile.Resolution", words)
    if role.aspect_max is not None and max(clip.width, clip.height) > role.aspect_max * min(clip.width, clip.height):
        words = "Invalid file ratio. The file aspect ratio (height/width) must be between {0:g}:1 and 1:{0:g}."
        raise InputError("InvalidFile.AspectRatio", words.format(role.aspect_max))
    if role.fps is not None and not role.fps[0] <= clip.fps <= role.fps[1]:
        raise InputError("InvalidFile.FPS", f"Invalid video FPS. The video FPS must be {role.fps[0]:g} ~ 60.")
    if role.seconds is not None:
        shortest, longest = role.seconds
        if not shortest - TOLERANCE_S <= clip.duration_s <= longest + TOLERANCE_S:
            raise _wrong_duration(shortest, longest)


def _wrong_duration(low: float, high: float) -> InputError:
    words = f"Invalid file duration. The file duration must be {low:g} s ~ {high:g} s."
    return InputError("InvalidFile.Duration", words)


async def _stand_in(url: str, kind: str, film: FilmInput | None) -> bytes:
    """Return what stands in for a file of another computer; with a film, for its mask."""
    if kind == "image" and film is not None:
        return drawn_mask(film.width, film.height)
    if kind == "image":
        return await placeholder(url)
    if kind == "document":
        return url.encode()
    if kind == "audio":
        samples = tone(url, _FOREIGN_S)
        return wav_header(SOUND_HZ, len(samples)) + samples
    width, height = _FOREIGN_PX if film is None else (film.width, film.height)
    return await asyncio.to_thread(
        draw_video, Video(Picture(url[:200], 0, 0, width, height, "stands in"), _FOREIGN_S, 24)
    )
