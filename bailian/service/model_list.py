"""`GET /api/v1/models`: the service's own list of models. Free; one page after the other.

Facts: help.aliyun.com/zh/model-studio/list-models (2026). `{"success", "output": {"total", "page_no", "page_size",
"models": [{"model", "name", "inference_metadata": {"request_modality", "response_modality"}, "model_info": {…}}]}}`.
That it is complete is documented nowhere, and of the OpenAI-compatible list the contrary is known: a name that is
missing here may work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.errors import TransportError
from bailian.i18n import tr
from bailian.service import responses
from bailian.service.transport.http import Http

PAGE_SIZE = 100
PAGES_MAX = 100
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class ListedModel:
    """One row of the list. What the service leaves out is empty or None."""

    name: str
    """As this region's service has it."""
    title: str = ""
    takes: tuple[str, ...] = ()
    """"Text", "Image", "Video", "Audio"."""
    gives: tuple[str, ...] = ()
    context_tokens: int | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    wire: Mapping[str, Any] | None = None
    """The row as it came: features, prices and all."""


def list_models(http: Http, name: str | None = None) -> list[ListedModel]:
    """Return every model that the list has, or the one of that name.

    Raises:
        ServiceError: the service said no.
        TransportError: no usable answer, or fewer rows than it announced.
    """
    found: dict[str, ListedModel] = {}
    rows_seen = 0
    for page_no in range(1, PAGES_MAX + 1):
        params = {"page_no": page_no, "page_size": PAGE_SIZE, **({"model": name} if name else {})}
        output = responses.read(http.send("GET", "/models", params=params, read_timeout_s=TIMEOUT_S)).get("output")
        rows = output.get("models") if isinstance(output, dict) else None
        total = output.get("total") if isinstance(output, dict) else None
        if not isinstance(rows, list) or not isinstance(total, int):
            raise TransportError(tr("the list of models is not readable", "模型列表无法解析"))
        rows_seen += len(rows)
        listed = [_listed(row) for row in rows if isinstance(row, dict) and isinstance(row.get("model"), str)]
        found.update({one.name: one for one in listed if one.name})
        if rows_seen >= total:
            return list(found.values())
        if not rows:
            break
    raise TransportError(tr("the list of models is not complete", "模型列表不完整"))


def _listed(row: Mapping[str, Any]) -> ListedModel:
    info, modality = _table(row.get("model_info")), _table(row.get("inference_metadata"))
    return ListedModel(
        name=str(row["model"]),
        title=str(row.get("name") or ""),
        takes=_words(modality.get("request_modality")),
        gives=_words(modality.get("response_modality")),
        context_tokens=_count(info.get("context_window")),
        max_input_tokens=_count(info.get("max_input_tokens")),
        max_output_tokens=_count(info.get("max_output_tokens")),
        wire=row,
    )


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _words(value: object) -> tuple[str, ...]:
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _count(value: object) -> int | None:
    """Return a number of tokens; 0 and nonsense say nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
