"""The pictures that an edit names: fetched, checked, and kept for the drawing. Importing this needs Pillow.

They are fetched before the work is accepted. A picture that cannot be used lets a task fail (D-FAQ's example).
A blocking call is refused instead.
"""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from PIL import Image, ImageDraw

from bailian.sandbox.http.refusals import Failure, Refusal, unreadable
from bailian.sandbox.images.drawing import Picture, draw_png
from bailian.sandbox.images.models import EditRules
from bailian.sandbox.storage.input_fetcher import FetchFailed, InputFetcher, NotOnLoopback
from bailian.sandbox.storage.upload_store import UploadStore

MAX_SIDE_PX = 100_000
"""Larger than anything that fits in 10 MB of any use."""

PLACEHOLDER_PX = 1024
_BLACK_AND_WHITE = {(0, 0, 0), (255, 255, 255)}

# Not asyncio's own pool: the server's end would wait for it.
_DRAWERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sandbox-placeholder")


@dataclass(frozen=True)
class InputImage:
    """A picture that was fetched: the name it is kept by, and its size."""

    digest: str
    width: int
    height: int


class InputImageError(Failure):
    """A picture cannot be used."""


class InputImages:
    """Gets the pictures of one call.

    Args:
        store: keeps them.
        fetcher: gets them.
        rules: what the model takes.
        blocking: whether the answer is the picture; the words for a bad picture differ.
    """

    def __init__(self, store: UploadStore, fetcher: InputFetcher, rules: EditRules, *, blocking: bool) -> None:
        self._store = store
        self._fetcher = fetcher
        self._rules = rules
        self._blocking = blocking

    async def picture(self, url: str) -> InputImage:
        """Return the picture at an address.

        Raises:
            Refusal: no address the service takes, or no picture.
            InputImageError: it cannot be fetched or used.
        """
        try:
            data = await self._fetcher.get(url)
        except NotOnLoopback:
            data = await placeholder(url)
        except FetchFailed:
            raise self._not_fetched() from None
        return await asyncio.to_thread(self._checked, data)

    async def mask(self, url: str, base: InputImage) -> InputImage:
        """Return a mask: as large as the picture, pure white where it shall change, pure black elsewhere (D-IE).

        Raises:
            Refusal: as for a picture.
            InputImageError: as for a picture, and for another size or other colours.
        """
        try:
            data = await self._fetcher.get(url)
        except NotOnLoopback:
            return InputImage(self._store.add_input(drawn_mask(base.width, base.height)), base.width, base.height)
        except FetchFailed:
            raise self._not_fetched() from None
        mask = await asyncio.to_thread(self._checked, data)
        words = "the parameters must conform to the specification: mask_image_url must "
        if (mask.width, mask.height) != (base.width, base.height):
            raise InputImageError("InvalidParameter", words + "have the size of base_image_url")
        if not await asyncio.to_thread(is_black_and_white, data):
            raise InputImageError("InvalidParameter", words + "be pure black (0,0,0) and white (255,255,255)")
        return mask

    def _checked(self, data: bytes) -> InputImage:
        try:
            width, height = check_picture(data, self._rules)
        except Refusal:
            if self._blocking:
                raise InputImageError("InvalidParameter", "Invalid image format or corrupted file") from None
            raise
        return InputImage(self._store.add_input(data), width, height)

    def _not_fetched(self) -> InputImageError:
        """D-ERR for qwen-image-edit; D-FAQ for the task."""
        if self._blocking:
            return InputImageError("InvalidParameter", "download image failed")
        message = "Reference image download failed, please check image url."
        return InputImageError("BadRequest.InputDownloadFailed", message)


def check_picture(data: bytes, rules: EditRules) -> tuple[int, int]:
    """Look at a picture itself, and return its sides; texts from D-ERR.

    Raises:
        Refusal: it is no picture.
        InputImageError: it is none that the model takes.
    """
    too_big = InputImageError("InvalidParameter", "the size of input image is too small or too large")
    if len(data) > rules.max_bytes:
        raise too_big
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.format not in rules.formats or not (rules.takes_alpha or _is_opaque(image)):
                raise InputImageError("InvalidParameter", "image format error")
            smallest, largest = rules.image_side_px or (1, MAX_SIDE_PX)
            if not all(smallest <= side <= largest for side in image.size):
                raise too_big
            flattest, steepest = rules.aspect or (0, MAX_SIDE_PX)
            if not flattest <= image.width / image.height <= steepest:
                raise too_big
            image.load()
            width, height = image.size
            return width, height
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_big from None
    except (OSError, ValueError, SyntaxError):  # what Pillow raises for files it cannot read
        raise unreadable() from None


async def placeholder(url: str) -> bytes:
    """Return the drawn picture that stands in for one of another computer."""
    host = urlsplit(url).hostname or ""
    picture = Picture(url[:200], 0, 0, PLACEHOLDER_PX, PLACEHOLDER_PX, f"stands in for {host}")
    return await asyncio.get_running_loop().run_in_executor(_DRAWERS, draw_png, picture)


def _is_opaque(image: Image.Image) -> bool:
    """Whether no pixel can be seen through, as far as the file's kind of pixels says."""
    return "A" not in image.getbands() and "transparency" not in image.info


def is_black_and_white(data: bytes) -> bool:
    """Return whether a picture is a mask: pure white, pure black, nothing else."""
    with Image.open(io.BytesIO(data)) as image:
        colours = image.convert("RGB").getcolors(maxcolors=2)
    return colours is not None and {colour for _, colour in colours} <= _BLACK_AND_WHITE


def drawn_mask(width: int, height: int) -> bytes:
    """Return what stands in for a mask of another computer: the middle may change."""
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).ellipse((width // 4, height // 4, width * 3 // 4, height * 3 // 4), fill=255)
    file = io.BytesIO()
    mask.save(file, "PNG")
    return file.getvalue()
