"""Grants, the upload host, and `oss://`."""

from __future__ import annotations

import base64
import io
import json
import re
from typing import Any

import pytest
import requests
from PIL import Image

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.http.multipart import read_form
from tests.support.sandbox_client import SYNC, Client

MODEL = "qwen-image-edit"


def png(size: tuple[int, int] = (512, 512)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (90, 120, 200)).save(file, "PNG")
    return file.getvalue()


def grant(client: Client, model: str = MODEL) -> dict[str, Any]:
    answer = client.get("/uploads", action="getPolicy", model=model)
    assert answer.status_code == 200
    data: dict[str, Any] = answer.json()["data"]
    return data


def form(data: dict[str, Any], name: str = "a.png", **changes: str) -> dict[str, str]:
    fields = {
        "OSSAccessKeyId": data["oss_access_key_id"],
        "Signature": data["signature"],
        "policy": data["policy"],
        "key": f"{data['upload_dir']}/{name}",
        "x-oss-object-acl": data["x_oss_object_acl"],
        "x-oss-forbid-overwrite": data["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }
    return {**fields, **changes}


def send(data: dict[str, Any], fields: dict[str, str], file: bytes = b"x", **headers: str) -> requests.Response:
    return requests.post(data["upload_host"], data=fields, files={"file": file}, headers=headers, timeout=10)


def code_of(answer: requests.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/xml"
    found = re.search("<Code>(.*)</Code>", answer.text)
    assert found
    return answer.status_code, found[1]


def edit(client: Client, url: str, **headers: str) -> requests.Response:
    content = [{"image": url}, {"text": "change it"}]
    body = {"model": MODEL, "input": {"messages": [{"role": "user", "content": content}]}, "parameters": {}}
    return client.post(SYNC, body, asks_async=False, **headers)


def test_the_grant_has_the_captured_shape(client: Client) -> None:
    data = grant(client)

    assert set(data) == {
        "policy", "signature", "upload_dir", "upload_host", "expire_in_seconds", "max_file_size_mb",
        "capacity_limit_mb", "oss_access_key_id", "x_oss_object_acl", "x_oss_forbid_overwrite",
    }  # fmt: skip
    assert re.fullmatch(r"dashscope-instant/[0-9a-f]{32}/\d{4}-\d\d-\d\d/[0-9a-f-]{36}", data["upload_dir"])
    assert (data["x_oss_object_acl"], data["x_oss_forbid_overwrite"]) == ("private", "true")
    assert (data["expire_in_seconds"], data["max_file_size_mb"]) == (300, 1024)
    policy = json.loads(base64.b64decode(data["policy"]))
    assert policy["conditions"] == [
        ["content-length-range", 0, 1073741824],
        ["starts-with", "$key", data["upload_dir"]],
    ]


@pytest.mark.parametrize("query", [{"model": MODEL}, {"action": "getPolicy"}, {"action": "other", "model": MODEL}])
def test_a_grant_needs_action_and_model(client: Client, query: dict[str, str]) -> None:
    answer = client.get("/uploads", **query)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


def test_a_grant_needs_a_key(box: Sandbox) -> None:
    url = box.base_url + "/uploads"
    answer = requests.get(url, params={"action": "getPolicy", "model": MODEL}, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (401, "InvalidApiKey")


def test_an_uploaded_file_can_be_used_and_the_grant_again(client: Client) -> None:
    data = grant(client)
    for name in ("a.png", "文件 b.png"):
        assert send(data, form(data, name), png()).status_code == 200
        url = f"oss://{data['upload_dir']}/{name}"
        made = edit(client, url, **{"X-DashScope-OssResourceResolve": "enable"})
        assert made.status_code == 200, made.text


def test_a_file_is_for_its_model_and_its_header_only(client: Client) -> None:
    data = grant(client, "qwen-vl-plus")
    assert send(data, form(data), png()).status_code == 200
    url = f"oss://{data['upload_dir']}/a.png"

    unresolved = edit(client, url)
    assert (unresolved.status_code, unresolved.json()["code"]) == (400, "InvalidURL")
    other_model = edit(client, url, **{"X-DashScope-OssResourceResolve": "enable"})
    assert (other_model.status_code, other_model.json()["code"]) == (400, "InvalidParameter.DataInspection")
    nowhere = edit(client, "oss://dashscope-instant/x/y", **{"X-DashScope-OssResourceResolve": "enable"})
    assert (nowhere.status_code, nowhere.json()["code"]) == (400, "InvalidParameter.DataInspection")


def test_without_the_status_field_the_store_answers_204(client: Client) -> None:
    data = grant(client)
    fields = form(data)
    del fields["success_action_status"]
    assert send(data, fields).status_code == 204


def test_nothing_is_overwritten(client: Client) -> None:
    data = grant(client)
    assert send(data, form(data)).status_code == 200
    assert code_of(send(data, form(data))) == (409, "FileAlreadyExists")


def test_the_store_refuses(client: Client) -> None:
    data = grant(client)

    assert code_of(send(data, form(data), Authorization="Bearer sk-test")) == (400, "InvalidArgument")
    assert code_of(send(data, form(data, key="elsewhere/a.png"))) == (403, "AccessDenied")
    assert code_of(send(data, form(data, Signature="x"))) == (403, "SignatureDoesNotMatch")
    assert code_of(send(data, form(data, policy=""))) == (403, "AccessDenied")
    assert code_of(send(data, form(data, OSSAccessKeyId="x"))) == (403, "InvalidAccessKeyId")
    no_form = requests.post(data["upload_host"], data=b"x", timeout=10)
    assert code_of(no_form) == (400, "MalformedPOSTRequest")
    no_file = requests.post(data["upload_host"], files={"key": (None, "x")}, timeout=10)
    assert code_of(no_file) == (400, "MalformedPOSTRequest")


def test_the_file_comes_last(client: Client) -> None:
    data = grant(client)
    parts: list[tuple[str, tuple[str | None, str | bytes]]] = [("file", ("a.png", b"x"))]
    parts += [(key, (None, value)) for key, value in form(data).items()]
    answer = requests.post(data["upload_host"], files=parts, timeout=10)
    assert code_of(answer) == (400, "InvalidArgument")


def test_a_grant_expires() -> None:
    now = 1_800_000_000.0
    with Sandbox(task_s=0, enforce_limits=False, clock=lambda: now) as box:
        data = grant(Client(box))
        now += 299
        assert send(data, form(data, "a.png")).status_code == 200
        now += 2
        answer = send(data, form(data, "b.png"))
    assert code_of(answer) == (403, "AccessDenied")
    assert "Invalid according to Policy: Policy expired." in answer.text


def test_an_upload_is_forgotten_after_two_days() -> None:
    now = 1_800_000_000.0
    with Sandbox(task_s=0, enforce_limits=False, clock=lambda: now) as box:
        client = Client(box)
        data = grant(client)
        send(data, form(data), png())
        now += 48 * 3600 + 1
        answer = edit(client, f"oss://{data['upload_dir']}/a.png", **{"X-DashScope-OssResourceResolve": "enable"})
    assert answer.json()["code"] == "InvalidParameter.DataInspection"


def test_faults_hit_grants_and_uploads(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("grant", "throttle"))
    assert client.get("/uploads", action="getPolicy", model=MODEL).status_code == 429

    data = grant(client)
    box.faults.add(Fault("upload", "expired"), Fault("upload", "reset_after"))
    assert "Policy expired" in send(data, form(data)).text
    with pytest.raises(requests.ConnectionError):
        send(data, form(data))
    assert code_of(send(data, form(data))) == (409, "FileAlreadyExists")


def test_any_bytes_pass_through_the_form() -> None:
    data = bytes(range(256)) * 3 + b"\r\n--\r\n\r\n"
    request = requests.Request("POST", "http://x/", data={"key": "键"}, files={"file": ("a b.png", data)}).prepare()
    assert isinstance(request.body, bytes)

    got = read_form(request.headers["Content-Type"], request.body)
    assert (got.fields, got.file_name, got.file, got.after_file) == ({"key": "键"}, "a b.png", data, ())
