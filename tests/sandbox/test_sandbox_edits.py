"""Editing pictures: by instruction (blocking) and by function (a task)."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image, ImageChops, ImageDraw, ImageStat

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.edits.drawing import Edit, draw_edit
from bailian.sandbox.images.drawing import Picture, png_of
from tests.support.pictures import bytes_of, drawn, uri
from tests.support.sandbox_client import SYNC, Client, instruct

pytestmark = pytest.mark.slow

EDIT = "/services/aigc/image2image/image-synthesis"
FUNCTIONS = {
    "stylization_all": "转换成金箔艺术风格",
    "stylization_local": "把房子变成木板风格",
    "description_edit": "给天空添加蓝色",
    "description_edit_with_mask": "陶瓷兔子",
    "remove_watermark": "去除图像中的文字",
    "expand": "一片森林",
    "super_resolution": "图像超分",
    "colorization": "",
    "doodle": "一座城堡",
    "control_cartoon_feature": "卡通形象在公园里跑步",
}


def half_mask(size: tuple[int, int] = (640, 512)) -> Image.Image:
    mask = Image.new("RGB", size)
    ImageDraw.Draw(mask).rectangle((0, 0, size[0] // 2 - 1, size[1]), fill=(255, 255, 255))
    return mask


def by_function(client: Client, function: str, base: str, mask: str | None = None, **parameters: Any) -> Any:
    given = {"function": function, "prompt": FUNCTIONS.get(function, "x"), "base_image_url": base}
    if mask is not None:
        given["mask_image_url"] = mask
    return client.post(EDIT, {"model": "wanx2.1-imageedit", "input": given, "parameters": {"n": 1, **parameters}})


def finished(client: Client, *args: Any, **kwargs: Any) -> dict[str, Any]:
    answer = by_function(client, *args, **kwargs)
    assert answer.status_code == 200, answer.text
    return client.wait(answer.json()["output"]["task_id"])


def result(client: Client, *args: Any, **kwargs: Any) -> Image.Image:
    answer = finished(client, *args, **kwargs)
    return opened(client, answer["output"]["results"][0]["url"])


def opened(client: Client, link: str) -> Image.Image:
    image = Image.open(io.BytesIO(client.download(link).content))
    assert image.format == "PNG"
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean)


class _Host(BaseHTTPRequestHandler):
    files: dict[str, bytes] = {}  # noqa: RUF012  # set by the fixture

    def do_GET(self) -> None:
        data = self.files.get(self.path)
        self.send_response(302 if self.path == "/away.png" else 200 if data is not None else 404)
        if self.path == "/away.png":
            self.send_header("Location", "/a.png")
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def host() -> Iterator[str]:
    """A file server on this computer."""
    _Host.files = {"/a.png": bytes_of(drawn()), "/big.bin": b"x" * (10 * 1024**2 + 1)}
    with HTTPServer(("127.0.0.1", 0), _Host) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_instruction_answers_and_changes_the_picture(client: Client) -> None:
    base = drawn((1600, 800))
    answer = instruct(client, uri(base), negative_prompt="低质量", seed=7, watermark=True)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["output"]["task_metric"] == {"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0}
    assert body["usage"] == {"width": 1456, "height": 720, "image_count": 1}
    (choice,) = body["output"]["choices"]
    image = opened(client, choice["message"]["content"][0]["image"])
    assert image.size == (1456, 720)
    assert difference(image, base.resize(image.size)) > 20
    assert image.text["Software"] == "bailian sandbox"  # type: ignore[attr-defined]


def test_the_last_picture_gives_the_ratio(client: Client) -> None:
    answer = instruct(client, uri(drawn((1024, 512))), uri(drawn((600, 1200), (10, 10, 10))))
    usage = answer.json()["usage"]
    assert (usage["width"], usage["height"]) == (720, 1456)


def test_plus_takes_n_and_size(client: Client) -> None:
    answer = instruct(client, uri(drawn()), model="qwen-image-edit-plus", n=3, size="1000*768").json()

    assert answer["usage"] == {"width": 992, "height": 768, "image_count": 3}
    links = [part["image"] for part in answer["output"]["choices"][0]["message"]["content"]]
    assert len({client.download(link).content for link in links}) == 3


@pytest.mark.parametrize("function", ["", "colorization", "super_resolution"])
def test_n_edits_in_a_named_colour_are_n_pictures(function: str) -> None:
    """Near one colour there are few others, so chance alone gave the same picture twice now and then."""
    data, options = png_of(Image.new("RGB", (192, 192), (120, 130, 140)), "x"), (("upscale_factor", 1.0),)
    for seed in range(30):
        pictures = [Picture("换成红色", seed, index, 192, 192, "qwen-image-edit-plus") for index in range(3)]
        made = {draw_edit(Edit(picture, function, ("x",), options=options), lambda _name: data) for picture in pictures}
        assert len(made) == 3, seed


def test_formats(client: Client) -> None:
    for kind in ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF"):
        assert instruct(client, uri(drawn(), kind)).status_code == 200
    refused = instruct(client, uri(drawn(), "PPM"))
    assert (refused.status_code, refused.json()["message"]) == (400, "image format error")


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([], "No messages found in input"),
        ([{"role": "user", "content": []}] * 2, "messages length only support 1"),
        ([{"role": "user", "content": [{"text": "x"}]}], "lack of image or text"),
        ([{"role": "user", "content": [{"image": "http://127.0.0.1:1/a.png"}]}], "lack of image or text"),
        (
            [{"role": "user", "content": [*[{"image": "http://127.0.0.1:1/a.png"}] * 4, {"text": "x"}]}],
            "content length only support 4",
        ),
        (
            [{"role": "user", "content": [{"image": "http://127.0.0.1:1/a.png"}, {"text": "x"}]}],
            "download image failed",
        ),
        (
            [{"role": "user", "content": [{"image": "data:image/png;base64,AAAA"}, {"text": "x"}]}],
            "Invalid image format or corrupted file",
        ),
    ],
)
def test_documented_input_errors(client: Client, messages: list[Any], message: str) -> None:
    body = {"model": "qwen-image-edit", "input": {"messages": messages}, "parameters": {}}
    answer = client.post(SYNC, body, asks_async=False)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    if messages:
        assert answer.json()["message"] == message


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("file:///tmp/a.png", "InvalidURL"),
        ("just text", "InvalidURL"),
        ("http://", "InvalidURL"),
        ("data:image/png;base64,%%%", "InvalidParameter.DataInspection"),
        ("data:image/png;base64," + "A" * 10485764, "InvalidParameter"),
    ],
    ids=["file", "text", "no host", "not base64", "too long"],
)
def test_addresses_the_service_does_not_take(client: Client, image: str, code: str) -> None:
    answer = instruct(client, image)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_wrong_sizes_and_counts_of_instruction(client: Client) -> None:
    small = instruct(client, uri(drawn((300, 500))))
    assert small.json()["message"] == "the size of input image is too small or too large"
    assert instruct(client, uri(drawn()), n=2).json()["message"] == "num_images_per_prompt must be 1"
    assert instruct(client, uri(drawn()), size="9*9").status_code == 200  # not a parameter of this model
    assert instruct(client, uri(drawn()), model="qwen-image-edit-max", size="9*9").status_code == 400
    assert instruct(client, uri(drawn()), model="qwen-image-edit-max", n=7).status_code == 400
    content = [{"image": uri(drawn())}, {"text": "x"}]
    body = {"model": "qwen-image-edit", "input": {"messages": [{"role": "user", "content": content}]}}
    assert client.post(SYNC, body).status_code == 403  # the async header


def test_pictures_come_from_this_computer_only(client: Client, box: Sandbox, host: str) -> None:
    assert instruct(client, f"{host}/a.png").status_code == 200
    for bad in (f"{host}/none.png", f"{host}/away.png"):
        assert instruct(client, bad).json()["message"] == "download image failed"
    assert instruct(client, f"{host}/big.bin").json()["code"] == "InvalidParameter"

    assert instruct(client, "http://example.com/dog.jpg").json()["usage"]["width"] == 1024  # a placeholder
    box.settings.change({"fetch_foreign": "refuse"})
    assert instruct(client, "http://example.com/dog.jpg").json()["message"] == "download image failed"
    failed = finished(client, "description_edit", "http://example.com/dog.jpg")["output"]
    assert (failed["task_status"], failed["code"]) == ("FAILED", "BadRequest.InputDownloadFailed")
    assert failed["message"] == "Reference image download failed, please check image url."
    with pytest.raises(ValueError, match="placeholder"):
        Sandbox(fetch_foreign="yes")


def test_the_sandboxs_own_results_can_be_edited(client: Client) -> None:
    assert instruct(client, client.link()).status_code == 200


def test_answers_of_a_function(client: Client) -> None:
    answer = finished(client, "description_edit", uri(drawn()), n=2, seed=5)

    assert set(answer["output"]) == {
        "task_id", "task_status", "submit_time", "scheduled_time", "end_time", "results", "task_metrics",
    }  # fmt: skip
    assert [set(entry) for entry in answer["output"]["results"]] == [{"url"}, {"url"}]
    assert answer["output"]["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 2, "FAILED": 0}
    assert answer["usage"] == {"image_count": 2}
    one, other = (client.download(entry["url"]).content for entry in answer["output"]["results"])
    assert one != other


def test_one_picture_unless_told_otherwise(client: Client) -> None:
    assert finished(client, "description_edit", uri(drawn()), n=None)["usage"] == {"image_count": 1}


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name != "description_edit_with_mask"])
def test_every_function_changes_the_picture(client: Client, function: str) -> None:
    base = drawn()
    first = result(client, function, uri(base), seed=1)

    assert first.size == base.size
    below = (0, 100, *base.size)  # without the ribbon
    expected = 0 if function in ("expand", "super_resolution") else 3 if function == "remove_watermark" else 10
    assert difference(first.crop(below), base.crop(below)) >= expected
    assert first.tobytes() == result(client, function, uri(base), seed=1).tobytes()


def test_strength(client: Client) -> None:
    base = drawn()
    weak, strong = (result(client, "stylization_all", uri(base), seed=1, strength=s) for s in (0.0, 1.0))
    assert difference(weak, base) < difference(strong, base) / 2


def test_expand_grows_the_picture_around_the_given_one(client: Client) -> None:
    base = drawn()
    scales = {"top_scale": 1.5, "bottom_scale": 2.0, "left_scale": 1.25}
    grown = result(client, "expand", uri(base), **scales)

    assert grown.size == (720, 896)  # 640 * (1.25 + 1) / 2, 512 * (1.5 + 2) / 2
    left, top = 80, 128
    assert difference(grown.crop((left, top, left + 640, top + 512)), base) == 0


def test_super_resolution(client: Client) -> None:
    assert result(client, "super_resolution", uri(drawn()), upscale_factor=3).size == (1920, 1536)
    failed = finished(client, "super_resolution", uri(drawn((1500, 1500))), upscale_factor=4)["output"]
    assert failed["message"] == "The image size is not supported for the data inspection."


def test_only_the_white_of_a_mask_changes(client: Client) -> None:
    base = drawn()
    got = result(client, "description_edit_with_mask", uri(base), uri(half_mask()))

    assert difference(got.crop((320, 0, 640, 512)), base.crop((320, 0, 640, 512))) == 0
    assert difference(got.crop((0, 0, 320, 512)), base.crop((0, 0, 320, 512))) > 20


def test_masks_are_checked(client: Client) -> None:
    base, grey = uri(drawn()), half_mask()
    grey.putpixel((0, 0), (128, 128, 128))
    red = half_mask()
    red.putpixel((0, 0), (255, 0, 0))
    for mask in (uri(half_mask((512, 640))), uri(grey), uri(red)):
        failed = finished(client, "description_edit_with_mask", base, mask)["output"]
        assert (failed["task_status"], failed["code"]) == ("FAILED", "InvalidParameter")
    missing = by_function(client, "description_edit_with_mask", base)
    assert (missing.status_code, missing.json()["message"]) == (400, "Field required: input.mask_image_url")
    stand_ins = ("http://example.com/base.jpg", "http://example.com/mask.png")
    assert result(client, "description_edit_with_mask", *stand_ins).size == (1024, 1024)


def test_pictures_are_checked(client: Client) -> None:
    for size in ((511, 900), (4097, 600)):
        failed = finished(client, "description_edit", uri(drawn(size)))["output"]
        assert failed["message"] == "the size of input image is too small or too large"
    broken = by_function(client, "description_edit", "data:image/png;base64,AAAA")
    assert broken.json()["code"] == "InvalidParameter.DataInspection"
    chinese = by_function(client, "description_edit", "http://example.com/图.png")
    assert chinese.json()["code"] == "InvalidURL"


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({"function": "remove_watermaker"}, {}),
        ({"function": None}, {}),
        ({"prompt": None}, {}),
        ({"prompt": ""}, {}),
        ({"base_image_url": None}, {}),
        ({}, {"n": 5}),
        ({}, {"strength": 1.5}),
        ({}, {"seed": "x"}),
        ({"function": "expand"}, {"top_scale": 2.5}),
        ({"function": "super_resolution"}, {"upscale_factor": 5}),
        ({"function": "super_resolution"}, {"upscale_factor": 1.5}),
        ({"function": "doodle"}, {"is_sketch": "yes"}),
    ],
)
def test_wrong_fields_are_refused(client: Client, changes: dict[str, Any], parameters: dict[str, Any]) -> None:
    given = {"function": "description_edit", "prompt": "x", "base_image_url": "http://example.com/a.png", **changes}
    given = {key: value for key, value in given.items() if value is not None}
    answer = client.post(EDIT, {"model": "wanx2.1-imageedit", "input": given, "parameters": parameters})
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


def test_a_later_sandbox_still_has_the_pictures(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with Sandbox(task_s=0, enforce_limits=False, state_path=path) as box:
        task_id = by_function(Client(box), "doodle", uri(drawn())).json()["output"]["task_id"]
    with Sandbox(task_s=0, enforce_limits=False, state_path=path) as box:
        client = Client(box)
        link = client.wait(task_id)["output"]["results"][0]["url"]
        assert opened(client, link).size == (640, 512)


def test_faults_hit_edits_too(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("submit", "partial"))
    entries = finished(client, "description_edit", uri(drawn()), n=2)["output"]["results"]
    assert [set(entry) for entry in entries] == [{"url"}, {"code", "message"}]

    box.faults.add(Fault("submit", "wrong_size"))
    assert result(client, "description_edit", uri(drawn())).size == (640, 480)

    box.faults.add(Fault("sync", "reset_after"))
    with pytest.raises(requests.ConnectionError):
        instruct(client, uri(drawn()))
    assert len(box.sync_calls) == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_vendors_sdk_with_local_files(sdk: Any, box: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "base.png").write_bytes(bytes_of(drawn()))
    (tmp_path / "mask.png").write_bytes(bytes_of(half_mask()))

    answer = sdk.ImageSynthesis.call(
        model="wanx2.1-imageedit",
        function="description_edit_with_mask",
        prompt="陶瓷兔子",
        base_image_url=(tmp_path / "base.png").as_uri(),
        mask_image_url=(tmp_path / "mask.png").as_uri(),
        n=1,
    )
    assert answer.status_code == 200, answer
    assert answer.output.task_status == "SUCCEEDED", answer
    assert answer.output.results[0].url.startswith(box.root_url)

    content = [{"image": (tmp_path / "base.png").as_uri()}, {"text": "换成红色"}]
    edited = sdk.MultiModalConversation.call(
        model="qwen-image-edit", messages=[{"role": "user", "content": content}], watermark=False
    )
    assert edited.status_code == 200, edited
    assert edited.output.choices[0].message.content[0]["image"].startswith(box.root_url)
