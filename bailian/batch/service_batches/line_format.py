"""Jobs of texts and embeddings as lines of the service's batch files, and its result lines as answers. Pure: no I/O.

Facts: docs/wire.md "Batch API" (batch interface page, 2026-06; captured result lines, 2026-04).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bailian.catalog import Model
from bailian.errors import InvalidRequest
from bailian.files import tokens
from bailian.i18n import tr
from bailian.modalities.text import embedding_answers
from bailian.modalities.text.text_turns import media_in, text_in
from bailian.service.json_reader import read_json
from bailian.service.responses import wire_error
from bailian.store.service_batches import Offer
from bailian.types import StoredRequest, TextContext

# 50,000 lines, 500 MB a file, 6 MB a line; whether a MB is 10^6 or 2^20 bytes is not said, so the smaller.
LINES_MAX = 50_000
FILE_BYTES_MAX = 500_000_000
LINE_BYTES_MAX = 6_000_000
REGIONS = ("beijing", "singapore")
PRICE_SHARE = 0.5
KINDS = ("text", "embedding")
CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"
# What an embedding has to be: the compatible route has no word for these, and makes the usual (embedding page, 2026).
EMBEDDING_DEFAULTS = {"text_type": "document", "output_type": "dense", "instruct": None}
# Of these models a batch reads less than a call (batch chat page, 2026-08).
SHORTER_IN_BATCHES, BATCH_CONTEXT_TOKENS = "qwen3", 262_144
# What only the native protocol has: results are always whole messages here.
NATIVE_ONLY = ("result_format", "incremental_output")


@dataclass(frozen=True)
class Result:
    """What came of one line: an answer in the native shape, or the service's reason."""

    job_id: str
    answer: dict[str, Any] | None
    wire_code: str = ""
    message: str = ""
    status: int | None = None
    request_id: str | None = None


def line_of(job_id: str, body: Mapping[str, Any]) -> bytes:
    """Return a job's line, with its end of line.

    Raises:
        InvalidRequest: it is longer than the service takes.
    """
    endpoint = endpoint_of(body)
    sent = _embedding(body) if endpoint == EMBEDDINGS else _chat(body)
    line = {"custom_id": job_id, "method": "POST", "url": endpoint, "body": sent}
    # Half a surrogate pair (a prompt cut inside an emoji) cannot be written as UTF-8.
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
    data = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode() + b"\n"
    if len(data) > LINE_BYTES_MAX:
        raise InvalidRequest.one(
            "messages" if endpoint == CHAT else "text",
            tr(
                f"{len(data):,} bytes; a line of a batch has at most {LINE_BYTES_MAX:,}",
                f"共 {len(data):,} 字节；批量推理的每行最多 {LINE_BYTES_MAX:,} 字节",
            ),
            advice=tr("run this row without --batch-api", "请不带 --batch-api 运行该行"),
        )
    return data


def endpoint_of(body: Mapping[str, Any]) -> str:
    """Return where a line is sent; all lines of a file go to the same."""
    return EMBEDDINGS if "texts" in body["input"] else CHAT


def _chat(body: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {key: value for key, value in body.get("parameters", {}).items() if key not in NATIVE_ONLY}
    turns = [{**turn, "content": text_in(turn.get("content"))} for turn in body["input"]["messages"]]
    return {"model": body["model"], "messages": turns, **parameters}


def _embedding(body: Mapping[str, Any]) -> dict[str, Any]:
    dimension = body.get("parameters", {}).get("dimension")
    sizes = {} if dimension is None else {"dimensions": dimension}
    return {"model": body["model"], "input": body["input"]["texts"], **sizes, "encoding_format": "float"}


def thinks(body: Mapping[str, Any]) -> bool:
    """Return whether a line asks for thoughts: all lines of a file do, or none (batch page, 2026-08)."""
    return bool(body.get("parameters", {}).get("enable_thinking"))


def is_taken(kind: str, model: Model | None, body: Mapping[str, Any], region: str) -> bool:
    """Return whether the Batch API takes a request; `model` is None where the catalog does not know it any more."""
    return kind in KINDS and not refusal_of(model, body, region)


def refusal_of(model: Model | None, body: Mapping[str, Any], region: str) -> str:
    """Return why the Batch API does not take a text or an embedding: its model, or what the compatible route has no
    word for; "" if it does."""
    regions = REGIONS if model is None or model.batch_api_regions is None else model.batch_api_regions
    if region not in regions:
        return tr("the model is not in its list", "该模型不在其支持列表中")
    parameters = body.get("parameters", {})
    if endpoint_of(body) == EMBEDDINGS:
        usual = all(parameters.get(name, value) == value for name, value in EMBEDDING_DEFAULTS.items())
        return "" if usual else tr("it has no words for these options", "不支持这些参数")
    turns = body["input"]["messages"]
    if any(media_in(turn.get("content")) for turn in turns):
        return tr("how pictures and films stand in its files is not documented", "文档未说明其文件中如何放置图片和视频")
    if parameters.get("enable_search"):
        return tr("searches are not documented for it", "文档未说明其支持联网搜索")
    length = sum(tokens.ceiling(text_in(turn.get("content")) or "") for turn in turns)
    if str(body["model"]).startswith(SHORTER_IN_BATCHES) and length > BATCH_CONTEXT_TOKENS:
        return tr(
            f"it takes up to {BATCH_CONTEXT_TOKENS:,} tokens of this model",
            f"该模型最多 {BATCH_CONTEXT_TOKENS:,} 个 token",
        )
    return ""


def first_file(sizes: Iterable[tuple[str, int]]) -> list[str]:
    """Return the ids of the jobs that fill one file; the rest goes into the next one.

    Args:
        sizes: id and bytes of each job's line.
    """
    chosen: list[str] = []
    room_bytes = FILE_BYTES_MAX
    for job_id, size_bytes in sizes:
        if len(chosen) >= LINES_MAX or size_bytes > room_bytes:
            break
        room_bytes -= size_bytes
        chosen.append(job_id)
    return chosen


def discounted(prepared: StoredRequest) -> StoredRequest:
    """Return a job's request as a part of a batch: its tokens cost half of what they cost alone."""
    return _scaled(prepared, PRICE_SHARE)


def undiscounted(prepared: StoredRequest) -> StoredRequest:
    """Undo `discounted`: the job is sent alone, or in another batch."""
    return _scaled(prepared, 1 / PRICE_SHARE)


def _scaled(prepared: StoredRequest, factor: float) -> StoredRequest:
    context = TextContext.of(prepared.context)
    prices = tuple(tier.times(factor) for tier in context.prices)
    # An earlier version noted the batch's name here.
    return replace(prepared, context=replace(context, prices=prices), service_batch="")


OFFER = Offer(PRICE_SHARE, discounted, undiscounted)


def results(lines: Iterable[bytes]) -> Iterator[Result]:
    """Read a result or error file. The lines' order means nothing; what is no result line is left out."""
    for line in lines:
        try:
            value = read_json(line)
        except ValueError:
            continue
        if isinstance(value, dict) and isinstance(value.get("custom_id"), str):
            yield _result(value)


def _result(line: Mapping[str, Any]) -> Result:
    response = line.get("response")
    response = response if isinstance(response, dict) else {}
    body = response.get("body")
    body = body if isinstance(body, dict) else {}
    status = response.get("status_code")
    status = status if type(status) is int else None
    request_id = str(response.get("request_id") or line.get("id") or "") or None
    code, message = wire_error({"error": line["error"]} if isinstance(line.get("error"), dict) else body)
    if not code and isinstance(body.get("choices"), list) and status in (200, None):
        return Result(str(line["custom_id"]), native_answer(body, request_id), status=status, request_id=request_id)
    if not code and isinstance(body.get("data"), list) and status in (200, None):
        answer = embedding_answers.native_answer(body, request_id)
        return Result(str(line["custom_id"]), answer, status=status, request_id=request_id)
    return Result(str(line["custom_id"]), None, code, message, status, request_id)


def native_answer(body: Mapping[str, Any], request_id: str | None) -> dict[str, Any]:
    """Return a chat completion in the shape of a native answer."""
    choices = [
        {key: choice[key] for key in ("finish_reason", "message", "logprobs") if choice.get(key) is not None}
        for choice in body["choices"]
        if isinstance(choice, dict)
    ]
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens", "total_tokens": "total_tokens"}
    counts: dict[str, Any] = {ours: usage[theirs] for ours, theirs in names.items() if theirs in usage}
    if isinstance(usage.get("completion_tokens_details"), dict):
        counts["output_tokens_details"] = usage["completion_tokens_details"]
    return {"request_id": request_id, "output": {"choices": choices}, "usage": counts}


def line_errors(batch: Mapping[str, Any], job_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return (wire code, message) of each job whose line failed the validation. Lines count from 1."""
    errors = batch.get("errors")
    data = errors.get("data") if isinstance(errors, dict) else None
    found: dict[str, tuple[str, str]] = {}
    for error in data if isinstance(data, list) else []:
        if not isinstance(error, dict):
            continue
        number = error.get("line")
        if type(number) is int and 1 <= number <= len(job_ids):
            said = (str(error.get("code") or ""), str(error.get("message") or ""))
            found.setdefault(job_ids[number - 1], said)
    return found


def refusal(batch: Mapping[str, Any]) -> tuple[str, str]:
    """Return (wire code, message) of the first reason why a whole batch was refused; empty if none is given."""
    errors = batch.get("errors")
    data = errors.get("data") if isinstance(errors, dict) else None
    for error in data if isinstance(data, list) else []:
        if isinstance(error, dict):
            return str(error.get("code") or ""), str(error.get("message") or "")
    return "", ""
