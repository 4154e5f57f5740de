"""A request whose fields make a mask, or mend one → a request with that mask; a turned picture under it goes upright.

The same for flags, configs and rows: the fields are `MASK_OPTIONS` of the edit. What comes out is checked where every
mask is, in `prepare`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.errors import InvalidRequest, Problem
from bailian.files import pictures
from bailian.i18n import tr
from bailian.inputs import masks
from bailian.inputs.once import kept
from bailian.inputs.resolve import LARGEST_SIDE_PX, reading, resolve
from bailian.modalities.picture.wanx_edit import LISTS, MASK_OPTIONS, WanxEditRequest
from bailian.modalities.rules import fields, mask_rules
from bailian.store.paths import path_of
from bailian.types import Input

if TYPE_CHECKING:
    from PIL.Image import Image

FEATHER_MAX_PX = 1000
READINGS = ("paint", "alpha")


@dataclass(frozen=True)
class Made:
    """The inputs of an edit as they are sent."""

    image: Input | None
    mask: Input | None


def with_mask(
    values: Mapping[str, Any], found: Mapping[str, Input], home: Path
) -> tuple[dict[str, Any], dict[str, Input]]:
    """Return the fields with the mask that they make, and what their inputs are. Input fields hold lists of URLs.

    Raises:
        InvalidRequest: the mask cannot be made.
    """
    options = options_in(values)
    if not options and not values.get("mask"):
        return dict(values), dict(found)
    made = made_of(options, _only("image", values, found), _only("mask", values, found), found, home)
    changed = {name: value for name, value in values.items() if name not in MASK_OPTIONS}
    inputs = dict(found)
    for name, one in (("image", made.image), ("mask", made.mask)):
        if one is not None:
            changed[name] = [one.url]
            inputs[one.url] = one
    return changed, inputs


def options_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked of the mask; a single text stands for a list of one."""
    given = {name: values[name] for name in MASK_OPTIONS if name in values}
    return {
        name: [value] if name in LISTS and isinstance(value, str) else value
        for name, value in given.items()
        if value is not None and value is not False and value != []
    }


def _only(name: str, values: Mapping[str, Any], found: Mapping[str, Input]) -> Input | None:
    """Return the one input of a field; that there must be one, and no more, is said where requests are checked."""
    urls = values.get(name) or []
    return found.get(urls[0], Input(urls[0])) if len(urls) == 1 else None


def made_of(
    options: Mapping[str, Any],
    base: Input | None,
    mask: Input | None,
    found: Mapping[str, Input],
    home: Path,
    *,
    anyway: bool = False,
) -> Made:
    """Return the picture upright, if it is turned, and the mask made; None for what is sent as it was given.

    `anyway`: also a mask that could be sent as it is.

    Raises:
        InvalidRequest: the options are wrong, or the mask cannot be made with them.
    """
    order = fields.parse(WanxEditRequest, {**options, "function": ""})
    fields.raise_if_any(_problems(order))
    upright = None
    if base is not None and base.probe is not None and base.probe.turned and _is_decodable(base):
        with reading("image", path_of(base.url)):
            upright = resolve("image", kept(*pictures.upright(_bytes("image", base)), home).as_uri(), home)
    if not options and not anyway:
        return Made(upright, None)
    drawn = _finished(_drawn(order, base, mask, found), order)
    path = kept(masks.as_png(drawn), "png", home)
    return Made(upright, resolve("mask", path.as_uri(), home))


def _problems(order: WanxEditRequest) -> list[Problem]:
    problems = []
    if order.mask_from not in (None, *READINGS):
        text = tr(f"{order.mask_from!r} is neither paint nor alpha", f"{order.mask_from!r} 应为 paint 或 alpha")
        problems.append(Problem("mask_from", text))
    if len(order.mask_diff) > 1:
        problems.append(Problem("mask_diff", tr("give one copy", "只能给出一个副本")))
    if order.mask_feather is not None and not 0 < order.mask_feather <= FEATHER_MAX_PX:
        text = tr(
            f"{order.mask_feather:g} is not above 0 and at most {FEATHER_MAX_PX} px",
            f"{order.mask_feather:g} 应大于 0 且不超过 {FEATHER_MAX_PX} 像素",
        )
        problems.append(Problem("mask_feather", text))
    return problems


def _drawn(order: WanxEditRequest, base: Input | None, given: Input | None, found: Mapping[str, Input]) -> Image:
    """Return the mask that is given with all areas that are to be white, too."""
    image = _picture("image", base) if base is not None and base.url.startswith("file:") else None
    mask = _started(order, base, image, given)
    for shape in ("box", "ellipse", "polygon"):
        for text in getattr(order, f"mask_{shape}"):
            count = None if shape == "polygon" else 4
            masks.add_shape(mask, shape, masks.numbers(f"mask_{shape}", text, mask.size, count))
    with reading("image", tr("the picture", "输入图片")):
        for color in order.mask_color:
            mask = masks.united(mask, masks.of_color(_needed(image), color))
        if order.mask_alpha:
            mask = masks.united(mask, masks.of_alpha(_needed(image)))
    if order.mask_diff:
        copy = _picture("mask_diff", found.get(order.mask_diff[0], Input(order.mask_diff[0])))
        with reading("mask_diff", order.mask_diff[0]):
            mask = masks.united(mask, masks.of_difference(_needed(image), copy))
    return mask


def _started(order: WanxEditRequest, base: Input | None, image: Image | None, given: Input | None) -> Image:
    """Return the given mask, as large as the picture, and mended if that is asked; without one, a black one."""
    if given is None:
        return masks.empty(_needed(image).size)
    if not order.mask_fix and order.mask_from is None:
        fields.raise_if_any(mask_rules.needs_repair(base or Input(""), given))
    mask = _picture("mask", given)
    with reading("mask", path_of(given.url)):
        return masks.repaired(mask, mask.size if image is None else image.size, order.mask_from)


def _finished(mask: Image, order: WanxEditRequest) -> Image:
    if order.mask_invert:
        mask = masks.inverted(mask)
    if order.mask_grow:
        mask = masks.grown(mask, order.mask_grow)
    return masks.smoothed(mask, order.mask_feather) if order.mask_feather else mask


def _needed(image: Image | None) -> Image:
    if image is None:
        raise InvalidRequest.one(
            "image", tr("a mask can only be made for a picture on this machine", "只能为本机上的图片制作 mask")
        )
    return image


def _picture(field: str, given: Input) -> Image:
    """Return a picture as a viewer shows it; none is decoded that no model takes."""
    if given.probe is not None and not _is_decodable(given):
        size = f"{given.probe.width_px}*{given.probe.height_px}"
        raise InvalidRequest.one(
            field,
            tr(
                f"is {size}; each side must be at most {LARGEST_SIDE_PX} px",
                f"尺寸为 {size}，边长最多 {LARGEST_SIDE_PX} 像素",
            ),
        )
    with reading(field, given.url):
        return pictures.as_seen(_bytes(field, given))


def _is_decodable(given: Input) -> bool:
    probe = given.probe
    return probe is not None and max(probe.width_px, probe.height_px) <= LARGEST_SIDE_PX


def _bytes(field: str, given: Input) -> bytes:
    if not given.url.startswith("file:"):
        raise InvalidRequest.one(
            field, tr("only a picture on this machine can be read for that", "只能使用本机上的图片")
        )
    return path_of(given.url).read_bytes()
