"""text2video.py as a user meets it; the engine's bad days are in test_bad_days.py, here is what is a video's own."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.films import film
from tests.support.pictures import picture
from tests.support.service import first_post

SMALL = ["--size", "480*832"]


def probe(path: Path) -> tuple[str, int, int, float]:
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        return stream.codec_context.name, stream.width, stream.height, round(film.duration / 1e6, 1)


@pytest.mark.slow
def test_the_seeds_command_runs(text2video: Run, box: Sandbox) -> None:
    """`text2video.py "日出延时" --model wan2.1-t2v-plus --duration 10`, as printed."""
    ran = text2video("日出延时", "--model", "wan2.1-t2v-plus", "--duration", "10")
    assert probe(ran.paths[0]) == ("h264", 720, 1280, 5.0)
    assert "always makes 5 s, not 10" in ran.err
    assert "wanx2.1-t2v-plus" in ran.err
    body = first_post(box).body
    assert body["model"] == "wanx2.1-t2v-plus"
    assert body["parameters"] == {"size": "720*1280", "prompt_extend": True, "watermark": False}


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "model, asked, sent",
    [
        ("wan2.1-t2v-turbo", "480*854", "480*832"),
        ("wan2.1-t2v-turbo", "720*1280", "720*1280"),
        ("wan2.1-t2v-turbo", "960*544", "832*480"),
        ("wan2.1-t2v-turbo", "1024*576", "832*480"),
        ("wan2.1-t2v-plus", "480*854", "720*1280"),
        ("wan2.1-t2v-plus", "960*544", "1280*720"),
        ("wan2.1-t2v-plus", "1024*576", "1280*720"),
    ],
)
def test_every_resolution_of_the_seed_becomes_a_size_the_model_has(
    text2video: Run, model: str, asked: str, sent: str
) -> None:
    shown = text2video("海", "--model", model, "--resolution", asked, "--dry-run").json
    assert shown["request"]["body"]["parameters"]["size"] == sent
    assert ("size_adapted" in [notice["code"] for notice in shown["notices"]]) == (asked != sent)


REFUSALS = {
    "1001 characters": (["海" * 1001], "1001 characters, at most 1000"),
    "a size of no tier": (["海", "--size", "100*100"], "832*480"),
    "a tier the model has not": (["海", "--resolution", "1080P"], "does not take 1080P; 480P: 832*480"),
    "no seconds": (["海", "--duration", "0"], "duration"),
    "not a duration of wan2.5": (["海", "--model", "wan2.5-t2v-preview", "--duration", "7"], "5, 10 s, not 7"),
    "too long for wan2.6": (["海", "--model", "wan2.6-t2v", "--duration", "16"], "15 s, not 16"),
    "seed": (["海", "--seed", "-1"], "0 to 2147483647"),
    "a picture model": (["海", "--model", "wan2.2-t2i-flash"], "bailian text2image"),
    "long negative prompt": (["海", "--negative-prompt", "差" * 501], "501 characters"),
}


@pytest.mark.parametrize("words, says", REFUSALS.values(), ids=REFUSALS)
def test_refused_before_a_byte_is_sent(text2video: Run, box: Sandbox, words: list[str], says: str) -> None:
    assert says in text2video(*words, exits=2).err
    assert box.requests == []


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "words, resolves",
    [
        (["--video", "clip.mp4"], True),
        (["--video", "oss://dashscope-instant/x/clip.mp4"], True),
        (["--video", "https://h/clip.mp4"], False),
        (["--image", "a.png"], False),  # in the body
        (["--reference", "a.png", "--model", "wan2.6-r2v"], True),
    ],
)
def test_a_dry_run_shows_the_header_that_uploads_need(
    text2video: Run, tmp_path: Path, words: list[str], resolves: bool
) -> None:
    film(tmp_path / "clip.mp4", seconds=3, size_px=(320, 240))
    (tmp_path / "a.png").write_bytes(picture(400, 400))
    given = [str(tmp_path / word) if word in ("clip.mp4", "a.png") else word for word in words]
    headers = text2video("海", *given, "--dry-run").json["request"]["headers"]
    assert ("X-DashScope-OssResourceResolve" in headers) == resolves


WORDS = {
    "another scheme": (
        ["-i", "ftp://h/a.jpg"],
        "such links are not taken; taken: https://…, http://…, oss://…",
    ),
    "a table's word": (["-i", "@hero"], "another row's result goes into rows of a batch only: @ID in the cell"),
    "nothing": (["--video", ""], "error: video: is empty\n  "),
}


@pytest.mark.parametrize("words, says", WORDS.values(), ids=WORDS)
def test_a_word_that_names_no_file_is_told_once(text2video: Run, words: list[str], says: str) -> None:
    assert says in text2video("海", *words, exits=2).err


def test_a_link_may_have_a_file_that_begins_as_a_tables_word(text2video: Run) -> None:
    shown = text2video("海", "-i", "https://h/@hero.jpg", "--dry-run").json
    assert shown["request"]["body"]["input"]["img_url"] == "https://h/@hero.jpg"


def test_fps_is_taken_and_not_sent(text2video: Run) -> None:
    shown = text2video("海", "--fps", "24", "--dry-run").json
    assert "fps" not in json.dumps(shown["request"]["body"])
    assert "fps_not_sent" in [notice["code"] for notice in shown["notices"]]


@pytest.mark.parametrize(
    "words, estimate",
    [
        (["--model", "wan2.1-t2v-turbo"], 1.2),
        (["--model", "wan2.1-t2v-plus"], 3.5),
        (["--model", "wan2.2-t2v-plus", "--size", "832*480"], 0.7),
        (["--model", "wan2.2-t2v-plus"], 0.7),
        (["--model", "wan2.2-t2v-plus", "--size", "1080P"], 3.5),
        (["--model", "wan2.5-t2v-preview", "--size", "1280*720", "--duration", "10"], 6.0),
        (["--model", "wan2.6-t2v"], 3.0),
        (["--model", "wan2.6-t2v", "--duration", "15"], 9.0),
    ],
)
def test_the_price_is_by_second_and_tier(text2video: Run, words: list[str], estimate: float) -> None:
    assert text2video("海", *words, "--dry-run").json["cost"]["estimate"] == estimate


@pytest.mark.slow
@pytest.mark.parametrize(
    "words, film",
    [
        (["--model", "wan2.1-t2v-turbo", *SMALL], ("h264", 480, 832, 5.0)),
        (["--model", "wan2.5-t2v-preview", *SMALL], ("h264", 480, 832, 5.0)),
        (["--model", "wan2.6-t2v", "--size", "1088*832", "--duration", "2"], ("h264", 1088, 832, 2.0)),
    ],
)
def test_every_generations_usage_is_read(text2video: Run, words: list[str], film: tuple[str, int, int, float]) -> None:
    """The seconds stand elsewhere in each generation's answer; what is charged is what was estimated."""
    shown = text2video("海", *words, "--seed", "7", "--json", "--sidecar").json
    (name,) = shown["files"]
    assert probe(Path(name)) == film
    assert shown["output"]["path"] == name
    assert shown["output"]["video_url"].startswith("http")
    assert shown["cost"]["charged"] == shown["cost"]["estimate"]
    assert json.loads(Path(f"{name}.json").read_text(encoding="utf-8"))["cost_cny"] == shown["cost"]["charged"]


def test_a_cut_video_is_resumed_and_whole(text2video: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="download", kind="cut", times=2), Fault(on="download", kind="expired"))
    assert probe(text2video("海", *SMALL).paths[0]) == ("h264", 480, 832, 5.0)
    assert any("range" in entry.headers for entry in box.requests if "/results/" in entry.path)
    assert len(list(Path("outputs").iterdir())) == 1


@pytest.mark.slow
def test_a_lost_answer_is_settled_by_the_task_list(text2video: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="submit", kind="reset_after"))
    assert len(text2video("海", *SMALL).paths) == 1
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_a_failure_without_a_word_is_a_failure(text2video: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="poll", kind="failed", code="", message=""))
    assert text2video("海", *SMALL, "--json", exits=4).json["error"]["code"] == "TaskFailed"


def test_the_cron_way(text2video: Run, bailian: Run) -> None:
    text2video("海", *SMALL, "--no-wait")
    assert probe(bailian("tasks", "wait", "--all").paths[0])[0] == "h264"


def test_a_config_of_the_seeds_names(text2video: Run, box: Sandbox, tmp_path: Path) -> None:
    config = tmp_path / "v.json"
    config.write_text(
        json.dumps(
            {"model": "wan2.1-t2v-turbo", "prompt": "日出延时摄影", "resolution": "480*854", "duration": 5, "fps": 24}
        )
    )
    shown = text2video("--config", str(config), "--dry-run").json
    assert shown["request"]["body"]["parameters"]["size"] == "480*832"
