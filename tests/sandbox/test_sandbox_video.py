"""Text to video: the task, the words of its answers, and the file behind the link."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
import requests

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.images.drawing import Picture
from bailian.sandbox.video.drawing import Video, draw_video
from tests.support.sandbox_client import Client

pytestmark = pytest.mark.slow

av = pytest.importorskip("av")

VIDEO = "/services/aigc/video-generation/video-synthesis"


def submit(client: Client, model: str = "wanx2.1-t2v-turbo", prompt: str = "a cat", **parameters: Any) -> Any:
    body = {"model": model, "input": {"prompt": prompt}, "parameters": {"size": "480*832", **parameters}}
    return client.post(VIDEO, body)


def finished(client: Client, *args: Any, **kwargs: Any) -> dict[str, Any]:
    return client.wait(submit(client, *args, **kwargs).json()["output"]["task_id"])


def probe(data: bytes) -> tuple[str, int, int, int, int, float]:
    """Codec, width, height, frames a second, decoded frames, seconds."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        frames = sum(1 for _ in container.decode(stream))
        seconds = float(stream.duration * stream.time_base)
        rate = round(float(stream.average_rate))
        return stream.codec_context.name, stream.width, stream.height, rate, frames, seconds


def test_the_answers_key_for_key(client: Client) -> None:
    made = submit(client, prompt="一只猫", seed=3, fps=60, anything="ignored")
    assert made.status_code == 200
    assert set(made.json()) == {"output", "request_id"}
    assert made.json()["output"]["task_status"] == "PENDING"

    answer = client.wait(made.json()["output"]["task_id"])
    assert list(answer["output"]) == [
        "task_id", "task_status", "submit_time", "scheduled_time", "end_time", "orig_prompt", "actual_prompt",
        "video_url",
    ]  # fmt: skip
    assert answer["output"]["orig_prompt"] == "一只猫"
    assert answer["usage"] == {"video_duration": 5, "video_ratio": "480*832", "video_count": 1}


def test_no_actual_prompt_without_rewriting(client: Client) -> None:
    assert "actual_prompt" not in finished(client, prompt_extend=False)["output"]


def test_usage_and_prompt_of_wan26(client: Client) -> None:
    answer = finished(client, "wan2.6-t2v", size="720*1280", duration=2, shot_type="multi")

    assert "actual_prompt" not in answer["output"]
    assert answer["usage"] == {
        "duration": 2, "size": "720*1280", "input_video_duration": 0, "output_video_duration": 2,
        "video_count": 1, "SR": 720,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "parameters", "expected"),
    [
        ("wanx2.1-t2v-turbo", {}, (480, 832, 30, 150, 5.0)),
        ("wan2.6-t2v", {"size": "832*1088", "duration": 3}, (832, 1088, 24, 72, 3.0)),
    ],
)
def test_the_file_plays(client: Client, model: str, parameters: dict[str, Any], expected: tuple[object, ...]) -> None:
    got = client.download(finished(client, model, **parameters)["output"]["video_url"])

    assert got.headers["Content-Type"] == "video/mp4"
    assert got.headers["x-bailian-sandbox"] == "1"
    assert probe(got.content) == ("h264", *expected)


def test_the_file_comes_in_parts_and_only_with_its_signature(client: Client) -> None:
    link = finished(client, "wan2.6-t2v", size="720*1280", duration=2)["output"]["video_url"]
    assert "/0.mp4?Expires=" in link
    whole = client.download(link)
    part = client.download(link, **{"Range": "bytes=100-199", "If-Range": whole.headers["ETag"]})

    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert client.download(link.partition("?")[0]).status_code == 403


def test_films_follow_prompt_and_seed_and_can_be_drawn_again() -> None:
    def film(**changes: Any) -> bytes:
        fields = {"prompt": "a cat", "seed": 1, "index": 0, "width": 320, "height": 240, "model": "m", **changes}
        return draw_video(Video(Picture(**fields), 1, 24))

    assert film() == film()
    assert len({film(), film(prompt="a dog"), film(seed=2)}) == 3


def test_the_camera_moves() -> None:
    with av.open(io.BytesIO(draw_video(Video(Picture("a cat", 1, 0, 320, 240, "m"), 2, 24)))) as container:
        frames = [frame.to_image().resize((32, 24)).tobytes() for frame in container.decode(video=0)]
    assert len(set(frames)) > 6


def test_drawing_is_fast() -> None:
    begin = time.process_time()
    data = draw_video(Video(Picture("a cat", 1, 0, 720, 1280, "m"), 5, 30))

    assert time.process_time() - begin < 4  # 1 s on an idle machine
    assert len(data) < 1_500_000


def test_another_size_fails_in_the_task(client: Client) -> None:
    answer = finished(client, "wanx2.1-t2v-plus", size="480*832")

    assert set(answer) == {"request_id", "output"}
    assert answer["output"]["task_status"] == "FAILED"
    assert answer["output"]["code"] == "InvalidParameter"
    assert answer["output"]["message"] == "The size is not match 480*832"


@pytest.mark.parametrize(
    ("model", "parameters", "word"),
    [
        ("wanx2.1-t2v-turbo", {"size": "720P"}, "size"),
        ("wanx2.1-t2v-turbo", {"size": "16:9"}, "size"),
        ("wanx2.1-t2v-turbo", {"duration": 10}, "duration"),
        ("wan2.2-t2v-plus", {"duration": "5"}, "duration"),
        ("wan2.5-t2v-preview", {"duration": 6}, "duration"),
        ("wan2.6-t2v", {"size": "720*1280", "duration": 16}, "duration"),
        ("wan2.6-t2v", {"size": "720*1280", "shot_type": "many"}, "shot_type"),
        ("wanx2.1-t2v-turbo", {"seed": -1}, "seed"),
    ],
)
def test_wrong_parameters_are_refused(client: Client, model: str, parameters: dict[str, Any], word: str) -> None:
    answer = submit(client, model, **parameters)

    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert word in answer.json()["message"]


def test_header_name_and_path(client: Client) -> None:
    body = {"model": "wanx2.1-t2v-turbo", "input": {"prompt": "a cat"}, "parameters": {}}
    refused = client.post(VIDEO, body, asks_async=False)
    assert (refused.status_code, refused.json()["code"]) == (403, "AccessDenied")

    singapore = submit(client, "wan2.1-t2v-turbo")
    assert (singapore.status_code, singapore.json()["message"]) == (400, "Model not exist.")

    astray = client.post("/services/aigc/text2image/image-synthesis", body)
    assert astray.status_code == 400
    assert astray.json()["message"].startswith("url error, please check url")


def test_a_long_prompt_is_cut_without_a_word(client: Client, box: Sandbox) -> None:
    finished(client, prompt="长" * 900)
    assert len(box.tasks[0].request.read_prompt) == 800


def test_faults_hit_videos_too(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("submit", "failed", code="", message=""))
    assert finished(client)["output"].keys() == {"task_id", "task_status"}

    task_id = finished(client)["output"]["task_id"]
    box.faults.add(Fault("poll", "no_choices"))
    assert "video_url" not in client.poll(task_id).json()["output"]

    link = finished(client)["output"]["video_url"]
    box.faults.add(Fault("download", "wrong_size", size="320*240"), Fault("download", "cut"))
    assert probe(client.download(link).content)[1:3] == (320, 240)
    with pytest.raises(requests.RequestException):
        client.download(link)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_vendors_sdk(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    dashscope = pytest.importorskip("dashscope")
    monkeypatch.setattr(dashscope, "base_http_api_url", box.base_url)
    monkeypatch.setattr(dashscope, "api_key", "sk-sdk")
    monkeypatch.setenv("NO_PROXY", "*")

    answer = dashscope.VideoSynthesis.call(model="wanx2.1-t2v-turbo", prompt="一只猫", size="480*832", seed=5)

    assert answer.status_code == 200
    assert answer.output.task_status == "SUCCEEDED"
    assert answer.output.video_url.startswith(box.root_url)
    assert (answer.usage.video_duration, answer.usage.video_ratio, answer.usage.video_count) == (5, "480*832", 1)
