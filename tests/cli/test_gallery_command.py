"""`bailian gallery`: a page of what was made, single requests too, by the same questions as `history`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run

PAGE = Path("outputs/gallery/gallery.html")


def cards(page: Path) -> list[dict[str, Any]]:
    text = page.read_text(encoding="utf-8")
    made = json.loads(text.partition('id="records">')[2].partition("</script>")[0])
    assert isinstance(made, list)
    return made


@pytest.mark.slow
def test_single_requests_have_a_page(box: Sandbox, bailian: Run, text2image: Run, image_edit: Run) -> None:
    """The path is all there is on stdout; the edit has its input, each job the command that makes it again."""
    text2image("一只可爱的猫", "-o", "猫.png")
    image_edit("戴上围巾", "--image", "猫.png", "-o", "围巾.png")
    ran = bailian("gallery")
    assert ran.paths == [PAGE]
    edited, cat = cards(PAGE)
    assert ([one["name"] for one in edited["inputs"]], cat["files"][0]["name"]) == (["猫.png"], "猫.png")
    (entry,) = bailian("history", "可爱", "--json").json["history"]
    assert cat["job"] == entry["id"]
    assert entry["again"].endswith(f"again {cat['job']}")


@pytest.mark.slow
def test_it_asks_as_history_does(box: Sandbox, bailian: Run, text2image: Run, audio: Run) -> None:
    box.faults.add(Fault(on="submit", kind="failed", times=1))
    text2image("失败的猫", exits=None)
    text2image("猫")
    audio("tts", "猫，你好", "-o", "hi.wav")
    for words, prompts in [
        (("猫",), ["猫，你好", "猫", "失败的猫"]),
        (("猫", "--failed"), ["失败的猫"]),
        (("--kind", "speech"), ["猫，你好"]),
        (("--model", "wan2.2-t2i-flash", "--since", "1h"), ["猫", "失败的猫"]),
        (("--limit", "1"), ["猫，你好"]),
    ]:
        (page,) = bailian("gallery", *words, "-o", "页 面").paths
        assert (page, [one["prompt"] for one in cards(page)]) == (Path("页 面/gallery.html"), prompts)


@pytest.mark.slow
def test_nothing_found_is_said_and_no_page_is_made(bailian: Run) -> None:
    ran = bailian("gallery", "--since", "2099-01-01")
    assert (ran.out, "nothing found" in ran.err, PAGE.exists()) == ("", True, False)


@pytest.mark.slow
def test_the_sandboxs_jobs_are_marked_and_have_no_money(
    box: Sandbox, bailian: Run, text2image: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    text2image("猫")
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    bailian("text2image", "狗", "--sandbox")
    bailian("gallery")
    dog, cat = cards(PAGE)
    assert (dog["sandbox"], "cost_cny" in dog, cat["cost_cny"]) == (True, False, 0.14)


@pytest.mark.slow
def test_a_batch_in_the_sandbox_says_that_it_is(bailian: Run) -> None:
    Path("rows.jsonl").write_text('{"kind": "image", "prompt": "鸟"}\n', encoding="utf-8")
    bailian("batch", "run", "rows.jsonl", "--sandbox")
    (bird,) = cards(Path("outputs/rows/gallery.html"))
    assert (bird["sandbox"], "cost_cny" in bird) == (True, False)
    (row,) = Path("outputs/rows/results.jsonl").read_text(encoding="utf-8").splitlines()
    assert (json.loads(row)["cost_cny"], json.loads(row)["job"]) == (0.14, bird["job"])


@pytest.mark.slow
@pytest.mark.parametrize("code, said", [(0, ""), (1, "no program for")])
def test_open_shows_it_in_the_browser(
    bailian: Run, text2image: Run, monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    """Where there is none, that is said, and the page is there."""
    shown: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(click, "launch", lambda url: shown.append(url) or code)
    text2image("猫")
    ran = bailian("gallery", "--open")
    assert shown == [str(PAGE.absolute())]
    assert (said in ran.err, ran.paths) == (True, [PAGE])


@pytest.mark.slow
def test_the_name_of_a_page_is_no_folder(bailian: Run, text2image: Run) -> None:
    text2image("猫", "-o", "猫.png")
    assert "-o 页/cat/" in bailian("gallery", "-o", "页/cat.html", exits=2).err
    assert not Path("页").exists()


@pytest.mark.slow
def test_a_file_is_no_folder(bailian: Run, text2image: Run) -> None:
    text2image("猫", "-o", "猫.png")
    assert "猫.png" in bailian("gallery", "-o", "猫.png", exits=2).err
