"""The mask options of wanx_edit.py, as a user gives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from bailian.cli.options import WHOLE_NUMBER, not_nan
from bailian.language import say

AREA = "X,Y,W,H"
FEATHER_MAX_PX = 1000


@dataclass(frozen=True, kw_only=True)
class Masking:
    """The mask options of one run, as given."""

    mask: str | None
    mask_fix: bool
    mask_from: str | None
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
    mask_save: Path | None

    @property
    def repairs(self) -> bool:
        return self.mask_fix or self.mask_from is not None

    @property
    def changes(self) -> bool:
        return bool(self.mask_invert or self.mask_grow or self.mask_feather)

    @property
    def only_looks(self) -> bool:
        """Pictures are written for the user, and nothing is sent."""
        return self.mask_preview is not None or self.mask_save is not None

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
    def makes_file(self) -> bool:
        """The given mask, if there is one, is not sent as it is."""
        return self.makes_one or self.repairs or self.changes or self.only_looks

    @property
    def wanted(self) -> bool:
        return self.mask is not None or self.makes_file


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
            "--mask-from",
            type=click.Choice(["paint", "alpha"]),
            metavar="paint|alpha",
            help=say(
                "Repair a partly transparent --mask: white is what is painted, or what is transparent.",
                "修复部分透明的 --mask：以涂抹部分或透明部分为白色。",
            ),
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
            type=click.FloatRange(min=0, min_open=True, max=FEATHER_MAX_PX),
            callback=not_nan,
            metavar="PX",
            help=say("Round its edges.", "使边缘平滑。"),
        ),
        click.option(
            "--mask-preview",
            type=path,
            metavar="FILE",
            help=say("Write the picture with the region shown; send nothing.", "把标出区域的图片写入文件，不发送。"),
        ),
        click.option(
            "--mask-save",
            type=path,
            metavar="FILE",
            help=say(
                "Write the mask as PNG, for rows and configs; send nothing.",
                "把 mask 写入 PNG 文件（供批量与配置使用），不发送。",
            ),
        ),
    ]
