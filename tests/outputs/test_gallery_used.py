"""The gallery as a person uses it, in a real browser, from file://: pick, export, compare, open, with mouse and keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.batch.output.gallery import write_gallery
from tests.support.browser import CHROMIUM, Browser, browser
from tests.support.pictures import bytes_of, drawn

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no chromium or google-chrome on PATH")]

CARDS = "document.querySelectorAll('.card')"
FOCUSED = "Number(document.activeElement.dataset.at)"
BAR = "document.getElementById('picks').hidden ? '' : document.querySelector('#picks strong').textContent"
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
ALL_HERE = """
new Promise((done) => { const look = () => (complete ? done() : setTimeout(look)); look(); })
"""
REFUSED = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
CATCH = """
globalThis.saved = [];
HTMLAnchorElement.prototype.click = function () { saved.push([this.download, this.href]); };
Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { globalThis.copied = text; } } });
"""


def record(number: int, **fields: Any) -> dict[str, Any]:
    made = {"job": f"job-{number}", "kind": "image", "where": f"image_tasks[{number}]", "state": "done", "files": []}
    request = {"size": "1024*1024", "prompt": f"第 {number} 只猫"}
    more = {
        "prompt": f"第 {number} 只猫",
        "model": "wan2.2-t2i-flash",
        "request": request,
        "took_s": 2.0,
        "cost_cny": 0.14,
    }
    return {**made, **more, **fields}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three pictures."""
    made = tmp_path / "批 次 #1"
    made.mkdir()
    for number in range(3):
        Image.new("RGB", (300, 200), (80 * number, 90, 200)).save(made / f"猫 {number}.png")
    return made


@pytest.fixture
def rows(folder: Path) -> list[dict[str, Any]]:
    private = folder.parent / "private"
    private.mkdir()
    (private / "dog.png").write_bytes(bytes_of(drawn()))
    given = {"image": [(private / "dog.png").as_uri(), "https://example.com/x/狗.png?sign=1"]}
    return [
        *(record(number, files=[f"猫 {number}.png"]) for number in range(3)),
        record(3, kind="image_edit", model="qwen-image-2.0", files=["猫 0.png"], request=given),
        record(4, state="failed", error={"code": "DataInspectionFailed", "message": "不行"}, cost_cny=None),
        record(5, kind="text", text="诗" * 500, model="qwen-plus", request={"prompt": "诗"}, prompt="诗", took_s=3.0),
        record(6, kind="text", text="词" * 500, model="qwen-max", request={"prompt": "诗"}, prompt="诗", cost_cny=0.5),
    ]


@pytest.fixture
def page(tmp_path: Path, folder: Path, rows: list[dict[str, Any]]) -> Iterator[Browser]:
    path = write_gallery(folder, rows, title="用")
    with browser(tmp_path / "profile") as made:
        made.size(1400, 2400)
        made.go(path.as_uri())
        yield made
        assert made.complaints == []
        assert [url for url in made.asked if not url.startswith("file:")] == [], "nothing is loaded from outside"


def focus(page: Browser, at: int) -> None:
    page.run(f"document.querySelector('[data-at=\"{at}\"]').focus()")


def press_button(page: Browser, text: str, inside: str = "body") -> None:
    found = f"[...document.querySelectorAll('{inside} button')].find((one) => one.textContent === {json.dumps(text)})"
    page.run(f"{found}.click()")


@pytest.mark.slow
def test_inputs_stand_beside_the_result(page: Browser) -> None:
    """With name and field; a link is told by host and name."""
    assert page.run("[...document.querySelectorAll('.card .input')].map((one) => one.title)") == [
        "image: dog.png", "image: example.com/狗.png",
    ]  # fmt: skip
    assert page.run("document.querySelector('.card .input img').naturalWidth") > 0
    assert page.run(f"{CARDS}[0].querySelector('.input')") is None


@pytest.mark.slow
def test_the_keyboard_goes_from_card_to_card(page: Browser) -> None:
    focus(page, 0)
    for key, at in (
        ("ArrowRight", 1),
        ("ArrowDown", 5),
        ("ArrowLeft", 4),
        ("ArrowUp", 0),
        ("End", 6),
        ("ArrowRight", 6),
    ):
        page.press(key)
        assert page.run(FOCUSED) == at, key


@pytest.mark.slow
def test_picks_survive_a_reload_and_are_a_list(page: Browser, folder: Path) -> None:
    """Picked by key and by mouse; paths are this machine's, one a line; records are JSON lines."""
    page.run(CATCH)
    focus(page, 2)
    page.press("x")
    page.run("document.querySelector('[data-at=\"0\"] .pick').click()")
    assert page.run(BAR) == "2 picked"
    press_button(page, "Copy paths", "#picks")
    assert page.run("copied") == f"{folder}/猫 0.png\n{folder}/猫 2.png\n"
    press_button(page, "Save JSON lines", "#picks")
    ((name, url),) = page.run("saved")
    lines = [
        json.loads(line)
        for line in page.run(f"fetch('{url}').then((one) => one.text(), () => lines_of(picked_records()))").splitlines()
    ]
    assert name == "picked.jsonl"
    assert [(one["job"], one["prompt"], one["files"]) for one in lines] == [
        ("job-0", "第 0 只猫", [f"{folder}/猫 0.png"]), ("job-2", "第 2 只猫", [f"{folder}/猫 2.png"]),
    ]  # fmt: skip
    page.reload()
    assert page.run(BAR) == "2 picked"
    press_button(page, "Only picked", "#picks")
    assert page.run(f"{CARDS}.length") == 2
    press_button(page, "Unpick all", "#picks")
    assert (page.run(BAR), page.run(f"{CARDS}.length")) == ("", 7)
    page.events = [one for one in page.events if one.get("method") != "Log.entryAdded"]  # the test's own fetch


@pytest.mark.slow
def test_where_the_browser_keeps_nothing_the_address_keeps_the_picks(page: Browser) -> None:
    page.send("Page.addScriptToEvaluateOnNewDocument", source=REFUSED)
    page.reload()
    focus(page, 1)
    page.press("x")
    assert "picked=job-1" in page.run("location.hash")
    page.reload()
    assert page.run(BAR) == "1 picked"


@pytest.mark.slow
def test_two_stand_side_by_side(page: Browser) -> None:
    """Marked by key; arrows change the second, Shift the first; Esc leaves."""
    for at in (0, 1):
        focus(page, at)
        page.press("c")
    seen = "[...document.querySelectorAll('.side .prompt')].map((one) => one.textContent)"
    assert page.run("document.getElementById('pair').open") is True
    assert page.run(seen) == ["第 0 只猫", "第 1 只猫"]
    page.press("ArrowRight")
    assert page.run(seen) == ["第 0 只猫", "第 2 只猫"]
    page.press("ArrowRight", shift=True)
    page.press("ArrowRight", shift=True)
    assert page.run(seen) == ["第 3 只猫", "第 2 只猫"]
    facts = page.run("document.querySelector('#left dl').textContent")
    assert ("qwen-image-2.0" in facts, "¥0.14" in facts, "2 s" in facts) == (True, True, True)
    page.press("Escape")
    assert page.run("document.getElementById('pair').open") is False


@pytest.mark.slow
def test_models_that_were_asked_the_same_stand_side_by_side(page: Browser) -> None:
    """One group a question, with price and time; what else there is is left out meanwhile."""
    page.run(FRAMES)
    press_button(page, "Compare models")
    assert page.run("[...document.querySelectorAll('section > header')].map((one) => one.textContent)") == [
        "诗cheapest: qwen-plusfastest: qwen-max"
    ]
    models = page.run("[...document.querySelectorAll('.row.group .facts')].map((one) => one.textContent)")
    assert models == ["qwen-plus¥0.14took 3 s", "qwen-max¥0.50took 2 s"]


@pytest.mark.slow
def test_it_is_not_offered_where_no_two_models_were_asked_the_same(page: Browser, folder: Path) -> None:
    one = write_gallery(folder, [record(0), record(1, model="other")], title="无")
    page.go(one.as_uri())
    page.run(FRAMES)
    assert page.run("document.getElementById('by_model').hidden") is True


@pytest.mark.slow
def test_a_result_is_opened_with_all_that_is_known(page: Browser) -> None:
    """Enter opens, arrows go on over failures too, X picks, Esc leaves; no card has changed its height."""
    before = page.run(f"[...{CARDS}].map((one) => one.offsetHeight)")
    assert len(set(before)) == 1
    focus(page, 3)
    page.press("Enter")
    assert "bailian again job-3" in page.run("document.querySelector('#about').textContent")
    page.press("ArrowRight")
    assert "DataInspectionFailed" in page.run("document.querySelector('#view').textContent")
    page.press("x")
    page.press("Escape")
    assert page.run(BAR) == "1 picked"
    assert page.run(f"[...{CARDS}].map((one) => one.offsetHeight)") == before


@pytest.mark.slow
def test_prompt_and_command_are_copied(page: Browser) -> None:
    """Where the clipboard is refused, the older way is taken."""
    page.run(CATCH)
    press_button(page, "command", '[data-at="1"]')
    page.run(FRAMES)
    assert page.run("copied") == "bailian again job-1"
    assert page.run("command_of({ job: 'j', sandbox: true })") == "bailian again j --sandbox", "and pays nothing"
    page.run(
        "Object.defineProperty(navigator.clipboard, 'writeText', { value: () => Promise.reject(new Error('no')) })"
    )
    page.run("document.execCommand = () => { globalThis.copied = document.activeElement.value; return true; }")
    press_button(page, "prompt", '[data-at="1"]')
    page.run(FRAMES)
    assert page.run("copied") == "第 1 只猫"
    assert page.run("document.getElementById('say').textContent") == "Copied."


@pytest.mark.slow
@pytest.mark.parametrize("width_px", [360, 1400])
def test_of_ten_thousand_results_only_some_are_in_the_document(tmp_path: Path, width_px: int) -> None:
    """Wherever one looks; the scroll bar knows them all, and a card far away can be reached by key."""
    path = write_gallery(tmp_path / "大", (record(number) for number in range(10_000)), title="大")
    with browser(tmp_path / "profile") as page:
        page.size(width_px, 900)
        page.go(path.as_uri())
        page.run(ALL_HERE)
        focus(page, 0)
        page.press("End")
        page.run(FRAMES)
        assert page.run(FOCUSED) == 9_999
        assert page.run(f"{CARDS}.length") < 60
        assert page.run("document.activeElement.getBoundingClientRect().top < innerHeight") is True
        assert page.run("document.documentElement.scrollWidth <= innerWidth") is True
        page.press("x")
        page.run("change({ only: 'picked' })")
        page.reload()
        page.run(ALL_HERE)
        assert page.run(f"{CARDS}.length") == 1, "also of those that are read last"
        page.run("change({ only: '', q: '第 4321 只' })")
        assert page.run(f"{CARDS}.length") == 1
        assert page.complaints == []
