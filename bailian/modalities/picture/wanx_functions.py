"""The ten functions of wanx2.1-imageedit, each with exactly its own arguments. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Argument:
    """A number or switch of some functions. The default is sent explicitly: the documents disagree on the service's."""

    low: float
    high: float
    default: float | bool


SCALE = Argument(1.0, 2.0, 1.0)


ARGUMENTS: Mapping[str, Argument] = {
    "strength": Argument(0.0, 1.0, 0.5),
    "top_scale": SCALE,
    "bottom_scale": SCALE,
    "left_scale": SCALE,
    "right_scale": SCALE,
    "upscale_factor": Argument(1, 4, 1),
    "is_sketch": Argument(0, 1, False),
}


@dataclass(frozen=True)
class Function:
    """One editing function: its Chinese name, its own arguments, and how its prompt may look."""

    title: str
    arguments: tuple[str, ...] = ()
    mask: bool = False
    default_prompt: str | None = None
    """Sent when no prompt is given; None: a prompt is required."""
    styles: tuple[str, ...] = ()
    """The styles the guide lists; others are taken as free text, with a notice."""


FUNCTIONS: Mapping[str, Function] = {
    "stylization_all": Function("全局风格化", ("strength",), styles=("法国绘本", "金箔艺术")),
    "stylization_local": Function(
        "局部风格化", styles=("冰雕", "云朵", "花灯", "木板", "青花瓷", "毛茸茸", "毛线", "气球")
    ),
    "description_edit": Function("指令编辑", ("strength",)),
    "description_edit_with_mask": Function("局部重绘", mask=True, default_prompt=""),
    "remove_watermark": Function("去文字水印", default_prompt="去除图像中的文字"),
    "expand": Function("扩图", ("top_scale", "bottom_scale", "left_scale", "right_scale")),
    "super_resolution": Function("图像超分", ("upscale_factor",), default_prompt="图像超分"),
    "colorization": Function("图像上色", default_prompt=""),
    "doodle": Function("线稿生图", ("is_sketch",)),
    "control_cartoon_feature": Function("参考卡通生图"),
}


BY_TITLE = {function.title: name for name, function in FUNCTIONS.items()}
