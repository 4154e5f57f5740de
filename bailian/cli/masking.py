"""The mask options of wanx_edit.py: check a mask, repair it, or make one from the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bailian.cli.options import WHOLE_NUMBER
from bailian.errors import InvalidRequest
from bailian.language import say

if TYPE_CHECKING:
    from PIL.Image import Image

AREA = "X,Y,W,H"


@dataclass(frozen=True, kw_only=True)
class Masking:
    """The mask options of one run, as given."""

    mask: str | None
    mask_fix: bool
    mask_box: tuple[str, ...]
    mask_ellipse: tuple[str, ...]
    mask_polygon: tuple[str, ...]
    mask_color: tuple[str, ...]
    mask_alpha: bool
    mask_diff: Path | None
    mask_invert: bool
    mask_grow: int | None
    mask_feather: float | None
    mask_preview: Path | None

    @property
    def makes_one(self) -> bool:
        return bool(
            self.mask_box
            or self.mask_ellipse
            or self.mask_polygon
            or self.mask_color
            or self.mask_alpha
            or self.mask_diff
        )

    @property
    def wanted(self) -> bool:
        return self.mask is not None or self.makes_one


def mask_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the mask options; the function gets them as `masking`."""

    def with_masking(*words: Any, **values: Any) -> Any:
        names = [field.name for field in fields(Masking)]
        masking = Masking(**{name: values.pop(name) for name in names})
        return function(*words, masking=masking, **values)

    with_masking.__name__ = function.__name__
    with_masking.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    wrapped: Callable[..., Any] = with_masking
    for option in reversed(_OPTIONS()):
        wrapped = option(wrapped)
    return wrapped


def _OPTIONS() -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    path = click.Path(path_type=Path)
    area = say("pixels or percent, repeatable", "像素或百分比，可重复")
    return [
        click.option(
            "--mask",
            metavar="X",
            help=say("Mask picture: white is changed, black is kept.", "mask 图片：白色修改，黑色保留。"),
        ),
        click.option(
            "--mask-fix",
            is_flag=True,
            help=say("Repair --mask: size, greys, transparency.", "修复 --mask：尺寸、灰度、透明。"),
        ),
        click.option(
            "--mask-box",
            multiple=True,
            metavar=AREA,
            help=say(f"Make a mask: a box ({area}).", f"制作 mask：矩形（{area}）。"),
        ),
        click.option("--mask-ellipse", multiple=True, metavar=AREA, help=say("… an ellipse.", "…椭圆。")),
        click.option("--mask-polygon", multiple=True, metavar="X,Y,X,Y,…", help=say("… a polygon.", "…多边形。")),
        click.option(
            "--mask-color",
            multiple=True,
            metavar="COLOR",
            help=say("… where the picture has a colour.", "…图片中某种颜色的区域。"),
        ),
        click.option(
            "--mask-alpha", is_flag=True, help=say("… where the picture is transparent.", "…图片透明的区域。")
        ),
        click.option(
            "--mask-diff",
            type=path,
            metavar="COPY",
            help=say("… where a painted copy differs.", "…与涂抹过的副本不同的区域。"),
        ),
        click.option("--mask-invert", is_flag=True, help=say("Swap black and white.", "黑白互换。")),
        click.option(
            "--mask-grow", type=WHOLE_NUMBER, metavar="PX", help=say("Enlarge the white region.", "扩大白色区域。")
        ),
        click.option(
            "--mask-feather",
            type=click.FloatRange(min=0, min_open=True),
            metavar="PX",
            help=say("Round its edges.", "使边缘平滑。"),
        ),
        click.option(
            "--mask-preview",
            type=path,
            metavar="FILE",
            help=say("Write the picture with the region shown; send nothing.", "把标出区域的图片写入文件，不发送。"),
        ),
    ]


def made_mask(masking: Masking, base: Path | None, home: Path) -> tuple[Path | None, Path | None]:
    """Return (base, mask) as files to send; (None, None) where the given words can be sent as they are.

    Raises:
        InvalidRequest: the mask cannot be made or is not usable.
    """
    from bailian.media import masks

    if not (masking.makes_one or masking.mask_fix or masking.mask_preview):
        if base is not None and masking.mask is not None and _local(masking.mask):
            masks.check(masks.open_upright(_local_path(masking.mask)))
        return (_upright(base, home) if base is not None and masks.is_turned(base) else None), None
    if base is None:
        raise InvalidRequest.one(
            "image", say("a mask can only be made for a picture on this machine", "只能为本机上的图片制作 mask")
        )
    image = masks.open_upright(base)
    mask = _drawn(masking, image)
    masks.check(mask)
    folder = home / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    if masking.mask_preview is not None:
        masks.preview(image, mask).save(masking.mask_preview)
    return (_upright(base, home) if masks.is_turned(base) else None), _saved(mask, folder)


def _drawn(masking: Masking, image: Image) -> Image:
    from bailian.media import masks

    if masking.mask is not None:
        mask = masks.open_upright(_local_path(masking.mask))
        mask = masks.repaired(mask, image.size) if masking.mask_fix else masks.binary(mask)
    else:
        mask = masks.empty(image.size)
    for shape in ("box", "ellipse", "polygon"):
        for text in getattr(masking, f"mask_{shape}"):
            count = None if shape == "polygon" else 4
            masks.add_shape(mask, shape, masks.numbers(f"mask-{shape}", text, image.size, count))
    for color in masking.mask_color:
        mask = masks.united(mask, masks.of_color(image, color))
    if masking.mask_alpha:
        mask = masks.united(mask, masks.of_alpha(image))
    if masking.mask_diff is not None:
        mask = masks.united(mask, masks.of_difference(image, _opened("mask-diff", masking.mask_diff)))
    if masking.mask_invert:
        mask = masks.inverted(mask)
    if masking.mask_grow:
        mask = masks.grown(mask, masking.mask_grow)
    return masks.smoothed(mask, masking.mask_feather) if masking.mask_feather else mask


def _opened(field: str, path: Path) -> Image:
    from bailian.media import masks

    try:
        return masks.open_upright(path)
    except OSError as error:
        raise InvalidRequest.one(field, say(f"cannot read {path}: {error}", f"无法读取 {path}：{error}")) from None


def _local(word: str) -> bool:
    return not word.startswith(("http://", "https://", "oss://", "data:")) and word != "-"


def _local_path(word: str) -> Path:
    from bailian.media.inputs import local_path

    if not _local(word):
        raise InvalidRequest.one("mask", say("only a mask on this machine can be repaired", "只能修复本机上的 mask"))
    path = local_path(word)
    if not path.is_file():
        raise InvalidRequest.one("mask", say(f"cannot read {path}", f"无法读取 {path}"))
    return path


def _upright(base: Path, home: Path) -> Path:
    """Send the picture as it is seen: a mask drawn for it would not fit the turned pixels."""
    from bailian.media import masks

    folder = home / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    return _saved(masks.open_upright(base), folder)


def _saved(image: Image, folder: Path) -> Path:
    import hashlib
    import io

    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    path = folder / f"{hashlib.sha256(buffer.getvalue()).hexdigest()[:24]}.png"
    path.write_bytes(buffer.getvalue())
    return path
