"""What must happen when the service, the network or the disk misbehave. Real sockets, real files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from bailian.files import png
from bailian.sandbox import Fault, Sandbox
from bailian.service import client, download
from tests.support.clocks import SOON_S, deadline_comes_when
from tests.support.commands import Run


def submits(box: Sandbox) -> int:
    return sum(entry.method == "POST" for entry in box.requests)


def one_whole_picture(paths: list[Path]) -> None:
    (path,) = paths
    assert png.is_complete(path.read_bytes())
    leftovers = [p.name for p in path.parent.iterdir() if p != path]
    assert leftovers == []


# What goes wrong, and that a picture comes all the same from exactly one task.
SURVIVED = {
    "429 at submit": [Fault(on="submit", kind="throttle", times=3)],
    "429 with Retry-After": [Fault(on="submit", kind="throttle", retry_after_s=1)],
    "a burst 429": [Fault(on="submit", kind="throttle", code="Throttling.BurstRate", message="too quickly")],
    "TPM 429 with billing words": [
        Fault(
            on="submit",
            kind="throttle",
            code="Throttling.AllocationQuota",
            message="You exceeded your current quota, please check your plan and billing details.",
        )
    ],
    "500 at submit": [Fault(on="submit", kind="status", status=500, code="InternalError", message="x", times=2)],
    "503 at submit": [Fault(on="submit", kind="status", status=503, code="ModelUnavailable", message="x", times=2)],
    "429 while polling": [Fault(on="poll", kind="throttle", times=4)],
    "500 while polling": [Fault(on="poll", kind="status", status=500, code="InternalError", message="x", times=4)],
    "HTML 502 while polling": [Fault(on="poll", kind="html", times=3)],
    "resets while polling": [Fault(on="poll", kind="reset_before", times=3)],
    "garbage while polling": [Fault(on="poll", kind="garbage", times=3)],
    "empty answers while polling": [Fault(on="poll", kind="empty", times=3)],
    "cut answers while polling": [Fault(on="poll", kind="cut", times=2)],
    "an undocumented status": [Fault(on="poll", kind="weird_status", times=2, task_status="QUEUING")],
    "SUSPENDED": [Fault(on="poll", kind="weird_status", times=2)],
    "UNKNOWN just after the submit": [Fault(on="poll", kind="unknown", times=1)],
    "expired link": [Fault(on="download", kind="expired")],
    "download cut": [Fault(on="download", kind="cut", times=3)],
    "download reset": [Fault(on="download", kind="reset_before", times=2)],
    "download 503": [Fault(on="download", kind="status", status=503, times=2)],
    "link to a web page, once": [Fault(on="download", kind="html_file")],
    "reset before the work": [Fault(on="submit", kind="reset_before")],
    "reset before the work, twice": [Fault(on="submit", kind="reset_before", times=2)],
    "reset after the work": [Fault(on="submit", kind="reset_after")],
    "reset during the work": [Fault(on="submit", kind="reset_during", delay_s=0.05)],
    "HTML 502, work done": [Fault(on="submit", kind="html", work=True)],
    "HTML 502, work not done": [Fault(on="submit", kind="html", work=False)],
    "garbage, work done": [Fault(on="submit", kind="garbage", work=True)],
    "empty answer, work done": [Fault(on="submit", kind="empty", work=True)],
    "answer cut": [Fault(on="submit", kind="cut")],
    "the list fails while settling": [
        Fault(on="submit", kind="reset_after"),
        Fault(on="list", kind="throttle", times=2),
        Fault(on="list", kind="html"),
        Fault(on="list", kind="garbage"),
        Fault(on="list", kind="empty"),
    ],
}


@pytest.mark.parametrize("faults", SURVIVED.values(), ids=SURVIVED)
@pytest.mark.few(2)
def test_one_picture_from_one_task(text2image: Run, box: Sandbox, faults: list[Fault]) -> None:
    """The picture arrives whole, and the server never had more tasks than there were intents."""
    box.faults.add(*faults)
    ran = text2image("暴风雨中的猫")
    one_whole_picture(ran.paths)
    assert len(box.tasks) == 1
    assert box.faults.armed == [], "a fault that never hit proves nothing"


REFUSED = {
    "wrong key": (
        Fault(on="submit", kind="status", status=401, code="InvalidApiKey", message="Invalid API-key provided."),
        3,
        "Unauthorized",
        "region",
    ),
    "overdue": (
        Fault(on="submit", kind="status", status=400, code="Arrearage", message="Access denied"),
        3,
        "QuotaExceeded",
        "top up",
    ),
    "free quota used up": (
        Fault(on="submit", kind="status", status=403, code="AllocationQuota.FreeTierOnly", message="exhausted"),
        3,
        "QuotaExceeded",
        "free quota",
    ),
    "free quota, as 429": (
        Fault(
            on="submit", kind="throttle", code="Throttling.AllocationQuota", message="Free allocated quota exceeded."
        ),
        3,
        "QuotaExceeded",
        "free quota",
    ),
    "content refused": (
        Fault(
            on="submit",
            kind="status",
            status=400,
            code="DataInspectionFailed",
            message="Input data may contain inappropriate content.",
        ),
        4,
        "DataInspectionFailed",
        "prompt",
    ),
    "model not found": (
        Fault(on="submit", kind="status", status=404, code="ModelNotFound", message="Model can not be found."),
        4,
        "ModelNotFound",
        "bailian models",
    ),
    "model not exist": (
        Fault(on="submit", kind="status", status=400, code="InvalidParameter", message="Model not exist."),
        4,
        "ModelNotFound",
        "bailian models",
    ),
    "bad parameter": (
        Fault(on="submit", kind="status", status=400, code="InvalidParameter", message="no"),
        4,
        "InvalidParameter",
        "bailian models",
    ),
    "HTTP 200 with a code": (
        Fault(on="submit", kind="top_level_code", code="InvalidParameter", message="no"),
        4,
        "InvalidParameter",
        "",
    ),
    "an unknown code": (
        Fault(on="submit", kind="status", status=418, code="Teapot", message="short and stout"),
        4,
        "InvalidParameter",
        "",
    ),
    "a task that fails": (
        Fault(
            on="poll",
            kind="failed",
            code="DataInspectionFailed",
            message="Output data may contain inappropriate content.",
        ),
        4,
        "DataInspectionFailed",
        "prompt",
    ),
    "a task that fails in the service": (
        Fault(on="poll", kind="failed", code="InternalError.Timeout", message="slow"),
        4,
        "TaskFailed",
        "again",
    ),
    "a task that fails without a word": (
        Fault(on="poll", kind="failed", code="", message=""),
        4,
        "TaskFailed",
        "again",
    ),
    "a task that is canceled": (Fault(on="poll", kind="canceled"), 4, "TaskFailed", ""),
}


@pytest.mark.few(2)
@pytest.mark.parametrize("fault, exits, category, advice", REFUSED.values(), ids=REFUSED)
def test_a_refusal_is_final_and_says_what_to_do(
    text2image: Run, box: Sandbox, fault: Fault, exits: int, category: str, advice: str
) -> None:
    """Category, service code, request id, advice and exit code; sent once; no file; no traceback."""
    box.faults.add(fault)
    ran = text2image("猫", "--json", exits=exits)
    error = ran.json["error"]
    assert error["code"] == category
    assert advice in error.get("advice", "")
    if fault.code:
        assert error["wire_code"] == fault.code
    assert ran.json["request_id"]
    assert submits(box) == 1
    assert "Traceback" not in ran.err
    assert list(Path("outputs").iterdir()) == []


def test_one_of_four_pictures_failed(text2image: Run, box: Sandbox) -> None:
    """Three files, exit 7, the reason of the fourth, and only three are charged."""
    box.faults.add(Fault(on="submit", kind="partial"))
    ran = text2image("猫", "--n", "4", "--json", exits=7)
    shown = ran.json
    assert len(shown["files"]) == 3
    assert [("path" in entry) for entry in shown["output"]["results"]] == [True, True, True, False]
    assert shown["output"]["results"][3]["code"]
    assert "3 of 4" in shown["error"]["message"]
    assert shown["cost"] == {"currency": "CNY", "estimate": 0.56, "charged": 0.42}


def test_every_picture_failed(text2image: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="submit", kind="partial", count=2))
    assert text2image("猫", "--n", "2", "--json", exits=4).json["error"]["wire_code"]


def test_a_picture_of_another_size_is_kept_and_reported(text2image: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="submit", kind="wrong_size", size="640*480"))
    ran = text2image("猫", "--json")
    assert [notice["code"] for notice in ran.json["notices"]] == ["size_differs"]
    with Image.open(ran.json["files"][0]) as picture:
        assert picture.size == (640, 480)


@pytest.mark.slow
def test_a_link_that_always_leads_to_a_web_page_is_no_picture(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """No file, exit 5, the paid result is not lost: `tasks wait` gets it when the storage has recovered."""
    box.faults.add(Fault(on="download", kind="html_file", times=None))
    ran = text2image("猫", exits=5)
    box.faults.clear()
    assert list(Path("outputs").iterdir()) == []
    assert f"bailian tasks wait {box.tasks[0].task_id}" in ran.err
    one_whole_picture(bailian("tasks", "wait", "--all").paths)


def test_a_cut_download_continues_where_it_was(text2image: Run, box: Sandbox) -> None:
    """What came is not fetched again: the second request is a Range request."""
    box.faults.add(Fault(on="download", kind="cut"))
    one_whole_picture(text2image("猫").paths)
    ranges = [entry.headers.get("range") for entry in box.requests if "/results/" in entry.path]
    assert ranges[0] is None
    assert ranges[1] is not None
    assert ranges[1].startswith("bytes=")


@pytest.mark.slow
def test_a_silent_server_while_polling(text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "QUERY_TIMEOUT_S", 0.2)
    box.faults.add(Fault(on="poll", kind="silence", times=2))
    one_whole_picture(text2image("猫").paths)


@pytest.mark.slow
@pytest.mark.parametrize("work", [True, False])
def test_a_silent_server_at_submit(text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, work: bool) -> None:
    """No answer at all: the task list tells whether it was made."""
    monkeypatch.setattr(client, "SUBMIT_TIMEOUT_S", 0.2)
    box.faults.add(Fault(on="submit", kind="silence", work=work))
    one_whole_picture(text2image("猫").paths)
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_a_silent_download(text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "READ_TIMEOUT_S", 0.2)
    box.faults.add(Fault(on="download", kind="silence", times=2))
    one_whole_picture(text2image("猫").paths)


def test_nobody_listens(text2image: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed port: exit 5, certainly nothing paid, and the journal holds nothing open."""
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", "http://127.0.0.1:9/api/v1")
    error = text2image("猫", "--json", exits=5).json["error"]
    assert error["code"] == "ConnectionFailed"


@pytest.mark.slow
def test_a_submit_that_always_breaks_is_given_up_unpaid(text2image: Run, box: Sandbox) -> None:
    """Provably absent every time: sent again a few times, then exit 5 and nothing at the server."""
    box.faults.add(Fault(on="submit", kind="reset_before", times=None))
    error = text2image("猫", "--json", exits=5).json["error"]
    assert "nothing was billed" in error["message"]
    assert box.tasks == []


@pytest.mark.slow
def test_throttled_until_the_deadline(text2image: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="submit", kind="throttle", times=None))
    with deadline_comes_when(lambda: len(box.faults.fired) > 1):
        text2image("猫", "--timeout", str(SOON_S), exits=5)
    assert box.tasks == []


@pytest.mark.slow
def test_the_deadline_leaves_the_task_running(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """Exit 6 with the id; the task is fetched later."""
    box.faults.add(Fault(on="submit", kind="slow", delay_s=0, task_s=600))
    with deadline_comes_when(lambda: box.tasks):
        ran = text2image("猫", "--timeout", str(SOON_S), "--json", exits=6)
    task_id = ran.json["error"]["task_id"]
    assert task_id == box.tasks[0].task_id
    assert task_id in ran.json["error"]["advice"]
    box.advance(600)
    one_whole_picture(bailian("tasks", "wait", task_id).paths)


SYNC = ["猫", "--model", "qwen-image-max"]


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "html", "garbage", "cut", "empty"])
def test_a_synchronous_picture_whose_answer_is_lost_is_held(
    text2image: Run, bailian: Run, box: Sandbox, kind: str
) -> None:
    """It may be paid and cannot be looked up: exit 5, sent once, never again on its own."""
    box.faults.add(Fault(on="sync", kind=kind))
    ran = text2image(*SYNC, "--json", exits=5)
    assert ran.json["error"]["code"] == "MaybeSent"
    assert "console" in ran.json["error"]["advice"]
    assert submits(box) == 1
    assert bailian("tasks", "wait", "--all").out == ""
    assert "held" in bailian("tasks", "list").out


@pytest.mark.slow
def test_a_synchronous_picture_survives_429_and_a_cut_download(text2image: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="sync", kind="throttle", times=2), Fault(on="download", kind="cut"))
    one_whole_picture(text2image(*SYNC).paths)


def test_a_key_that_is_refused_while_polling_loses_nothing(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """The key was revoked in between: exit 3, the task stays in the journal for the next key."""
    box.faults.add(
        Fault(on="poll", kind="status", status=401, code="InvalidApiKey", message="Invalid API-key provided.")
    )
    assert text2image("猫", "--json", exits=3).json["error"]["code"] == "Unauthorized"
    one_whole_picture(bailian("tasks", "wait", "--all").paths)


def test_server_text_cannot_drive_the_terminal(text2image: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="submit", kind="status", status=400, code="X", message="\x1b]0;owned\x07\x1b[2J\u202eevil"))
    ran = text2image("猫", exits=4)
    assert "\x1b" not in ran.err
    assert "\u202e" not in ran.err
    assert "evil" in ran.err


def test_a_full_disk_loses_nothing(
    text2image: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file does not fit: exit 5, no half file under the final name, and it is fetched when there is room."""
    import errno
    import os

    real = os.fsync

    def full(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().suffix == ".part":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        ran = text2image("猫", exits=5)
    assert "No space left" in ran.err
    assert not list(Path("outputs").glob("*.png"))
    one_whole_picture(bailian("tasks", "wait", box.tasks[0].task_id).paths)


@pytest.mark.slow
def test_a_journal_that_fills_up_after_the_submit_gives_the_id(
    text2image: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one moment the journal cannot help: the paid task's id is printed with the command that takes it back."""
    from bailian.store.backends.sqlite import unusable
    from bailian.store.jobs import Journal

    def full(*_: object) -> None:
        raise unusable(Path("journal.sqlite3"), OSError("database or disk is full"))

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "record_task", full)
        ran = text2image("猫", exits=5)
    (command,) = re.findall(r"bailian (tasks adopt \S+ --job \S+)", ran.err)
    assert box.tasks[0].task_id in command
    one_whole_picture(bailian(*command.split()).paths)


@pytest.mark.slow
def test_a_journal_that_fills_up_later_keeps_the_id_in_the_report(
    text2image: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bailian.store.backends.sqlite import unusable
    from bailian.store.jobs import Journal

    def full(*_: object, **__: object) -> None:
        raise unusable(Path("journal.sqlite3"), OSError("database or disk is full"))

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "store_answers", full)
        error = text2image("猫", "--json", exits=5).json["error"]
    assert error["task_id"] == box.tasks[0].task_id
    one_whole_picture(bailian("tasks", "wait", "--all").paths)


def test_the_resume_command_carries_the_account_options(text2image: Run, box: Sandbox) -> None:
    """What was started with --base-url is fetched with --base-url."""
    box.faults.add(Fault(on="submit", kind="slow", delay_s=0, task_s=600))
    with deadline_comes_when(lambda: box.tasks):
        ran = text2image("猫", "--base-url", box.base_url, "--timeout", str(SOON_S), exits=6)
    assert f"bailian tasks wait --base-url {box.base_url} {box.tasks[0].task_id}" in ran.err


@pytest.mark.slow
def test_a_lost_answer_with_a_cut_prompt_is_recognised(text2image: Run, box: Sandbox) -> None:
    """The service shows the prompt cut at 500 characters: the adopted task is still ours, and not paid twice."""
    box.faults.add(Fault(on="submit", kind="reset_after"))
    one_whole_picture(text2image("猫和狗" * 220).paths)
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_a_paid_result_can_be_fetched_into_another_folder(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """The folder became unusable after paying: `tasks wait ID -o DIR` saves elsewhere."""
    box.faults.add(Fault(on="submit", kind="slow", delay_s=0, task_s=30.0, times=1))
    task_id = text2image("猫", "-o", "相册", "--no-wait").out.strip()
    box.settings.task_s = 0.1
    Path("相册").rmdir()
    Path("相册").write_text("a file now")
    box.faults.clear()
    second = text2image("狗", "-o", "别处", "--no-wait").out.strip()
    assert bailian("tasks", "wait", second, "-o", "新处").paths[0].parent.name == "新处"
    assert task_id != second
