"""Reading what stands in a picture: the fixed tasks of the OCR models, and their answers.

Facts: docs/wire.md "Texts of today" (the vendor's OCR page, 2026-08).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bailian.catalog import Model
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.modalities.text.text_request import TextRequest
from bailian.types.json_values import object_of, objects_of, text_of

TASKS = {
    "text": "text_recognition",
    "table": "table_parsing",
    "formula": "formula_recognition",
    "document": "document_parsing",
    "fields": "key_information_extraction",
}
"""Our word → the service's."""
LEVELS_MAX = 3
MIN_PX = 3072
"""The page's own samples send both bounds of a picture."""
_FENCED = re.compile(r"\s*```\w*[ \t]*\n(.*?)\n?\s*```\s*", re.DOTALL)


def problems(request: TextRequest, model: Model) -> list[Problem]:
    """Check what goes with OCR, and what does not: its tasks have their own prompts."""
    if not request.ocr:
        without = tr("belongs to --ocr fields", "只用于 --ocr fields")
        return [Problem("schema", without)] if request.ocr_schema is not None else []
    if request.ocr not in TASKS:
        return [Problem("ocr", tr(f"must be one of {', '.join(TASKS)}", f"应为 {'、'.join(TASKS)} 之一"))]
    beside = {
        "prompt": request.prompt,
        "system": request.system,
        "messages": request.messages,
        "chat": request.chat,
        "video": request.video,
        "prefix": request.prefix,
        "json_object": request.json_object,
        "json_schema": request.json_schema is not None,
        "search": request.search,
    }
    text = tr("does not go with --ocr, which has its own prompt", "不能与自带提示词的 --ocr 同用")
    found = [Problem(name, text) for name, given in beside.items() if given]
    if not request.image:
        found.append(Problem("image", tr("--ocr reads one picture: --image X", "--ocr 需要一张图片：--image X")))
    if request.ocr == "fields":
        found += _schema_problems(request.ocr_schema)
    elif request.ocr_schema is not None:
        found.append(Problem("schema", tr("belongs to --ocr fields", "只用于 --ocr fields")))
    return found


def _schema_problems(schema: Mapping[str, Any] | None) -> list[Problem]:
    if not schema:
        needed = tr(
            'which fields? an object, or a file that holds one: {"invoice number": "", "total": ""}',
            '要提取哪些字段？请给出对象或含有对象的文件，如 {"发票号码": "", "金额": ""}',
        )
        return [Problem("schema", needed)]
    if _levels(schema) > LEVELS_MAX:
        return [Problem("schema", tr(f"has more than {LEVELS_MAX} levels", f"嵌套超过 {LEVELS_MAX} 层"))]
    return []


def _levels(value: Any) -> int:
    if isinstance(value, Mapping):
        return 1 + max(map(_levels, value.values()), default=0)
    return max(map(_levels, value), default=0) if isinstance(value, list) else 0


def options_of(request: TextRequest) -> dict[str, Any]:
    """Return the parameter that asks for a task."""
    task: dict[str, Any] = {"task": TASKS[request.ocr]}
    return {**task, "task_config": {"result_schema": request.ocr_schema}} if request.ocr_schema else task


def task_of(parameters: Mapping[str, Any]) -> str:
    """Return the service's word for what is read; "" where nothing is."""
    asked = parameters.get("ocr_options")
    return text_of(asked.get("task")) if isinstance(asked, dict) else ""


def read_text(task: str, content: Any, text: str) -> str:
    """Return what was read, without the fence that the service puts around JSON, HTML and LaTeX; fields as JSON."""
    if task == TASKS["fields"]:
        for part in objects_of(content):
            found = object_of(part.get("ocr_result")).get("kv_result")
            if isinstance(found, dict | list):
                return json.dumps(found, ensure_ascii=False, indent=2)
    fenced = _FENCED.fullmatch(text)
    return fenced[1] if fenced else text
