"""The mask options of wanx_edit.py, as a user gives them: fields of the request under the same names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from bailian.cli.args.options import WHOLE_NUMBER, flag, option, under
from bailian.cli.help.groups import MASK
from bailian.i18n import tr

AREA = "X,Y,W,H"
_AREA_HELP = tr("pixels or percent, repeatable", "像素或百分比，可重复")


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What is to be written of a mask for the user, instead of sending anything."""

    mask_preview: Path | None
    mask_save: Path | None

    @property
    def wanted(self) -> bool:
        return self.mask_preview is not None or self.mask_save is not None


_options = under(
    MASK,
    option("--mask X", "Mask picture: white is changed, black is kept.", "mask 图片：白色修改，黑色保留。"),
    flag("--mask-fix", "Repair --mask: size, greys, transparency.", "修复 --mask：尺寸、灰度、透明。"),
    option(
        "--mask-from paint|alpha",
        "Repair a partly transparent --mask: white is what is painted, or what is transparent.",
        "修复部分透明的 --mask：以涂抹部分或透明部分为白色。",
    ),
    option(
        "--mask-box",
        f"Make a mask: a box ({_AREA_HELP}).",
        f"制作 mask：矩形（{_AREA_HELP}）。",
        multiple=True,
        metavar=AREA,
    ),
    option("--mask-ellipse", "… an ellipse.", "…椭圆。", multiple=True, metavar=AREA),
    option("--mask-polygon X,Y,X,Y,…", "… a polygon.", "…多边形。", multiple=True),
    option("--mask-color COLOR", "… where the picture has a colour.", "…图片中某种颜色的区域。", multiple=True),
    flag("--mask-alpha", "… where the picture is transparent.", "…图片透明的区域。"),
    option("--mask-diff COPY", "… where a painted copy differs.", "…与涂抹过的副本不同的区域。"),
    flag("--mask-invert", "Swap black and white.", "黑白互换。"),
    option("--mask-grow PX", "Enlarge the white region.", "扩大白色区域。", type=WHOLE_NUMBER),
    option("--mask-feather PX", "Round its edges, by at most 1000 px.", "使边缘平滑，最多 1000 像素。", type=float),
    option(
        "--mask-preview FILE",
        "Write the picture with the region shown; send nothing.",
        "把标出区域的图片写入文件，不发送。",
        type=click.Path(path_type=Path),
    ),
    option(
        "--mask-save FILE",
        "Write the mask as PNG, for rows and configs; send nothing.",
        "把 mask 写入 PNG 文件（供批量与配置使用），不发送。",
        type=click.Path(path_type=Path),
    ),
)


def mask_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the mask options: they are fields of the request, but for those that only look, which come as `looks`."""

    @wraps(function)
    def with_looks(*words: Any, **values: Any) -> Any:
        looks = Looks(**{field.name: values.pop(field.name) for field in fields(Looks)})
        return function(*words, looks=looks, **values)

    return _options(with_looks)
