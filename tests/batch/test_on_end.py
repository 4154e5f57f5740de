"""`--on-end`: the user's command hears how a batch ended, however it did, and changes nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bailian.cli.output import bell
from bailian.cli.output.bell import ring
from bailian.config.settings import read_settings
from bailian.config.user_defaults import Defaults
from bailian.sandbox import Sandbox
from bailian.store.leases import exclusive
from bailian.text.quoting import quoted
from tests.support.batches import pictures, texts, write
from tests.support.commands import Run
from tests.support.processes import posix_only, start_bailian, until
from tests.support.setting import KEY

pytestmark = pytest.mark.usefixtures("quick")

KEEP = f"{quoted(sys.executable)} -c \"import pathlib, sys; pathlib.Path('told.json').write_bytes(sys.stdin.buffer.read())\""


def told() -> dict[str, Any]:
    text = Path("told.json").read_text("utf-8")
    Path("told.json").unlink()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert KEY not in text
    value = json.loads(text)
    assert isinstance(value, dict)
    return value


def test_the_command_hears_all_of_a_batch(bailian: Run, box: Sandbox) -> None:
    rows = [*texts(2), {"kind": "text", "prompt": "[sandbox:refuse]"}]
    ran = bailian("batch", "run", write(rows, "店铺.json"), "--on-end", KEEP, exits=7)
    assert len(ran.paths) == 2
    heard = told()
    summary = bailian("batch", "status", "店铺.json", "--json", exits=7).json
    assert heard.pop("summary") == {name: summary[name] for name in summary if not name.startswith("failed_rows")}
    assert heard.pop("took_s") >= 0
    folder = Path("outputs/店铺").absolute()
    assert heard == {
        "file": str(Path("店铺.json").absolute()), "run": None, "folder": str(folder), "exit_code": 7,
        "page": str(folder / "gallery.html"), "results": str(folder / "results.jsonl"), "failed": str(folder / "failed.jsonl"),
    }  # fmt: skip


def test_it_runs_after_a_budget_a_refusal_and_a_batch_that_was_done(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", write(pictures(3)), "--max-cost", "0.15", "--on-end", KEEP, exits=3)
    heard = told()
    assert (heard["exit_code"], heard["summary"]["done"], heard["summary"]["waiting"]) == (3, 1, 2)
    bailian("batch", "run", "all.json", "--on-end", KEEP)
    bailian("batch", "run", "all.json", "--on-end", KEEP)
    assert (told()["exit_code"], box.tasks[3:]) == (0, [])
    bailian("batch", "run", write([{"kind": "image", "prompt": ""}], "wrong.json"), "--on-end", KEEP, exits=2)
    heard = told()
    assert (heard["exit_code"], heard["summary"]["rows"], heard["results"]) == (2, 0, None)


def test_it_does_not_run_for_a_dry_run_nor_for_another_process(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", write(texts(1)), "--dry-run", "--on-end", KEEP)
    here = read_settings()
    with exclusive(here.journal, f"{here.account}\nbatch:{Path('all.json').resolve()}"):
        bailian("batch", "run", "all.json", "--on-end", KEEP, exits=6)
    assert not Path("told.json").exists()


def test_a_command_that_fails_is_a_note(bailian: Run, box: Sandbox) -> None:
    ran = bailian("batch", "run", write(texts(1)), "--on-end", "exit 3")
    assert "note: --on-end: exit code 3" in ran.err
    assert len(ran.out.splitlines()) == 1


@posix_only
@pytest.mark.slow
def test_what_it_prints_is_talk_and_ctrl_c_is_heard(box: Sandbox) -> None:
    """By real processes: the command's stdout is stderr, and an interrupted run calls it, too."""
    box.settings.change({"task_s": 30.0})
    process = start_bailian(box, "batch", "run", write(pictures(1)), "--on-end", "cat")
    until(lambda: box.tasks)
    process.send_signal(2)
    out, err = process.communicate()
    assert process.returncode == 130
    (line,) = [line for line in err.splitlines() if line.startswith("{")]
    assert (json.loads(line)["exit_code"], json.loads(line)["summary"]["running"]) == (130, 1)
    assert "{" not in out


# ── the bell ──


class Heard:
    """A terminal that counts its bells."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


@pytest.mark.parametrize(
    "took_s, quiet, on, bells",
    [(bell.BELL_AFTER_S, False, True, 1), (1.0, False, True, 0), (99.0, True, True, 0), (99.0, False, False, 0)],
)
def test_the_bell(monkeypatch: pytest.MonkeyPatch, took_s: float, quiet: bool, on: bool, bells: int) -> None:
    from dataclasses import replace
    from types import SimpleNamespace

    terminal = Heard()
    monkeypatch.setattr(sys, "stderr", terminal)
    here = replace(read_settings(sandbox=True), defaults=Defaults(bell=on))
    ring(took_s, SimpleNamespace(quiet=quiet), here)  # type: ignore[arg-type]
    assert terminal.text == "\a" * bells


def test_no_bell_in_a_pipe(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "BELL_AFTER_S", 0.0)
    assert "\a" not in bailian("batch", "run", write(texts(1))).err
    assert Path("outputs").exists()
