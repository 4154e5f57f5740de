"""A journal that several machines share: what it costs beside a file, how fast owners claim rows, and how machines keep limits.

`--only one|owners|three|dies|size|plans`; `plans` fills ten million rows (six minutes, 15 GB) and prints how they are
looked for.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.batches import MODEL, Limits, bailian, ideal_s, overlay  # noqa: E402
from benchmarks.calls import Load, stub  # noqa: E402
from benchmarks.calls import overlay as texts_overlay  # noqa: E402
from tests.support.postgresql import PostgresServer  # noqa: E402

KEY, ACCOUNT, RUN = "sk-0123456789abcdef", "account", "batch:bench"
DURABLE = {"fsync": "on", "shared_buffers": "512MB", "autovacuum": "on", "max_wal_size": "4GB"}
OWNERS, OWNED_ROWS, AT_ONCE = 8, 40_000, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["one", "owners", "three", "dies", "size", "plans"], action="append")
    parser.add_argument("--rows", type=int, help="of `one` (texts) and of `plans`")
    parser.add_argument("--owner", help="used by itself: the address that an owner of `owners` works at")
    given = parser.parse_args()
    if given.owner:
        owner(given.owner)
        return
    wanted = given.only or ["one", "owners", "three", "dies", "size"]
    measures = {"owners": owners, "three": three, "dies": dies, "size": size}
    with closing(PostgresServer(**DURABLE)) as server:
        for name in wanted:
            if name == "one":
                one(server, given.rows or 5_000)
            elif name == "plans":
                plans(server, given.rows or 10_000_000)
            else:
                measures[name](server)


# ── one machine: a server beside a file ──


def one(server: PostgresServer, rows: int, rounds: int = 3) -> None:
    """Texts and pictures on both, in turn."""
    print(f"\none machine: a server beside a file, {rows} texts, then a picture")
    cpu_ms: dict[str, list[float]] = {"file": [], "server": []}
    lags_s: dict[str, list[float]] = {"file": [], "server": []}
    for _ in range(rounds):
        for name in cpu_ms:
            url = server.new_database() if name == "server" else ""
            cpu_ms[name].append(texts_ms(rows, url))
            lags_s[name] += picture_lags_s(server.new_database() if name == "server" else "")
    ratios = [there / here for here, there in zip(cpu_ms["file"], cpu_ms["server"], strict=True)]
    told = ", ".join(f"{name} {statistics.median(found):.2f} ms" for name, found in cpu_ms.items())
    print(f"  CPU a text row of this process: {told}; {statistics.median(ratios):.2f} x (median of {rounds})")
    medians_s = {name: statistics.median(found) for name, found in lags_s.items()}
    told = ", ".join(f"{name} {found * 1000:.0f} ms" for name, found in medians_s.items())
    print(f"  a task's end to its file, median of 60: {told}; {medians_s['server'] / medians_s['file']:.2f} x")


def texts_ms(rows: int, url: str) -> float:
    load = Load(rows, 10_000, 0.0)
    with tempfile.TemporaryDirectory() as folder, stub(load, None) as service:
        home, cwd = Path(folder) / "home", Path(folder)
        texts_overlay(home, load, None)
        lines = (json.dumps({"kind": "text", "prompt": f"第{i}题"}, ensure_ascii=False) + "\n" for i in range(rows))
        (cwd / "rows.jsonl").write_text("".join(lines), "utf-8")
        words = ["batch", "run", "rows.jsonl", "-q", "--yes", "--no-gallery", *(["--run", "bench"] if url else [])]
        measured = bailian(words, home, cwd, service.base_url, journal=url)
        assert measured.delivered == rows
    return measured.cpu_s / rows * 1000


def picture_lags_s(url: str, count: int = 20) -> list[float]:
    """Return how long after its task's end each file was there."""
    from bailian.sandbox import Sandbox

    limits = Limits(20.0, 20, 100)
    with tempfile.TemporaryDirectory() as folder, Sandbox(task_s=2.0, jitter=0.3, models={MODEL: limits}) as box:
        home, cwd = Path(folder) / "home", Path(folder)
        overlay(home, MODEL, limits)
        rows = [{"prompt": f"第{i}只猫", "size": "512*512", "name": f"p{i}"} for i in range(count)]
        (cwd / "rows.json").write_text(json.dumps({"image_tasks": rows}), encoding="utf-8")
        words = ["batch", "run", "rows.json", "-q", "--yes", "--no-gallery", *(["--run", "bench"] if url else [])]
        bailian(words, home, cwd, box.base_url, journal=url)
        ends_s = {task.body["input"]["prompt"]: task.ended for task in box.tasks}
        folder_of = next(cwd.glob("outputs/*"))
        return [(folder_of / f"p{i}.png").stat().st_mtime - ends_s[f"第{i}只猫"] for i in range(count)]


# ── owners of one server, without a service ──


def filled(url: str, rows: int) -> None:
    """Write rows down as a batch does."""
    from bailian.store.backends.journal_place import JournalPlace
    from bailian.store.batches import BatchStore
    from bailian.store.jobs import Journal

    with closing(Journal(JournalPlace(Path(), url))) as journal:
        BatchStore(journal, ACCOUNT, None).intend_all(job_values(number) for number in range(rows))


def job_values(number: int) -> tuple[Any, ...]:
    request = {"prompt": f"第{number}题", "model": "qwen-plus"}
    body = {"model": "qwen-plus", "input": {"messages": [{"role": "user", "content": f"第{number}题"}]}}
    prepared = {"mode": "sync", "route": "/text", "body": body, "count": 1, "row": {"where": f"line {number}"}}
    saving = {"folder": None, "template": ""}
    texts = (json.dumps(one, ensure_ascii=False) for one in (request, prepared, saving))
    names = (f"{number:x}-bench", ACCOUNT, "text", "qwen-plus", "qwen-plus", "waiting", None)
    return (*names, *texts, time.time(), 0.003, RUN, f"key-{number}")


def owner(url: str) -> None:
    """Claim rows, mark them as leaving, record their answers and ends, as a machine does; tell how long claims took."""
    from bailian.store.backends.journal_place import JournalPlace
    from bailian.store.batches import BatchStore
    from bailian.store.jobs import Journal
    from bailian.store.leases import lease_at
    from bailian.store.schema import JobEnd, JobResult
    from bailian.store.states import Status

    place = JournalPlace(Path(), url)
    answer = {"output": {"choices": [{"message": {"role": "assistant", "content": "好的。"}}]}, "usage": {}}
    claims_s: list[float] = []
    done = 0
    with lease_at(place) as lease, closing(Journal(place)) as journal:
        journal.owner = lease.id
        waiting = BatchStore(journal, ACCOUNT, None).waiting(RUN, lease.id, "qwen-plus")
        print("ready", flush=True)
        sys.stdin.readline()
        while True:
            begun_s = time.perf_counter()
            rows = [row for _, row in zip(range(AT_ONCE), waiting, strict=False)]
            claims_s.append(time.perf_counter() - begun_s)
            if not rows:
                break
            ids = [row.id for row in rows]
            with journal.database.transaction():
                journal.record_intents(ids, lease.id)
            with journal.database.transaction():
                journal.store_answers([JobResult(one, answer, 0.001, None, one) for one in ids])
                journal.finish([JobEnd(one, Status.DONE) for one in ids])
            done += len(ids)
    print(json.dumps({"done": done, "claims_s": claims_s}))


def owners(server: PostgresServer) -> None:
    url = server.new_database()
    filled(url, OWNED_ROWS)
    words = [sys.executable, __file__, "--owner", url]
    started = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(OWNERS)]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    begun_s = time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [json.loads(process.communicate()[0]) for process in started]
    took_s = time.perf_counter() - begun_s
    claims_s = sorted(claim for one in told for claim in one["claims_s"])
    print(f"\n{OWNERS} owners, {OWNED_ROWS} rows, {AT_ONCE} at a time: claimed, marked, recorded")
    print(f"  {sum(one['done'] for one in told)} done, each {sorted(one['done'] for one in told)}")
    print(
        f"  {OWNED_ROWS / took_s:.0f} rows a second; a claim: median {statistics.median(claims_s) * 1000:.1f} ms,",
        end="",
    )
    print(f" 99 % within {claims_s[int(0.99 * len(claims_s))] * 1000:.0f} ms")


# ── machines at one account ──


class Machine:
    """A process with a home of its own, at the same journal."""

    def __init__(self, folder: Path, url: str, base_url: str, limits: Any) -> None:
        self.folder, self.home = folder, folder / "home"
        overlay(self.home, MODEL, limits)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("BAILIAN_", "DASHSCOPE_"))},
            "BAILIAN_HOME": str(self.home),
            "BAILIAN_JOURNAL": url,
            "DASHSCOPE_API_KEY": KEY,
            "DASHSCOPE_HTTP_BASE_URL": base_url,
            "PYTHONPATH": str(ROOT),
        }

    def start(self, rows: Path, output: Path) -> subprocess.Popen[bytes]:
        words = ["batch", "run", str(rows), "--run", "bench", "-o", str(output), "-q", "--yes", "--no-gallery"]
        return subprocess.Popen(
            [sys.executable, "-m", "bailian", *words],
            env=self._environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )


def pictures_file(folder: Path, count: int) -> Path:
    rows = (
        json.dumps({"kind": "image", "prompt": f"第{i}只猫", "size": "512*512", "model": MODEL}) for i in range(count)
    )
    path = folder / "rows.jsonl"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def three(server: PostgresServer, count: int = 400) -> None:
    """Pictures at one account's 20 a second, 20 running: three machines beside what the account allows."""
    from bailian.sandbox import Sandbox

    limits = Limits(20.0, 20, 100)
    with tempfile.TemporaryDirectory() as name, Sandbox(task_s=2.5, jitter=0.35, models={MODEL: limits}) as box:
        folder, url = Path(name), server.new_database()
        machines = [Machine(folder / f"machine-{number}", url, box.base_url, limits) for number in range(3)]
        rows = pictures_file(folder, count)
        codes = [one.wait() for one in [machine.start(rows, folder / "made") for machine in machines]]
        files = list((folder / "made").glob("*.png"))
        tasks = box.tasks
        took_s = max(path.stat().st_mtime for path in files) - min(task.created for task in tasks)
        floor_s = ideal_s(tasks, limits)
        kinds = Counter(request.kind for request in box.requests)
        refused = Counter(request.kind for request in box.requests if request.status == 429)
        prompts = [task.body["input"]["prompt"] for task in tasks]
        print(f"\nthree machines, {count} pictures at 20 a second, 20 running: exit codes {codes}")
        print(f"  {len(files)} files, {len(prompts)} tasks, {len(prompts) - len(set(prompts))} twice")
        print(f"  first submit to last file {took_s:.1f} s = {took_s / floor_s:.3f} x the ideal of {floor_s:.1f} s")
        print(f"  requests {dict(kinds)}, refused {dict(refused)}")


def dies(server: PostgresServer, rounds: int = 3) -> None:
    """How long after a machine's death another one asks for its tasks."""
    from bailian.sandbox import Sandbox

    found_s = []
    for _ in range(rounds):
        limits = Limits(50.0, 60, 100)
        with tempfile.TemporaryDirectory() as name, Sandbox(task_s=8.0, models={MODEL: limits}) as box:
            folder, url = Path(name), server.new_database()
            machines = [Machine(folder / f"machine-{number}", url, box.base_url, limits) for number in range(2)]
            rows = pictures_file(folder, 60)
            running = [machine.start(rows, folder / "made") for machine in machines]
            while len(box.tasks) < 60:
                time.sleep(0.05)
            os.killpg(running[0].pid, signal.SIGKILL)
            died_s = time.time()
            running[0].wait()
            name_of = url.rpartition("/")[2]
            sql = f"SELECT COUNT(*) FROM bailian.jobs JOIN bailian.owners ON jobs.owner = owners.id WHERE pid = {running[0].pid}"
            while (left := server.execute(sql, name_of)[0][0]) and running[1].poll() is None:
                time.sleep(0.1)
            found_s.append(time.time() - died_s)
            assert running[1].wait() == 0, left
    print(f"\na machine dies: its jobs go on elsewhere after {', '.join(f'{one:.0f}' for one in found_s)} s")


# ── how much it is ──


def size(server: PostgresServer, rows: int = 5_000) -> None:
    """Statements, bytes and the log's bytes of a text row, from the file's line to its end."""
    url = server.new_database()
    name = url.rpartition("/")[2]
    server.execute("SELECT 1", name)
    before = server.execute("SELECT pg_current_wal_lsn()")[0][0]
    counted = statements(server, lambda: texts_ms(rows, url))
    wal_bytes = server.execute(f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{before}')")[0][0]
    sizes = server.execute(
        "SELECT relname, pg_table_size(c.oid), pg_indexes_size(c.oid) FROM pg_class c JOIN pg_namespace n"
        " ON n.oid = relnamespace WHERE nspname = 'bailian' AND relkind = 'r' ORDER BY 2 DESC LIMIT 4",
        name,
    )
    print(f"\n{rows} text rows on a server")
    print(
        f"  statements a row {counted['statements'] / rows:.2f}, transactions a row {counted['transactions'] / rows:.3f}"
    )
    print(f"  bytes of the log a row {int(str(wal_bytes)) / rows:.0f}")
    for table, heap, indexes in sizes:
        print(f"  {table}: {int(str(heap)) / rows:.0f} bytes a row, indexes {int(str(indexes)) / rows:.0f}")


def statements(server: PostgresServer, act: Any) -> dict[str, int]:
    """Return what the server was asked while `act` ran: its log of statements, counted."""
    log = server.log
    server.execute("ALTER SYSTEM SET log_statement = 'all'")
    server.execute("SELECT pg_reload_conf()")
    time.sleep(1)
    begin = log.stat().st_size
    act()
    with log.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode("utf-8", "replace").splitlines()
    server.execute("ALTER SYSTEM RESET log_statement")
    server.execute("SELECT pg_reload_conf()")
    said = [line for line in lines if "LOG:  statement:" in line or "LOG:  execute" in line]
    return {"statements": len(said), "transactions": sum(1 for line in said if "COMMIT" in line)}


FILL = """
INSERT INTO jobs (id, account, kind, model, wire_model, state, owner, request, prepared, saving, created_at_s, sent_at_s,
  sent_server_s, ended_at_s, request_id, answer, estimate_cny, charged_cny, run, row_key)
SELECT 'j' || n, '{account}', 'text', 'qwen-plus', 'qwen-plus',
  CASE WHEN n > {rows} - 20000 THEN 'waiting' ELSE 'done' END, NULL,
  '{{"prompt":"第' || n || '题","model":"qwen-plus"}}', '{{"mode":"sync","route":"/text","count":1,"row":{{"where":"line ' || n || '"}}}}',
  '{{"folder":null,"template":""}}', 1.79e9 + n * 0.26,
  CASE WHEN n > {rows} - 20000 THEN NULL ELSE 1.79e9 + n * 0.26 END, CASE WHEN n > {rows} - 20000 THEN NULL ELSE 1.79e9 + n * 0.26 END,
  CASE WHEN n > {rows} - 20000 THEN NULL ELSE 1.79e9 + n * 0.26 + 2 END, 'r' || n, '{{"output":{{"text":"好的。"}}}}', 0.003, 0.001,
  'batch:run-' || (n / 100000), 'key-' || n
FROM generate_series({first}, {last}) AS n
"""


def plans(server: PostgresServer, rows: int) -> None:
    """Print how the statements of a run look for their rows among so many."""
    from bailian.store.backends.journal_place import JournalPlace
    from bailian.store.jobs import Journal

    url = server.new_database()
    name = url.rpartition("/")[2]
    with closing(Journal(JournalPlace(Path(), url))):
        pass  # makes the tables
    begun_s = time.perf_counter()
    for first in range(1, rows + 1, 500_000):
        last = min(rows, first + 499_999)
        sql = FILL.format(account=ACCOUNT, rows=rows, first=first, last=last)
        server.execute(f"SET search_path TO bailian; SET session_replication_role = replica; {sql}", name)
    server.execute("ANALYZE", name)
    held = server.execute("SELECT pg_total_relation_size('bailian.jobs')", name)[0][0]
    print(
        f"\n{rows} rows: {int(str(held)) / rows:.0f} bytes each with indexes, filled in {time.perf_counter() - begun_s:.0f} s"
    )
    run = f"batch:run-{rows // 100_000 - 1}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET search_path TO bailian")
        for title, sql in looked_for(run).items():
            connection.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {sql}".encode())  # the second finds its pages
            found = connection.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {sql}".encode()).fetchall()
            print(f"\n{title}\n" + "\n".join(f"    {line}" for (line,) in found))


def looked_for(run: str) -> dict[str, str]:
    of_run = f"account = '{ACCOUNT}' AND run = '{run}'"
    picked = (
        f"SELECT rowid FROM jobs WHERE {of_run} AND owner IS NULL AND wire_model = 'qwen-plus' AND state = 'waiting'"
        " AND (rowid + 0) > 0 AND NOT EXISTS (SELECT 1 FROM chains WHERE chains.job_id = jobs.id AND complete = 0)"
        " ORDER BY (rowid + 0) LIMIT 50 FOR UPDATE SKIP LOCKED"
    )
    return {
        "claim": f"WITH picked AS MATERIALIZED ({picked}) UPDATE jobs SET owner = 'me'"
        " WHERE rowid IN (SELECT rowid FROM picked) RETURNING *",
        "tasks list": f"SELECT * FROM jobs WHERE account = '{ACCOUNT}' ORDER BY created_at_s DESC LIMIT 20",
        "fifty jobs by their ids": "UPDATE jobs SET state = 'sending' WHERE id IN (SELECT json_array_elements_text("
        f"CAST('{json.dumps([f'j{number}' for number in range(5000, 5050)])}' AS JSON))) AND (state || '') IN ('done')",
        "one job": "SELECT * FROM jobs WHERE id = 'j77777'",
        "open jobs": f"SELECT id FROM jobs WHERE state IN ('sending', 'unsettled', 'submitted', 'ended') AND account = '{ACCOUNT}'"
        " ORDER BY created_at_s LIMIT 100",
        "owners of a run": f"SELECT DISTINCT owner FROM jobs WHERE {of_run} AND state IN ('waiting', 'sending') AND owner IS NOT NULL",
    }


if __name__ == "__main__":
    main()
