"""`bailian tasks` and the other commands around one picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.journals import be_elsewhere


def test_list_shows_what_this_machine_made(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """Newest first, a line each with tabs; --json for programs; --state filters."""
    assert "no tasks" in bailian("tasks", "list").err
    text2image("第一只猫")
    box.faults.add(Fault(on="submit", kind="status", status=400, code="DataInspectionFailed", message="no"))
    text2image("第二只猫", exits=4)
    lines = [line.split("\t") for line in bailian("tasks", "list").out.splitlines()]
    assert [(line[1], line[5]) for line in lines] == [("failed", "第二只猫"), ("done", "第一只猫")]
    rows = bailian("tasks", "list", "--state", "done", "--json").json["tasks"]
    assert [row["task_id"] for row in rows] == [box.tasks[0].task_id]


def test_list_remote_shows_the_accounts_tasks(
    text2image: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also those of other machines, marked as not ours."""
    text2image("这里的猫")
    with monkeypatch.context() as elsewhere:
        be_elsewhere(elsewhere, tmp_path / "another machine")
        text2image("别处的猫", "--no-wait")
    rows = bailian("tasks", "list", "--remote", "--json").json["tasks"]
    assert {row["task_id"]: row["ours"] for row in rows} == {box.tasks[0].task_id: True, box.tasks[1].task_id: False}


def test_a_task_made_elsewhere_is_adopted(
    text2image: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its files are saved here; a second time they are only named."""
    with monkeypatch.context() as elsewhere:
        be_elsewhere(elsewhere, tmp_path / "another machine")
        task_id = text2image("别处的猫", "--n", "2", "--no-wait").out.strip()
    assert f"bailian tasks adopt {task_id}" in bailian("tasks", "wait", task_id, exits=4).err
    first = bailian("tasks", "adopt", task_id, "-o", "接管").paths
    assert [path.parent.name for path in first] == ["接管", "接管"]
    assert "别处的猫" in first[0].name
    assert bailian("tasks", "adopt", task_id).paths == first
    assert bailian("show", str(first[0]), "--json").json["prompt"] == "别处的猫"


def test_an_unknown_task_cannot_be_adopted(bailian: Run) -> None:
    ran = bailian("tasks", "adopt", "00000000-0000-0000-0000-000000000000", "--json", exits=4)
    assert ran.json["error"]["code"] == "ResourceNotFound"


def test_cancel_while_pending(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """A queued task is canceled and ends the job; a finished one says why it cannot be."""
    box.faults.add(Fault(on="submit", kind="slow", delay_s=0, task_s=60, times=1))
    task_id = text2image("猫", "--no-wait").out.strip()
    bailian("tasks", "cancel", task_id)
    assert [task.status for task in box.tasks] == ["CANCELED"]
    assert bailian("tasks", "wait", "--all").out == ""
    done = text2image("狗", "--json").json["output"]["task_id"]
    assert bailian("tasks", "cancel", done, "--json", exits=4).json["error"]["wire_code"] == "UnsupportedOperation"


def test_show_tells_everything_about_one_task(text2image: Run, bailian: Run) -> None:
    task_id = text2image("猫", "--json").json["output"]["task_id"]
    shown = json.loads(bailian("tasks", "show", task_id).out)
    assert shown["request"]["prompt"] == "猫"
    assert shown["answer"]["output"]["task_id"] == task_id
    assert shown["cost"]["charged"] == 0.14
    assert bailian("tasks", "show", "nothing", exits=4).err


def test_wait_wants_ids_or_all(bailian: Run) -> None:
    assert "--all" in bailian("tasks", "wait", exits=2).err
    assert "--all" in bailian("tasks", "wait", "x", "--all", exits=2).err


def test_a_deleted_file_is_fetched_again(text2image: Run, bailian: Run) -> None:
    """`wait` on a finished task brings its file back while the service has it."""
    shown = text2image("猫", "--json").json
    Path(shown["files"][0]).unlink()
    assert bailian("tasks", "wait", shown["output"]["task_id"]).paths[0].exists()


def test_another_keys_jobs_are_not_mixed_in(text2image: Run, bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text2image("猫", "--no-wait")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-another-0123456789abcdef")
    assert bailian("tasks", "wait", "--all").out == ""


def test_cost_adds_up_what_was_charged(text2image: Run, bailian: Run, box: Sandbox) -> None:
    assert "nothing" in bailian("cost").err
    text2image("猫", "--n", "2")
    box.faults.add(Fault(on="submit", kind="partial", count=1))
    text2image("猫", "--n", "2", exits=7)
    shown = bailian("cost", "--json").json
    assert shown["total"] == pytest.approx(0.42)
    assert [row["model"] for row in shown["spent"]] == ["wan2.2-t2i-flash"]


def test_models_lists_and_explains(bailian: Run) -> None:
    lines = bailian("models").out.splitlines()
    assert len(lines) > 70
    assert any(line.startswith("sambert-zhichu-v1\tspeech") for line in lines)
    assert bailian("models", "qwen-image", "--json").json["price_cny"] == 0.25
    assert "wan2.2-t2i-flash" in bailian("models", "wan2.2-t2i-flas", exits=2).err


@pytest.mark.slow
def test_a_users_model_runs_without_code(text2image: Run, bailian: Run, box: Sandbox, tmp_path: Path) -> None:
    """A corrected limit and price hold at once."""
    (tmp_path / "bailian").mkdir()
    (tmp_path / "bailian" / "models.toml").write_text(
        '[models."wan2.2-t2i-flash"]\nmax_pixels = 2073600\nprice_cny = 0.5\n'
    )
    assert text2image("猫", "--size", "1440*1440", "--json").json["cost"]["charged"] == 0.5


def test_doctor_says_where_everything_is(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = bailian("doctor", "--json").json
    assert facts["key"] == "sk-…cdef"
    assert facts["service"]
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-bad-0123456789abcdef")
    assert "Invalid API-key" in str(bailian("doctor", "--json", exits=3).json["problem"])


def test_show_refuses_what_is_no_picture_of_ours(bailian: Run, tmp_path: Path) -> None:
    other = tmp_path / "x.png"
    other.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    assert "does not say" in bailian("show", str(other), exits=2).err
    assert "is no file here" in bailian("show", "nowhere.png", exits=2).err


@pytest.mark.slow
def test_how_an_id_begins_is_enough(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """In show, wait and cancel: four characters, if no other id begins so. A program's list has whole ids."""
    box.faults.add(Fault(on="submit", kind="slow", delay_s=0, task_s=60, times=1))
    task_id = text2image("猫", "--no-wait").out.strip()
    assert bailian("tasks", "list").out.split("\t")[0] == task_id
    assert task_id in bailian("tasks", "show", task_id[:4]).out
    assert "no task zzzz" in bailian("tasks", "show", "zzzz", exits=4).err
    assert "no task" in bailian("tasks", "wait", task_id[:3], exits=4).err
    bailian("tasks", "cancel", task_id[:8])
    assert box.tasks[0].status == "CANCELED"
    assert "canceled" in bailian("tasks", "wait", task_id[:8], exits=4).err
