"""The models that draw and edit in one call, over HTTP: headers, answers, usage, limits."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from message_bodies import FAR, IMAGE2IMAGE, blocking, body_of, finished, links_of, picture, submitted, told

from bailian.sandbox import Sandbox
from bailian.sandbox.message_images.models import RULES
from tests.support.sandbox_client import MESSAGES, SYNC, TEXT2IMAGE, Client

pytestmark = pytest.mark.slow

BOTH = [name for name, model in RULES.items() if len(model.routes) == 2]
SYNC_ONLY = ["qwen-image-2.0", "qwen-image-2.0-pro", "z-image-turbo"]
SHORT = "url error, please check url!"
LONG = "url error, please check url！ For details, see: https://help.aliyun.com/zh/model-studio/error-code#error-url"


def pictures_for(model: str) -> list[str]:
    """As few as the model takes."""
    return [] if RULES[model].draws else [picture()]


# ── paths and headers ──


@pytest.mark.parametrize("model", [*BOTH, "wan2.5-i2i-preview"])
def test_tasks_want_the_async_header(client: Client, model: str) -> None:
    path = IMAGE2IMAGE if model == "wan2.5-i2i-preview" else MESSAGES
    refused = client.post(path, body_of(model, pictures_for(model)), asks_async=False)
    assert told(refused) == (403, "AccessDenied", "current user api does not support synchronous calls")
    assert submitted(client, model, pictures_for(model)).json()["output"]["task_status"] == "PENDING"


@pytest.mark.parametrize("model", [*BOTH, *SYNC_ONLY])
def test_blocking_calls_refuse_the_async_header(client: Client, model: str) -> None:
    refused = told(client.post(SYNC, body_of(model, pictures_for(model))))
    if model.startswith(("qwen-image-3", "qwen-image-2.1")):
        assert refused[0] == 429
    else:
        assert refused == (403, "AccessDenied", "current user api does not support asynchronous calls")
    assert client.box.sync_calls == []


@pytest.mark.parametrize(
    "model, path, words",
    [
        *((model, TEXT2IMAGE, LONG if model == "wan2.6-t2i" else SHORT) for model in BOTH),
        *((model, IMAGE2IMAGE, LONG if model == "wan2.6-t2i" else SHORT) for model in BOTH),
        *((model, MESSAGES, LONG if model == "z-image-turbo" else SHORT) for model in SYNC_ONLY),
        ("wan2.5-i2i-preview", SYNC, SHORT),
        ("wan2.5-i2i-preview", MESSAGES, SHORT),
        ("wan2.5-i2i-preview", TEXT2IMAGE, SHORT),
        ("wanx2.1-imageedit", MESSAGES, LONG),
    ],
)
def test_a_model_on_another_path(client: Client, model: str, path: str, words: str) -> None:
    assert told(client.post(path, body_of(model), asks_async=path != SYNC)) == (400, "InvalidParameter", words)


# ── answers ──


@pytest.mark.parametrize("model", [*BOTH, *SYNC_ONLY])
def test_a_blocking_answer(client: Client, model: str) -> None:
    answer = blocking(client, model, pictures_for(model), n=1 if model == "z-image-turbo" else 2)
    body = answer.json()
    assert set(body) == {"output", "usage", "request_id"}, answer.text
    assert answer.headers["x-dashscope-timeout"] == "298"
    assert body["output"] == shape_of(model, links_of(body))
    assert len(links_of(body)) == (1 if model == "z-image-turbo" else 2)


def shape_of(model: str, links: list[str]) -> dict[str, Any]:
    """What `output` has: wan a choice each picture with its type, qwen one choice without."""
    if model.startswith("wan"):
        contents: list[list[dict[str, str]]] = [[{"image": link, "type": "image"}] for link in links]
        rest: dict[str, Any] = {"finished": True}
    else:
        contents = [[{"image": link} for link in links]]
        newest = model.startswith(("qwen-image-3", "qwen-image-2.1"))
        rest = {"rewrite_status": "success"} if newest else {}
    messages = [{"role": "assistant", "content": content} for content in contents]
    return {"choices": [{"finish_reason": "stop", "message": message} for message in messages], **rest}


@pytest.mark.parametrize("model", BOTH)
def test_a_task_has_the_blocking_shape_inside_output(client: Client, model: str) -> None:
    body = finished(client, model, pictures_for(model), n=2)
    times = {"submit_time", "scheduled_time", "end_time"}
    output = dict(body["output"])
    assert times <= set(output)
    assert (output.pop("task_status"), bool(output.pop("task_id"))) == ("SUCCEEDED", True)
    assert {key: value for key, value in output.items() if key not in times} == shape_of(model, links_of(body))
    assert body["usage"] == blocking(client, model, pictures_for(model), n=2).json()["usage"]


@pytest.mark.parametrize("model", ["qwen-image-3.0", "qwen-image-2.1-turbo"])
def test_whether_a_text_was_rewritten(client: Client, model: str) -> None:
    assert blocking(client, model, prompt_extend=False).json()["output"]["rewrite_status"] == "not_use"


_TOKENS = {"input_tokens", "output_tokens", "total_tokens"}


@pytest.mark.parametrize(
    "model, pictures, parameters, usage",
    [
        ("qwen-image-2.0", [], {"n": 2}, {"width": 2048, "height": 2048, "image_count": 2}),
        ("z-image-turbo", [], {"size": "512*768"}, {"width": 512, "height": 768, "image_count": 1}),
        ("wan2.7-image", [], {}, {"image_count": 4, "size": "2048*2048"}),
        ("wan2.7-image", [], {"enable_sequential": True, "size": "1K"}, {"image_count": 9, "size": "1024*1024"}),
        ("wan2.6-image", [picture((500, 500))], {}, {"image_count": 4, "size": "1280*1280"}),
        ("wan2.6-t2i", [], {}, {"image_count": 4, "size": "1280*1280"}),
        (
            "qwen-image-3.0-pro", [], {},
            {
                "output_width": 2048, "output_height": 2048, "output_image_count": 1,
                "output_image_type": "qima_output_2k", "input_image_count": 0,
            },
        ),
        (
            "qwen-image-3.0", [], {"size": "1500*1500", "n": 3},
            {
                "output_width": 1500, "output_height": 1500, "output_image_count": 3,
                "output_image_type": "qima_output_1k", "input_image_count": 0,
            },
        ),
        (
            "qwen-image-2.1-pro", [picture((600, 600)), picture((1600, 1600))], {"size": "1024*1024"},
            {
                "output_width": 2048, "output_height": 2048, "output_image_count": 1,
                "output_image_type": "qima_output_2k", "input_image_count": 2, "input_image_type": "qima_input_2k",
            },
        ),
    ],
)  # fmt: skip
def test_usage(
    client: Client, model: str, pictures: list[str], parameters: dict[str, Any], usage: dict[str, Any]
) -> None:
    """The defaults are the service's dear ones, and what is billed is what was made."""
    billed = blocking(client, model, pictures, **parameters).json()["usage"]
    assert {key: value for key, value in billed.items() if key not in _TOKENS} == usage
    assert set(billed) & _TOKENS == (_TOKENS if model.startswith("wan") else set())


def test_a_list_of_pictures_has_results_and_metrics(client: Client) -> None:
    body = finished(client, "wan2.5-i2i-preview", [picture(), FAR], "换成红色")
    results = body["output"]["results"]
    assert [set(result) for result in results] == [{"url", "orig_prompt", "actual_prompt"}] * 4
    assert body["output"]["task_metrics"] == {"TOTAL": 4, "SUCCEEDED": 4, "FAILED": 0}
    assert body["usage"] == {"image_count": 4}
    plain = finished(client, "wan2.5-i2i-preview", [picture()], n=1, prompt_extend=False)
    assert set(plain["output"]["results"][0]) == {"url", "orig_prompt"}


def test_a_part_that_fails_is_not_billed(client: Client) -> None:
    listed = finished(client, "wan2.5-i2i-preview", [picture()], "x [sandbox:partial]", n=2)
    assert [set(result) for result in listed["output"]["results"]] == [
        {"url", "orig_prompt", "actual_prompt"}, {"code", "message"},
    ]  # fmt: skip
    assert listed["usage"] == {"image_count": 1}
    drawn = finished(client, "wan2.7-image", [], "x [sandbox:partial]", n=2)
    assert (len(links_of(drawn)), drawn["usage"]["image_count"]) == (1, 1)


@pytest.mark.parametrize("model", [*BOTH, "wan2.5-i2i-preview"])
def test_a_task_that_fails(client: Client, model: str) -> None:
    body = finished(client, model, pictures_for(model), "x [sandbox:fail]")
    assert body["output"]["task_status"] == "FAILED"
    assert body["output"]["code"] == "DataInspectionFailed"
    assert "usage" not in body
    assert "choices" not in body["output"]
    if model != "wan2.5-i2i-preview":
        assert told(blocking(client, model, pictures_for(model), "x [sandbox:fail]"))[:2] == (
            400,
            "DataInspectionFailed",
        )
        assert told(blocking(client, model, pictures_for(model), "x [sandbox:refuse]"))[:2] == (
            400,
            "DataInspectionFailed",
        )


# ── input pictures ──

_TRANSPARENT = picture(mode="RGBA")
_NARROW = picture((300, 2500), kind="JPEG")
_LARGE = f"data:image/png;base64,{base64.b64encode(b'x' * (8 * 1024**2)).decode()}"
_SIZE_WORDS = "the size of input image is too small or too large"
_MANY_BYTES = "Exceeded limit on max bytes per data-uri item : 10485760"


@pytest.mark.parametrize(
    "model, url, words",
    [
        *((model, picture((100, 90)), None) for model in ("qwen-image-2.0", "qwen-image-3.0", "qwen-image-2.1-pro")),
        *((model, picture((239, 500)), _SIZE_WORDS) for model in ("wan2.6-image", "wan2.7-image")),
        *((model, picture((240, 500)), None) for model in ("wan2.6-image", "wan2.7-image")),
        ("wan2.7-image", _NARROW, _SIZE_WORDS),
        ("wan2.6-image", _NARROW, None),
        *((model, picture(kind="GIF"), None) for model in ("qwen-image-2.0", "qwen-image-3.0")),
        *((model, picture(kind="TIFF"), "image format error") for model in ("wan2.6-image", "wan2.7-image")),
        ("wan2.7-image", _TRANSPARENT, "image format error"),
        ("wan2.6-image", _TRANSPARENT, None),
        ("qwen-image-3.0", _TRANSPARENT, None),
        ("qwen-image-3.0", _LARGE, _MANY_BYTES),
        ("wan2.7-image", _LARGE, "Invalid image format or corrupted file"),
    ],
)
def test_which_pictures_are_taken(client: Client, model: str, url: str, words: str | None) -> None:
    answer = blocking(client, model, [url], n=1)
    assert answer.json().get("message") == words


def test_a_task_fails_by_its_picture(client: Client) -> None:
    client.box.settings.change({"fetch_foreign": "refuse"})
    failed = finished(client, "wan2.5-i2i-preview", [FAR])["output"]
    assert (failed["code"], failed["message"]) == (
        "BadRequest.InputDownloadFailed", "Reference image download failed, please check image url.",
    )  # fmt: skip
    small = finished(client, "wan2.5-i2i-preview", [picture((383, 500))])["output"]
    assert (small["code"], small["message"]) == ("InvalidParameter", _SIZE_WORDS)
    assert told(blocking(client, "wan2.7-image", [FAR]))[2] == "download image failed"


# ── limits ──


@pytest.mark.parametrize(
    "model, passed, seconds",
    [
        ("qwen-image-3.0-pro", 5, 60),
        ("qwen-image-3.0", 20, 60),
        ("qwen-image-2.1-pro", 20, 60),
        ("qwen-image-2.1-turbo", 2, 1),
        ("qwen-image-2.0-pro", 2, 60),
        ("qwen-image-2.0", 2, 1),
        ("wan2.7-image", 5, 1),
        ("wan2.6-image", 5, 1),
        ("wan2.6-t2i", 1, 1),
        ("z-image-turbo", 2, 1),
    ],
)
def test_rates_by_minute_and_by_second(model: str, passed: int, seconds: int) -> None:
    """The size is wrong, so nothing is drawn; a refused body counts like any other."""
    now = [1_800_000_000.0]
    with Sandbox(task_s=0, clock=lambda: now[0]) as box:
        client = Client(box)
        with client.http:
            answers = [blocking(client, model, size="x").status_code for _ in range(passed + 1)]
            assert answers == [400] * passed + [429]
            now[0] += seconds - 0.1
            assert blocking(client, model, size="x").status_code == 429
            now[0] += 0.1
            assert blocking(client, model, size="x").status_code == 400


@pytest.mark.parametrize("model, running", [("wan2.7-image", 5), ("wan2.5-i2i-preview", 5), ("qwen-image-3.0", 10)])
def test_more_tasks_than_may_run_wait(model: str, running: int) -> None:
    now = [1_800_000_000.0]
    with Sandbox(task_s=3600, clock=lambda: now[0]) as box:
        client = Client(box)
        with client.http:
            for _ in range(running + 1):
                assert submitted(client, model, pictures_for(model)).status_code == 200
                now[0] += 1
            now[0] += 360  # the tenth of a task that is PENDING anyway
            assert [task.status for task in box.tasks] == ["RUNNING"] * running + ["PENDING"]
