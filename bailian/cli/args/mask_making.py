"""`--mask-preview` and `--mask-save`: the mask as it would be sent, written for the user. Nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.cli.args.mask_options import Looks
from bailian.errors import InvalidRequest
from bailian.files import pictures
from bailian.i18n import reason_of, tr
from bailian.inputs import masks
from bailian.inputs.lookup import input_of
from bailian.inputs.made_masks import made_of, options_in
from bailian.inputs.resolve import reading
from bailian.modalities.picture.wanx_edit import INPUT_FIELDS
from bailian.modalities.rules import mask_rules
from bailian.modalities.rules.fields import raise_if_any
from bailian.store.paths import path_of
from bailian.types import Input

if TYPE_CHECKING:
    from PIL.Image import Image

PREVIEW_SUFFIXES = ("png", "jpg", "jpeg", "webp", "bmp", "tiff", "gif")


def write_looks(fields: Mapping[str, Any], looks: Looks, home: Path) -> None:
    """Write the mask that the fields of an edit make, and the picture with it shown.

    Raises:
        InvalidRequest: the mask cannot be made, or what the user wants to see cannot be written.
    """
    inputs = {name: [input_of(name, word, home) for word in _words(fields.get(name))] for name in INPUT_FIELDS}
    image, mask = (inputs[name][0] if len(inputs[name]) == 1 else None for name in ("image", "mask"))
    options = options_in(fields)
    if inputs["mask_diff"]:
        options["mask_diff"] = [one.url for one in inputs["mask_diff"]]
    found = {one.url: one for ones in inputs.values() for one in ones}
    made = made_of(options, image, mask, found, home, anyway=True).mask
    if made is not None and made.mask is not None:
        raise_if_any(mask_rules.emptiness(made.mask))
        _write_all(image, made, looks)


def _words(value: object) -> list[str]:
    words = value if isinstance(value, list) else [value]
    return [word for word in words if isinstance(word, str)]


def _write_all(image: Input | None, made: Input, looks: Looks) -> None:
    mask = pictures.as_seen(path_of(made.url).read_bytes())
    if looks.mask_save is not None:
        _write("mask_save", mask, looks.mask_save, ("png",))
    if looks.mask_preview is None:
        return
    if image is None or not image.url.startswith("file:"):
        raise InvalidRequest.one(
            "image", tr("a mask can only be shown on a picture on this machine", "只能在本机上的图片上预览 mask")
        )
    with reading("image", path_of(image.url)):
        shown = masks.preview(pictures.as_seen(path_of(image.url).read_bytes()), mask)
    _write("mask_preview", shown, looks.mask_preview, PREVIEW_SUFFIXES)


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
            tr(f"{path} is no name of a picture: it must end in {listed}", f"{path} 不是图片文件名：后缀应为 {listed}"),
            advice="",
        )
    try:
        path.write_bytes(pictures.encoded(image, suffix))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = reason_of(error)
        raise InvalidRequest.one(
            field,
            tr(
                f"cannot write {path}: {reason}; the folder must be there, and be writable",
                f"无法写入 {path}：{reason}；目录必须存在且可写",
            ),
            advice="",
        ) from None
