"""The mask options of wanx_edit.py, as a user gives them: fields of the request under the same names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from bailian.cli.args.options import WHOLE_NUMBER
from bailian.i18n import tr

AREA = "X,Y,W,H"


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What is to be written of a mask for the user, instead of sending anything."""

    mask_preview: Path | None
    mask_save: Path | None

    @property
    def wanted(self) -> bool:
        return self.mask_preview is not None or self.mask_save is not None


def mask_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the mask options: they are fields of the request, but for those that only look, which come as `looks`."""

    def with_looks(*words: Any, **values: Any) -> Any:
        looks = Looks(**{field.name: values.pop(field.name) for field in fields(Looks)})
        return function(*words, looks=looks, **values)

    with_looks.__name__ = function.__name__
    with_looks.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    wrapped: Callable[..., Any] = with_looks
    for option in reversed(_OPTIONS()):
        wrapped = option(wrapped)
    return wrapped


def _OPTIONS() -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    path = click.Path(path_type=Path)
    area = tr("pixels or percent, repeatable", "像素或百分比，可重复")
    return [
        click.option(
            "--mask",
            metavar="X",
            help=tr("Mask picture: white is changed, black is kept.", "mask 图片：白色修改，黑色保留。"),
        ),
        click.option(
            "--mask-fix",
            is_flag=True,
            help=tr("Repair --mask: size, greys, transparency.", "修复 --mask：尺寸、灰度、透明。"),
        ),
        click.option(
            "--mask-from",
            metavar="paint|alpha",
            help=tr(
                "Repair a partly transparent --mask: white is what is painted, or what is transparent.",
                "修复部分透明的 --mask：以涂抹部分或透明部分为白色。",
            ),
        ),
        click.option(
            "--mask-box",
            multiple=True,
            metavar=AREA,
            help=tr(f"Make a mask: a box ({area}).", f"制作 mask：矩形（{area}）。"),
        ),
        click.option("--mask-ellipse", multiple=True, metavar=AREA, help=tr("… an ellipse.", "…椭圆。")),
        click.option("--mask-polygon", multiple=True, metavar="X,Y,X,Y,…", help=tr("… a polygon.", "…多边形。")),
        click.option(
            "--mask-color",
            multiple=True,
            metavar="COLOR",
            help=tr("… where the picture has a colour.", "…图片中某种颜色的区域。"),
        ),
        click.option("--mask-alpha", is_flag=True, help=tr("… where the picture is transparent.", "…图片透明的区域。")),
        click.option(
            "--mask-diff",
            metavar="COPY",
            help=tr("… where a painted copy differs.", "…与涂抹过的副本不同的区域。"),
        ),
        click.option("--mask-invert", is_flag=True, help=tr("Swap black and white.", "黑白互换。")),
        click.option(
            "--mask-grow", type=WHOLE_NUMBER, metavar="PX", help=tr("Enlarge the white region.", "扩大白色区域。")
        ),
        click.option(
            "--mask-feather",
            type=float,
            metavar="PX",
            help=tr("Round its edges, by at most 1000 px.", "使边缘平滑，最多 1000 像素。"),
        ),
        click.option(
            "--mask-preview",
            type=path,
            metavar="FILE",
            help=tr("Write the picture with the region shown; send nothing.", "把标出区域的图片写入文件，不发送。"),
        ),
        click.option(
            "--mask-save",
            type=path,
            metavar="FILE",
            help=tr(
                "Write the mask as PNG, for rows and configs; send nothing.",
                "把 mask 写入 PNG 文件（供批量与配置使用），不发送。",
            ),
        ),
    ]
