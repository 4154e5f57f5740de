"""Embeddings: the body of each model, what is refused, what an answer is, and what it costs."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.batch.service_batches import line_format
from bailian.catalog import load
from bailian.errors import InvalidRequest
from bailian.modalities import modality_of
from bailian.modalities.text import embedding
from bailian.modalities.text.embedding_answers import compacted, embeddings_of, with_paths
from bailian.modalities.text.vectors import json_numbers, packed, unpacked
from bailian.types import Prepared, StoredRequest

CATALOG = load(Path("/nowhere"))
V4, V3, V2, Q37 = "text-embedding-v4", "text-embedding-v3", "text-embedding-v2", "qwen3.7-text-embedding"


def prepared(region: str = "beijing", **fields: Any) -> Prepared:
    return embedding.prepare({"text": "你好", **fields}, CATALOG, region)


def told(region: str = "beijing", **fields: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as raised:
        prepared(region, **fields)
    return {problem.field: problem.message for problem in raised.value.problems}


def answer_to(made: Prepared, **own: Any) -> dict[str, Any]:
    length = made.body["parameters"].get("dimension", 1536)
    entries = [{"text_index": i, "embedding": [0.5] * length} for i in range(made.count)]
    return {"output": {"embeddings": entries}, "usage": {"total_tokens": 27}, "request_id": "r", **own}


@pytest.mark.parametrize(
    ("fields", "parameters"),
    [
        ({}, {"text_type": "document", "dimension": 1024, "output_type": "dense"}),
        ({"model": V3, "dimension": 64}, {"text_type": "document", "dimension": 64, "output_type": "dense"}),
        ({"model": V2}, {"text_type": "document"}),
        ({"model": "text-embedding-v1", "text_type": "query"}, {"text_type": "query"}),
        (
            {
                "model": Q37,
                "dimension": 2560,
                "output_type": "dense&sparse",
                "text_type": "query",
                "instruct": "Find it.",
            },
            {"text_type": "query", "dimension": 2560, "output_type": "dense&sparse", "instruct": "Find it."},
        ),
    ],
)
def test_the_body_is_the_documented_one(fields: dict[str, Any], parameters: dict[str, Any]) -> None:
    made = prepared(text=["一", "二"], **fields)
    model = fields.get("model", V4)
    assert made.body == {"model": model, "input": {"texts": ["一", "二"]}, "parameters": parameters}
    assert made.model.route == "/services/embeddings/text-embedding/text-embedding"
    assert made.count == 2
    assert made.notices == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"texts": ["一"], "dimensions": 64, "encoding_format": "float"},
        {"text": ["一"], "dimension": 64},
        {"text": "一", "dimension": 64},
    ],
)
def test_the_names_of_both_routes_are_read(fields: dict[str, Any]) -> None:
    made = embedding.prepare(embedding.from_config(fields), CATALOG, "beijing")
    assert (made.body["input"], made.body["parameters"]["dimension"]) == ({"texts": ["一"]}, 64)


@pytest.mark.parametrize(
    ("fields", "where", "words"),
    [
        ({"text": []}, "text", "is required"),
        ({"text": None}, "text", "is required"),
        ({"text": 5}, "text", "must be a text, or a list"),
        ({"text": ["a", 5]}, "text", "must be a text, or a list"),
        ({"text": ["a", " "]}, "text[1]", "is empty"),
        ({"text": "a\x00"}, "text", "NUL"),
        ({"text": ["a"] * 11}, "text", "has 11 texts, text-embedding-v4 takes at most 10"),
        ({"text": ["a"] * 21, "model": Q37}, "text", "at most 20"),
        ({"text": ["a"] * 26, "model": V2}, "text", "at most 25"),
        ({"dimension": 100}, "dimension", "must be one of 1024, 2048"),
        ({"dimension": 2560}, "dimension", "must be one of"),
        ({"dimension": 64, "model": Q37}, "dimension", "2560"),
        ({"dimension": 1024, "model": V2}, "dimension", "must be one of 1536"),
        ({"text_type": "answer"}, "text_type", "document, query"),
        ({"output_type": "sparse", "model": V2}, "output_type", "must be one of dense with text-embedding-v2"),
        ({"instruct": "x", "model": V3}, "instruct", "takes no instruction"),
        ({"model": "qwen-plus"}, "model", "is a model for"),
    ],
)
def test_what_the_model_does_not_take_is_refused(fields: dict[str, Any], where: str, words: str) -> None:
    assert words in told(**fields)[where]


def test_a_region_has_its_models_lengths_and_prices() -> None:
    assert "1024, 768, 512" in told("singapore", model=V3, dimension=64)["dimension"]
    assert "is offered in beijing" in told("singapore", model=V2)["model"]
    assert prepared("singapore").context.prices[0].input == 0.000514  # type: ignore[attr-defined]


def test_a_text_that_is_too_long_is_counted_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bailian.files.tokens.count_tokens", len)
    assert "has about 8,193 tokens" in told(text=["a", "好" * 8193])["text[1]"]
    assert prepared(text="好" * 8192).notices == ()
    monkeypatch.setattr("bailian.files.tokens.count_tokens", lambda _text: None)
    assert [notice.code for notice in prepared(text="好" * 8193).notices] == ["length_not_checked"]


def test_an_instruction_for_documents_is_remarked() -> None:
    assert [notice.code for notice in prepared(instruct="Find it.").notices] == ["instruct_without_query"]


def test_the_estimate_is_a_ceiling_and_the_bill_is_the_tokens() -> None:
    made = prepared(text=["你好", "ab"])
    assert made.estimate_cny == round(8 * 0.0005 / 1000, 6)
    stored = StoredRequest.from_json(json.loads(json.dumps(made.stored().to_json())), "embedding")
    assert embedding.charged_cny(answer_to(made), stored) == round(27 * 0.0005 / 1000, 6)
    assert embedding.charged_cny({"usage": {"total_tokens": "x"}}, stored) is None


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_a_packed_vector_is_the_same_vector(numbers: list[float]) -> None:
    text = packed(numbers)
    assert text is not None
    found = unpacked(text)
    assert found is not None
    assert struct.pack(f"{len(numbers)}f", *found) == struct.pack(f"{len(numbers)}f", *numbers)
    assert packed(json.loads(json_numbers(found))) == text or 0.0 in numbers  # JSON has no -0


@pytest.mark.parametrize("numbers", [[], [None], [True], ["1"], [1e300], [10**400], [[1.0]]])
def test_what_is_no_vector_is_not_packed(numbers: list[Any]) -> None:
    assert packed(numbers) is None


@pytest.mark.parametrize("text", [None, 5, "", "%%%", "AAA=", [0.5]])
def test_what_is_no_packed_vector_is_not_read(text: Any) -> None:
    assert unpacked(text) is None


def test_an_answer_is_kept_packed_and_given_as_it_came() -> None:
    made = prepared(text=["一", "二"], dimension=64)
    came = answer_to(made)
    came["output"]["embeddings"].reverse()
    kept = compacted(came)
    assert len(json.dumps(kept)) < len(json.dumps(answer_to(made))) * 2
    assert [item.index for item in embedding.items(kept, made.stored())] == [0, 1]
    assert all(item.good for item in embedding.items(kept, made.stored()))
    assert (
        embeddings_of(kept)
        == with_paths(kept, made.stored(), {})["embeddings"]
        == answer_to(made)["output"]["embeddings"]
    )


def _without(answer: dict[str, Any], change: str) -> dict[str, Any]:
    entries = answer["output"]["embeddings"]
    if change == "one less":
        entries.pop()
    elif change == "no output":
        answer.pop("output")
    elif change == "another length":
        entries[0]["embedding"].pop()
    elif change == "no numbers":
        entries[0]["embedding"] = ["x"]
    elif change == "twice the same":
        entries[1]["text_index"] = 0
    elif change == "no entry":
        entries[0] = None
    return answer


@pytest.mark.parametrize(
    "change", ["one less", "no output", "another length", "no numbers", "twice the same", "no entry", "no sparse"]
)
def test_an_answer_that_lacks_a_vector_is_none(change: str) -> None:
    fields = {"output_type": "dense&sparse"} if change == "no sparse" else {}
    made = prepared(text=["一", "二"], dimension=64, **fields)
    assert embedding.items(compacted(_without(answer_to(made), change)), made.stored()) == []


def test_a_sparse_answer_has_no_dense_vector() -> None:
    made = prepared(output_type="sparse")
    sparse = [{"index": 7149, "value": 0.829, "token": "风"}]
    answer = {"output": {"embeddings": [{"text_index": 0, "sparse_embedding": sparse}]}}
    assert len(embedding.items(compacted(answer), made.stored())) == 1
    assert embeddings_of(compacted(answer)) == [{"text_index": 0, "sparse_embedding": sparse}]


def test_a_line_of_a_batch_is_of_the_compatible_route() -> None:
    made = prepared(text=["一", "二"], dimension=256)
    line = json.loads(line_format.line_of("job-1", made.body))
    assert line == {
        "custom_id": "job-1",
        "method": "POST",
        "url": "/v1/embeddings",
        "body": {"model": V4, "input": ["一", "二"], "dimensions": 256, "encoding_format": "float"},
    }
    assert "dimensions" not in json.loads(line_format.line_of("j", prepared(model=V2).body))["body"]


@pytest.mark.parametrize(
    ("fields", "region", "taken"),
    [
        ({}, "beijing", True),
        ({"model": V2}, "beijing", True),
        ({}, "singapore", False),
        ({"model": Q37}, "beijing", False),
        ({"text_type": "query"}, "beijing", False),
        ({"output_type": "dense&sparse"}, "beijing", False),
        ({"instruct": "Find it.", "text_type": "query"}, "beijing", False),
    ],
)
def test_a_batch_takes_what_the_compatible_route_has_words_for(
    fields: dict[str, Any], region: str, taken: bool
) -> None:
    made = prepared(region, **fields)
    assert line_format.is_taken("embedding", made.model, made.body, region) is taken


def test_a_result_line_is_an_answer() -> None:
    made = prepared(text=["一", "二"], dimension=64)
    data = [{"index": i, "object": "embedding", "embedding": [0.25] * 64} for i in (1, 0)]
    body = {"object": "list", "data": data, "model": V4, "usage": {"prompt_tokens": 4, "total_tokens": 4}, "id": "e"}
    line = {"custom_id": "j", "response": {"status_code": 200, "request_id": "r-1", "body": body}, "error": None}
    (result,) = line_format.results([json.dumps(line).encode()])
    assert result.answer is not None
    assert (result.job_id, result.request_id) == ("j", "r-1")
    assert len(embedding.items(result.answer, made.stored())) == 2
    assert embedding.charged_cny(result.answer, line_format.discounted(made.stored())) == round(4 * 0.00025 / 1000, 6)


def test_it_is_a_modality() -> None:
    assert modality_of("embedding").RETRY_SAFE
