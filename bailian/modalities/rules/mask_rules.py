"""What a mask must be, whatever it came through: flag, config, row, stdin, `data:` or Python.

Facts: docs/wire.md "The ten functions" (the service's image-edit reference, mid 2025 to 2026): as large as the
picture, white (255,255,255) is changed, black (0,0,0) is kept; other tones "may not be recognised".
"""

from __future__ import annotations

from bailian.errors import Problem
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.paths import path_of
from bailian.text.quoting import line_of
from bailian.types import Input, Mask, Notice

# A row or config has no flags; the fields are called like them.
_IN_A_ROW = (' (in a row or config: "mask_fix": true)', '（批量行与配置中："mask_fix": true）')


def problems(base: Input, mask: Input) -> list[Problem]:
    """Return what is wrong with a mask for this picture; of what is not on this machine nothing is known."""
    found = needs_repair(base, mask)
    return found if found or mask.mask is None else emptiness(mask.mask)


def needs_repair(base: Input, mask: Input) -> list[Problem]:
    """Return what keeps a mask from being read at all: tones, transparency, size."""
    texts = []
    if mask.mask is not None:
        if mask.mask.white_by_paint:
            texts.append(two_ways(mask.mask, _command(base, mask, "paint"), _command(base, mask, "alpha")))
        elif mask.mask.transparent:
            share = f"{100 * mask.mask.white_by_alpha:.3g} %"
            texts.append(
                tr(
                    f"is partly transparent: --mask-fix makes that part ({share}) white{_IN_A_ROW[0]}",
                    f"部分透明：--mask-fix 会把透明部分（{share}）变为白色{_IN_A_ROW[1]}",
                )
            )
        elif not mask.mask.pure:
            texts.append(
                tr(
                    f"is not pure black and white: --mask-fix makes it so{_IN_A_ROW[0]}",
                    f"不是纯黑白图片：可用 --mask-fix 修复{_IN_A_ROW[1]}",
                )
            )
    return [Problem("mask", text) for text in (*texts, *_size_problems(base, mask))]


def emptiness(mask: Mask) -> list[Problem]:
    """Return what is wrong with a pure mask that selects nothing or everything."""
    if mask.white == 0:
        return [Problem("mask", tr("is all black: nothing would be changed", "全黑：没有需要修改的区域"))]
    if mask.white == 1:
        return [Problem("mask", tr("is all white: everything would be changed", "全白：没有保留的区域"))]
    return []


def notices(base: Input, mask: Input) -> list[Notice]:
    """Return what to know about a picture whose mask was drawn for it as a viewer shows it.

    Not tried: whether the service turns a picture by its EXIF. One given by flags or alone in a config goes upright.
    """
    if base.probe is None or mask.probe is None or not base.probe.turned:
        return []
    return [
        Notice(
            "picture_turned",
            tr(
                "the picture is stored turned (EXIF), so the mask may fall on another place: save the picture upright",
                "图片以旋转方式存储（EXIF），mask 可能落在别处：请先把图片转正后保存",
            ),
        )
    ]


def _size_problems(base: Input, mask: Input) -> list[str]:
    if base.probe is None or mask.probe is None:
        return []
    one, other = ((p.width_px, p.height_px) for p in (base.probe, mask.probe))
    if one == other:
        return []
    return [
        tr(
            f"is {other[0]}*{other[1]}, the picture is {one[0]}*{one[1]}: they must be the same: --mask-fix scales it{_IN_A_ROW[0]}",
            f"尺寸为 {other[0]}*{other[1]}，与图片 {one[0]}*{one[1]} 不一致：--mask-fix 可缩放{_IN_A_ROW[1]}",
        )
    ]


def _command(base: Input, mask: Input, by: str) -> str:
    """Return the command that makes the mask anew, to be sent from any door."""
    words = [] if base.probe is None else ["--image", str(path_of(base.url))]
    words += ["--mask", str(path_of(mask.url)), "--mask-from", by, "--mask-save", f"{by}.png"]
    return f"{how_to().script('wanx_edit')} {line_of(words)}"


def two_ways(mask: Mask, by_paint: str, by_alpha: str) -> str:
    """Return what to say about a mask whose paint and transparency disagree, with the command for either."""
    paint, alpha = (f"{100 * share:.3g} %" for share in (mask.white_by_paint, mask.white_by_alpha))
    return tr(
        f"is partly transparent and can be read in two ways: its paint makes {paint} white (`{by_paint}`), "
        f'its transparency {alpha} (`{by_alpha}`); in a row or config: "mask_from": "paint" or "alpha"',
        f"部分透明，有两种读法：按颜色 {paint} 为白色（`{by_paint}`），按透明度 {alpha} 为白色（`{by_alpha}`）；"
        '批量行与配置中："mask_from": "paint" 或 "alpha"',
    )
