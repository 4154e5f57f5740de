"""A link that the service names and that leads into this machine's own network: not asked, and nothing paid is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from bailian.config.settings import home_folder, read_settings
from bailian.sandbox import Sandbox
from bailian.store.jobs import Journal
from tests.support.commands import Ran, Run
from tests.support.journals import place


@pytest.fixture(autouse=True)
def public() -> Iterator[Callable[[], None]]:
    """The sandbox as if it were out in the world, with its links into this machine; called, it is what it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bailian.service.client.is_public", lambda _base_url: True)
        yield patch.undo


@pytest.fixture
def runs(text2image: Run, image_edit: Run, wanx_edit: Run, text2video: Run, audio: Run, bailian: Run) -> dict[str, Run]:
    Image.new("RGB", (640, 640), "red").save("in.png")
    row = {"kind": "image", "prompt": "cat"}
    Path("rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    Path("one.json").write_text(json.dumps({"prompt": "cat"}), encoding="utf-8")
    return {
        "text2image": text2image,
        "image_edit": image_edit,
        "wanx_edit": wanx_edit,
        "text2video": text2video,
        "audio": audio,
        "bailian": bailian,
    }


PICTURE_URL = "https://example.com/in.png"
DOORS = [
    ("text2image", "cat"),
    ("text2image", "--config", "one.json"),
    ("text2image", "cat", "--model", "qwen-image-plus"),
    ("text2video", "cat"),
    ("image_edit", "make it red", "--image", PICTURE_URL),
    ("wanx_edit", "make it red", "--function", "description_edit", "--image", PICTURE_URL),
    ("audio", "asr", "https://example.com/in.mp3"),
    ("bailian", "batch", "run", "rows.jsonl"),
    ("bailian", "batch", "run", "rows.jsonl", "--cron"),
]


def states() -> list[str]:
    journal = Journal(place(home_folder()))
    found = [row.state for row in journal.jobs(read_settings().account)]
    journal.close()
    return found


def posts(box: Sandbox) -> int:
    return sum(entry.method == "POST" for entry in box.requests)


@pytest.mark.parametrize("words", DOORS, ids=" ".join)
@pytest.mark.few(1)
def test_a_result_behind_a_refused_link_stays_open_and_is_fetched_later(
    runs: dict[str, Run], box: Sandbox, public: Callable[[], None], words: tuple[str, ...]
) -> None:
    """Exit 5 (of a batch 6: a row is open) with the reason; the next look, where the link is good, saves it without paying again."""
    name, *rest = words
    ran: Ran = runs[name](*rest, exits=None)
    assert ran.code == (6 if name == "bailian" else 5), ran
    assert "private network (127.0.0.1)" in ran.out + ran.err
    assert states() == ["ended"]
    assert not any(entry.path.startswith("/results/") for entry in box.requests if entry.method == "GET")
    public()
    later = runs["bailian"]("tasks", "wait", "--all")
    assert [Path(line).is_file() for line in later.out.splitlines()] == [True]
    assert (states(), posts(box)) == (["done"], 1)


@pytest.mark.parametrize(
    "words",
    [("audio", "asr", "in.mp3"), ("bailian", "batch", "run", "recordings.jsonl")],
    ids=" ".join,
)
def test_nothing_is_uploaded_into_this_network(runs: dict[str, Run], box: Sandbox, words: tuple[str, ...]) -> None:
    """The host for uploads is the server's word, too; without its input nothing is asked for, so nothing is paid."""
    Path("in.mp3").write_bytes((b"\xff\xfb\x90\x00" + bytes(413)) * 40)
    row = {"kind": "transcription", "file": "in.mp3"}
    Path("recordings.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    name, *rest = words
    ran: Ran = runs[name](*rest, exits=None)
    assert ran.code in (5, 7), ran
    assert "the upload is not sent: it leads into a private network" in ran.err
    assert posts(box) == 0
