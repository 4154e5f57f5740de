"""What the journal is made of: its tables, and a job's row. The states of a job are in `states`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bailian.store.backends.tables import Tables
from bailian.store.states import Status
from bailian.store.sums import ADD_UP, SUMS_SCHEMA
from bailian.text.storage_path import ResultPath
from bailian.types import StoredRequest

VERSION = 7
DURATIONS_KEPT = 40

_SERVICE_BATCHES = """
CREATE INDEX jobs_by_service_batch ON jobs (account, service_batch) WHERE service_batch IS NOT NULL;
CREATE TABLE service_batches (
  name TEXT PRIMARY KEY, account TEXT NOT NULL, run TEXT NOT NULL, step TEXT NOT NULL, file_id TEXT NOT NULL,
  batch_id TEXT NOT NULL, jobs INTEGER NOT NULL
);
CREATE INDEX service_batches_by_run ON service_batches (account, run);
"""
# Which results of other rows a job takes. Until it is complete its request has no files, and it is not sent.
_CHAINS = """
CREATE TABLE chains (
  job_id TEXT NOT NULL, word TEXT NOT NULL, source_key TEXT NOT NULL, item INTEGER NOT NULL,
  complete INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (job_id, word)
) WITHOUT ROWID;
CREATE INDEX chains_by_source ON chains (source_key);
"""
_PLAIN_SCHEMA = f"""
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, account TEXT NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL, wire_model TEXT NOT NULL,
  state TEXT NOT NULL, owner TEXT, adopted INTEGER NOT NULL DEFAULT 0,
  request TEXT NOT NULL, prepared TEXT NOT NULL, saving TEXT NOT NULL,
  created_at_s REAL NOT NULL, sent_at_s REAL, submitted_at_s REAL, ended_at_s REAL,
  task_id TEXT, request_id TEXT, answer TEXT, error TEXT,
  estimate_cny REAL, charged_cny REAL, run_s REAL, run TEXT, row_key TEXT, lost_cny REAL NOT NULL DEFAULT 0,
  sent_server_s REAL, service_batch TEXT
);
CREATE UNIQUE INDEX jobs_by_task ON jobs (task_id, account) WHERE task_id IS NOT NULL;
CREATE INDEX jobs_by_request ON jobs (request_id, account) WHERE request_id IS NOT NULL;
CREATE INDEX jobs_by_state ON jobs (state, account, created_at_s);
CREATE INDEX jobs_by_creation ON jobs (account, created_at_s);
CREATE INDEX jobs_by_duration ON jobs (model, ended_at_s) WHERE run_s IS NOT NULL;
CREATE INDEX jobs_by_run ON jobs (account, run) WHERE run IS NOT NULL;
CREATE INDEX jobs_by_row ON jobs (account, run, row_key) WHERE row_key IS NOT NULL;
CREATE TABLE runs (
  account TEXT NOT NULL, run TEXT NOT NULL, digest TEXT NOT NULL, rows INTEGER NOT NULL, finished_at_s REAL NOT NULL,
  summary TEXT NOT NULL, PRIMARY KEY (account, run)
);
CREATE TABLE files (
  job_id TEXT NOT NULL REFERENCES jobs (id), item INTEGER NOT NULL, path TEXT NOT NULL, sha256 TEXT, placed INTEGER NOT NULL,
  PRIMARY KEY (job_id, item)
);
{_SERVICE_BATCHES}
{_CHAINS}"""
SCHEMA = f"{_PLAIN_SCHEMA}\n{SUMS_SCHEMA}"

# The name of a job's service batch stood in what was prepared, and how far that had got in a file (see `service_batches`).
_MARK = "CASE WHEN json_valid(prepared) THEN json_extract(prepared, '$.half_price') END"

# What brings a file of an older version up to the next one. Files older than the first of them are refused.
MIGRATIONS = {
    4: """
ALTER TABLE jobs ADD COLUMN sent_server_s REAL;
DROP INDEX jobs_by_time;
CREATE INDEX jobs_by_time ON jobs (account, COALESCE(sent_server_s, sent_at_s), state, charged_cny, estimate_cny, lost_cny)
  WHERE sent_at_s IS NOT NULL;
""",
    # The order of columns lets one index serve `account <> ?`, a task of any account, and the newest first.
    5: f"""
DROP INDEX jobs_by_time;
DROP INDEX jobs_by_task;
DROP INDEX jobs_by_state;
CREATE UNIQUE INDEX jobs_by_task ON jobs (task_id, account) WHERE task_id IS NOT NULL;
CREATE INDEX jobs_by_request ON jobs (request_id, account) WHERE request_id IS NOT NULL;
CREATE INDEX jobs_by_state ON jobs (state, account, created_at_s);
CREATE INDEX jobs_by_creation ON jobs (account, created_at_s);
{SUMS_SCHEMA}
{ADD_UP}
""",
    6: f"""
ALTER TABLE jobs ADD COLUMN service_batch TEXT;
{_SERVICE_BATCHES}
UPDATE jobs SET service_batch = {_MARK} WHERE state IN ('sending', 'unsettled', 'ended');
UPDATE jobs SET service_batch = {_MARK} WHERE (account, run) IN (
  SELECT account, run FROM jobs WHERE service_batch IS NOT NULL);
INSERT INTO service_batches SELECT service_batch, account, COALESCE(MAX(run), ''), '', '', '', COUNT(*) FROM jobs
  WHERE service_batch IS NOT NULL AND state IN ('sending', 'unsettled', 'ended') GROUP BY service_batch;
""",  # noqa: S608
    7: _CHAINS,
}


TABLES = Tables("journal", SCHEMA, VERSION, MIGRATIONS, _PLAIN_SCHEMA)


class JobRow(NamedTuple):
    """One job as the journal has it. Times are seconds since the epoch, money is CNY."""

    id: str
    account: str
    kind: str
    model: str
    wire_model: str
    state: Status
    owner: str | None
    adopted: bool
    request: dict[str, Any]
    prepared: StoredRequest
    saving: dict[str, Any]
    created_at_s: float
    sent_at_s: float | None
    submitted_at_s: float | None
    ended_at_s: float | None
    task_id: str | None
    request_id: str | None
    answer: dict[str, Any] | None
    error: dict[str, Any] | None
    estimate_cny: float | None
    charged_cny: float | None
    run_s: float | None
    run: str | None
    """What it belongs to: "batch:…" or "chat:NAME"."""
    row_key: str | None
    """Which row of the batch it is."""
    lost_cny: float
    """What answers that were lost and asked for again may have cost at most."""
    sent_server_s: float | None
    """When it was sent, by the service's clock; None if that was not known. Comparable with the task list's times."""
    service_batch: str | None = None
    """The batch of the vendor's Batch API that it is in."""


@dataclass(frozen=True)
class FileRecord:
    """A file of a job: its name without suffix while `sha256` is unknown, then its final name."""

    path: ResultPath
    sha256: str | None
    placed: bool


class JobResult(NamedTuple):
    """A job whose whole answer is here."""

    job_id: str
    answer: Mapping[str, Any]
    charged_cny: float | None
    run_s: float | None
    request_id: str | None


class FileRow(NamedTuple):
    """A file of a job and its name: the one it is to get, or has (`placed`)."""

    job_id: str
    item: int
    path: ResultPath
    sha256: str
    placed: bool = False


class JobEnd(NamedTuple):
    """A job that is over."""

    job_id: str
    state: Status
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class LastAttempt:
    """The newest try of a row."""

    job_id: str
    state: Status
    exit_code: int | None
    """Of its error, if it has one."""
    error_code: str | None = None
    model: str = ""
    estimate_cny: float | None = None


@dataclass(frozen=True)
class Count:
    """How many newest tries of a batch share a kind, a state and a category of error; what they cost."""

    kind: str
    state: Status
    error_code: str | None
    jobs: int
    charged_cny: float
    estimate_cny: float


_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


def dumped(value: object) -> str:
    """Return JSON as the journal has it. One encoder for all: building it takes longer than using it."""
    return _ENCODER.encode(value)
