"""What one look at the task list proves of a task, page by page."""

from __future__ import annotations

import pytest

from bailian.engine.task_list.look import RUNNING, Look
from bailian.engine.task_list.watched import UNSEEN_LOOKS, Watched
from bailian.service.client import ListedTask, TaskPage


def watched(name: str, created_s: float | None = None, *, runs: bool = False) -> Watched:
    return Watched(
        name, began_s=0.0, profile=None, due_s=1.0, window_s=1.0, alive_s=0.0, anyway_s=99.0,
        created_s=created_s, runs=runs,
    )  # fmt: skip


def page(*rows: tuple[str, str, float | None], total: int | None = None, full: bool = False) -> TaskPage:
    listed = [ListedTask(name, "万相", status, "r", created_s) for name, status, created_s in rows]
    return TaskPage(listed, len(rows) if total is None else total, full)


def look(tasks: dict[str, Watched], status: str | None = None, pages_max: int = 5) -> Look:
    return Look(0.0, status, tasks, pages_max, 100)


def take(one: Look, tasks: dict[str, Watched], *pages: TaskPage) -> set[str]:
    for each in pages:
        assert not one.done
        one.take(each, tasks, 5.0)
    return {found.job_id for found in one.found}


def test_a_page_shows_who_is_over_and_who_is_not() -> None:
    tasks = {name: watched(name) for name in "甲乙丙"}
    one = look(tasks)
    rows = page(("甲", "SUCCEEDED", 3.0), ("乙", "RUNNING", 2.0), ("别人", "FAILED", 1.5), ("丙", "PENDING", 1.0))
    assert take(one, tasks, rows) == {"甲"}
    assert one.done
    assert [(tasks[name].over, tasks[name].runs, tasks[name].alive_s) for name in "甲乙丙"] == [
        (True, False, 0.0),
        (False, True, 5.0),
        (False, False, 5.0),
    ]


def test_reading_stops_when_all_are_shown() -> None:
    """Though the list has a thousand pages more."""
    tasks = {"甲": watched("甲")}
    one = look(tasks)
    take(one, tasks, page(("甲", "RUNNING", 9.0), ("别人", "RUNNING", 8.0), total=2000, full=True))
    assert one.done
    assert one.rows_a_page == 2


def test_reading_stops_where_older_pages_show_none_of_ours() -> None:
    """If the list is in order: what was shown before would stand above."""
    tasks = {"甲": watched("甲", 8.5), "乙": watched("乙", 9.5)}
    one = look(tasks)
    take(one, tasks, page(("乙", "RUNNING", 9.5), ("别人", "RUNNING", 8.0), total=2000, full=True))
    assert one.done
    assert one.end() == []
    assert (tasks["甲"].unseen, tasks["乙"].unseen) == (1, 0)


def test_it_is_read_on_to_a_page_where_ours_is_known_to_stand() -> None:
    tasks = {"甲": watched("甲", 1.0)}
    one = look(tasks, pages_max=1)
    pages = [page((f"别人{n}", "RUNNING", 9.0 - n), total=9, full=True) for n in range(3)]
    take(one, tasks, *pages)
    assert not one.done


@pytest.mark.parametrize("stamps", [(1.0, 2.0), (None, 2.0), (2.0, None)])
def test_a_list_in_no_order_is_read_up_to_a_bound(stamps: tuple[float | None, float | None]) -> None:
    tasks = {"甲": watched("甲", 1.0)}
    one = look(tasks, pages_max=2)
    first, second = stamps
    take(one, tasks, page(("别人", "RUNNING", first), ("另一个", "RUNNING", second), total=900, full=True))
    assert not one.done
    one.take(page(("又一个", "RUNNING", 1.5), total=900, full=True), tasks, 6.0)
    assert one.done


def test_a_task_that_looks_do_not_show_is_not_expected_any_more() -> None:
    tasks = {"甲": watched("甲")}
    ends = []
    for _ in range(UNSEEN_LOOKS):
        one = look(tasks)
        take(one, tasks, page(("别人", "RUNNING", 3.0)))
        ends.append([missing.job_id for missing in one.end()])
    assert ends == [[]] * (UNSEEN_LOOKS - 1) + [["甲"]]
    assert not tasks["甲"].is_listed


def test_who_ran_and_is_missing_between_two_that_run_is_over() -> None:
    """Only tasks that were seen to run: another may wait in the service's queue."""
    tasks = {
        "之间": watched("之间", 5.0, runs=True),
        "排队": watched("排队", 5.5),
        "更旧": watched("更旧", 1.0, runs=True),
        "从未列出": watched("从未列出", None, runs=True),
    }
    one = look(tasks, RUNNING)
    assert take(one, tasks, page(("a", "RUNNING", 9.0), ("b", "RUNNING", 4.0), total=9, full=True)) == {"之间"}


def test_a_page_that_is_the_whole_list_misses_nobody() -> None:
    """Nothing runs any more: whoever did is over, in whatever order the page is."""
    tasks = {"甲": watched("甲", None, runs=True), "乙": watched("乙", 5.0), "丙": watched("丙", 3.0, runs=True)}
    rows = page(("a", "RUNNING", 1.0), ("b", "RUNNING", 4.0))
    assert take(look(tasks, RUNNING), tasks, rows) == {"甲", "丙"}
    tasks = {"丁": watched("丁", 3.0, runs=True)}
    assert take(look(tasks, RUNNING), tasks, page()) == {"丁"}


@pytest.mark.parametrize(
    "rows",
    [
        (("a", "RUNNING", 2.0), ("b", "RUNNING", 9.0)),  # in another order
        (("a", "RUNNING", 9.0), ("b", "SUCCEEDED", 2.0)),  # the status is not heeded
        (("a", "RUNNING", 9.0), ("b", "RUNNING", None)),
    ],
)
def test_a_page_that_may_leave_out_a_task_proves_nothing(rows: tuple[tuple[str, str, float | None], ...]) -> None:
    tasks = {"甲": watched("甲", 5.0, runs=True)}
    assert take(look(tasks, RUNNING), tasks, page(*rows, total=9, full=True)) == set()


def test_pages_that_overlap_are_in_order() -> None:
    """New tasks push others to the next page."""
    tasks = {"甲": watched("甲", 1.0, runs=True)}
    one = look(tasks)
    take(one, tasks, page(("a", "RUNNING", 9.0), ("b", "RUNNING", 8.0), total=9, full=True))
    take(one, tasks, page(("a", "RUNNING", 9.0), ("b", "RUNNING", 8.0), ("c", "RUNNING", 7.0), total=9, full=True))
    assert one.in_order


@pytest.mark.parametrize("pages", [[page(total=9)], [page(("a", "RUNNING", 3.0), total=9, full=True)] * 2])
def test_an_empty_page_and_one_that_repeats_end_the_look(pages: list[TaskPage]) -> None:
    """Whatever the list says of its length."""
    tasks = {"甲": watched("甲", 1.0)}
    one = look(tasks)
    take(one, tasks, *pages)
    assert one.done
