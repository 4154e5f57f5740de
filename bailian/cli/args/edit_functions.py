"""The functions of wanx2.1-imageedit for help and completion; what each takes is in `modalities`, which is more to load."""

from __future__ import annotations

FUNCTIONS = {
    "stylization_all": "全局风格化",
    "stylization_local": "局部风格化",
    "description_edit": "指令编辑",
    "description_edit_with_mask": "局部重绘",
    "remove_watermark": "去文字水印",
    "expand": "扩图",
    "super_resolution": "图像超分",
    "colorization": "图像上色",
    "doodle": "线稿生图",
    "control_cartoon_feature": "参考卡通生图",
}
