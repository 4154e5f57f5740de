"""What the models that see say of pictures and films, what these count, and which are refused."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from chat_bodies import chat, message_of, text_of, told_of
from message_bodies import FAR, picture
from PIL import Image

from bailian.sandbox import Sandbox
from bailian.sandbox.images.drawing import Picture
from bailian.sandbox.video.drawing import Video, draw_video
from tests.support.sandbox_client import TEXT, Client

pytestmark = pytest.mark.slow


def uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def written(image: Image.Image, kind: str = "PNG") -> str:
    file = io.BytesIO()
    image.save(file, kind)
    return uri(file.getvalue(), f"image/{kind.lower()}")


def halves(left: str, right: str) -> str:
    image = Image.new("RGB", (640, 480), left)
    image.paste(Image.new("RGB", (250, 480), right), (390, 0))
    return written(image)


@pytest.mark.parametrize(
    "url, english, chinese",
    [
        (halves("orange", "white"), "A picture of 640×480, mostly orange and white.", "640×480，主要是橙色和白色。"),
        (picture((300, 200), "navy"), "A picture of 300×200, mostly blue.", "300×200，主要是蓝色。"),
        (picture((64, 64), "black", kind="JPEG"), "mostly black", "主要是黑色"),
        (picture((64, 64), "#8b5a2b", kind="WEBP"), "mostly brown", "主要是棕色"),
        (picture((64, 64), "pink", kind="BMP"), "mostly pink", "主要是粉色"),
    ],
)
def test_a_picture_is_told_by_size_and_colours(client: Client, url: str, english: str, chinese: str) -> None:
    assert english in text_of(chat(client, {"image": url}, "What is it?"))
    assert chinese in text_of(chat(client, {"image": url}, "这是什么？"))


def test_several_pictures_are_told_apart_and_the_last_ones_are_meant(client: Client) -> None:
    red, green = {"image": picture((64, 64), "red")}, {"image": picture((32, 64), "green")}
    assert text_of(chat(client, red, green, "?")).startswith(
        "1: A picture of 64×64, mostly red. 2: A picture of 32×64, mostly green."
    )
    turns = [
        {"role": "user", "content": [red, {"text": "?"}]},
        {"role": "assistant", "content": [{"text": "red"}]},
        {"role": "user", "content": [green, {"text": "?"}]},
    ]
    answer = chat(client, messages=turns)
    assert text_of(answer).startswith("A picture of 32×64, mostly green.")
    assert answer.json()["usage"]["input_tokens_details"]["image_tokens"] == 6 + 8, "the first one is sent again"
    again = [*turns, {"role": "assistant", "content": "green"}, {"role": "user", "content": "Sure?"}]
    assert "mostly green" in text_of(chat(client, messages=again))


@pytest.mark.parametrize("change", ["none", "scaled", "jpeg"])
def test_what_it_has_drawn_is_recognised(client: Client, change: str) -> None:
    links = [client.link(prompt, size="1024*1024") for prompt in ("another", "一只橘猫")]
    data = [client.download(link).content for link in links][-1]
    image = Image.open(io.BytesIO(data))
    url = {"none": links[-1], "scaled": written(image.resize((512, 512))), "jpeg": written(image, "JPEG")}[change]
    told = text_of(chat(client, {"image": url}, "What is it?"))
    assert 'the sandbox itself has made it, as wan2.2-t2i-flash, for the prompt "一只橘猫"' in told


def test_a_picture_on_another_computer(client: Client, box: Sandbox) -> None:
    assert "stands in for a file on another computer" in text_of(chat(client, {"image": FAR}, "?"))
    box.settings.change({"fetch_foreign": "refuse"})
    assert "Failed to download" in told_of(chat(client, {"image": FAR}, "?"))[2]


@pytest.mark.parametrize(
    "model, size, options, parameters, tokens",
    [
        ("qwen3.7-plus", (1024, 1024), {}, {}, 1026),
        ("qwen3.7-plus", (1000, 1000), {}, {}, 31 * 31 + 2),
        ("qwen3.7-plus", (2000, 2000), {}, {}, 50 * 50 + 2),
        ("qwen3.7-plus", (2000, 2000), {}, {"vl_high_resolution_images": True}, 62 * 62 + 2),
        ("qwen3.7-plus", (2000, 2000), {"max_pixels": 300 * 1024}, {"vl_high_resolution_images": True}, 62 * 62 + 2),
        ("qwen3.7-plus", (1024, 1024), {"max_pixels": 256 * 1024}, {}, 16 * 16 + 2),
        ("qwen3.7-plus", (64, 64), {}, {}, 4 + 2),
        ("qwen3.7-plus", (64, 64), {"min_pixels": 100 * 1024}, {}, 10 * 10 + 2),
        ("qwen-vl-ocr", (2000, 2000), {}, {}, 62 * 62 + 2),
    ],
)
def test_what_a_picture_counts(
    client: Client, model: str, size: tuple[int, int], options: Any, parameters: Any, tokens: int
) -> None:
    answer = chat(
        client, {"image": picture(size, "white", "L"), **options}, "?", model=model, enable_thinking=None, **parameters
    )
    usage = answer.json()["usage"]
    assert usage["input_tokens_details"]["image_tokens"] == tokens
    assert usage["input_tokens"] == tokens + usage["input_tokens_details"]["text_tokens"]


GIF = written(Image.new("RGB", (64, 64)), "GIF")


@pytest.mark.parametrize(
    "part, words",
    [
        ({"image": picture((10, 300))}, "[height:300 or width:10 must be larger than 10]"),
        ({"image": picture((3000, 11))}, "absolute aspect ratio must be smaller than 200"),
        ({"image": picture((7700, 4400), mode="L", colour="white")}, "must not have more than 33177600 pixels"),
        ({"image": picture((4000, 2100), kind="WEBP")}, "must not have more than 8294400 pixels"),
        ({"image": GIF}, "The image format is illegal and cannot be opened"),
        ({"image": uri(b"no picture")}, "The image format is illegal and cannot be opened"),
        ({"image": "http://127.0.0.1:1/a.png"}, "Failed to download multimodal content"),
        ({"image": "oss://nowhere/a.png"}, "The request URL is invalid"),
        ({"image": "a.png"}, "The request URL is invalid"),
        ({"image": 7}, "valid string: image"),
        ({"image": picture(), "max_pixels": "many"}, "max_pixels must be a positive integer"),
        ({"video": [picture()] * 3}, "4 to 8000 images, got 3"),
        ({"video": uri(b"no film", "video/mp4")}, "The video format is illegal"),
        ({"video": uri(b"no film")}, "The request URL is invalid"),
        ({"video": FAR, "fps": 11}, "fps must be between 0.1 and 10"),
    ],
)
def test_refused(client: Client, part: dict[str, Any], words: str) -> None:
    status, _, message = told_of(chat(client, part, "?"))
    assert status == 400
    assert words in message


def test_too_many_in_base64_and_too_long_a_text_of_one(client: Client) -> None:
    small = {"image": picture((16, 16))}
    assert "at most 250 base64 images are supported, got 251" in told_of(chat(client, *[small] * 251, "?"))[2]
    long = {"image": uri(b"x" * 10485760)}
    assert "Exceeded limit on max bytes per data-uri item : 10485760" in told_of(
        chat(client, long, model="qwen-vl-ocr")
    )[2]  # fmt: skip


def test_who_does_not_see(client: Client) -> None:
    content = [{"image": picture()}, {"text": "?"}]
    answer = chat(client, model="qwen3.7-max", path=TEXT, messages=[{"role": "user", "content": content}])
    assert told_of(answer)[2] == "input content must be a string."
    assert "does not support video" in told_of(chat(client, {"video": FAR}, model="qwen3.5-ocr"))[2]
    assert "needs an image" in told_of(chat(client, "?", model="qwen3.5-ocr"))[2]


@pytest.fixture(scope="module")
def film() -> str:
    return uri(draw_video(Video(Picture("一只橘猫", 1, 0, 320, 192, "wan2.6-t2v"), 4, 12)), "video/mp4")


def test_a_film_is_told_by_length_size_and_colours(client: Client, film: str) -> None:
    answer = chat(client, {"video": film, "fps": 3}, "What happens?")
    told = text_of(answer)
    assert told.startswith("A film of 4 seconds of 320×192, mostly ")
    assert "(12 frames looked at)" in told
    assert 'as wan2.6-t2v, for the prompt "一只橘猫"' in told
    assert answer.json()["usage"]["input_tokens_details"]["video_tokens"] == 12 * 10 * 6 + 2
    assert text_of(chat(client, {"video": film}, "这是什么？")).startswith("一段 4 秒的视频，320×192，主要是")


def test_a_list_of_frames_is_a_film(client: Client) -> None:
    answer = chat(client, {"video": [picture((320, 192), "green")] * 6, "fps": 2}, "?")
    assert text_of(answer).startswith("A film of 3 seconds of 320×192, mostly green (6 frames looked at).")
    assert answer.json()["usage"]["input_tokens_details"]["video_tokens"] == 6 * 10 * 6 + 2


def test_a_film_elsewhere_and_one_that_is_too_short(client: Client) -> None:
    assert "stands in for a file on another computer" in text_of(chat(client, {"video": FAR}, "?"))
    short = uri(draw_video(Video(Picture("x", 1, 0, 64, 64, "m"), 1, 12)), "video/mp4")
    assert "must be between 2s and 7200s, got 1s" in told_of(chat(client, {"video": short}, "?"))[2]


# ── reading ──


def read(client: Client, url: str, task: str, **config: Any) -> dict[str, Any]:
    options = {"task": task, **({"task_config": config} if config else {})}
    answer = chat(client, {"image": url}, model="qwen-vl-ocr", enable_thinking=None, ocr_options=options)
    usage = answer.json()["usage"]
    assert usage["image_tokens"] == usage["input_tokens_details"]["image_tokens"]
    (part,) = message_of(answer)["content"]
    return dict(part)


@pytest.fixture
def invoice(client: Client) -> str:
    return client.link("Invoice no: A17, total: 45", size="1024*1024")


@pytest.mark.parametrize("task", ["text_recognition", "multi_lan"])
def test_lines(client: Client, invoice: str, task: str) -> None:
    assert read(client, invoice, task) == {"text": "SANDBOX  wan2.2-t2i-flash  1024*1024\nInvoice no: A17, total: 45"}


@pytest.mark.parametrize(
    "task, begin, end",
    [
        ("table_parsing", "```html\n<table><tr><td>SANDBOX", "Invoice no: A17, total: 45</td></tr></table>\n```"),
        ("document_parsing", "```latex\n\\section*{SANDBOX", "Invoice no: A17, total: 45\n```"),
        ("formula_recognition", "$$\\text{Invoice", "45}$$"),
    ],
)
def test_shapes(client: Client, invoice: str, task: str, begin: str, end: str) -> None:
    part = read(client, invoice, task)
    assert set(part) == {"text"}
    assert part["text"].startswith(begin)
    assert part["text"].endswith(end)


def test_fields_with_and_without_a_schema(client: Client, invoice: str) -> None:
    schema = {"total": "", "who": {"model": "", "city": ""}, "list": [{"total": ""}]}
    part = read(client, invoice, "key_information_extraction", result_schema=schema)
    wanted = {"total": "45", "who": {"model": "wan2.2-t2i-flash", "city": ""}, "list": [{"total": "45"}]}
    assert part["ocr_result"] == {"kv_result": wanted}
    assert part["text"].startswith("```json\n{")
    free = read(client, invoice, "key_information_extraction")["ocr_result"]["kv_result"]
    assert free["size"] == "1024*1024"


def test_words_with_their_places(client: Client, invoice: str) -> None:
    part = read(client, invoice, "advanced_recognition")
    first, second = part["ocr_result"]["words_info"]
    assert set(first) == {"location", "rotate_rect", "text"}
    assert (len(first["location"]), len(first["rotate_rect"])) == (8, 5)
    assert first["location"][1] < second["location"][1], "the ribbon is above the prompt"
    assert second["text"] == "Invoice no: A17, total: 45"


@pytest.mark.parametrize("task", ["text_recognition", "table_parsing", ""])
def test_a_foreign_picture_cannot_be_read_and_that_is_said(client: Client, task: str) -> None:
    parameters = {"ocr_options": {"task": task}} if task else {}
    answer = chat(client, {"image": picture()}, model="qwen3.5-ocr", enable_thinking=None, **parameters)
    assert "The sandbox cannot read this picture" in text_of(answer)
    part = read(client, picture(), "advanced_recognition")
    assert part["ocr_result"] == {"words_info": []}


@pytest.mark.parametrize(
    "options, words",
    [
        ({"task": "handwriting"}, "ocr_options.task must be one of text_recognition"),
        ({"task": "table_parsing", "task_config": {"result_schema": {"a": ""}}}, "only supported by key_information"),
        ({"task": "key_information_extraction", "task_config": {"result_schema": {"a": {"b": {"c": {"d": ""}}}}}},
         "at most 3 levels"),
    ],
)  # fmt: skip
def test_wrong_tasks(client: Client, options: dict[str, Any], words: str) -> None:
    answer = chat(client, {"image": picture()}, model="qwen-vl-ocr", enable_thinking=None, ocr_options=options)
    assert words in told_of(answer)[2]
