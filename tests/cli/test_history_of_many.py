"""History, show and again where there are many: rows, files of the same bytes, ids that begin alike."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bailian.config.settings import home_folder
from bailian.history import entries as history_entries
from bailian.history.entries import Question, entries
from bailian.sandbox import Sandbox
from bailian.store.jobs import Journal
from bailian.types import StoredRequest
from tests.support.commands import Run
from tests.support.journals import named, opened, place


def intend(journal: Journal, kind: str, model: str, prompt: str) -> None:
    journal.intend(
        account="a", kind=kind, model=model, wire_model=model, request={"prompt": prompt, "model": model},
        prepared=StoredRequest(), saving={}, estimate_cny=None, owner="o",
    )  # fmt: skip


def fill(home: Path, count: int) -> None:
    """One film of long ago, and so many newer pictures with the same word."""
    journal = Journal(place(home))
    intend(journal, "video", "wan2.1-t2v-turbo", "很久以前的一只猫")
    intend(journal, "image", "wan2.2-t2i-flash", "一只猫")
    journal.close()
    with closing(opened(home)) as db:
        (picture,) = named(db.execute("SELECT * FROM jobs WHERE kind = 'image'"))
        picture.pop("rowid", None)
        rows = ({**picture, "id": f"ffff{number:04x}-0000"} for number in range(count))
        sql = f"INSERT INTO jobs ({', '.join(picture)}) VALUES ({', '.join('?' * len(picture))})"
        db.executemany(sql, (tuple(row.values()) for row in rows))
        db.commit()


@pytest.mark.parametrize("count", [7, pytest.param(25_000, marks=pytest.mark.slow)])
def test_what_is_old_is_found_behind_whatever_is_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """However many newer ones have the word, too: a filter is asked of all."""
    if count < 100:
        monkeypatch.setattr(history_entries, "SLICE_ROWS", 3)
    fill(tmp_path, count)
    (film,) = entries(place(tmp_path), Question("猫", kind="video"), 20)
    assert film.shown == "很久以前的一只猫"
    assert len(entries(place(tmp_path), Question("猫"), count + 5)) == count + 2
    newest = [entry.row.id for entry in entries(place(tmp_path), Question("猫"), 5)]
    assert newest == [f"ffff{count - back:04x}-0000" for back in range(1, 6)]


def test_a_file_is_that_of_the_job_that_put_it_there(box: Sandbox, bailian: Run, audio: Run) -> None:
    """Two jobs have made the same bytes: the path tells them apart, and moved away it is the newer one's."""
    for name in ("1.wav", "2.wav"):
        audio("tts", "你好", "-o", name)
    rows = {Path(one["files"][0]).name: one["id"] for one in bailian("history", "--json").json["history"]}
    assert Path("1.wav").read_bytes() == Path("2.wav").read_bytes()
    assert {name: bailian("show", name, "--json").json["job"] for name in rows} == rows
    Path("1.wav").rename("moved.wav")
    assert bailian("show", "moved.wav", "--json").json["job"] == rows["2.wav"]


@pytest.fixture
def ids(box: Sandbox, text2image: Run, bailian: Run) -> list[str]:
    """Two jobs of this minute: their ids begin alike."""
    for prompt in ("猫", "狗"):
        text2image(prompt)
    found = [one["id"] for one in bailian("history", "--json").json["history"]]
    with closing(opened(home_folder())) as db:
        for number, one in enumerate(found):
            db.execute("UPDATE jobs SET id = ? WHERE id = ?", (f"abcd{number}-{one}", one))
            db.execute("UPDATE files SET job_id = ? WHERE job_id = ?", (f"abcd{number}-{one}", one))
        db.commit()
    return [f"abcd{number}-{one}" for number, one in enumerate(found)]


@pytest.mark.slow
@pytest.mark.parametrize("command", [("show",), ("again",), ("tasks", "show"), ("tasks", "wait"), ("tasks", "cancel")])
def test_the_beginning_of_an_id_is_taken_wherever_one_is(
    box: Sandbox, bailian: Run, ids: list[str], command: tuple[str, ...]
) -> None:
    """What begins several ids is refused with them, what begins none says where to look; nothing is sent."""
    before = len(box.tasks)
    told = bailian(*command, "abcd", exits=2).err
    assert all(one in told for one in ids)
    assert "write more of it" in told
    if command in (("show",), ("again",)):
        assert "no id of this machine begins so" in bailian(*command, "zzzz", exits=2).err
        assert "write 4 characters" in bailian(*command, "abc", exits=2).err
    assert len(box.tasks) == before
    if command[-1] == "show":
        assert "猫" in bailian(*command, ids[1][:6], "--json").out


def test_a_job_without_a_file_is_shown(box: Sandbox, bailian: Run, text2text: Run) -> None:
    text2text("你好", "--thinking")
    (entry,) = bailian("history", "--json").json["history"]
    shown: dict[str, Any] = json.loads(bailian("show", entry["id"], "--json").out)
    assert (shown["prompt"], shown["command"]) == ("你好", f"bailian again {entry['id']}")
    assert "thinking         true" in bailian("show", entry["id"]).out.splitlines(), "for people, as JSON writes it"


@pytest.mark.slow
def test_a_page_says_what_the_sandbox_made_and_asks_nobody(box: Sandbox, bailian: Run, text2image: Run) -> None:
    """Its money is not shown as money; the page's own rule keeps it from loading anything that is not on the disk."""
    text2image("真的")
    bailian("text2image", "试一试", "--sandbox")
    (page,) = bailian("history", "--html", "页").paths
    text = page.read_text(encoding="utf-8")
    (records,) = re.findall(r'id="records">(.*?)</script>', text, re.DOTALL)
    cards = {card["prompt"]: card for card in json.loads(records)}
    assert {prompt: (card.get("sandbox"), card.get("cost_cny")) for prompt, card in cards.items()} == {
        "真的": (None, 0.14), "试一试": (True, None),
    }  # fmt: skip
    assert "default-src 'none'" in text
    assert not re.search(r"(src|href)=.https?:", text)
    assert "the newest 1;" in bailian("history", "--html", "页", "--limit", "1").err
