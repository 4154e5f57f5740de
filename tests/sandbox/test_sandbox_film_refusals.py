"""What the film models refuse: the older ones at once, those of 2026 in a task that has failed, not billed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from film_bodies import (
    DAY_URI,
    FILMS,
    FRAMES,
    NIGHT_URI,
    clip,
    finished,
    media,
    recording,
    submit,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.films.functions import FUNCTIONS
from bailian.sandbox.films.models import RULES
from bailian.sandbox.video.clips import UnreadableClip, frames_at, probe
from tests.support.pictures import bytes_of, drawn, uri
from tests.support.sandbox_client import Client
from tests.support.served_files import ServedFiles

pytestmark = pytest.mark.slow

pytest.importorskip("av")

FIRST, LAST = ("first_frame", DAY_URI), ("last_frame", NIGHT_URI)
TINY, LONG = uri(drawn((100, 100))), uri(drawn((3000, 300)))
SEEN_THROUGH = uri(Image.new("RGBA", (640, 480), (1, 2, 3, 4)))


@pytest.fixture(scope="module")
def files() -> Iterator[ServedFiles]:
    made = {
        "clip": clip(3),
        "second": clip(1),
        "long": clip(16, (320, 320), 10),
        "eleven": clip(11, (320, 320), 10),
        "small": clip(3, (160, 160)),
        "wide": clip(3, (2304, 256), 10),
        "slow": clip(3, (480, 480), 6),
        "song": recording(3),
        "hum": recording(1),
        "day": bytes_of(drawn()),
        "words": b"no film and no picture",
        "mask": bytes_of(Image.new("L", (64, 64))),
    }
    with ServedFiles(**made) as files:
        yield files


LATE = [
    # model, input, parameters, code, words
    ("wan2.7-i2v", {"prompt": "x", "img_url": DAY_URI}, {}, "InvalidParameter", "Field required: input.media"),
    ("happyhorse-1.1-i2v", {"img_url": DAY_URI}, {}, "InvalidParameter", "Field required: input.media"),
    ("wan2.7-i2v", {"media": [{"url": DAY_URI}]}, {}, "InvalidParameter", "Field required: input.media.0.type"),
    ("wan2.7-i2v", {"media": [{"type": "first_frame"}]}, {}, "InvalidParameter", "Field required: input.media.0.url"),
    ("wan2.7-i2v", media(("first_frame", "{nothing}")), {}, "InvalidParameter", "Failed to download http"),
    ("wan2.7-i2v", media(("first_frame", "oss://a/b.png")), {}, "InvalidParameter", "Failed to download oss://a/b.png"),
    ("wan2.7-i2v", media(("first_clip", "data:video/mp4;base64,AAAA")), {}, "InvalidParameter", "Failed to download"),
    ("wan2.7-i2v", media(LAST), {}, "InvalidParameter", "combination last_frame is not supported"),
    ("wan2.7-i2v", media(FIRST, FIRST), {}, "InvalidParameter", "at most 1 first_frame"),
    ("wan2.7-i2v", media(FIRST, ("first_clip", "{clip}")), {}, "InvalidParameter", "combination first_clip+first_frame"),
    ("wan2.7-i2v", media(("driving_audio", "{song}")), {}, "InvalidParameter", "combination driving_audio"),
    ("wan2.7-i2v", media(("reference_image", DAY_URI)), {}, "InvalidParameter", "allowed types are first_frame"),
    ("wan2.7-i2v", media(FIRST), {"duration": 16}, "InvalidParameter", "duration must be one of 2, 3"),
    ("wan2.7-i2v", media(FIRST), {"resolution": "480P"}, "InvalidParameter", "resolution must be one of 720P, 1080P"),
    ("wan2.7-i2v", media(("first_clip", "{clip}")), {"duration": 3}, "InvalidParameter", "greater than the duration"),
    ("wan2.7-i2v", media(("first_frame", TINY)), {}, "InvalidParameter", "too small or too large"),
    ("wan2.7-i2v", media(("first_frame", LONG)), {}, "InvalidParameter", "too small or too large"),
    ("wan2.7-i2v", media(("first_frame", SEEN_THROUGH)), {}, "InvalidParameter", "image format error"),
    ("wan2.7-i2v", media(("first_frame", "{words}")), {}, "InvalidParameter.DataInspection", "media format"),
    ("wan2.7-i2v", media(("first_clip", "{second}")), {}, "InvalidFile.Duration", "must be 2 s ~ 10 s"),
    ("wan2.7-i2v", media(("first_clip", "{small}")), {}, "InvalidFile.Resolution", "must be 240 ~ 4096"),
    ("wan2.7-i2v", media(("first_clip", "{wide}")), {}, "InvalidFile.AspectRatio", "must be between 8:1 and 1:8"),
    ("wan2.7-i2v", media(("first_clip", "{words}")), {}, "InvalidParameter", "Invalid video file."),
    ("wan2.7-i2v", media(("first_clip", "{song}")), {}, "InvalidFile.Format", "MP4, MOV"),
    ("wan2.7-i2v", media(FIRST, ("driving_audio", "{hum}")), {}, "InvalidFile.Duration", "must be 2 s ~ 30 s"),
    ("wan2.7-i2v", media(FIRST, ("driving_audio", "{clip}")), {}, "InvalidFile.Format", "MP3, WAV"),
    ("wan2.7-t2v", {}, {}, "BadRequest.EmptyInput", ""),
    ("wan2.7-t2v", {"prompt": ""}, {}, "InvalidParameter", "Field required: input.prompt"),
    ("wan2.7-t2v", {"prompt": "x"}, {"ratio": "21:9"}, "InvalidParameter", "ratio must be one of 16:9"),
    ("wan2.7-r2v", media(FIRST), {}, "InvalidParameter", "must be 1 to 5 together, got 0"),
    ("wan2.7-r2v", media(*[("reference_image", DAY_URI)] * 5, ("reference_video", "{clip}")), {}, "InvalidParameter",
     "must be 1 to 5 together, got 6"),
    ("wan2.7-r2v", media(("video", "{clip}")), {}, "InvalidParameter",
     "allowed types are reference_image, reference_video, first_frame"),
    ("wan2.7-videoedit", media(("reference_image", DAY_URI)), {}, "InvalidParameter", "combination reference_image"),
    ("wan2.7-videoedit", media(("video", "{clip}")), {"audio_setting": "mute"}, "InvalidParameter", "auto or origin"),
    ("wan2.7-videoedit", media(("video", "{eleven}")), {}, "InvalidFile.Duration", "must be 2 s ~ 10 s"),
    ("happyhorse-1.0-t2v", {"prompt": "x"}, {"resolution": "480P"}, "InvalidParameter", "resolution must be one of"),
    ("happyhorse-1.0-video-edit", media(("video", "oss://a/b.mp4")), {}, "InvalidParameter", "Failed to download oss:"),
    ("happyhorse-1.0-video-edit", media(("video", "{slow}")), {}, "InvalidFile.FPS", "Invalid video FPS."),
    ("happyhorse-1.1-r2v", media(*[("reference_image", DAY_URI)] * 10), {}, "InvalidParameter", "at most 9"),
    ("happyhorse-1.1-r2v", media(("reference_image", uri(drawn((390, 600))))), {}, "InvalidParameter", "too small"),
    ("wan3.0-video", {"prompt": ""}, {}, "InvalidParameter", "Field required: input.prompt"),
    ("wan3.0-video", media(FIRST, ("reference_image", DAY_URI)), {}, "InvalidParameter",
     "The two modes are mutually exclusive. Do not pass reference_xx and first_frame/last_frame at the same time."),
    ("wan3.0-video", media(LAST), {}, "InvalidParameter", "last_frame must be used with first_frame"),
    ("wan3.0-video", media(("link", "http://a.b"), ("file", "{words}")), {}, "InvalidParameter", "mutually exclusive"),
    ("wan3.0-video", media(("link", "http://a.b")), {"prompt_extend": False}, "InvalidParameter", "must be true"),
    ("wan3.0-video", media(("reference_video", "{long}")), {}, "InvalidFile.Duration", "must be 1 s ~ 15 s"),
    ("wan3.0-video", media(*[("reference_video", "{eleven}")] * 2), {}, "InvalidFile.Duration", "must be 0 s ~ 15 s"),
    ("wan3.0-video", media(("reference_video", "{eleven}")), {"duration": 20}, "InvalidParameter", "not exceed 30 s"),
]  # fmt: skip


def filled(value: Any, files: ServedFiles) -> Any:
    """Put addresses in the place of `{name}`."""
    if isinstance(value, dict):
        return {key: filled(one, files) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, files) for one in value]
    return files[value[1:-1]] if isinstance(value, str) and value.startswith("{") else value


@pytest.mark.few(2)
@pytest.mark.parametrize("model, inputs, parameters, code, words", LATE)
def test_the_models_of_2026_fail_late(
    client: Client, files: ServedFiles, model: str, inputs: Any, parameters: Any, code: str, words: str
) -> None:
    if not inputs:  # no input at all is the one thing that the gateway sees
        assert submit(client, model, inputs).json()["code"] == code
        return
    answer = finished(client, model, filled(inputs, files), **parameters)
    assert set(answer) == {"request_id", "output"}, "nothing is billed"
    assert set(answer["output"]) == {"task_id", "task_status", "code", "message"}
    assert (answer["output"]["task_status"], answer["output"]["code"]) == ("FAILED", code)
    assert words in answer["output"]["message"]


I2V = {"img_url": DAY_URI}
AT_ONCE = [
    ("wan2.2-i2v-flash", {"prompt": "x"}, {}, "Field required: input.img_url"),
    ("wan2.2-i2v-flash", I2V, {"duration": 6}, "duration must be one of 5"),
    ("wanx2.1-i2v-plus", I2V, {"resolution": "480P"}, "resolution must be one of 720P"),
    ("wan2.2-i2v-plus", I2V, {"resolution": "720P"}, "resolution must be one of 480P, 1080P"),
    ("wan2.5-i2v-preview", I2V, {"duration": 7}, "duration must be one of 5, 10"),
    ("wan2.6-i2v", I2V, {"shot_type": "many"}, "shot_type must be single or multi"),
    ("wan2.6-i2v-flash", I2V, {"audio": "no"}, "audio must be a boolean"),
    ("wanx2.1-i2v-turbo", {**I2V, "template": "melt"}, {}, "template melt is not supported"),
    ("wan2.2-i2v-flash", {**I2V, "template": "hug"}, {}, "template hug is not supported"),
    ("wan2.2-kf2v-flash", {"last_frame_url": DAY_URI}, {}, "Field required: input.first_frame_url"),
    ("wan2.6-r2v", {"prompt": "x"}, {}, "Field required: input.reference_urls"),
    ("wan2.6-r2v", {"prompt": "x", "reference_urls": ["{day}"] * 6}, {}, "at most 5 reference_image"),
    ("wan2.7-t2v", {"prompt": "x", "media": []}, {}, "Field required: input.media.0"),
    ("wanx2.1-vace-plus", {"prompt": "x"}, {}, "Field required: input.function"),
    ("wanx2.1-vace-plus", {"prompt": "x", "function": "image_reference"}, {}, "Field required: input.ref_images_url"),
    ("wanx2.1-vace-plus", {"prompt": "x", "function": "image_reference", "ref_images_url": ["{day}"] * 2},
     {"obj_or_bg": ["obj"]}, "obj_or_bg must have one of"),
    ("wanx2.1-vace-plus", {"prompt": "x", "function": "image_reference", "ref_images_url": ["{day}"] * 2},
     {"obj_or_bg": ["bg", "bg"]}, "at most one bg"),
    ("wanx2.1-vace-plus", {"prompt": "x", "function": "video_repainting", "video_url": "{clip}"}, {},
     "control_condition must be one of posebodyface"),
    ("wanx2.1-vace-plus", {"prompt": "x", "function": "video_edit", "video_url": "{clip}"}, {},
     "Field required: input.mask_image_url"),
    ("wanx2.1-vace-plus", {"prompt": "x", "function": "video_outpainting", "video_url": "{clip}"}, {"top_scale": 2.5},
     "top_scale must be between 1.0 and 2.0"),
    ("wanx2.1-vace-plus", {"prompt": "x", "function": "video_extension"}, {}, "Field required: input.first_frame_url"),
    ("wanx2.1-vace-plus", {"prompt": "x", "function": "video_outpainting", "video_url": "http://a.b/猫.mp4"}, {},
     "The request URL is invalid"),
]  # fmt: skip


@pytest.mark.few(4)
@pytest.mark.parametrize("model, inputs, parameters, words", AT_ONCE)
def test_the_older_models_refuse_at_once(
    client: Client, files: ServedFiles, model: str, inputs: Any, parameters: Any, words: str
) -> None:
    path = FRAMES if "kf2v" in model else FILMS
    answer = submit(client, model, filled(inputs, files), path, **parameters)
    if "reference_image" in words:  # told apart from films only when fetched
        assert answer.status_code == 400
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["message"]


IN_THE_TASK = [
    ("wan2.2-i2v-flash", {"img_url": "{nothing}"}, "BadRequest.InputDownloadFailed"),
    ("wan2.2-i2v-flash", {"img_url": TINY}, "InvalidParameter"),
    ("wan2.6-i2v", {**I2V, "audio_url": "{hum}"}, "InvalidFile.Duration"),
    ("wanx2.1-vace-plus", {"prompt": "x", "function": "video_edit", "video_url": "{clip}", "mask_image_url": "{mask}"},
     "InvalidParameter"),
    ("wanx2.1-vace-plus", {"prompt": "x", "function": "video_outpainting", "video_url": "{slow}"}, "InvalidFile.FPS"),
    ("wanx2.1-vace-plus",
     {"prompt": "x", "function": "video_extension", "first_clip_url": "{clip}", "last_clip_url": "{second}"},
     "InvalidFile.Duration"),
]  # fmt: skip


@pytest.mark.parametrize("model, inputs, code", IN_THE_TASK)
def test_what_is_wrong_with_a_file_the_task_says(
    client: Client, files: ServedFiles, model: str, inputs: Any, code: str
) -> None:
    answer = finished(client, model, filled(inputs, files))
    assert (answer["output"]["task_status"], answer["output"]["code"]) == ("FAILED", code)


@pytest.mark.slow
def test_each_model_has_its_path_and_wants_the_async_header(client: Client) -> None:
    for name, model in RULES.items():
        (own,) = model.routes
        other = FRAMES if own == FILMS else FILMS
        astray = submit(client, name, I2V, other)
        assert (astray.status_code, astray.json()["message"]) == (400, "url error, please check url!"), name
        bare = client.post(own, {"model": name, "input": I2V, "parameters": {}}, asks_async=False)
        assert (bare.status_code, bare.json()["message"]) == (
            403,
            "current user api does not support synchronous calls",
        ), name


def test_an_upload_is_read_only_with_its_header(client: Client) -> None:
    answer = finished(client, "wan2.7-i2v", media(("first_frame", "oss://a/b.png")))
    assert answer["output"]["message"] == "Failed to download oss://a/b.png"


def test_a_wrong_body_fails_soon_however_long_work_takes(client: Client, box: Sandbox) -> None:
    box.settings.change({"task_s": 3600})
    assert finished(client, "wan2.7-i2v", {"prompt": "x"})["output"]["task_status"] == "FAILED"
    running = submit(client, "wan2.7-i2v", media(FIRST)).json()["output"]["task_id"]
    assert client.poll(running).json()["output"]["task_status"] == "PENDING"
    assert client.cancel(running).status_code == 200


def test_films_end_when_polled_and_obey_faults_and_words(client: Client, box: Sandbox) -> None:
    box.settings.change({"end_after_polls": 2})
    task_id = submit(client, "wan2.7-i2v", media(FIRST)).json()["output"]["task_id"]
    states = [client.poll(task_id).json()["output"]["task_status"] for _ in range(2)]
    assert states == ["RUNNING", "SUCCEEDED"]
    assert client.cancel(task_id).status_code == 400

    box.faults.add(Fault("poll", "failed", match_model="wan2.7-i2v", code="InternalError", message="oh"))
    task_id = submit(client, "wan2.7-i2v", media(FIRST)).json()["output"]["task_id"]
    assert client.poll(task_id).json()["output"]["code"] == "InternalError"
    refused = submit(client, "wan2.7-i2v", media(FIRST, prompt="[sandbox:refuse]"))
    assert (refused.status_code, refused.json()["code"]) == (400, "DataInspectionFailed")
    row = client.get("/tasks/").json()["data"][0]
    assert (row["model_name"], row["status"]) == ("wan2.7-i2v", "FAILED")


@pytest.mark.parametrize("model, per_s, running", [("wan2.2-kf2v-flash", 2, 2), ("wan3.0-video", 5, 5)])
def test_rates_and_running_limits(model: str, per_s: int, running: int) -> None:
    path = FRAMES if "kf2v" in model else FILMS
    inputs = {"first_frame_url": DAY_URI} if path == FRAMES else media(FIRST)
    now = [1_700_000_000.0]
    with Sandbox(task_s=1000, clock=lambda: now[0]) as box:
        client = Client(box)
        with client.http:
            answers = [submit(client, model, inputs, path) for _ in range(per_s + 1)]
            assert [answer.status_code for answer in answers] == [200] * per_s + [429]
            now[0] += 2
            answers.append(submit(client, model, inputs, path))
            now[0] += 500
            states = [task.status for task in box.tasks]
    assert states == ["RUNNING"] * running + ["PENDING"]


@pytest.mark.slow
@pytest.mark.parametrize("how, status", [("placeholder", "SUCCEEDED"), ("refuse", "FAILED")])
def test_files_of_other_computers(client: Client, box: Sandbox, how: str, status: str) -> None:
    box.settings.change({"fetch_foreign": how})
    far = "http://example.com/"
    bodies = [
        ("wan2.7-i2v", media(("first_frame", far + "a.png"), ("driving_audio", far + "a.mp3"))),
        ("wan3.0-video", media(("reference_video", far + "a.mp4"), ("file", far + "a.pdf"))),
        ("wanx2.1-vace-plus", {"prompt": "x", "function": "video_edit", "video_url": far, "mask_image_url": far}),
    ]
    for model, inputs in bodies:
        assert finished(client, model, inputs)["output"]["task_status"] == status, model


def test_a_film_is_a_container_and_never_a_list_of_others() -> None:
    for data in (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n", b"ffconcat version 1.0\nfile /etc/passwd\n", b""):
        with pytest.raises(UnreadableClip):
            probe(data)


@pytest.mark.slow
def test_a_film_that_breaks_off_ends_there() -> None:
    whole = clip(3)
    cut = whole[: len(whole) * 2 // 3]
    try:
        facts = probe(cut)
    except UnreadableClip:  # its index stands at the end
        return
    assert len(frames_at(cut, [0, 1, 2, 2.9], (64, 48))) == 4
    assert facts.width == 480


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 40) | st.floats(-2, 20) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
ADDRESS = st.sampled_from([DAY_URI, "oss://x", "http://127.0.0.1:1/x", "data:,", "x", ""]) | JSON
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["first_frame", "last_frame", "first_clip", "reference_image", "video", "link"]) | JSON,
        "url": ADDRESS,
        "reference_voice": ADDRESS,
    },
)
NAMES = ["img_url", "audio_url", "first_frame_url", "last_frame_url", "video_url", "mask_image_url", "first_clip_url"]
BODY = st.fixed_dictionaries(
    {"prompt": st.just("x") | JSON},
    optional={
        "media": st.lists(ENTRY | JSON, max_size=3) | JSON,
        "reference_urls": st.lists(ADDRESS, max_size=3) | JSON,
        "ref_images_url": st.lists(ADDRESS, max_size=3) | JSON,
        "function": st.sampled_from(sorted(FUNCTIONS)) | JSON,
        "template": st.just("hug") | JSON,
        "mask_frame_id": JSON,
        **dict.fromkeys(NAMES, ADDRESS),
    },
)
PARAMETERS = st.dictionaries(
    st.sampled_from(
        [
            "resolution",
            "ratio",
            "size",
            "duration",
            "audio",
            "audio_setting",
            "shot_type",
            "seed",
            "watermark",
            "prompt_extend",
            "obj_or_bg",
            "strength",
            "control_condition",
            "top_scale",
            "mask_type",
            "negative_prompt",
        ]
    ),
    st.sampled_from(["720P", "16:9", "1280*720", "auto", "depth", ["obj"], 5, 1.0, True]) | JSON,
    max_size=4,
)


@pytest.mark.slow
@given(model=st.sampled_from(sorted(RULES)), inputs=BODY, parameters=PARAMETERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_is_too_odd(box: Sandbox, model: str, inputs: Any, parameters: Any) -> None:
    client = Client(box)
    with client.http:
        answer = submit(client, model, inputs, *RULES[model].routes, **parameters)
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 200:
            assert client.poll(answer.json()["output"]["task_id"]).status_code == 200
