"""What a table's columns and cells are called by people: 提示词, "Negative Prompt" → the fields' own names."""

from __future__ import annotations

HEADINGS = {
    "类型": "kind",
    "任务类型": "kind",
    "模型": "model",
    "提示词": "prompt",
    "正向提示词": "prompt",
    "文本": "prompt",
    "文案": "prompt",
    "指令": "prompt",
    "反向提示词": "negative_prompt",
    "负向提示词": "negative_prompt",
    "尺寸": "size",
    "分辨率": "resolution",
    "比例": "ratio",
    "数量": "n",
    "张数": "n",
    "随机种子": "seed",
    "种子": "seed",
    "水印": "watermark",
    "图片": "image",
    "图像": "image",
    "首帧": "image",
    "尾帧": "last_frame",
    "参考图": "references",
    "视频": "video",
    "音频": "audio",
    "录音": "file",
    "时长": "duration",
    "帧率": "fps",
    "功能": "function",
    "蒙版": "mask",
    "掩膜": "mask",
    "系统提示词": "system",
    "温度": "temperature",
    "音色": "voice",
    "格式": "format",
    "采样率": "sample_rate",
    "音量": "volume",
    "语速": "rate",
    "音高": "pitch",
    "语言": "language",
    "编号": "id",
    "文件名": "name",
    "输出": "output",
    "输出目录": "output",
    "提示词文件": "prompt_file",
}
"""Chinese headings. A heading that is no field of the table's kind stays a column of the user's own."""

KIND_WORDS = {
    "图片": "image",
    "文生图": "image",
    "图像编辑": "image_edit",
    "图片编辑": "image_edit",
    "万相编辑": "wanx_edit",
    "视频": "video",
    "文本": "text",
    "语音": "speech",
    "语音合成": "speech",
    "语音识别": "transcription",
    "文本向量": "embedding",
}
"""What stands in a column of kinds."""


def field_of(heading: str) -> str:
    """Return the field that a heading may mean: "Negative Prompt" and 反向提示词 are `negative_prompt`."""
    return HEADINGS.get(heading) or "_".join(heading.lower().split())
