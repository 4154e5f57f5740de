"""The groups in which help shows options. Which one an option belongs to is written on the option."""

from __future__ import annotations

from typing import NamedTuple


class OptionGroup(NamedTuple):
    """The title over some options, in both languages."""

    english: str
    chinese: str


OPTIONS = OptionGroup("Options", "选项")
INPUTS = OptionGroup("What goes in", "输入")
REQUEST = OptionGroup("Request", "请求")
CONVERSATION = OptionGroup("Conversations that are kept", "保存的对话")
OF_A_FUNCTION = OptionGroup("Of one function", "某个功能专用")
MASK = OptionGroup("Mask", "编辑区域（mask）")
SOME_MODELS = OptionGroup("Only some models", "仅部分模型支持")
VACE = OptionGroup("Functions of wanx2.1-vace-plus", "wanx2.1-vace-plus 的功能")
BATCH = OptionGroup("How the rows are run", "运行方式")
ROWS = OptionGroup("Many rows: --config, --each, several models", "多行任务：--config、--each、多个模型")
BEFORE = OptionGroup("Before sending, and money", "发送之前与费用")
RESULT = OptionGroup("Result", "结果")
WHERE = OptionGroup("Which service and account", "服务与账号")
OTHER = OptionGroup("Other", "其他")

ORDER = (
    OPTIONS, INPUTS, REQUEST, CONVERSATION, OF_A_FUNCTION, MASK, SOME_MODELS, VACE, BATCH, ROWS, BEFORE, RESULT, WHERE, OTHER,
)  # fmt: skip
"""From what the request is to where it goes."""
