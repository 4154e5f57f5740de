"""Result links and the pictures behind them."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time

import pytest
import requests
from PIL import Image

from bailian.sandbox import Sandbox
from bailian.sandbox.images.drawing import Picture, draw_png
from bailian.sandbox.storage.links import byte_range
from tests.support.sandbox_client import Client


def picture(prompt: str = "a cat", **changes: object) -> bytes:
    fields = {"seed": 1, "index": 0, "width": 512, "height": 512, "model": "m", **changes}
    return draw_png(Picture(prompt, **fields))  # type: ignore[arg-type]


def test_the_file_is_a_png_of_the_asked_size_that_says_where_it_is_from(client: Client) -> None:
    answer = client.download(client.link("雪山 at night", size="640*1136"))
    image = Image.open(io.BytesIO(answer.content))

    assert image.format == "PNG"
    assert image.size == (640, 1136)
    assert image.text["Software"] == "bailian sandbox"  # type: ignore[attr-defined]
    assert answer.headers["x-bailian-sandbox"] == "1"
    assert answer.headers["Content-Type"] == "image/png"
    assert int(answer.headers["Content-Length"]) == len(answer.content) < 1_500_000


def test_pictures_follow_prompt_seed_and_index() -> None:
    assert picture() == picture()
    others = {picture("a dog"), picture(seed=2), picture(index=1), picture(watermark="Qwen-Image")}
    assert len(others - {picture()}) == 4


def test_drawing_is_fast() -> None:
    picture()
    best = 9.0
    for _ in range(3):
        begin = time.process_time()
        data = picture("a long prompt " * 40, width=1024, height=1024)
        best = min(best, time.process_time() - begin)

    assert best < 0.3  # 0.07 s on an idle machine
    assert len(data) < 1_500_000


def test_same_seed_same_file_over_http(client: Client) -> None:
    first, second = (client.download(client.link("cat", seed=7)).content for _ in range(2))
    assert first == second
    assert client.download(client.link("cat")).content != client.download(client.link("cat")).content


def test_links_hold_what_careless_clients_break(client: Client) -> None:
    link = client.link()

    assert re.search(r"\?Expires=\d+&OSSAccessKeyId=[^&]+&Signature=", link)
    assert all(escape in link for escape in ("%2B", "%2F", "%3D"))
    assert link.startswith(client.box.root_url + "/results/")


@pytest.mark.parametrize("damage", ["no query", "unquoted", "other file", "later"])
def test_a_damaged_link_is_refused(client: Client, damage: str) -> None:
    link = client.link()
    expires = re.search(r"Expires=(\d+)", link)
    assert expires is not None
    damaged = {
        "no query": link.partition("?")[0],
        "unquoted": link.replace("%2B", "+"),
        "other file": link.replace("/0.png", "/1.png"),
        "later": link.replace(expires[0], f"Expires={int(expires[1]) + 9}"),
    }[damage]
    answer = client.download(damaged)

    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert "<Error>" in answer.text


def test_links_expire() -> None:
    with Sandbox(task_s=0, link_life_s=-1) as box:
        client = Client(box)
        with client.http:
            answer = client.download(client.link())
            assert answer.status_code == 403
            assert "Request has expired." in answer.text
            box.settings.link_life_s = 60
            assert client.download(client.link()).status_code == 200


def test_ranges(client: Client) -> None:
    link = client.link()
    whole = client.download(link)
    size = len(whole.content)
    assert whole.headers["Accept-Ranges"] == "bytes"

    rest = client.download(link, Range="bytes=100-")
    assert rest.status_code == 206
    assert rest.headers["Content-Range"] == f"bytes 100-{size - 1}/{size}"
    assert rest.content == whole.content[100:]
    assert rest.headers["ETag"] == whole.headers["ETag"]
    assert client.download(link, Range="bytes=5-9").content == whole.content[5:10]
    assert client.download(link, Range="bytes=-7").content == whole.content[-7:]

    same = client.download(link, **{"Range": "bytes=100-", "If-Range": whole.headers["ETag"]})
    other = client.download(link, **{"Range": "bytes=100-", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)
    beyond = client.download(link, Range=f"bytes={size}-")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", (0, 0)),
        ("bytes=3-99", (3, 9)),
        ("bytes=-99", (0, 9)),
        ("bytes=0-1,3-4", None),
        ("bytes=5-3", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("lines=0-1", None),
    ],
)
def test_byte_ranges(header: str | None, expected: tuple[int, int] | None) -> None:
    assert byte_range(header, 10) == expected


def test_a_link_follows_the_name_the_client_used(client: Client) -> None:
    url = f"http://localhost:{client.box.port}/api/v1/tasks/{client.task_id()}"
    headers = {"Authorization": "Bearer x"}
    while (answer := requests.get(url, headers=headers, timeout=5).json())["output"]["task_status"] != "SUCCEEDED":
        pass

    assert answer["output"]["results"][0]["url"].startswith(f"http://localhost:{client.box.port}/results/")


def test_importing_the_sandbox_loads_nothing_heavy() -> None:
    program = "import sys, bailian.sandbox; print({'starlette', 'uvicorn', 'PIL', 'requests'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


@pytest.mark.slow
def test_a_missing_package_is_named_with_its_cure() -> None:
    program = (
        "import sys; sys.modules['starlette'] = None; import bailian.sandbox\n"
        "try: bailian.sandbox.Sandbox().start()\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert 'pip install ".[sandbox]"' in done.stdout
