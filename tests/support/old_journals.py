"""Journals as older versions wrote them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bailian.store.schema import TABLES
from tests.support.setting import ROOT

# The fourth version had no sums, the third knew nothing of the service's clock. Older ones are refused.
FOURTH_SCHEMA = """
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, account TEXT NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL, wire_model TEXT NOT NULL,
  state TEXT NOT NULL, owner TEXT, adopted INTEGER NOT NULL DEFAULT 0,
  request TEXT NOT NULL, prepared TEXT NOT NULL, saving TEXT NOT NULL,
  created_at_s REAL NOT NULL, sent_at_s REAL, submitted_at_s REAL, ended_at_s REAL,
  task_id TEXT, request_id TEXT, answer TEXT, error TEXT,
  estimate_cny REAL, charged_cny REAL, run_s REAL, run TEXT, row_key TEXT, lost_cny REAL NOT NULL DEFAULT 0,
  sent_server_s REAL
);
CREATE UNIQUE INDEX jobs_by_task ON jobs (account, task_id) WHERE task_id IS NOT NULL;
CREATE INDEX jobs_by_state ON jobs (account, state);
CREATE INDEX jobs_by_duration ON jobs (model, ended_at_s) WHERE run_s IS NOT NULL;
CREATE INDEX jobs_by_run ON jobs (account, run) WHERE run IS NOT NULL;
CREATE INDEX jobs_by_row ON jobs (account, run, row_key) WHERE row_key IS NOT NULL;
CREATE INDEX jobs_by_time ON jobs (account, COALESCE(sent_server_s, sent_at_s), state, charged_cny, estimate_cny, lost_cny)
  WHERE sent_at_s IS NOT NULL;
CREATE TABLE runs (
  account TEXT NOT NULL, run TEXT NOT NULL, digest TEXT NOT NULL, rows INTEGER NOT NULL, finished_at_s REAL NOT NULL,
  summary TEXT NOT NULL, PRIMARY KEY (account, run)
);
CREATE TABLE files (
  job_id TEXT NOT NULL REFERENCES jobs (id), item INTEGER NOT NULL, path TEXT NOT NULL, sha256 TEXT, placed INTEGER NOT NULL,
  PRIMARY KEY (job_id, item)
);
"""
THIRD_SCHEMA = FOURTH_SCHEMA.replace(",\n  sent_server_s REAL", "").replace(
    "COALESCE(sent_server_s, sent_at_s)", "sent_at_s"
)
# The sixth knew nothing of rows that wait for others. As a journal of that version had it: sums, triggers and all.
SIXTH_SCHEMA = (ROOT / "tests" / "fixtures" / "journal-version-6.sql").read_text(encoding="utf-8")
SCHEMAS = {3: THIRD_SCHEMA, 4: FOURTH_SCHEMA, 6: SIXTH_SCHEMA}


def old_journal(home: Path, version: int = 3) -> None:
    with closing(sqlite3.connect(home / TABLES.file_name)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(SCHEMAS[version])
        connection.execute(
            "INSERT INTO jobs (id, account, kind, model, wire_model, state, request, prepared, saving, created_at_s, task_id)"
            " VALUES ('a-1', 'me', 'image', 'm', 'm', 'submitted', '{}', '{}', '{}', 1.0, 't-1')"
        )
        connection.execute(
            "INSERT INTO jobs (id, account, kind, model, wire_model, state, request, prepared, saving, created_at_s,"
            " sent_at_s, ended_at_s, charged_cny, answer)"
            " VALUES ('a-2', 'me', 'image', 'm', 'm', 'done', '{}', '{}', '{}', 1.0, 2.0, 3.0, 0.28,"
            ' \'{"usage": {"image_count": 2}}\')'
        )
        connection.execute(f"PRAGMA user_version={version}")
        connection.commit()
