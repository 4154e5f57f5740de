"""`bailian history`, `again`, `show` and `cost`: what was made is found, and made once more, without a key."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.cli.args.times import SINCE
from bailian.config.settings import home_folder
from bailian.history import text_index
from bailian.history.entries import Question, entries
from bailian.sandbox import Fault, Sandbox
from bailian.store.jobs import Journal
from tests.support.commands import Run
from tests.support.journals import be_elsewhere, place
from tests.support.pictures import bytes_of, drawn


@pytest.fixture
def made(box: Sandbox, text2image: Run, audio: Run) -> dict[str, Path]:
    """Three results under one key."""
    (cat,) = text2image("一只可爱的猫在月亮上").paths
    text2image("Sunrise over the Sea", "-o", "海.png")
    audio("tts", "你好，世界", "-o", "hi.wav")
    return {"cat": cat, "sea": Path("海.png"), "voice": Path("hi.wav")}


def found(bailian: Run, *words: str) -> list[str]:
    return [entry["prompt"] for entry in bailian("history", "--json", *words).json["history"]]


REMEMBERED: list[tuple[tuple[str, ...], list[str]]] = [
    (("猫",), ["cat"]), (("亮上",), ["cat"]), (("可爱 月亮",), ["cat"]), (("猫 月球",), []), (("sun",), ["sea"]),
    (("SEA over",), ["sea"]), (("海.png",), ["sea"]), (("hi.wav",), ["voice"]), (("世界",), ["voice"]),
    (("sambert",), ["voice"]), (("，",), ["voice"]), (('"*',), []), (("%",), []), ((), ["voice", "sea", "cat"]),
    (("--kind", "image"), ["sea", "cat"]), (("--model", "sambert-zhichu-v1"), ["voice"]), (("--limit", "1"), ["voice"]),
    (("--since", "1h"), ["voice", "sea", "cat"]), (("--since", "2099-01-01"), []), (("--failed",), []),
]  # fmt: skip


def test_it_is_found_by_what_people_remember(made: dict[str, Path], bailian: Run) -> None:
    """Chinese anywhere in a sentence, Western words by how they begin, files and models by a part of their names."""
    prompts = {"cat": "一只可爱的猫在月亮上", "sea": "Sunrise over the Sea", "voice": "你好，世界"}
    wanted = {words: [prompts[name] for name in which] for words, which in REMEMBERED}
    assert {words: found(bailian, *words) for words in wanted} == wanted


@pytest.mark.slow
def test_no_key_is_needed_and_the_sandbox_is_marked(
    made: dict[str, Path], bailian: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    assert len(found(bailian)) == 3
    be_elsewhere(monkeypatch, home_folder().with_name("other"))
    bailian("text2image", "狗", "--sandbox")
    (entry,) = bailian("history", "--json").json["history"]
    assert (entry["sandbox"], entry["prompt"]) == (True, "狗")
    assert "\tsandbox\t" in bailian("history").out
    assert "nothing was spent" in bailian("cost").err


@pytest.mark.slow
def test_a_film_without_a_prompt_is_found_by_what_went_in(box: Sandbox, text2video: Run, bailian: Run) -> None:
    Path("产品 照片.png").write_bytes(bytes_of(drawn()))
    text2video("--image", "产品 照片.png", "-o", "a.mp4")
    assert found(bailian, "产品") == found(bailian, "照片") == ["产品 照片"]


@pytest.mark.slow
def test_failures_are_found(box: Sandbox, bailian: Run, text2image: Run) -> None:
    box.faults.add(Fault(on="submit", kind="failed", times=1))
    text2image("猫", exits=None)
    text2image("狗")
    assert found(bailian, "--failed") == ["猫"]


@pytest.mark.slow
@pytest.mark.sqlite
def test_new_jobs_are_found_and_the_index_is_only_a_copy(made: dict[str, Path], bailian: Run, text2image: Run) -> None:
    """It may be deleted, damaged, or of another journal."""
    assert found(bailian, "猫") == ["一只可爱的猫在月亮上"]
    text2image("猫 2")
    assert found(bailian, "猫") == ["猫 2", "一只可爱的猫在月亮上"]
    index = home_folder() / text_index.FILE_NAME
    for damage in (index.unlink, lambda: index.write_bytes(b"no database" * 1000), lambda: _foreign(index)):
        damage()
        assert found(bailian, "猫") == ["猫 2", "一只可爱的猫在月亮上"]
    assert os.name == "nt" or index.stat().st_mode & 0o077 == 0


def _foreign(index: Path) -> None:
    """Let the index be that of a journal that stood here before."""
    db = sqlite3.connect(index)
    db.execute("UPDATE until SET id = 'another'")
    db.execute("INSERT INTO texts (texts) VALUES ('delete-all')")
    db.commit()
    db.close()


@pytest.mark.slow
def test_without_fts5_nothing_is_missed(made: dict[str, Path], bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: Any) -> list[int]:
        raise sqlite3.OperationalError("no such module: fts5")

    monkeypatch.setattr("bailian.history.entries.numbers_of", absent)
    assert found(bailian, "亮上") == ["一只可爱的猫在月亮上"]


@pytest.mark.slow
@given(st.lists(st.text(min_size=1, max_size=12), max_size=5), st.text(max_size=6))
def test_any_text_is_looked_for_without_a_fault(texts: list[str], word: str) -> None:
    """Whatever is in a prompt or on the command line; what is found has the words."""
    import tempfile

    with tempfile.TemporaryDirectory() as home:
        journal = Journal(place(Path(home)))
        for text in texts:
            if not any("\ud800" <= letter <= "\udfff" for letter in text):
                row = ("image", "m", "m", {"prompt": text})
                _write(journal, *row)
        journal.close()
        for entry in entries(place(Path(home)), Question(word), 100):
            assert all(one in f"{entry.about}\nm".lower() for one in word.lower().split())


def _write(journal: Journal, kind: str, model: str, wire_model: str, request: dict[str, Any]) -> None:
    from bailian.types import StoredRequest

    journal.intend(
        account="a", kind=kind, model=model, wire_model=wire_model, request=request, prepared=StoredRequest(),
        saving={}, estimate_cny=None, owner="o",
    )  # fmt: skip


@pytest.mark.slow
def test_again_by_id_by_file_and_with_changes(
    made: dict[str, Path], bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was renamed, too; one without an entry goes by what is written in it."""
    cat = json.loads(bailian("history", "--json", "猫").out)["history"][0]
    bailian("again", cat["id"][:12], "-o", "1.png")
    renamed = made["cat"].rename("renamed.png")
    bailian("again", str(renamed), "--change", "seed=7", "--change", "size=512*512", "-o", "2.png")
    be_elsewhere(monkeypatch, home_folder().with_name("other"))
    bailian("again", "2.png", "--change", "seed=", "-o", "3.png")
    asked = [(task.body["input"]["prompt"], task.body["parameters"].get("seed")) for task in box.tasks[2:]]
    assert asked == [("一只可爱的猫在月亮上", None), ("一只可爱的猫在月亮上", 7), ("一只可爱的猫在月亮上", None)]
    assert box.tasks[-1].body["parameters"]["size"] == "512*512"


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize(
    "words, said",
    [
        (("nosuch",), "is no file here"), (("海.png", "--change", "sede=7"), "did you mean seed"),
        (("海.png", "--change", "seed"), "must be FIELD=VALUE"), (("海.png", "--change", "seed=x"), "seed"),
    ],
)  # fmt: skip
def test_again_refuses_what_it_cannot_run(
    made: dict[str, Path], bailian: Run, box: Sandbox, words: tuple[str, ...], said: str
) -> None:
    before = len(box.tasks)
    assert said in bailian("again", *words, exits=2).err
    assert len(box.tasks) == before


@pytest.mark.slow
def test_show_knows_every_file_by_its_bytes(made: dict[str, Path], bailian: Run) -> None:
    """A sound says nothing itself; the journal does, wherever it was moved."""
    moved = made["voice"].rename("moved.wav")
    shown = bailian("show", str(moved), "--json").json
    assert (shown["prompt"], shown["kind"]) == ("你好，世界", "speech")
    assert shown["command"].endswith(f"again {shown['job']}")
    Path("other.wav").write_bytes(b"RIFF")
    assert "does not say how it was made" in bailian("show", "other.wav", exits=2).err


@pytest.mark.slow
def test_a_page_of_what_was_made(made: dict[str, Path], bailian: Run) -> None:
    (page,) = bailian("history", "--html", "页").paths
    text = page.read_text(encoding="utf-8")
    assert ("一只可爱的猫在月亮上" in text, "hi.wav" in text) == (True, True)
    assert len(list(Path("页/gallery/thumbs").glob("*.jpg"))) == 2


@pytest.mark.slow
def test_costs_are_summed_as_asked(made: dict[str, Path], bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key too; a profile is known by its key."""
    key = os.environ["DASHSCOPE_API_KEY"]
    Path("rows.jsonl").write_text('{"kind": "image", "prompt": "鸟"}\n', encoding="utf-8")
    bailian("batch", "run", "rows.jsonl")
    assert bailian("cost", "--by", "model", "--json").json["spent"][0] == {"model": "wan2.2-t2i-flash", "cny": 0.42}
    by_file = {row["file"]: row["cny"] for row in bailian("cost", "--by", "file", "--json").json["spent"]}
    assert by_file == {"single requests": 0.2805, str(Path("rows.jsonl").resolve()): 0.14}
    assert bailian("cost", "--since", "2099-01-01", "--json").json["total"] == 0
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    bailian("login", "--profile", "shop", "--no-check", stdin=key)
    assert bailian("cost", "--by", "profile", "--json").json["spent"] == [{"profile": "shop", "cny": 0.4205}]


@pytest.mark.parametrize(
    "word, ago_s", [("7d", 7 * 86400), ("12h", 12 * 3600), ("30m", 1800), ("2w", 14 * 86400), ("1D", 86400)]
)
def test_a_time_ago(word: str, ago_s: int) -> None:
    assert SINCE.convert(word, None, None) == pytest.approx(time.time() - ago_s, abs=60)


@given(st.text(max_size=12))
def test_any_word_is_a_time_or_refused(word: str) -> None:
    with suppress(click.BadParameter):
        assert isinstance(SINCE.convert(word, None, None), float)


@pytest.mark.slow
def test_a_conversation_shows_its_last_question(bailian: Run, text2text: Run) -> None:
    text2text("我叫小明", "--chat", "旅行")
    text2text("我叫什么？", "--chat", "旅行")
    newest, first = bailian("history", "--json").json["history"]
    assert (newest["prompt"], first["prompt"]) == ("我叫什么？", "我叫小明")
    assert len(bailian("history", "小明", "--json").json["history"]) == 2, "all turns are searched"
    assert [line.count("\t") for line in bailian("history").out.splitlines()] == [6, 6], "empty columns stay in a pipe"
