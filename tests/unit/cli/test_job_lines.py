"""The line of a job under way: a bar against the usual duration, which is never full, and gives way first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.cells import cell_len
from rich.text import Text

from bailian.cli.output.job_lines import JobLines
from bailian.clock import Clock, timed_by
from bailian.engine.job import Job, Limits, OutputSpec
from bailian.engine.timing import DurationProfile
from bailian.i18n import language
from bailian.types import StoredRequest
from tests.support import clocks

SENT_S = 1_000_000.0


@pytest.fixture
def now() -> Iterator[clocks.Clock]:
    now = clocks.Clock(SENT_S)
    with timed_by(Clock(wall=now)):
        yield now


def job(number: int = 0, typical_s: float | None = 120.0, usual_s: float | None = None) -> Job:
    made = Job(
        id=f"job-{number}", kind="video", model="wan2.1-t2v-turbo", wire_model="wanx2.1-t2v-turbo", request={},
        prepared=StoredRequest(), saving=OutputSpec(None, ""), created_at_s=SENT_S, estimate_cny=None,
        sent_at_s=SENT_S, limits=Limits(typical_s=typical_s),
    )  # fmt: skip
    if usual_s:
        made.polling.duration_profile = DurationProfile(usual_s, usual_s, usual_s)
    return made


def seen(lines: JobLines, columns: int = 59) -> list[str]:
    return [Text.from_ansi(line).plain for line in lines.drawn(columns)]


def full(line: str) -> int:
    return line.count("━") + line.count("╸")


def test_the_bar_fills_by_what_is_usual_and_is_never_full(now: clocks.Clock) -> None:
    lines = JobLines()
    lines.update(job(usual_s=100.0), "RUNNING")
    told = []
    for elapsed_s in (0.0, 50.0, 99.0, 500.0):
        now.now_s = SENT_S + elapsed_s
        told += seen(lines)
    assert "0:00 of usually 1:40" in told[0]
    assert "0:50 of usually 1:40" in told[1]
    assert "overdue: 8:20 of 1:40" in told[3]
    assert full(told[0]) < full(told[1]) < full(told[2])
    assert "╸ overdue" in told[3], "half a column is left"


def test_the_catalogs_figure_stands_in_for_what_is_not_known(now: clocks.Clock) -> None:
    lines = JobLines()
    lines.update(job(), "PENDING")
    now.now_s += 30
    assert "0:30 of about 2:00" in seen(lines)[0]
    other = JobLines()
    other.update(job(typical_s=None), "RUNNING")
    assert full(seen(other)[0]) == 0
    waiting = JobLines()
    waiting.update(job(), "WAITING")
    assert full(seen(waiting)[0]) == 0


@pytest.mark.parametrize("columns", [24, 30, 40, 59])
def test_the_bar_gives_way_first(now: clocks.Clock, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for tongue in ("en", "zh"):
        monkeypatch.setenv("BAILIAN_LANG", tongue)
        language.cache_clear()
        lines = JobLines()
        for number in range(3):
            lines.update(job(number), "RUNNING")
        now.now_s = SENT_S + 60
        shown = seen(lines, columns)
        assert len(shown) == 3
        assert all(cell_len(line) <= columns for line in shown)
        assert all((full(line) > 0) == (columns == 59) for line in shown)
        assert all("wan2.1-t2v" in line for line in shown)


def test_a_job_that_is_over_has_no_line(now: clocks.Clock) -> None:
    lines, one = JobLines(), job()
    lines.update(one, "RUNNING")
    lines.remove(one)
    assert lines.drawn(59) == []
