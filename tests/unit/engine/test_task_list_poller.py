"""What the task list tells of many tasks: page by page, no more often than it may, and not at all while it is broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bailian.engine.task_list import EVERY_S, FROM_TASKS, REST_S, TaskListPoller
from bailian.errors import TransportError
from bailian.service.client import ListedTask
from tests.support.clocks import Clock

Note = Callable[[list[ListedTask]], None]


def listed(task_id: str, status: str) -> ListedTask:
    return ListedTask(task_id, "万相", status, "r", 0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


def test_a_page_counts_before_the_next_one_has_come(clock: Clock) -> None:
    seen: list[bool] = []

    def read(note: Note) -> None:
        note([listed("甲", "SUCCEEDED"), listed("乙", "RUNNING")])
        seen.append(task_list.is_over("甲"))  # as another thread would ask meanwhile
        note([listed("丙", "FAILED")])

    task_list = TaskListPoller(read, clock)
    task_list.waiting |= {"甲", "乙", "丙"}
    assert task_list.is_over("丙")
    assert seen == [True]
    assert not task_list.is_over("乙")


def test_the_list_is_read_again_after_a_while_counted_from_its_beginning(clock: Clock) -> None:
    reads: list[float] = []

    def read(note: Note) -> None:
        reads.append(clock.now_s)
        clock.now_s += EVERY_S + 1  # so long do its pages take

    task_list = TaskListPoller(read, clock)
    task_list.waiting.add("甲")
    task_list.is_over("甲")
    task_list.is_over("甲")
    assert len(reads) == 2
    clock.now_s = reads[-1] + EVERY_S - 0.1
    task_list.is_over("甲")
    assert len(reads) == 2


def test_tasks_of_others_and_those_that_were_fetched_are_not_kept(clock: Clock) -> None:
    task_list = TaskListPoller(lambda note: note([listed("甲", "SUCCEEDED"), listed("别人", "SUCCEEDED")]), clock)
    task_list.waiting.add("甲")
    assert task_list.is_over("甲")
    assert not task_list.is_over("别人")


def test_a_list_that_cannot_be_read_is_left_alone_for_a_while(clock: Clock) -> None:
    def broken(note: Note) -> None:
        raise TransportError("坏了")

    task_list = TaskListPoller(broken, clock)
    task_list.waiting |= {str(number) for number in range(FROM_TASKS)}
    assert task_list.wanted
    assert not task_list.is_over("0")
    assert not task_list.wanted
    clock.now_s += REST_S
    assert task_list.wanted


def test_few_tasks_are_asked_for_one_by_one(clock: Clock) -> None:
    task_list = TaskListPoller(lambda note: None, clock)
    task_list.waiting |= {str(number) for number in range(FROM_TASKS - 1)}
    assert not task_list.wanted
