"""Models that end: the defaults of every door live, a named model is never exchanged silently, a refusal says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import click
import pytest
from PIL import Image

from bailian import text2image as draw
from bailian.catalog import load
from bailian.cli.args.options import HELP_WORDS
from bailian.errors import BailianError, Exit, SetupError
from bailian.modalities import MODULES, modality_of
from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.setting import run_on

AFTER = date(2026, 11, 28)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """The service of that day: what is retired is refused."""
    with Sandbox(task_s=0.05, enforce_limits=False, day=AFTER) as box:
        yield box


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(AFTER, monkeypatch)


@pytest.fixture
def dog() -> str:
    Image.new("RGB", (640, 512), "teal").save("dog.png")
    return "dog.png"


def models_asked(box: Sandbox) -> list[str]:
    """The model of every request that asked for work, in order."""
    return [request.body["model"] for request in box.requests if request.method == "POST" and request.kind != "upload"]


# ── defaults ──


def test_the_scripts_whose_defaults_ended_work_as_they_stand(
    image_edit: Run, audio: Run, box: Sandbox, dog: str
) -> None:
    """No flag is needed, today or the first time."""
    edited = image_edit("将狗改为站立姿势", "--image", dog)
    assert "note: qwen-image-edit was retired on 2026-10-10; the default is now qwen-image-2.0" in edited.err
    heard = audio("asr", "https://example.com/a.wav")
    assert "note: paraformer-v1 was retired on 2026-10-10; the default is now paraformer-v2" in heard.err
    assert all(path.is_file() for path in (*edited.paths, *heard.paths))
    assert models_asked(box) == ["qwen-image-2.0", "paraformer-v2"]


@pytest.mark.slow
def test_a_config_a_row_and_a_cell_without_a_model_get_the_living_default(
    image_edit: Run, bailian: Run, box: Sandbox, dog: str
) -> None:
    """Every door that a request comes in by has the same default."""
    Path("one.json").write_text(json.dumps({"prompt": "改一", "image": dog}), encoding="utf-8")
    Path("many.json").write_text(json.dumps({"image_edit_tasks": [{"prompt": "改二", "image": dog}]}), encoding="utf-8")
    row = {"kind": "image_edit", "prompt": "改三", "image": dog}
    Path("rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    Path("table.csv").write_text(f"kind,prompt,image\nimage_edit,改四,{dog}\n", encoding="utf-8")
    image_edit("--config", "one.json")
    for name in ("many.json", "rows.jsonl", "table.csv"):
        assert "the default is now qwen-image-2.0" in bailian("batch", "run", name).err
    assert models_asked(box) == ["qwen-image-2.0"] * 4


def test_strict_refuses_a_default_that_moved(image_edit: Run, box: Sandbox, dog: str) -> None:
    """A script that must not change its model unnoticed says --strict."""
    ran = image_edit("改", "--image", dog, "--strict", exits=Exit.REFUSED_LOCALLY)
    assert "the default is now qwen-image-2.0" in ran.err
    assert models_asked(box) == []


def test_a_batch_that_was_paid_before_is_not_paid_again_when_the_default_moves(
    bailian: Run, monkeypatch: pytest.MonkeyPatch, dog: str
) -> None:
    """A row is what its file says, whichever model was the default on the day it ran."""
    rows = [{"kind": "image_edit", "prompt": f"改{number}", "image": dog} for number in range(3)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:2]), encoding="utf-8")
    with Sandbox(task_s=0.05, enforce_limits=False) as before:
        with monkeypatch.context() as patch:
            run_on(date(2026, 6, 1), patch)
            patch.setenv("DASHSCOPE_HTTP_BASE_URL", before.base_url)
            assert len(bailian("batch", "run", "rows.jsonl").paths) == 2
        assert models_asked(before) == ["qwen-image-edit"] * 2
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", before.base_url)
        Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        assert len(bailian("batch", "run", "rows.jsonl").paths) == 1
        assert models_asked(before)[2:] == ["qwen-image-2.0"]


def options_of(script: str, *words: str) -> str:
    import importlib

    command: Any = importlib.import_module(script).main
    for word in words:
        command = command.commands[word]
    with click.Context(command, help_option_names=HELP_WORDS, terminal_width=200, max_content_width=200) as context:
        return str(command.get_help(context))


def test_help_names_the_defaults_in_their_order() -> None:
    """What `--help` says is true on every day."""
    scripts = {"image": "text2image", "video": "text2video", "text": "text2text"}
    words = {"speech": ("audio", "tts"), "transcription": ("audio", "asr")}
    for kind in MODULES:
        if kind in ("wanx_edit", "embedding"):  # one has one model and no option for it, the other no script
            continue
        text = options_of(*words.get(kind, (scripts.get(kind, kind),)))
        said = text[text.index("[default: ", text.index("--model")) :].split("]")[0]
        assert [word.strip(",;") for word in said.split() if "-" in word] == list(modality_of(kind).DEFAULT_MODELS)  # type: ignore[attr-defined]


# ── a model that is named ──


def test_a_named_model_is_sent_and_its_refusal_says_date_successor_and_command(text2text: Run, box: Sandbox) -> None:
    ran = text2text("你好", "--model", "qwen-turbo", exits=Exit.REFUSED_BY_SERVICE)
    assert "note: qwen-turbo was retired on 2026-10-10; use qwen-flash: --use-successor" in ran.err
    assert (
        "error: qwen-turbo was retired on 2026-10-10: Model can not be found.\n"
        "  try: run it with --use-successor, or with --model qwen-flash\n"
        "  (ModelNotFound ·" in ran.err
    )
    assert models_asked(box) == ["qwen-turbo"]


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "status, code, message, retired",
    [
        (404, "ModelNotFound", "Model can not be found.", True),
        (400, "InvalidParameter", "Model not exist.", True),
        (403, "Endpoint.AccessDenied", "Workspace endpoint access denied.", True),
        (403, "AccessDenied", "Access denied.", True),
        (403, "AccessDenied", "current user api does not support synchronous calls", False),
        (403, "AccessDenied", "current user api does not support asynchronous calls", False),
        (403, "AccessDenied.Unpurchased", "Access to model denied.", False),
        (401, "InvalidApiKey", "Invalid API-key provided.", False),
        (400, "InvalidParameter", "size is out of range", False),
        (400, "DataInspectionFailed", "Input data may contain inappropriate content.", False),
    ],
)
def test_only_what_may_mean_a_missing_model_is_explained_by_its_end(
    text2image: Run, box: Sandbox, status: int, code: str, message: str, retired: bool
) -> None:
    """Which of them a retired name gets is not documented; a wrong key or size is still what it says."""
    box.faults.add(Fault("submit", "status", status=status, code=code, message=message, times=None))
    ran = text2image("猫", "--model", "qwen-image", "--json", exits=4 if retired or status == 400 else ANY)
    error = ran.json["error"]
    assert (error["code"] == "ModelNotFound") == retired
    assert ("was retired on 2026-10-10" in error["message"]) == retired
    assert ("--use-successor" in error["advice"]) == ("--model qwen-image-2.0" in error["advice"]) == retired
    assert error["wire_code"] == code
    assert error["http_status"] == status


def test_a_living_model_that_is_denied_is_a_matter_of_the_account(text2image: Run, box: Sandbox) -> None:
    """The catalog's date is the reason, not the code."""
    box.faults.add(Fault("submit", "status", status=403, code="AccessDenied", message="Access denied.", times=None))
    assert '"Unauthorized"' in text2image("猫", "--json", exits=Exit.ACCOUNT).out


def test_an_upload_that_is_refused_for_the_model_says_so_too(audio: Run, box: Sandbox) -> None:
    """A recording is uploaded first, and the permission names the model."""
    Path("a.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00")  # fmt: skip
    box.faults.add(Fault("grant", "status", status=403, code="AccessDenied", message="Access denied.", times=None))
    ran = audio("asr", "a.wav", "--model", "paraformer-v1", exits=Exit.REFUSED_BY_SERVICE)
    assert "paraformer-v1 was retired on 2026-10-10: Access denied." in ran.err
    assert "--model paraformer-v2" in ran.err


def test_a_retired_row_fails_alone(bailian: Run, box: Sandbox) -> None:
    """AccessDenied of one model is no trouble of the account: the other rows run."""
    box.faults.add(
        Fault("submit", "status", status=403, code="AccessDenied", message="No.", times=None, match_model="qwen-image")
    )
    rows = [{"kind": "image", "prompt": "猫", "model": name} for name in ("qwen-image", "wan2.2-t2i-flash")]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ran = bailian("batch", "run", "rows.jsonl", exits=Exit.SOME_FAILED)
    assert len(ran.paths) == 1
    assert "qwen-image was retired on 2026-10-10" in ran.err


# ── --use-successor ──

NAMED = [
    ("text2image", ("猫", "--model", "qwen-image"), "qwen-image-2.0", 0.2),
    ("image_edit", ("改", "--image", "https://example.com/a.png", "--model", "qwen-image-edit"), "qwen-image-2.0", 0.2),
    ("text2text", ("你好", "--model", "qwen-turbo"), "qwen-flash", None),
    ("audio", ("asr", "https://example.com/a.wav", "--model", "paraformer-v1"), "paraformer-v2", None),
    ("text2image", ("猫", "--use-successor"), "wan2.2-t2i-flash", 0.14),
    ("text2video", ("海",), "wanx2.1-t2v-turbo", 1.2),
    ("wanx_edit", ("--function", "colorization", "--image", "https://example.com/a.png"), "wanx2.1-imageedit", 0.14),
    ("audio", ("tts", "你好"), "sambert-zhichu-v1", None),
]


@pytest.mark.parametrize("script, words, sent, cost", NAMED, ids=[f"{name} {words[-1]}" for name, words, *_ in NAMED])
@pytest.mark.few(2)
def test_every_script_sends_the_successor_if_it_is_told_to(
    request: pytest.FixtureRequest, box: Sandbox, script: str, words: tuple[str, ...], sent: str, cost: float | None
) -> None:
    """Price and all; a model that lives is sent as it is."""
    run: Run = request.getfixturevalue(script)
    flags = () if "--use-successor" in words else ("--use-successor",)
    shown = run(*words, *flags, "--dry-run").json
    assert shown["request"]["body"]["model"] == sent
    assert cost is None or shown["cost"]["estimate"] == cost
    ran = run(*words, *flags)
    assert ("was retired on 2026-10-10" in ran.err) == ("--model" in words)


def test_a_row_that_failed_keeps_its_key_when_it_runs_as_its_successor(bailian: Run, box: Sandbox) -> None:
    """One row of the file is one row of the results, and is done once."""
    Path("rows.jsonl").write_text('{"kind": "text", "prompt": "你好", "model": "qwen-turbo"}\n', encoding="utf-8")
    bailian("batch", "run", "rows.jsonl", exits=Exit.SOME_FAILED)
    (failed,) = results()
    ran = bailian("batch", "run", "rows.jsonl", "--use-successor")
    assert "qwen-turbo was retired on 2026-10-10; qwen-flash is sent" in ran.err
    (done,) = results()
    assert models_asked(box) == ["qwen-turbo", "qwen-flash"]
    assert (failed["row"], failed["state"], done["row"], done["state"]) == (
        done["row"],
        "failed",
        failed["row"],
        "done",
    )
    assert bailian("batch", "run", "rows.jsonl").paths == []
    assert bailian("batch", "run", "rows.jsonl", "--use-successor").paths == []
    assert models_asked(box) == ["qwen-turbo", "qwen-flash"]


def results() -> list[dict[str, Any]]:
    lines = Path("outputs/rows/results.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_python_api_is_told_and_tells(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test-0123456789abcdef")
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", box.base_url)
    with pytest.raises(BailianError, match="qwen-image was retired on 2026-10-10") as raised:
        draw("猫", model="qwen-image", timeout_s=20)
    assert (raised.value.code, raised.value.exit_code) == ("ModelNotFound", Exit.REFUSED_BY_SERVICE)
    outcome = draw("猫", model="qwen-image", timeout_s=20, use_successor=True)
    assert outcome.model == "qwen-image-2.0"
    assert [notice.code for notice in outcome.notices] == ["successor_sent"]


def test_a_conversation_uses_the_successor_too(text2text: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interactive door reads the same catalog."""
    monkeypatch.setattr("bailian.cli.scripts.chat.is_terminal", lambda _stream: True)
    text2text("--model", "qwen-turbo", "--use-successor", stdin="你好\n/exit\n")
    assert models_asked(box) == ["qwen-flash"]


@pytest.mark.slow
def test_a_batch_of_the_services_own_says_so_too(bailian: Run, box: Sandbox) -> None:
    """At half the price the refusal comes with a line of the file, hours later."""
    Path("rows.jsonl").write_text('{"kind": "text", "prompt": "你好", "model": "qwen-turbo"}\n', encoding="utf-8")
    ran = bailian("batch", "run", "rows.jsonl", "--batch-api", exits=Exit.SOME_FAILED)
    assert "qwen-turbo was retired on 2026-10-10: " in ran.err
    assert "--use-successor" in ran.err
    assert len(bailian("batch", "run", "rows.jsonl", "--batch-api", "--use-successor").paths) == 1


def test_what_is_true_of_one_name_is_not_inherited(tmp_path: Path) -> None:
    """A user's table `like` a retired one lives: nobody said that this name ended, so it is not exchanged."""
    (tmp_path / "models.toml").write_text('[models."qwen3-max-2026-09-23"]\nlike = "qwen3-max"\n', encoding="utf-8")
    own = load(tmp_path, date(2026, 11, 28), use_successor=True)["qwen3-max-2026-09-23"]
    assert (own.retired_on, own.successor, own.retirement_notice) == ("", "", "")
    assert own.price_cny == load(None)["qwen3-max"].price_cny


@pytest.mark.parametrize("day", ["20261010", "2026-W41-6", "10.10.2026"])
def test_a_day_is_written_in_one_way(tmp_path: Path, day: str) -> None:
    """Days are compared as text; another form would make a dead model live."""
    (tmp_path / "models.toml").write_text(f'[models."m"]\nlike = "qwen-plus"\nretired_on = "{day}"\n', encoding="utf-8")
    with pytest.raises(SetupError, match="YYYY-MM-DD"):
        load(tmp_path)


@pytest.mark.slow
def test_cron_sends_the_successor_of_what_was_refused(bailian: Run, box: Sandbox) -> None:
    """A refused name does not pass by itself, but --use-successor is what helps: cron takes it, too."""
    rows = [{"kind": "text", "model": "qwen-turbo", "prompt": "一"}, {"kind": "text", "prompt": "二"}]
    Path("j.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    box.faults.add(
        Fault("text", "status", status=404, code="ModelNotFound", message="gone", match_model="qwen-turbo", times=None)
    )
    ran = bailian("batch", "run", "j.json", "--cron", exits=7)
    assert "--use-successor" in ran.err
    bailian("batch", "run", "j.json", "--cron", exits=7)
    bailian("batch", "run", "j.json", "--cron", "--use-successor")
    assert bailian("batch", "status", "j.json", "--json").json["done"] == 2
