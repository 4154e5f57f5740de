"""A journal of a thousand jobs beside one of a million: lists, costs, budgets, ids; and how long an older file takes to
be brought up to date. Nothing is sent.

    python benchmarks/journal.py [--jobs 1000 1000000] [--answer-bytes 400]
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bailian.config.settings import read_settings
from bailian.store.budgets import Budget
from bailian.store.jobs import Journal
from bailian.store.schema import FILE_NAME
from bailian.types import StoredRequest

ROOT = Path(__file__).resolve().parent.parent
KEY = "sk-benchmark-0123456789"
DAYS = 30
ROUNDS = 5
SENT = 100
FILL = """
INSERT INTO jobs (id, account, kind, model, wire_model, state, request, prepared, saving, created_at_s, sent_at_s,
  ended_at_s, task_id, request_id, answer, estimate_cny, charged_cny, run_s, run, row_key)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :jobs)
SELECT printf('%x-%d', :now - i * :step, i), :account, 'image', 'model-' || (i % 5), 'model-' || (i % 5), 'done',
  '{"prompt": "cat"}', '{"mode": "task", "units": 1}', '{"template": ""}', :now - i * :step, :now - i * :step,
  :now - i * :step + 5, 'task-' || i, 'request-' || i,
  '{"usage": {"image_count": 1}, "output": "' || printf('%.*c', :bytes, 'x') || '"}', 0.14, 0.14, 5.0,
  CASE WHEN i % 10 THEN 'batch:/' || (i / 100000) || '.json' END, CASE WHEN i % 10 THEN 'row-' || i END FROM n
"""


def fill(home: Path, jobs: int, account: str, answer_bytes: int) -> None:
    with closing(Journal(home)):
        pass
    with closing(sqlite3.connect(home / FILE_NAME)) as db:
        db.execute("PRAGMA synchronous=OFF")
        step = DAYS * 86400.0 / jobs
        values = {"jobs": jobs, "now": time.time(), "step": step, "account": account, "bytes": answer_bytes}
        db.execute(FILL, values)
        db.commit()


def cpu_s() -> float:
    """Return the processor's time of this process and its children: the clock's would be the other processes' too."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def ms(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    taken = []
    for _ in range(rounds):
        start_s = cpu_s()
        call()
        taken.append(cpu_s() - start_s)
    return statistics.median(taken) * 1000


def command_ms(home: Path, *words: str) -> float:
    env = {**os.environ, "BAILIAN_HOME": str(home), "DASHSCOPE_API_KEY": KEY, "PYTHONPATH": str(ROOT)}
    env |= {"BAILIAN_DAY_BUDGET_CNY": "1e6", "BAILIAN_MONTH_BUDGET_CNY": "1e6"}
    run = [sys.executable, "-m", "bailian", *words]
    return ms(lambda: subprocess.run(run, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def sent_ms(home: Path, account: str, budgets: tuple[Budget, ...]) -> float:
    """Return what one row costs that is written down as leaving, its budgets checked."""
    with closing(Journal(home)) as journal:
        ids = [
            journal.intend(
                account=account, kind="image", model="model-1", wire_model="model-1", request={}, prepared=StoredRequest(),
                saving={}, estimate_cny=0.14, owner="o",
            )
            for _ in range(SENT)
        ]  # fmt: skip
        following = iter(ids)
        return ms(lambda: journal.record_intents([next(following)], "o", budgets), SENT)


def measured(jobs: int, answer_bytes: int) -> dict[str, float]:
    os.environ["DASHSCOPE_API_KEY"] = KEY
    account = read_settings().account
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        found = {
            "filling it (s)": ms(lambda: fill(home, jobs, account, answer_bytes), 1) / 1000,
            "`tasks list`": command_ms(home, "tasks", "list"),
            "`tasks list --state done --state failed`": command_ms(
                home, "tasks", "list", "--state", "done", "--state", "failed"
            ),
            "`tasks show ID`": command_ms(home, "tasks", "show", f"task-{jobs // 2}"),
            "`cost`, with budgets": command_ms(home, "cost"),
            "a row sent, without budgets": sent_ms(home, account, ()),
            "a row sent, day and month budgets": sent_ms(home, account, (Budget(1e6, "day"), Budget(1e6, "month"))),
        }
        downgrade(home)
        found["an older file brought up to date (s)"] = ms(lambda: Journal(home).close(), 1) / 1000
        return found


def downgrade(home: Path) -> None:
    """Make it a file of version 4: what that had, and the next has no more."""
    with closing(sqlite3.connect(home / FILE_NAME)) as db:
        for name, kind in db.execute("SELECT name, type FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP {kind} {name}")
        for table in ("counted_sums", "charged_sums", "maybe_sums"):
            db.execute(f"DROP TABLE {table}")
        for index in ("jobs_by_task", "jobs_by_request", "jobs_by_state", "jobs_by_creation"):
            db.execute(f"DROP INDEX {index}")
        for index in ("jobs_by_task", "jobs_by_state", "jobs_by_time"):
            db.execute(f"CREATE INDEX {index} ON jobs (account)")
        db.execute("PRAGMA user_version=4")
        db.commit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--answer-bytes", type=int, default=400)
    asked = parser.parse_args()
    columns = {jobs: measured(jobs, asked.answer_bytes) for jobs in asked.jobs}
    print(f"{'CPU, ms, median':44}" + "".join(f"{jobs:>14,}" for jobs in columns))
    for name in next(iter(columns.values())):
        print(f"{name:44}" + "".join(f"{found[name]:14.2f}" for found in columns.values()))


if __name__ == "__main__":
    main()
