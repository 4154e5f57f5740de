"""What stands beside the compatible routes on the native paths: ranks, tokens, files, probabilities, the list of models."""

from __future__ import annotations

from base64 import b64encode
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
import requests

from bailian.sandbox import Fault, Sandbox
from tests.support.sandbox_client import RERANK, TEXT, Client

pytestmark = pytest.mark.slow

DOCUMENTS = ["量子计算是计算科学的前沿领域", "重排序模型按相关性对文本排序", "天气很好"]
QUERY = "什么是重排序模型"


def ranked(client: Client, **changes: Any) -> requests.Response:
    body = {"model": "qwen3-rerank", "input": {"query": QUERY, "documents": DOCUMENTS}, "parameters": changes}
    return client.post(RERANK, body, asks_async=False)


def flat(client: Client, **changes: Any) -> requests.Response:
    body = {"model": "qwen3-rerank", "query": QUERY, "documents": DOCUMENTS, **changes}
    return client.http.post(client.box.root_url + "/compatible-api/v1/reranks", json=body, timeout=10)


def test_the_nearest_text_comes_first(client: Client) -> None:
    body = ranked(client, top_n=2, return_documents=True).json()
    assert set(body) == {"output", "usage", "request_id"}
    first, second = body["output"]["results"]
    assert (first["index"], first["document"]) == (1, {"text": DOCUMENTS[1]})
    assert 1 >= first["relevance_score"] > second["relevance_score"] >= 0
    assert set(ranked(client).json()["output"]["results"][0]) == {"index", "relevance_score"}
    assert len(ranked(client).json()["output"]["results"]) == 3


def test_the_flat_route_has_the_same_scores(client: Client) -> None:
    body = flat(client).json()
    assert set(body) == {"object", "results", "model", "id", "usage"}
    assert body["results"] == ranked(client).json()["output"]["results"]
    assert body["usage"] == ranked(client).json()["usage"]


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"model": "gte-rerank-v2"}, "model_not_found"),
        ({"documents": []}, "invalid_parameter_error"),
        ({"documents": ["x"] * 501}, "invalid_parameter_error"),
        ({"top_n": 0}, "invalid_parameter_error"),
        ({"query": "[sandbox:refuse]"}, "data_inspection_failed"),
    ],
)
def test_ranks_that_are_refused(client: Client, changes: dict[str, Any], code: str) -> None:
    assert flat(client, **changes).json()["error"]["code"] == code


def test_a_fault_of_ranks(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("rerank", "throttle"))
    assert ranked(client).status_code == 429
    box.faults.add(Fault("rerank", "failed", match_prompt="重排序"))
    assert flat(client).json()["error"]["code"] == "InternalError.Algo"
    assert flat(client).status_code == 200


def test_tokens_make_up_the_text(client: Client) -> None:
    body = client.post(
        "/tokenizer", {"model": "qwen-plus", "input": {"prompt": "代码改变世界"}}, asks_async=False
    ).json()
    assert "".join(body["output"]["tokens"]) == "代码改变世界"
    assert len(body["output"]["token_ids"]) == body["usage"]["input_tokens"] == 6
    unknown = client.post("/tokenizer", {"model": "nobody", "input": {"prompt": "x"}}, asks_async=False)
    assert unknown.json()["code"] == "ModelNotFound"


def test_native_files(client: Client) -> None:
    files = [("files", (f"{number}.txt", f"content {number}".encode())) for number in range(11)]
    sent = client.http.post(client.box.base_url + "/files", files=files, data={"purpose": "x"}, timeout=10).json()
    assert len(sent["data"]["uploaded_files"]) == 10
    assert sent["data"]["failed_uploads"][0]["code"] == "BadRequest.TooMany"
    listed = client.get("/files", page_no=2, page_size=4).json()["data"]
    assert (listed["total"], listed["page_no"], len(listed["files"])) == (10, 2, 4)
    file_id = sent["data"]["uploaded_files"][3]["file_id"]
    shown = client.get(f"/files/{file_id}").json()["data"]
    assert (shown["name"], shown["size"], shown["md5"]) == ("3.txt", 9, b64encode(md5(b"content 3").digest()).decode())
    assert requests.get(shown["url"], timeout=10).content == b"content 3"
    assert requests.get(shown["url"].partition("?")[0], timeout=10).status_code == 403
    assert set(client.http.delete(f"{client.box.base_url}/files/{file_id}", timeout=10).json()) == {"request_id"}
    assert client.get(f"/files/{file_id}").json()["code"] == "NotFound"


def test_the_vendors_sdk_uploads_lists_and_ranks(sdk: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello", encoding="utf-8")
    file_id = sdk.Files.upload(str(path), purpose="inference").output["uploaded_files"][0]["file_id"]
    assert [file["file_id"] for file in sdk.Files.list().output["files"]] == [file_id]
    assert sdk.Files.get(file_id).output["size"] == 5
    assert sdk.Files.delete(file_id).status_code == 200
    ranks = sdk.TextReRank.call("qwen3-rerank", query=QUERY, documents=DOCUMENTS, top_n=1, return_documents=True)
    assert ranks.output.results[0].index == 1  # this SDK loses the texts
    assert sdk.Tokenization.call("qwen-plus", prompt="代码").usage["input_tokens"] == 2


def test_probabilities_of_a_native_answer(client: Client) -> None:
    """CAP single-generation-message-logprobs-nosse: beside the message, four keys a token."""
    parameters = {"result_format": "message", "logprobs": True, "top_logprobs": 1}
    body = {"model": "qwen-max", "input": {"prompt": "数到2"}, "parameters": parameters}
    (choice,) = client.post(TEXT, body, asks_async=False).json()["output"]["choices"]
    told = choice["logprobs"]["content"]
    assert [one["token"] for one in told] == ["1", "，", "2"]
    assert all(
        set(one) == {"top_logprobs", "logprob", "bytes", "token"} and len(one["top_logprobs"]) == 1 for one in told
    )


def test_the_list_of_models_says_what_each_makes(client: Client) -> None:
    rows = {row["model"]: row for page in (1, 2, 3) for row in client.get(
        "/models", page_no=page, page_size=100
    ).json()["output"]["models"]}  # fmt: skip
    assert rows["qwen3-rerank"]["inference_metadata"]["response_modality"] == ["Score"]
    found = client.get("/models", name="text-embedding").json()["output"]["models"]
    assert {row["model"] for row in found} >= {"text-embedding-v3", "text-embedding-v4"}
    assert rows["kimi/kimi-k3"]["inference_metadata"]["response_modality"] == ["Text"]
