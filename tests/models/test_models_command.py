"""`bailian models` marks what ends, asks the service's own list, and writes the difference; `doctor` tells its age."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

from bailian.catalog import load
from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.setting import run_on

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BEFORE, AFTER = date(2026, 7, 1), date(2026, 11, 28)


def on(day: date, monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(day, monkeypatch)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "day, note, life",
    [(BEFORE, "retires 2026-10-10 → qwen-flash", "retiring"), (AFTER, "retired 2026-10-10 → qwen-flash", "retired")],
)
def test_what_ends_is_marked_in_every_form(
    bailian: Run, monkeypatch: pytest.MonkeyPatch, day: date, note: str, life: str
) -> None:
    """The table, one model, and JSON say the same; a model without an end is living."""
    on(day, monkeypatch)
    (line,) = [line for line in bailian("models").out.splitlines() if line.startswith("qwen-turbo\t")]
    assert line.endswith(note)
    shown = dict(line.split(maxsplit=1) for line in bailian("models", "qwen-turbo").out.splitlines())
    assert (shown["life"], shown["retired_on"], shown["successor"]) == (life, "2026-10-10", "qwen-flash")
    assert shown["retirement_notice"].startswith("118177")
    assert bailian("models", "qwen-turbo", "--json").json["life"] == life
    lives = {model["name"]: model["life"] for model in bailian("models", "--json").json["models"]}
    assert (lives["qwen-turbo"], lives["qwen-plus"]) == (life, "living")


def test_what_is_refused_is_not_shown_as_callable(bailian: Run) -> None:
    """The service has it on a route that is not called."""
    shown = bailian("models", "kimi/kimi-k3", "--json").json
    assert shown["callable"] is False
    assert "route" not in shown
    assert "note                       refused: on the OpenAI-compatible route" in bailian("models", "kimi/kimi-k3").out
    (line,) = [line for line in bailian("models").out.splitlines() if line.startswith("kimi/kimi-k3\t")]
    assert line.endswith("refused: on the OpenAI-compatible route only")


def test_a_model_of_two_kinds_is_listed_under_both(bailian: Run) -> None:
    for kind in ("image", "image_edit"):
        assert "qwen-image-2.0" in [line.split("\t")[0] for line in bailian("models", "--kind", kind).out.splitlines()]
    shown = bailian("models", "qwen-image-2.0").out
    assert "bailian text2image, bailian image-edit" in shown


def test_the_services_list_is_read_to_its_end(bailian: Run, box: Sandbox) -> None:
    """More models than one page holds; nothing is paid, nothing is submitted."""
    names = [line.split("\t")[0] for line in bailian("models", "--remote").out.splitlines()]
    assert len(names) == len(bailian("models", "--remote", "--json").json["models"]) >= len(load()) - 2
    assert {"qwen-plus", "wanx2.1-t2v-turbo", "qwen-image-3.0"} <= {*names}
    assert {request.kind for request in box.requests} == {"models"}


def test_one_name_is_a_free_question(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does this name still exist?"""
    assert bailian("models", "qwen-turbo", "--remote").out.startswith("qwen-turbo\t")
    with Sandbox(day=AFTER) as later:
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", later.base_url)
        assert "the service's list has no qwen-turbo" in bailian("models", "qwen-turbo", "--remote", exits=2).err
        assert bailian("models", "qwen-flash", "--remote").out.startswith("qwen-flash\t")


def test_the_difference_can_be_pasted(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is TOML, whatever it says; and as JSON for programs."""
    with Sandbox(day=AFTER) as later:
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", later.base_url)
        written = bailian("models", "--diff").out
        told = bailian("models", "--remote", "--diff", "--json").json
    assert all(name not in load() for name in tomllib.loads(written).get("models", {}))
    assert "# qwen-turbo: retired on 2026-10-10" in written or "# qwen-turbo" in written
    assert '# [models."wanx-v1"]  # Text → Image' in written
    assert "qwen-turbo" in told["not_listed"]
    Path("bailian").mkdir(exist_ok=True)
    Path("bailian/models.toml").write_text(written, encoding="utf-8")
    assert bailian("models", "qwen-plus").out


@pytest.mark.parametrize(
    "fault, code",
    [
        (Fault("models", "status", status=401, code="InvalidApiKey", message="no", times=None), 3),
        (Fault("models", "status", status=500, code="InternalError", message="no", times=None), 5),
        (Fault("models", "garbage", times=None), 5),
        (Fault("models", "reset_before", times=None), 5),
    ],
)
def test_a_list_that_does_not_come_is_an_error_of_ours(bailian: Run, box: Sandbox, fault: Fault, code: int) -> None:
    box.faults.add(fault)
    ran = bailian("models", "--remote", exits=code)
    assert (ran.out, "Traceback" in ran.err) == ("", False)


def test_without_a_key_the_list_cannot_be_asked_but_the_catalog_can(
    bailian: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    assert bailian("models").out
    bailian("models", "--remote", exits=3)


def test_doctor_tells_a_catalog_that_is_old(bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a year is two rounds of retirements."""
    as_of = load().as_of
    assert as_of is not None
    assert bailian("doctor", "--json").json["catalog"] == f"{len(load())} models as of {as_of}"
    on(date(2027, 6, 30), monkeypatch)
    assert "older than half a year" in bailian("doctor").out
    assert "bailian models --diff" in bailian("doctor").out


FILM_LINES = {
    "wan3.0-video": (
        "takes                      --image + [--last-frame]",
        "--image                    JPEG, PNG, BMP, WEBP; sides 240 to 8000 px; width / height 0.125 to 8; "
        "at most 21.0 MB; no transparency",
        "--reference (film)         at most 15 s together; at most 30 s with the film's own",
        "--link                     public links only",
    ),
    "wanx2.1-vace-plus": (
        "--vace video_edit          --video + --mask (picture) + [--reference (picture)]",
        '--vace video_edit          control_conditions: "", posebodyface, depth',
        "--mask (film)              mp4; at least 16 frames a second; at most 52.4 MB",
    ),
    "wan2.1-t2v-turbo": ("takes                      a text alone",),
}


@pytest.mark.few(1)
@pytest.mark.parametrize("name, lines", FILM_LINES.items(), ids=FILM_LINES)
def test_what_a_film_takes_is_said_by_our_options(bailian: Run, name: str, lines: tuple[str, ...]) -> None:
    shown = bailian("models", name).out.splitlines()
    assert {*lines} <= {*shown}
    assert not any(word in line for line in shown for word in ("first_frame", "image_alpha", "input_sets"))
    known = bailian("models", name, "--json").json
    assert "input_sets" in known or "ways" in known
