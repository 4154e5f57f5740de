"""A sandbox that knows the day: retired names are refused as the service does; the list of models; 2.0 edits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from bailian.catalog import load
from bailian.sandbox import Sandbox
from bailian.sandbox.embeddings.models import embedding_models
from bailian.sandbox.films.models import film_models
from bailian.sandbox.images.models import UNLISTED
from bailian.sandbox.message_images.models import message_models
from bailian.sandbox.served_models import ServedModels
from bailian.sandbox.text.models import only_compatible, text_models
from tests.support.pictures import drawn, uri
from tests.support.sandbox_client import TEXT, Client, instruct

TRANSCRIPTION = "/services/audio/asr/transcription"
RETIRED = sorted(name for name, model in load().items() if model.retired_on)


@pytest.fixture(params=["2026-10-09", "2026-10-10", "2026-11-28"])
def day(request: pytest.FixtureRequest) -> date:
    return date.fromisoformat(request.param)


@pytest.fixture
def dated(day: date) -> Iterator[Client]:
    with Sandbox(task_s=0.02, enforce_limits=False, day=day) as box:
        client = Client(box)
        with client.http:
            yield client


def ask(client: Client, name: str) -> Any:
    """Send the least that the model takes."""
    model = load()[name]
    if model.kind == "text":
        seen = [{"image": uri(drawn())}, {"text": "你好"}]
        content = "你好" if model.route.endswith(TEXT) else seen
        body = {"model": name, "input": {"messages": [{"role": "user", "content": content}]}, "parameters": {}}
        return client.post("/" + model.route.strip("/"), body, asks_async=False)
    if model.kind == "speech":
        body = {"model": name, "input": {"text": "你好", "voice": "Cherry"}}
        return client.post("/" + model.route.strip("/"), body, asks_async=False)
    if model.kind == "transcription":
        body = {"model": name, "input": {"file_urls": ["https://example.com/a.wav"]}, "parameters": {}}
        return client.post(TRANSCRIPTION, body)
    if model.kind == "image_edit":
        return instruct(client, uri(drawn()), model=name)
    return client.blocking(model=name) if model.mode == "sync" else client.submit(model=name, size="1328*1328")


@pytest.mark.slow
@pytest.mark.parametrize("name", RETIRED)
def test_a_retired_name_is_refused_from_its_day_on(dated: Client, day: date, name: str) -> None:
    """404 ModelNotFound or 400 "Model not exist.": the vendor's error page has both."""
    answer = ask(dated, name)
    if day < date(2026, 10, 10):
        assert answer.status_code == 200, answer.text
    else:
        told = answer.json()
        assert (answer.status_code, told["code"]) in ((404, "ModelNotFound"), (400, "InvalidParameter"))
        assert told["message"] in ("Model can not be found.", "Model not exist.")


@pytest.mark.parametrize("name", ["qwen-image-2.0", "qwen-flash", "paraformer-v2", "wan2.2-t2i-flash", "qwen-plus"])
def test_successors_and_living_names_are_served_on_every_day(dated: Client, name: str) -> None:
    assert ask(dated, name).status_code == 200


@pytest.mark.slow
def test_without_a_day_everything_is_served(client: Client) -> None:
    """Whoever tries the seed document's commands tries them as they stand."""
    assert [ask(client, name).status_code for name in RETIRED] == [200] * len(RETIRED)


def test_a_retired_voice_and_a_retired_line_of_a_batch_are_refused(tmp_path: Path) -> None:
    """A user's models.toml may retire a voice; batches of text are refused when their file is checked."""
    (tmp_path / "models.toml").write_text('[models."sambert-zhichu-v1"]\nretired_on = 2026-02-01\n', encoding="utf-8")
    models = load(tmp_path)
    with Sandbox(task_s=0.02, day=date(2026, 11, 28), models=models) as box:
        with connect(box.socket_url, additional_headers={"Authorization": "bearer sk-test"}) as socket:
            header = {"action": "run-task", "task_id": "1" * 32, "streaming": "out"}
            payload = {
                "model": "sambert-zhichu-v1", "task_group": "audio", "task": "tts", "function": "SpeechSynthesizer",
                "input": {"text": "你好"}, "parameters": {},
            }  # fmt: skip
            socket.send(json.dumps({"header": header, "payload": payload}))
            told = json.loads(socket.recv())
        assert told["header"]["error_code"] == "ModelNotFound"
        assert "sambert-zhichu-v1" not in [model["model"] for model in listed(Client(box))]


# ── the list of models ──


def listed(client: Client, **query: Any) -> list[dict[str, Any]]:
    """All pages."""
    models: list[dict[str, Any]] = []
    for page_no in range(1, 100):
        answer = client.get("/models", page_no=page_no, page_size=30, **query).json()
        models += answer["output"]["models"]
        if len(models) >= answer["output"]["total"]:
            break
    return models


def test_the_list_has_every_name_once_as_beijing_has_it(client: Client) -> None:
    names = [model["model"] for model in listed(client)]
    assert len(names) == len(set(names))
    assert {"qwen-plus", "wanx2.1-t2v-turbo", "sambert-zhichu-v1", "paraformer-v2", "qwen-image-2.0"} <= {*names}
    assert not {"wan2.1-t2v-turbo", "sambert-en-v1", "paraformer-en-v1"} & {*names}, "names that this region has not"


def test_pages_have_the_size_that_was_asked_for_and_the_total(client: Client) -> None:
    output = client.get("/models", page_no=2, page_size=7).json()["output"]
    assert (len(output["models"]), output["page_no"], output["page_size"]) == (7, 2, 7)
    assert output["total"] == len(listed(client))
    assert len(client.get("/models").json()["output"]["models"]) == 10
    assert client.get("/models", page_no=10**5).json()["output"]["models"] == []
    assert client.get("/models", page_no="x").status_code == 400


def test_a_name_can_be_asked_for(client: Client) -> None:
    """A free way to ask whether a name still exists."""
    (model,) = client.get("/models", model="qwen-plus", page_no=1, page_size=1).json()["output"]["models"]
    assert model["model"] == "qwen-plus"
    assert model["model_info"]["max_output_tokens"] == 32_768
    assert model["inference_metadata"] == {"request_modality": ["Text"], "response_modality": ["Text"]}
    assert client.get("/models", model="gone").json()["output"]["total"] == 0


def test_the_list_wants_a_key(client: Client) -> None:
    client.http.headers.pop("Authorization")
    assert client.get("/models").status_code == 401


def test_a_retired_name_leaves_the_list_on_its_day(dated: Client, day: date) -> None:
    names = {model["model"] for model in listed(dated)}
    assert ("qwen-turbo" in names) == (day < date(2026, 10, 10))
    assert "qwen-flash" in names


# ── qwen-image-2.0: one call draws and edits (vendor's page, 2026-10-12) ──


@pytest.mark.parametrize("model", ["qwen-image-2.0", "qwen-image-2.0-pro"])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_up_to_three_pictures_go_in(client: Client, model: str, count: int) -> None:
    answer = instruct(client, *[uri(drawn((640, 512)))] * count, model=model).json()
    shape = (answer["usage"]["width"], answer["usage"]["height"])
    assert shape == ((2048, 2048) if not count else (1152, 912)), "the last picture's ratio, about 1024*1024"
    assert len(answer["output"]["choices"][0]["message"]["content"]) == answer["usage"]["image_count"] == 1


def test_a_fourth_picture_is_refused_in_the_services_words(client: Client) -> None:
    answer = instruct(client, *[uri(drawn())] * 4, model="qwen-image-2.0")
    assert (answer.status_code, answer.json()["message"]) == (
        400, "Model 'qwen-image-2.0-2in1' supports 0~3 image content items.",
    )  # fmt: skip


def test_small_and_large_pictures_are_taken(client: Client) -> None:
    """384 to 3072 px is advice."""
    for size in ((100, 90), (3200, 400)):
        assert instruct(client, uri(drawn(size), "JPEG"), model="qwen-image-2.0").status_code == 200
    assert instruct(client, uri(drawn((100, 90))), model="qwen-image-edit").status_code == 400


@pytest.mark.parametrize(
    "parameters, status",
    [
        ({"n": 6}, 200),
        ({"n": 7}, 400),
        ({"size": "512*512"}, 200),
        ({"size": "2048*2048"}, 200),
        ({"size": "511*512"}, 400),
        ({"size": "2048*2064"}, 400),
        ({"size": "1K"}, 400),
        ({"negative_prompt": "低质量", "seed": 1, "watermark": True, "prompt_extend": False}, 200),
        ({"prompt_extend": "no"}, 400),
    ],
)
@pytest.mark.parametrize("pictures", [0, 1])
def test_parameters_are_the_same_with_and_without_pictures(
    client: Client, parameters: dict[str, Any], status: int, pictures: int
) -> None:
    answer = instruct(client, *[uri(drawn())] * pictures, model="qwen-image-2.0", **parameters)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("pictures", [0, 1])
def test_sides_are_rounded_to_sixteen(client: Client, pictures: int) -> None:
    usage = instruct(client, *[uri(drawn())] * pictures, model="qwen-image-2.0", size="1000*600").json()["usage"]
    assert (usage["width"], usage["height"]) == (992, 608)


def test_a_picture_without_a_text_is_refused(client: Client) -> None:
    assert instruct(client, uri(drawn()), text=" ", model="qwen-image-2.0").json()["message"] == "lack of image or text"
    assert instruct(client, text=" ", model="qwen-image-2.0").json()["message"] == "lack of image or text"


def test_it_has_no_tasks(client: Client) -> None:
    """Sync only: the async header and the task path are refused."""
    body = {"model": "qwen-image-2.0", "input": {"prompt": "猫"}, "parameters": {}}
    assert client.post("/services/aigc/text2image/image-synthesis", body).status_code == 400
    messages = {"model": "qwen-image-2.0", "input": {"messages": [{"role": "user", "content": [{"text": "猫"}]}]}}
    assert client.post("/services/aigc/multimodal-generation/generation", messages).status_code == 403


# ── names come from the catalog, rules are the sandbox's own ──


def test_every_name_of_the_catalog_is_served_or_unknown_to_the_service() -> None:
    models = ServedModels(None, None)
    served = {*models.pictures, *models.texts, *models.embeddings, *models.voices, *models.told, *models.recognizers}
    catalog = load()
    every = {**catalog, **catalog.not_callable}.items()
    known = {model.aliases.get("beijing", name) for name, model in every if not model.unknown_to_service}
    own = {*UNLISTED, *message_models([]), *film_models([]), *text_models([]), *embedding_models([])}
    assert served - known == own - known, "names that the catalog has not"
    assert {name for name in known if not only_compatible(name)} <= served


def test_a_name_of_the_users_catalog_gets_the_rules_of_its_generation(tmp_path: Path) -> None:
    """The catalog says that it is there; what it believes about sizes does not count."""
    overlay = '[models."wan2.2-t2i-max"]\nlike = "wan2.2-t2i-flash"\nsizes = ["64*64"]\n'
    (tmp_path / "models.toml").write_text(overlay, encoding="utf-8")
    with Sandbox(task_s=0, models=load(tmp_path)) as box:
        client = Client(box)
        assert client.submit(model="wan2.2-t2i-max", size="1024*1024").status_code == 200
        told = client.submit(model="wan2.2-t2i-max", size="64*64").json()
    assert told["message"] == "Either width or height should be between 512 and 1440."


def test_limits_of_one_model_leave_the_names_of_the_others() -> None:
    class Limits:
        submit_per_s, running_limit, queue_limit = 2.0, None, None

    with Sandbox(task_s=0, models={"wan2.2-t2i-flash": Limits()}) as box:
        client = Client(box)
        assert client.submit(model="wan2.2-t2i-plus").status_code == 200
        assert [client.submit(model="wan2.2-t2i-flash").status_code for _ in range(3)] == [200, 200, 429]


def test_a_dated_snapshot_ends_with_its_model() -> None:
    gone = "qwen-image-plus-2026-01-09"
    assert gone in ServedModels(None, date(2026, 10, 9)).pictures
    assert gone not in ServedModels(None, date(2026, 10, 10)).pictures
