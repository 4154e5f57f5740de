"""The words in capitals that stand for a value, in Chinese. What is a name or a unit everywhere (URL, ID, N) stays."""

from __future__ import annotations

import re

from bailian.i18n import tr

CHINESE = {
    "ADDRESS": "地址",
    "CNY": "元",
    "CODE": "语种",
    "COLOR": "颜色",
    "COPY": "副本",
    "DIR": "目录",
    "FIELD": "字段",
    "FILE": "文件",
    "FORMAT": "格式",
    "FUNCTION": "功能",
    "INSTRUCTION": "指令",
    "KIND": "类别",
    "MODE": "方式",
    "NAME": "名称",
    "NEW": "新名称",
    "PATTERN": "通配符",
    "PORT": "端口",
    "PROMPT": "提示词",
    "REGION": "地域",
    "SECONDS": "秒",
    "SIZE": "尺寸",
    "STATE": "状态",
    "TEMPLATE": "模板",
    "TEXT": "文本",
    "TIME": "时间",
    "VALUE": "值",
    "VOICE": "音色",
    "WHAT": "内容",
    "WORD": "取值",
}


def in_language(metavar: str) -> str:
    """Return a metavar in the user's language: `DIR|FILE|-` is 目录|文件|- in Chinese."""
    return tr(metavar, re.sub(r"[A-Z]{2,}", lambda found: CHINESE.get(found[0], found[0]), metavar))
