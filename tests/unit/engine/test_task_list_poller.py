"""What the task list tells of many tasks, whatever its pages look like: it saves queries, and nothing depends on it."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.polled_service import ListHabits, MadeTask, PolledService, at_the_limit

HABITS = {
    "pages of 100": ListHabits(),
    "pages of 50": ListHabits(page_size=50),
    "pages of 20": ListHabits(page_size=20),
    "larger pages are refused": ListHabits(page_size=20, refuses_larger=True),
    "pages of 20, and total_page says one": ListHabits(page_size=20, says_one_page=True),
    "oldest first": ListHabits(order="oldest"),
    "in no order": ListHabits(order="shuffled"),
    "the status is not heeded": ListHabits(page_size=20, filters="no"),
    "the status is refused": ListHabits(page_size=20, filters="refused"),
    "a second late": ListHabits(late_s=1.0),
    "others' tasks come meanwhile": ListHabits(others_per_s=10.0),
    "a fifth is missing": ListHabits(hidden=0.2),
}


def pictures(count: int = 200, seed: int = 1) -> list[MadeTask]:
    """20 at work, 10 in the queue behind them, 2.5 to 5.3 s each."""
    chance = random.Random(seed)
    return at_the_limit(count, running=20, ahead=10, duration_s=lambda: chance.uniform(2.5, 5.3))


def all_at_once(count: int, *, seed: int = 1) -> list[MadeTask]:
    """All in flight, about seven a second end; they wait in the queue for a tenth of their time."""
    chance = random.Random(seed)
    tasks = []
    for number in range(count):
        takes_s = count / 12 * chance.uniform(0.2, 1.8)
        created_s = number / 870
        tasks.append(MadeTask(f"t-{number}", created_s, created_s + 0.1 * takes_s, created_s + takes_s))
    return tasks


def test_one_page_tells_of_all_that_run() -> None:
    """Twenty pictures at a time: hardly more than the one query each that brings the results."""
    service = PolledService()
    lags_s = service.run(pictures())
    assert service.queries / 200 <= 1.3
    assert statistics.median(lags_s) <= 0.6


def test_a_single_task_is_asked_for_by_itself() -> None:
    service = PolledService()
    service.run(at_the_limit(1, running=1, duration_s=lambda: 30.0))
    assert service.counts["list"] == 0


def test_tasks_that_end_when_expected_are_asked_for_by_themselves() -> None:
    """A page would tell what is known: the query for the results is all that is needed."""
    service = PolledService(known_durations_s=[3.0] * 20)
    service.run(at_the_limit(12, running=2, ahead=0, per_s=2, duration_s=lambda: 3.0))
    assert (service.counts["list"], service.counts["task"]) == (0, 12)


def test_a_few_films_need_fewer_queries_with_the_list() -> None:
    chance = random.Random(1)
    films = at_the_limit(5, running=5, duration_s=lambda: chance.uniform(200, 300))
    alone = PolledService(ListHabits(broken=True))
    alone.run(films)
    listed = PolledService()
    listed.run(films)
    assert listed.queries < 0.5 * alone.queries


@pytest.mark.few(2)
@pytest.mark.parametrize("habits", HABITS.values(), ids=HABITS)
def test_whatever_the_pages_look_like(habits: ListHabits) -> None:
    """Fewer queries than without the list (3.5 a job), and no file comes late by more than a moment."""
    service = PolledService(habits)
    lags_s = sorted(service.run(pictures()))
    assert service.queries / 200 <= 1.8
    assert statistics.median(lags_s) <= 0.7 + habits.late_s
    assert lags_s[-1] <= 4.0 + habits.late_s


@pytest.mark.parametrize(
    "habits",
    [ListHabits(broken=True), ListHabits(hidden=1.0), ListHabits(order="oldest", others_before=5000)],
    ids=["broken", "empty", "ours come last, behind thousands"],
)
def test_without_the_list_every_task_is_asked_for_by_itself(habits: ListHabits) -> None:
    service = PolledService(habits)
    lags_s = sorted(service.run(pictures(100)))
    assert service.queries / 100 <= 4.0
    assert statistics.median(lags_s) <= 2.0


def test_no_task_is_asked_for_without_end() -> None:
    """A list that shows everything as over is wrong once a task, not again and again."""
    service = PolledService(ListHabits(late_s=-3.0))
    service.run(pictures(60))
    assert max(service.asked.values()) <= 12


@pytest.mark.slow
@pytest.mark.parametrize("page_size", [20, 100])
def test_hundreds_in_flight_share_the_queries_with_the_pages(page_size: int) -> None:
    """Many pages of which few matter: those of tasks that run are read, and ended ones fetched in between."""
    service = PolledService(ListHabits(page_size=page_size))
    lags_s = sorted(service.run(all_at_once(600)))
    assert statistics.median(lags_s) <= 2.0
    assert lags_s[int(0.95 * 600)] <= 6.0
    assert service.queries / 600 <= 3.0


def test_a_film_that_takes_half_as_long_as_the_first_comes_soon() -> None:
    """One film shows how long films take, not how evenly."""
    takes_s = iter([262.0, 161.0])
    lags_s = PolledService().run(at_the_limit(2, running=1, ahead=0, duration_s=lambda: next(takes_s)))
    assert max(lags_s) <= 11.0


@pytest.mark.slow
@settings(max_examples=60)
@given(
    habits=st.builds(
        ListHabits,
        page_size=st.sampled_from([10, 20, 50, 100]),
        refuses_larger=st.booleans(),
        order=st.sampled_from(["newest", "oldest", "shuffled"]),
        filters=st.sampled_from(["yes", "no", "refused"]),
        late_s=st.sampled_from([0.0, 0.5, 3.0]),
        hidden=st.sampled_from([0.0, 0.1, 1.0]),
        others_per_s=st.sampled_from([0.0, 2.0, 20.0]),
        others_before=st.sampled_from([0, 50, 3000]),
        throttled=st.sampled_from([0.0, 0.02, 0.1]),
        broken=st.booleans(),
        says_one_page=st.booleans(),
    ),
    count=st.integers(1, 80),
    running=st.integers(1, 40),
    lasts_s=st.sampled_from([(0.2, 0.5), (2.5, 5.3), (20.0, 40.0), (60.0, 300.0)]),
    seed=st.integers(0, 10**6),
)
def test_each_task_is_fetched_once_and_soon(
    habits: ListHabits, count: int, running: int, lasts_s: tuple[float, float], seed: int
) -> None:
    """Whatever the service gives: every job ends, with a bounded number of queries, a bounded time after its task."""
    chance = random.Random(seed)
    tasks = at_the_limit(count, running=running, ahead=running // 2, duration_s=lambda: chance.uniform(*lasts_s))
    service = PolledService(habits, seed)
    lags_s = sorted(service.run(tasks))
    assert len(lags_s) == count
    # By itself a task of unknown duration is asked for every 0.15 of its time, at most every 10 s.
    takes_s = tasks[-1].ends_s
    assert service.queries <= 40 * count + 2 * takes_s
    assert statistics.median(lags_s) <= 12.0 + habits.late_s + count / 5
