"""The gallery in a real browser, from file://: prompts are text, filters work, pictures are seen, nothing runs."""

from __future__ import annotations

import os
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.batch.output.gallery import write_gallery
from tests.support.browser import CHROMIUM, FLAGS, HUNG_S

RUN = 'document.documentElement.setAttribute("data-" + "owned", "1")'
ATTACKS = [
    f"</script><script>alert(1);{RUN}</script>",
    f"<img src=x onerror='alert(1);{RUN}'>",
    f"<!-- --><svg onload='{RUN}'></svg>",
    f"javascript:{RUN}",
]
TALL = "--window-size=1400,4000"
ORANGE = (255, 128, 0)

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no chromium or google-chrome on PATH")]


class Cards(HTMLParser):
    """The dumped DOM: the text of each card's prompt, and the whole text of the page outside its data blocks."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.prompts: list[str] = []
        self.text = ""
        self.links: list[str] = []
        self._into = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._into = "skip" if tag in ("script", "style") else "text"
        if "prompt" in str(given.get("class")).split():
            self._into = "prompt"
            self.prompts.append("")
        self.links += [str(given[name]) for name in ("href", "src") if name in given]

    def handle_data(self, data: str) -> None:
        if self._into == "prompt":
            self.prompts[-1] += data
        if self._into != "skip":
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        self._into = "text"


def browse(folder: Path, url: str, *flags: str) -> str:
    """Run the browser with a profile of its own; return what it prints."""
    profile = folder / "profile"
    ran = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *flags, url],
        env={**os.environ, "TZ": "Asia/Shanghai"},
        capture_output=True,
        timeout=HUNG_S,
        check=True,
    )
    return ran.stdout.decode("utf-8", "replace")


def dom(folder: Path, page: Path, fragment: str = "") -> tuple[str, Cards]:
    source = browse(folder, page.as_uri() + fragment, "--dump-dom", TALL)
    return source, Cards(source)


def record(**fields: Any) -> dict[str, Any]:
    made = {
        "kind": "image",
        "where": "image_tasks[0]",
        "state": "done",
        "prompt": "一只猫",
        "model": "wan2.2-t2i-flash",
    }
    return {**made, "files": [], "request": {"size": "1024*1024"}, "created_at_s": 1_795_300_000.0, **fields}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Return a page of every state: three kinds of trouble, two pictures, a text, attacks in every field."""
    folder = tmp_path / "批 次 #1"
    (folder / "outputs").mkdir(parents=True)
    name = "outputs/橙 100%#1?'\"<b>.png"
    Image.new("RGB", (600, 600), ORANGE).save(folder / name, "PNG")
    refused = {
        "code": "DataInspectionFailed",
        "message": ATTACKS[1],
        "advice": "请修改提示词",
        "request_id": ATTACKS[2],
    }
    rows = [
        record(files=[name], prompt="橙色的正方形", seed=7, cost_cny=0.14, took_s=6.25),
        record(prompt="坏图", files=["outputs/gone.png", "javascript:alert(1)"]),
        record(kind="text", prompt="写一首诗", text=ATTACKS[0], model="qwen-plus"),
        record(state="failed", prompt="被拒绝的画面", error=refused),
        record(state="failed", prompt="太快了", error={"code": "RateLimitExceeded", "message": "慢一点"}),
        record(state="held", prompt="不确定", error={"code": "MaybeSent", "message": "也许已计费"}),
        *(record(prompt=text, label=text, model=text, where=text, request={text: text}) for text in ATTACKS),
    ]
    return write_gallery(folder, rows, title=ATTACKS[0])


def test_prompts_are_text_and_nothing_runs(tmp_path: Path, page: Path) -> None:
    """Every card is there, in order, with its words as written; no script but the page's own has run."""
    source, cards = dom(tmp_path, page)
    own = ["橙色的正方形", "坏图", "写一首诗", "被拒绝的画面", "太快了", "不确定"]
    assert cards.prompts == [*own, *ATTACKS]
    for text in [
        *ATTACKS,
        "DataInspectionFailed",
        "请修改提示词",
        "也许已计费",
        "qwen-plus",
        "600×600",
        "¥0.14",
        "6.3 s",
    ]:
        assert text in cards.text
    assert "data-owned" not in source
    assert "undefined" not in cards.text
    assert not [link for link in cards.links if re.match(r"\s*(javascript|http|//)", link)]


@pytest.mark.slow
def test_a_state_in_the_address_filters(tmp_path: Path, page: Path) -> None:
    """`#state=failed` shows the failed jobs, marks its button and says how many of how many."""
    source, cards = dom(tmp_path, page, "#state=failed")
    assert cards.prompts == ["被拒绝的画面", "太快了"]
    assert "2 of 10" in cards.text
    (pressed,) = re.findall(r'<button[^>]*aria-pressed="true"[^>]*>', source)
    assert 'data-value="failed"' in pressed


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "fragment, prompts",
    [
        ("#kind=text", ["写一首诗"]),
        ("#error=RateLimitExceeded", ["太快了"]),
        ("#model=qwen-plus&state=done", ["写一首诗"]),
        ("#q=%E6%AD%A3%E6%96%B9%E5%BD%A2", ["橙色的正方形"]),
        ("#q=GONE.PNG", ["坏图"]),
        ("#state=nonsense&sort=constructor", []),
    ],
)
def test_the_address_filters_by_everything(tmp_path: Path, page: Path, fragment: str, prompts: list[str]) -> None:
    assert dom(tmp_path, page, fragment)[1].prompts == prompts


@pytest.mark.slow
def test_the_address_orders(tmp_path: Path, page: Path) -> None:
    assert dom(tmp_path, page, "#sort=troubled")[1].prompts[:3] == ["被拒绝的画面", "太快了", "不确定"]


@pytest.mark.slow
def test_ten_thousand_records_become_a_page_of_cards(tmp_path: Path) -> None:
    """Only the first cards are made; the head counts them all."""
    rows = (record(prompt=f"第 {number} 个") for number in range(10_000))
    cards = dom(tmp_path, write_gallery(tmp_path / "大", rows, title="大批次"))[1]
    assert cards.prompts[0] == "第 0 个"
    assert 0 < len(cards.prompts) <= 300
    assert "10,000" in cards.text


@pytest.mark.few(1)
@pytest.mark.parametrize("width", [1400, 600])
def test_the_policy_lets_style_and_pictures_through(tmp_path: Path, page: Path, width: int) -> None:
    """On the screen the thumbnail's colour is seen, over a page that has its own background."""
    shot = tmp_path / "屏幕.png"
    browse(tmp_path, page.as_uri(), f"--screenshot={shot}", f"--window-size={width},1600", "--hide-scrollbars")
    with Image.open(shot) as image:
        pixels = image.convert("RGB")
    colors = {color: number for number, color in pixels.getcolors(1 << 24)}
    near = sum(n for color, n in colors.items() if all(abs(a - b) < 8 for a, b in zip(color, ORANGE, strict=True)))
    assert near > 40_000
    assert pixels.getpixel((2, 2)) not in [(255, 255, 255), (0, 0, 0)]
