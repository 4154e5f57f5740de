"""What the mask options ask for: a mask is repaired, made from the picture, or shown. Then it goes the way of any mask."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from bailian.cli.masking import Masking
from bailian.errors import InvalidRequest
from bailian.language import say
from bailian.media import masks
from bailian.media.inputs import is_local, kept, local_file, reading, resolve
from bailian.modalities import mask_rules
from bailian.modalities.fields import raise_if_any
from bailian.modalities.shapes import Input

if TYPE_CHECKING:
    from PIL.Image import Image

PREVIEW_SUFFIXES = ("png", "jpg", "jpeg", "webp", "bmp", "tiff", "gif")


def made_mask(masking: Masking, base: Path | None, home: Path) -> tuple[Path | None, Path | None]:
    """Return (base, mask) as files to send; (None, None) where the given words can be sent as they are.

    What is made or repaired here is checked as any mask is: where the request is prepared.

    Raises:
        InvalidRequest: the mask cannot be made, or what the user wants to see cannot be written.
    """
    turned = None
    if base is not None:
        with reading("image", base):
            turned = _upright(base, home) if masks.is_turned(base) else None
    if not masking.makes_file:
        return turned, None
    image = _opened("image", base) if base is not None else None
    mask = _finished(_drawn(masking, base, image, home), masking)
    raise_if_any(mask_rules.emptiness(masks.look(mask)))
    if masking.mask_save is not None:
        _write("mask-save", mask, masking.mask_save, ("png",))
    if masking.mask_preview is not None:
        with reading("image", base):
            shown = masks.preview(_needed(image), mask)
        _write("mask-preview", shown, masking.mask_preview, PREVIEW_SUFFIXES)
    return turned, _saved(mask, home)


def _drawn(masking: Masking, base: Path | None, image: Image | None, home: Path) -> Image:
    """Return the mask that is given with all areas that are to be white, too."""
    mask = _started(masking, base, image, home)
    for shape in ("box", "ellipse", "polygon"):
        for text in getattr(masking, f"mask_{shape}"):
            count = None if shape == "polygon" else 4
            masks.add_shape(mask, shape, masks.numbers(f"mask-{shape}", text, mask.size, count))
    with reading("image", say("the picture", "输入图片")):
        for color in masking.mask_color:
            mask = masks.united(mask, masks.of_color(_needed(image), color))
        if masking.mask_alpha:
            mask = masks.united(mask, masks.of_alpha(_needed(image)))
    if masking.mask_diff is not None:
        copy = _opened("mask-diff", masking.mask_diff)
        with reading("mask-diff", masking.mask_diff):
            mask = masks.united(mask, masks.of_difference(_needed(image), copy))
    return mask


def _started(masking: Masking, base: Path | None, image: Image | None, home: Path) -> Image:
    """Return the given mask, as large as the picture, and repaired if that is asked; without one, a black one."""
    if masking.mask is None:
        return masks.empty(_needed(image).size)
    path = _mask_path(masking.mask)
    if not masking.repairs:
        picture = Input("") if base is None else resolve("image", str(base), home)
        raise_if_any(mask_rules.needs_repair(picture, resolve("mask", str(path), home)))
    mask = _opened("mask", path)
    with reading("mask", path):
        return masks.repaired(mask, mask.size if image is None else image.size, masking.mask_from)


def _finished(mask: Image, masking: Masking) -> Image:
    if masking.mask_invert:
        mask = masks.inverted(mask)
    if masking.mask_grow:
        mask = masks.grown(mask, masking.mask_grow)
    return masks.smoothed(mask, masking.mask_feather) if masking.mask_feather else mask


def _needed(image: Image | None) -> Image:
    if image is None:
        raise InvalidRequest.one(
            "image", say("a mask can only be made for a picture on this machine", "只能为本机上的图片制作 mask")
        )
    return image


def _opened(field: str, path: Path) -> Image:
    with reading(field, path):
        return masks.open_upright(local_file(field, str(path)))


def _mask_path(word: str) -> Path:
    if not is_local(word):
        raise InvalidRequest.one("mask", say("only a mask on this machine can be repaired", "只能修复本机上的 mask"))
    return local_file("mask", word)


def _upright(base: Path, home: Path) -> Path:
    """Send the picture as it is seen: a mask drawn for it would not fit the turned pixels."""
    return _saved(masks.for_png(masks.open_upright(base)), home)


def _saved(image: Image, home: Path) -> Path:
    return kept(_encoded(image, "png"), "png", home)


def _encoded(image: Image, suffix: str) -> bytes:
    from PIL.Image import registered_extensions

    buffer = io.BytesIO()
    image.save(buffer, registered_extensions()[f".{suffix}"])
    return buffer.getvalue()


def _write(field: str, image: Image, path: Path, suffixes: tuple[str, ...]) -> None:
    """Write a picture that the user wants to see.

    Raises:
        InvalidRequest: the name is none of a picture, or it cannot be written there.
    """
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in suffixes:
        listed = ", ".join(f".{one}" for one in suffixes)
        raise InvalidRequest.one(
            field,
            say(
                f"{path} is no name of a picture: it must end in {listed}", f"{path} 不是图片文件名：后缀应为 {listed}"
            ),
            advice="",
        )
    try:
        path.write_bytes(_encoded(image, suffix))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise InvalidRequest.one(
            field,
            say(
                f"cannot write {path}: {reason}; the folder must be there, and be writable",
                f"无法写入 {path}：{reason}；目录必须存在且可写",
            ),
            advice="",
        ) from None
