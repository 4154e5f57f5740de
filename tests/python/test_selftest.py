"""`bailian selftest`: everything is as expected of the sandbox, and what is told to differ is named exactly."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bailian.errors import SetupError
from bailian.sandbox import Fault, Sandbox
from bailian.selftest.bad_sizes import asked_for
from bailian.selftest.compared import MISSING, Contains, at_path, compared, numbers_in
from bailian.selftest.facts import facts
from bailian.selftest.found_limits import write_found
from bailian.selftest.questions import LISTED
from bailian.text.toml_files import parse_toml
from tests.support.commands import Ran, Run
from tests.support.setting import KEY, ROOT, run_on

TODAY = date(2026, 11, 28)


@pytest.fixture
def selftest(request: pytest.FixtureRequest, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run it on a day on which the models of the facts live."""
    run_on(TODAY, monkeypatch)
    command: Run = request.getfixturevalue("bailian")
    return lambda *words, **how: command("selftest", *words, **how)


def told(ran: Ran) -> dict[str, dict[str, Any]]:
    """Return what a report says of each fact that is not as expected."""
    return {one["id"]: one for one in ran.json["facts"] if one["state"] != "same"}


def test_each_fact_stands_in_the_page_about_the_wire() -> None:
    """An id leads to a sentence and its source."""
    page = (ROOT / "docs/wire.md").read_text(encoding="utf-8")
    assert [one for one in (*facts().ids, LISTED) if f"`{one}`" not in page] == []
    assert len(set(facts().ids)) == len(facts().ids)


@pytest.mark.slow
def test_the_sandbox_is_as_expected_and_the_report_has_no_secret(selftest: Run) -> None:
    ran = selftest("--max-cost", "5")
    report = Path(ran.out.strip()).read_text(encoding="utf-8")
    data = json.loads(report)
    assert data["counts"] == {
        "same": len(facts().asks) + 1 + sum(len(one.models) for one in facts().sizes) + len(facts().calls),
        "differs": 0,
        "skipped": 0,
        "unanswered": 0,
    }
    assert 0 < data["spent_cny"] <= 5
    assert KEY not in report + ran.err


@pytest.mark.slow
def test_without_money_only_what_is_free_is_asked(selftest: Run, box: Sandbox) -> None:
    """A bad size that were taken would cost a picture: it is not asked either."""
    ran = selftest("--json")
    assert {one["state"] for one in told(ran).values()} == {"skipped"}
    assert (box.tasks, box.sync_calls, ran.json["spent_cny"]) == ([], [], 0.0)


@pytest.mark.slow
def test_half_a_yuan_is_never_exceeded(selftest: Run, box: Sandbox) -> None:
    ran = selftest("--max-cost", "0.5", "--json")
    assert ran.json["spent_cny"] <= 0.5
    assert told(ran).keys() <= {one.id for one in facts().calls}
    assert all(one["state"] == "skipped" for one in told(ran).values())


DIFFERENT: dict[str, tuple[Fault, str, dict[str, Any]]] = {
    "another status": (
        Fault(on="cancel", kind="status", status=404, code="NotFound", message="no"),
        "task-cancel",
        {"status": 404, "code": "NotFound"},
    ),
    "another word": (
        Fault(on="poll", kind="raw", replace={"output.task_status": '"GONE"'}),
        "task-unknown",
        {"output.task_status": "GONE"},
    ),
    "a page that is no page": (Fault(on="list", kind="raw", replace={"page_size": "7"}), "list-paging", {"page_size": 7}),
    "no grant": (
        Fault(on="grant", kind="status", status=403, code="AccessDenied", message="no"),
        "upload-grant",
        {"status": 403, "data.policy": MISSING},
    ),
    "other limits": (
        Fault(
            on="submit", kind="status", status=400, code="InvalidParameter", match_model="wan2.2-t2i-flash", match_prompt="x",
            message="Either width or height should be between 256 and 2048.",
        ),
        "size-wan2",
        {"numbers": [256, 2048]},
    ),
    "an ended model": (
        Fault(on="submit", kind="status", status=404, code="ModelNotFound", message="no", match_prompt="x"),
        "size-wan2",
        {"code": "ModelNotFound"},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_is_named_with_what_was_found(selftest: Run, box: Sandbox, name: str) -> None:
    fault, fact, found = DIFFERENT[name]
    box.faults.add(fault)
    ran = selftest("--max-cost", "0.3", "--json", exits=7)
    wrong = {one: row for one, row in told(ran).items() if row["state"] == "differs"}
    assert set(wrong) == {fact}
    assert wrong[fact]["found"].items() >= found.items()
    assert wrong[fact]["expected"]


@pytest.mark.slow
def test_found_limits_and_dates_are_written_for_the_user(selftest: Run, box: Sandbox, tmp_path: Path) -> None:
    """The next command goes by them; what a person has written stays."""
    own = tmp_path / "bailian" / "models.toml"
    own.parent.mkdir(exist_ok=True)
    own.write_text('# mine\n[models."wan2.2-t2i-plus"]\nn_max = 2\n', encoding="utf-8")
    for model, message in (("wan2.2-t2i-flash", "between 256 and 2048."), ("wan2.2-t2i-plus", "between 1 and 9.")):
        box.faults.add(
            Fault(
                on="submit",
                kind="status",
                status=400,
                code="InvalidParameter",
                message=message,
                match_model=model,
                match_prompt="x",
            )
        )
    box.faults.add(
        Fault(
            on="submit", kind="status", status=404, code="ModelNotFound", message="no", match_model="wanx2.1-t2i-plus"
        )
    )
    ran = selftest("--max-cost", "0.25", "--update", exits=7)
    assert "tables of its own for wan2.2-t2i-plus" in ran.err
    models = parse_toml(own.read_text(encoding="utf-8"))["models"]
    assert models == {
        "wan2.2-t2i-plus": {"n_max": 2},
        "wan2.2-t2i-flash": {"side_px": [256, 2048]},
        "wanx2.1-t2i-plus": {"retired_on": TODAY},
    }
    assert own.read_text(encoding="utf-8").startswith("# mine\n")


@pytest.mark.slow
def test_a_size_that_is_taken_is_paid_once_and_then_no_other_is_asked(
    selftest: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the journal, within the money, and its picture is there."""
    monkeypatch.setattr("bailian.selftest.bad_sizes.SIZE", "512*512")
    ran = selftest("--max-cost", "0.25", "--json", exits=7)
    sizes = [one for one in ran.json["facts"] if one["id"].startswith("size-")]
    assert [one["state"] for one in sizes] == ["differs", *["skipped"] * (len(sizes) - 1)]
    assert sizes[0]["found"] == {"size": "512*512 was taken"}
    assert ran.json["spent_cny"] <= 0.25
    assert len(list(Path("outputs/selftest").glob("*wan2.2-t2i-flash*.png"))) == 1


@pytest.mark.slow
def test_an_answer_that_does_not_come_is_no_difference(selftest: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="grant", kind="reset_before"))
    ran = selftest("--json", exits=5)
    assert told(ran)["upload-grant"]["state"] == "unanswered"


def test_the_comparison_says_only_what_differs() -> None:
    finding = compared("x", {"status": 400, "message": Contains("Size")}, {"status": 200, "message": "the size"})
    assert (finding.state, finding.expected, finding.found) == ("differs", {"status": 400}, {"status": 200})
    assert at_path({"a": [{"b": 1}]}, "a.0.b") == 1
    assert at_path({"a": []}, "a.0") == MISSING
    assert numbers_in("Total pixels (1*1) must be between 2 and 3", asked_for("(1*1)")) == [2, 3]


def test_the_users_file_is_kept_where_nothing_is_new(tmp_path: Path) -> None:
    assert write_found({}, tmp_path, TODAY) == ([], [])
    assert not (tmp_path / "models.toml").exists()
    (tmp_path / "models.toml").write_text("[", encoding="utf-8")
    with pytest.raises(SetupError, match=r"models\.toml"):
        write_found({"a": {"n_max": 1}}, tmp_path, TODAY)
