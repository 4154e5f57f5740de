"""text2image.py as a user meets it: a line in, files out."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from bailian.files import png, recipe
from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.journals import opened
from tests.support.service import first_post
from tests.support.setting import KEY

SEED_COMMANDS = [
    (["可爱猫咪", "--model", "wan2.2-t2i-flash", "--size", "1024*1024"], 1, (1024, 1024)),
    (["中文对联设计", "--model", "qwen-image", "--size", "1472*1140"], 1, (1472, 1104)),
    (["风景画", "--model", "wan2.2-t2i-flash", "--n", "4", "--size", "512*512"], 4, (512, 512)),
    (["未来城市", "--model", "wan2.2-t2i-flash", "--size", "1440*810", "--n", "2"], 2, (1440, 810)),
]


@pytest.mark.few(2)
@pytest.mark.parametrize("words, count, size", SEED_COMMANDS)
def test_every_text_to_image_command_of_the_seed_runs(
    text2image: Run, words: list[str], count: int, size: tuple[int, int]
) -> None:
    """The commands printed in the user's document work as printed."""
    ran = text2image(*words)
    assert len(ran.paths) == count
    for path in ran.paths:
        with Image.open(path) as picture:
            assert picture.size == size


@pytest.mark.parametrize(
    "model",
    [
        "qwen-image",
        "wan2.2-t2i-flash",
        "wan2.2-t2i-plus",
        "wanx2.1-t2i-turbo",
        "wanx2.1-t2i-plus",
        "wanx2.0-t2i-turbo",
        "wan2.5-t2i-preview",
        "wan2.6-t2i",
        "qwen-image-plus",
        "qwen-image-max",
        "z-image-turbo",
        "qwen-image-2.0",
    ],
)
@pytest.mark.few(1)
def test_every_text_to_image_model_makes_a_picture(text2image: Run, box: Sandbox, model: str) -> None:
    """Tasks, message-style tasks and synchronous models all end as a file, by catalog entries alone."""
    ran = text2image("猫", "--model", model, "--json")
    (path,) = ran.json["files"]
    with Image.open(path) as picture:
        assert f"{picture.width}*{picture.height}" == first_post(box).body["parameters"]["size"]
    assert ran.json["cost"]["charged"] == ran.json["cost"]["estimate"]


def test_the_seeds_config_runs_nested_and_flat(text2image: Run, box: Sandbox, tmp_path: Path) -> None:
    """The JSON block of the user's document, and the same fields on one level, send the same body."""
    fields = {"prompt": "提示词", "negative_prompt": "反向提示词"}
    parameters = {"size": "1024*1024", "n": 1, "prompt_extend": True, "watermark": False, "seed": 12345}
    nested = tmp_path / "嵌套 配置.json"
    nested.write_text(json.dumps({"model": "wan2.2-t2i-flash", "input": fields, "parameters": parameters}))
    flat = tmp_path / "flat.json"
    flat.write_text("\ufeff" + json.dumps({"model": "wan2.2-t2i-flash", **fields, **parameters}), encoding="utf-8")
    text2image("--config", str(nested))
    text2image("--config", str(flat))
    first, second = (entry.body for entry in box.requests if entry.method == "POST")
    assert first == second == {"model": "wan2.2-t2i-flash", "input": fields, "parameters": parameters}


def test_flags_win_over_the_config(text2image: Run, box: Sandbox, tmp_path: Path) -> None:
    config = tmp_path / "c.json"
    config.write_text(json.dumps({"prompt": "狗", "size": "512*512", "watermark": True}))
    text2image("猫", "--config", str(config), "--no-watermark")
    body = first_post(box).body
    assert body["input"]["prompt"] == "猫"
    assert body["parameters"] == {"size": "512*512", "n": 1, "prompt_extend": True, "watermark": False}


def test_json_has_the_documented_shape(text2image: Run) -> None:
    """One JSON object: the service's answer, the local path beside each link, files, cost and notices."""
    shown = text2image("猫", "--n", "2", "--seed", "7", "--json").json
    results = shown["output"]["results"]
    assert [entry["seed"] for entry in results] == [7, 8]
    assert [entry["path"] for entry in results] == shown["files"]
    assert results[0]["orig_prompt"] == "猫"
    assert results[0]["url"].startswith("http")
    assert shown["output"]["task_status"] == "SUCCEEDED"
    assert shown["output"]["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 2, "FAILED": 0}
    assert shown["usage"] == {"image_count": 2}
    assert shown["cost"] == {"currency": "CNY", "estimate": 0.28, "charged": 0.28}
    assert shown["request_id"]


@pytest.mark.slow
def test_the_seed_of_each_picture_is_in_name_metadata_and_result(text2image: Run) -> None:
    """With n > 1 and a seed, picture i was made with seed + i, and every trace of it says so."""
    shown = text2image("猫", "--n", "3", "--seed", "41", "--json", "--sidecar").json
    for index, name in enumerate(shown["files"]):
        path = Path(name)
        assert f"_s{41 + index}_{index + 1}.png" in path.name
        made = recipe.read(path)
        assert made is not None
        assert made["picture_seed"] == 41 + index
        assert (made["prompt"], made["size"], made["cost_cny"]) == ("猫", "1024*1024", 0.14)
        assert json.loads(Path(f"{name}.json").read_text(encoding="utf-8")) == made


def test_show_prints_a_command_that_makes_the_same_picture(text2image: Run, bailian: Run) -> None:
    """The recipe inside a picture is complete: running it again draws the same pixels."""
    import shlex

    (path,) = text2image("--seed", "5", "--size", "512*512", "--no-prompt-extend", "--", "-一只'猫'").paths
    command = bailian("show", str(path), "--json").json["command"]
    assert command.startswith("bailian text2image ")
    (again,) = text2image(*shlex.split(command)[2:]).paths
    assert again != path
    with Image.open(path) as one, Image.open(again) as other:
        assert one.tobytes() == other.tobytes()


def test_the_prompt_can_come_from_stdin(text2image: Run, box: Sandbox) -> None:
    text2image("-", stdin="从管道来的猫\n")
    assert first_post(box).body["input"]["prompt"] == "从管道来的猫"


def test_no_wait_prints_the_task_id_and_wait_fetches_it(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """The cron way: submit now, fetch later, into the folder that was asked for."""
    task_id = text2image("猫", "--no-wait", "-o", "相册").out.strip()
    assert [task.task_id for task in box.tasks] == [task_id]
    (path,) = bailian("tasks", "wait", task_id).paths
    assert path.parent.name == "相册"
    assert bailian("tasks", "wait", "--all").out == ""


@pytest.mark.slow
def test_a_name_template_makes_the_name(text2image: Run) -> None:
    (path,) = text2image("../../etc/passwd 猫", "--name", "{model}/{prompt}-{n}").paths
    assert path == Path("outputs/wan2.2-t2i-flash/etc-passwd-猫-1.png")


def test_an_existing_file_is_never_replaced(text2image: Run) -> None:
    """Two runs that want the same name both keep their file."""
    first = text2image("猫", "--name", "猫").paths[0]
    kept = first.read_bytes()
    second = text2image("狗", "--name", "猫").paths[0]
    assert second.name == "猫-2.png"
    assert first.read_bytes() == kept


def test_dry_run_shows_the_request_and_sends_nothing(
    text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--dry-run needs no key, shows none, sends no byte and leaves no file."""
    shown = text2image("猫", "--dry-run").json
    assert shown["request"]["headers"]["Authorization"] == "Bearer sk-…cdef"
    assert shown["request"]["headers"]["X-DashScope-Async"] == "enable"
    assert shown["cost"] == {"currency": "CNY", "estimate": 0.14}
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    assert text2image("猫", "--dry-run").json["request"]["body"]["parameters"]["n"] == 1
    assert box.requests == []
    assert not Path("outputs").exists()


def test_strict_refuses_what_would_be_adapted(text2image: Run, box: Sandbox) -> None:
    ran = text2image("对联", "--model", "qwen-image", "--size", "1472*1140", "--strict", exits=2)
    assert "1472*1104" in ran.err
    assert box.requests == []


def test_max_cost_is_kept_before_anything_is_sent(text2image: Run, box: Sandbox) -> None:
    ran = text2image("猫", "--n", "4", "--max-cost", "0.5", "--json", exits=3)
    assert ran.json["error"]["code"] == "BudgetExceeded"
    assert "0.56" in ran.json["error"]["message"]
    assert box.requests == []
    text2image("猫", "--n", "3", "--max-cost", "0.42")


def test_the_key_is_in_no_file_and_no_output(text2image: Run, bailian: Run, tmp_path: Path) -> None:
    """Not in the journal, the pictures, the sidecars, or anything printed."""
    printed = [text2image("猫", "--json", "--sidecar", "-v"), text2image("猫", "--n", "9", exits=2), bailian("doctor")]
    printed.append(bailian("tasks", "show", bailian("tasks", "list").out.split("\t")[0]))
    assert all(KEY not in ran.out + ran.err for ran in printed)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_texts_are_chinese_when_asked(text2image: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from bailian.i18n import language

    monkeypatch.setenv("BAILIAN_LANG", "zh")
    language.cache_clear()
    ran = text2image("猫", "--size", "1440*1440", exits=2)
    assert "错误：size: 1440*1440 共 2,073,600 像素，最多 2,000,000" in ran.err
    assert "建议：" in ran.err


def test_a_sandbox_needs_no_key_and_says_what_it_is(text2image: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    monkeypatch.setenv("BAILIAN_SANDBOX_TASK_S", "0.1")
    ran = text2image("一只可爱的猫", "--sandbox")
    assert png.is_complete(ran.paths[0].read_bytes())
    assert "nothing is paid" in ran.err


def test_every_job_is_journalled_before_it_is_sent(text2image: Run, box: Sandbox, tmp_path: Path) -> None:
    """A refused submit still leaves the intent and its end in the journal."""
    box.faults.add(Fault(on="submit", kind="status", status=400, code="DataInspectionFailed", message="no"))
    text2image("猫", exits=4)
    with closing(opened(tmp_path / "bailian")) as db:
        assert db.execute("SELECT state, task_id FROM jobs").fetchall() == [("failed", None)]


@pytest.mark.slow
def test_verbose_says_each_change_of_status(text2image: Run, box: Sandbox) -> None:
    """One line a change on stderr; stdout stays data."""
    box.faults.add(Fault(on="poll", kind="throttle"))
    ran = text2image("猫", "-v")
    said = [line.split()[2] for line in ran.err.splitlines() if line.lstrip()[:1].isdigit()]
    assert said[0] == "SUBMITTING"
    assert "Throttling.RateQuota" in said
    assert said[-2:] == ["SUCCEEDED", "DOWNLOADING"]
    assert len(ran.paths) == 1
