"""The tools: one a kind, and those that wait, fetch and look up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bailian.agents.schemas import Schema, input_schema
from bailian.catalog import KINDS, Catalog

WAIT_S = 50.0
"""Many clients give a call a minute."""
WAIT_MAX_S = 1800.0


@dataclass(frozen=True)
class KindTool:
    """A tool that makes something, and costs money."""

    kind: str
    does: str
    wait_s: float = WAIT_S
    """How long a task is waited for if nothing is said; 0: it is only submitted."""


KIND_TOOLS = {
    "text2image": KindTool("image", "Make pictures from a text."),
    "edit_image": KindTool("image_edit", "Edit pictures by an instruction."),
    "wanx_edit": KindTool("wanx_edit", "Edit one picture by one of ten functions; a mask says where."),
    "text2text": KindTool("text", "Answer a text, with pictures or films to look at."),
    "text2video": KindTool("video", "Make a film from a text, pictures or films. It takes minutes.", 0),
    "speak": KindTool("speech", "Speak a text into a sound file."),
    "transcribe": KindTool("transcription", "Write down what is said in a recording.", 0),
}
TASK = "A task is waited for `wait_s` seconds; what still runs then has a `task_id`: `wait_task` goes on waiting, nothing is paid twice."
RESULT = "The files are saved on this machine and their paths returned. It costs money from the server's budget."
WAIT: Schema = {
    "type": "number",
    "minimum": 0,
    "maximum": WAIT_MAX_S,
    "description": "How many seconds a task is waited for; 0 only submits it.",
}
MOST: Schema = {"type": "number", "minimum": 0, "description": "Refuse what may cost more than this, in CNY."}
STRICT: Schema = {"type": "boolean", "description": "Refuse what would be adapted instead of noting it."}
UTILITIES: dict[str, tuple[str, Schema]] = {
    "wait_task": (
        "Wait for a task that was submitted, save its files and return them. Free.",
        {"task_id": {"type": "string"}, "wait_s": {**WAIT, "default": WAIT_S}},
    ),
    "fetch_tasks": (
        "Fetch the results of all tasks that were left open on this machine, whoever began them. Free.",
        {"wait_s": {**WAIT, "default": 10.0}},
    ),
    "list_tasks": (
        "List what was asked for on this machine, newest first. Free.",
        {"limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 20}},
    ),
    "models": (
        "List the models of a kind, or all that is known of one: sizes, limits, prices. Free.",
        {"kind": {"type": "string", "enum": [*KINDS]}, "name": {"type": "string"}},
    ),
    "budget": ("Say what is left of the server's budget. Free.", {}),
}
REQUIRED = {"wait_task": ["task_id"]}


@dataclass(frozen=True)
class ToolText:
    """A tool as it is listed."""

    name: str
    description: str
    schema: Schema
    costs: bool


def listed(models: Catalog) -> list[ToolText]:
    """Return all tools."""
    return [*(_of_kind(name, tool, models) for name, tool in KIND_TOOLS.items()), *_free()]


def _of_kind(name: str, tool: KindTool, models: Catalog) -> ToolText:
    options: dict[str, Any] = {"max_cost_cny": MOST, "strict": STRICT}
    text = [tool.does, RESULT]
    if tool.kind not in ("text", "speech"):
        options["wait_s"] = {**WAIT, "default": tool.wait_s}
        text.append(TASK)
    return ToolText(name, " ".join(text), input_schema(tool.kind, models, options), costs=True)


def _free() -> list[ToolText]:
    found = []
    for name, (text, properties) in UTILITIES.items():
        schema = {"type": "object", "properties": properties, "required": REQUIRED.get(name, [])}
        found.append(ToolText(name, text, {**schema, "additionalProperties": False}, costs=False))
    return found
