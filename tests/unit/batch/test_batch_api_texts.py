"""Which texts the vendor's Batch API takes, why not, and how their lines look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bailian.batch.service_batches.line_format import line_of, refusal_of
from bailian.catalog import load
from bailian.modalities.text import text
from bailian.types import Prepared

pytestmark = pytest.mark.unit

CATALOG = load()
PICTURE = "https://example.com/a.png"


def prepare(prompt: str = "你好", **own: Any) -> Prepared:
    return text.prepare({"prompt": prompt, **own}, CATALOG, "beijing")


def why_not(prompt: str = "你好", **own: Any) -> str:
    prepared = prepare(prompt, **own)
    return refusal_of(prepared.model, prepared.body, "beijing")


@pytest.mark.parametrize(
    "name",
    [
        "qwen-plus",
        "qwen-flash",
        "qwen-long",
        "qwen3.8-max",
        "qwen3.7-plus",
        "qwen3.7-flash",
        "qwen3.6-plus",
        "qwen3.5-flash",
    ],
)
def test_the_models_of_its_list_are_taken(name: str) -> None:
    assert why_not(model=name) == ""


@pytest.mark.parametrize(
    ("own", "why"),
    [
        *(({"model": name}, "not in its list") for name in ("qwen-max", "deepseek-v4-pro", "glm-5.2", "kimi-k2.6")),
        ({"image": [PICTURE]}, "pictures and films"),
        ({"prompt": "", "ocr": "text", "image": [PICTURE]}, "pictures and films"),
        ({"search": True}, "searches"),
        ({"prompt": "字" * 100_000, "model": "qwen3.7-plus"}, "262,144 tokens"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_not_taken_is_told_why(own: dict[str, Any], why: str) -> None:
    assert why in why_not(**own)


def test_a_line_of_a_model_of_the_other_route_holds_plain_texts() -> None:
    body = prepare("写诗", model="qwen3.7-plus", system="短", prefix="床前").body
    line = json.loads(line_of("j", body))
    assert [(turn["role"], turn["content"]) for turn in line["body"]["messages"]] == [
        ("system", "短"),
        ("user", "写诗"),
        ("assistant", "床前"),
    ]
    assert line["body"]["enable_thinking"] is False
    assert line["body"]["messages"][-1]["partial"] is True
