"""The frame of a gallery's page: its words in the user's language, its policy, and JSON that can be nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bailian.i18n import tr

# `<`, `>` and `&` could end the element or begin a comment; U+2028/9 end lines in old scripts.
_UNSAFE = "<>&\u2028\u2029"
_TEMPLATE = Path(__file__).with_name("gallery.html")


def page(title: str) -> tuple[str, str, str]:
    """Return the page up to the records, what is between them and the totals, and the rest."""
    template = _TEMPLATE.read_text(encoding="utf-8")
    head, _, rest = template.partition("%%records%%")
    middle, _, tail = rest.partition("%%totals%%")
    values = {
        "language": tr("en", "zh-CN"),
        "title": html.escape(title),
        "noscript": tr("This page needs JavaScript.", "此页面需要启用 JavaScript。"),
        "policy": _policy(template),
        "words": embedded(_words()),
    }
    return re.sub(r"%%(\w+)%%", lambda match: values[match.group(1)], head), middle, tail


def _policy(template: str) -> str:
    """Return the content security policy: this very style and script, files beside the page, nothing else."""

    def digest(tag: str) -> str:
        block = re.search(f"<{tag}>(.*?)</{tag}>", template, re.DOTALL)
        found = hashlib.sha256(block.group(1).encode() if block else b"").digest()
        return f"'sha256-{base64.b64encode(found).decode()}'"

    return (
        f"default-src 'none'; script-src {digest('script')}; style-src {digest('style')}; "
        "img-src 'self' file: data:; media-src 'self' file:; base-uri 'none'; form-action 'none'"
    )


def embedded(value: Any) -> str:
    """Return JSON that may stand inside a script element: nothing in it can be read as markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in _UNSAFE:
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def plain(value: Any, chars: int | None = None) -> Any:
    """Return a value as JSON has it: other things as their text, no infinite numbers, long texts cut at `chars`."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item, chars) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, chars) for item in value]
    text = str(value)
    return text if chars is None or len(text) <= chars else text[:chars] + "…"


def _words() -> dict[str, Any]:
    return {
        "language": tr("en", "zh-CN"),
        "kinds": {
            "image": tr("Pictures", "图片"),
            "image_edit": tr("Edits", "图像编辑"),
            "wanx_edit": tr("Wanx edits", "万相编辑"),
            "text": tr("Texts", "文本"),
            "video": tr("Videos", "视频"),
            "speech": tr("Speech", "语音合成"),
            "transcription": tr("Transcripts", "语音识别"),
            "embedding": tr("Embeddings", "文本向量"),
        },
        "states": {
            "done": tr("done", "已完成"),
            "failed": tr("failed", "失败"),
            "held": tr("held", "待确认"),
            "running": tr("running", "运行中"),
            "waiting": tr("waiting", "排队中"),
            "unsent": tr("not sent", "未提交"),
        },
        "sorts": {
            "": tr("file order", "按文件顺序"),
            "newest": tr("newest first", "最新在前"),
            "dearest": tr("most expensive first", "费用从高到低"),
            "slowest": tr("slowest first", "耗时从长到短"),
            "troubled": tr("troubles first", "异常在前"),
        },
        "notes": {
            "missing": tr("The file is not there.", "文件不存在。"),
            "broken": tr("This picture cannot be shown.", "图片无法显示。"),
            "large": tr("Too large for a preview.", "图片过大，没有预览。"),
        },
        "units": {
            "s": tr("{s} s", "{s} 秒"),
            "min": tr("{min} min {s} s", "{min} 分 {s} 秒"),
            "h": tr("{h} h {min} min", "{h} 小时 {min} 分"),
        },
        "jobs": tr("jobs", "任务"),
        "cost": tr("cost", "费用"),
        "time": tr("time of all jobs", "任务总耗时"),
        "took": tr("took {time}", "用时 {time}"),
        "kind": tr("Kind", "类型"),
        "state": tr("State", "状态"),
        "error": tr("Error", "错误"),
        "model": tr("Model", "模型"),
        "all_models": tr("all models", "全部模型"),
        "sort": tr("Order", "排序"),
        "search": tr("Search prompt, model, file name, label", "搜索提示词、模型、文件名、标签"),
        "load_more": tr("Show more", "显示更多"),
        "shown": tr("{shown} of {all}", "{all} 个中的 {shown} 个"),
        "none": tr("Nothing matches", "没有符合条件的任务"),
        "show_all": tr("show all", "显示全部"),
        "left_out": tr("The first {shown} of {all} jobs stand here.", "此页只列出前 {shown} 个任务，共 {all} 个。"),
        "no_jobs": tr("This run has no jobs.", "此批次没有任务。"),
        "no_file": tr("No file.", "没有文件。"),
        "more": tr("more", "展开"),
        "less": tr("less", "收起"),
        "expand": tr("Read", "放大阅读"),
        "details": tr("Details", "详情"),
        "seed": tr("seed", "种子"),
        "made_at": tr("Started", "开始时间"),
        "file": tr("File", "文件"),
        "place": tr("{at} of {all}", "第 {at} 个，共 {all} 个"),
        "close": tr("Close (Esc)", "关闭（Esc）"),
        "back": tr("Previous (←)", "上一个（←）"),
        "forth": tr("Next (→)", "下一个（→）"),
    }
