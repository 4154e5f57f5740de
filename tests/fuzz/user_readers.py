"""Readers of what a person, or an older version, has left in the home folder: settings, models, rows of the journal."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import suppress
from functools import cache
from typing import Any

from bailian.catalog import catalog
from bailian.cli.commands.tasks import _brief
from bailian.clock import current_clock
from bailian.config import settings_file
from bailian.config.user_defaults import Sources, layers_of, read_budgets
from bailian.engine.job import Job
from bailian.engine.steps.step_table import STEPS, first_step
from bailian.modalities.text.text_prices import cost_cny, prices_of
from bailian.store.job_rows import job_row
from bailian.store.schema import SCHEMA
from bailian.store.states import OPEN_STATES
from bailian.types import TextContext
from tests.fuzz.file_readers import folder
from tests.fuzz.mutations import odd_bytes, odd_json
from tests.fuzz.readers import Reader, is_money

SETTINGS = [
    b"[budget]\nday_cny = 20\nmonth_cny = 100.5\n",
    b"# nothing\n",
    b"budget = { day_cny = 0x10, month_cny = 1_000 }\n",
]
MODELS = [
    b'[models."wan2.2-t2i-flash"]\nsubmit_per_s = 2.5\nrunning_limit = 4\nsizes = ["1024*1024", "512*512"]\n',
    b'[models."mein"]\nlike = "qwen-plus"\nprice_tiers = [{ up_to_input_tokens = 9, input = 1, output = 2.0 }]\n',
    b'[models.v]\nkind = "video"\nmode = "task"\nroute = "/r"\nprice_cny = { 720P = 0.5 }\nretired_on = 2026-10-10\n'
    b'size_tiers = { 720P = ["1280*720"] }\naliases = { beijing = "w" }\nside_px = [512, 1440]\n',
]
_NASTY = (
    *("nan", "-inf", "-1", "0", "1e400", "0x" + "f" * 9000, "9" * 5000, "true", '"x"', "''", "07:32:00", "1979-05-27"),
    *(
        "1979-05-27T07:32:00Z",
        "[]",
        "{}",
        "[[]]",
        "{ a = 1 }",
        "[{}]",
        "[" * 2000,
        '"' + "\u957f" * 999 + '"',
        "1_",
        "\ufeff",
    ),
    *('["\\u0000"]', "{ input = nan, output = 1 }", "[" * 30 + "]" * 30, ".".join("a" * 3000) + " = 1", '"""'),
)


def odd_toml(good: bytes, chance: random.Random) -> bytes:
    """Return the text with one to three values (or keys) exchanged, and sometimes a byte of the whole."""
    lines = good.decode().splitlines()
    for _ in range(chance.randint(1, 3)):
        number = chance.randrange(len(lines))
        key, equals, value = lines[number].partition("=")
        fields = ("day_cny", *catalog.FIELD_NAMES)
        match chance.randrange(4):
            case 0:
                key = chance.choice(fields) + " "
            case 1:
                value = " " + chance.choice(_NASTY)
            case 2:
                lines.append(f"{chance.choice(fields)} = {chance.choice(_NASTY)}")
            case _:
                words = value.split()
                if words:
                    words[chance.randrange(len(words))] = chance.choice(_NASTY)
                value = " " + " ".join(words)
        lines[number] = f"{key}{equals or '='}{value}" if equals or chance.random() < 0.2 else lines[number]
    content = "\n".join(lines).encode()
    return odd_bytes(content, chance) if chance.random() < 0.2 else content


def read_settings_file(data: bytes) -> None:
    (folder() / "settings.toml").write_bytes(data)
    for amount_cny in read_budgets(
        layers_of(settings_file.read_settings_file(folder()), None, folder()), Sources()
    ).values():
        is_money(amount_cny)


def read_models_file(data: bytes) -> None:
    """As every command reads it; then what the models are made of is used."""
    (folder() / "models.toml").write_bytes(data)
    models = catalog.load(folder())
    for name in ("wan2.2-t2i-flash", "mein", "v"):
        model = models.get(name)
        if model is None:
            continue
        for region in ("beijing", "singapore") if "text" in model.kinds else ():
            is_money(cost_cny(TextContext(prices=prices_of(model, region)), 1000, 1000))
        models.successor_of(model)
        assert model.retired(current_clock().day()) in (True, False)
        for kind in model.kinds:
            assert models.find(name, kind).kind == kind


@cache
def _journal() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.executescript(SCHEMA)
    return db


def read_row(data: bytes) -> None:
    """A row as anybody may have changed it: listed, shown, and gone on with, or refused as that row alone."""
    try:
        columns = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(columns, dict):
        return
    values = [json.dumps(value) if isinstance(value, dict | list) else value for value in columns.values()]
    db = _journal()
    with suppress(sqlite3.Error, UnicodeEncodeError, OverflowError):  # SQLite itself takes no such value, or column
        names = ", ".join('"' + str(name).replace('"', "") + '"' for name in columns)
        db.execute(f"INSERT INTO jobs ({names}) VALUES ({', '.join('?' * len(values))})", values)
    found = db.execute("SELECT * FROM jobs").fetchall()
    db.execute("DELETE FROM jobs")
    for table in ("counted_sums", "charged_sums", "maybe_sums"):
        assert not [tuple(row) for row in db.execute(f"SELECT * FROM {table}") if any(tuple(row)[-1:])], table
        db.execute(f"DELETE FROM {table}")
    for kept in found:
        row = job_row(kept)
        json.dumps(_brief(row, 0), ensure_ascii=False, allow_nan=False)
        job = Job.of_row(row)
        if row.state in OPEN_STATES:
            assert first_step(job) in STEPS


def _row(**columns: Any) -> bytes:
    row = {
        "id": "j-1", "account": "me", "kind": "image", "model": "wan2.2-t2i-flash", "wire_model": "wan2.2-t2i-flash",
        "state": "submitted", "owner": None, "adopted": 0, "request": {"prompt": "猫"}, "created_at_s": 1.79e9,
        "prepared": {"mode": "task", "route": "/r", "body": {"input": {"prompt": "猫"}}, "units": 1, "facts": {},
                     "notices": [{"code": "size", "message": "x"}]},
        "saving": {"folder": "/o", "template": "{prompt}", "sidecar": False, "stem": None, "suffix": None},
        "sent_at_s": 1.79e9, "task_id": "t-1", "estimate_cny": 0.14, **columns,
    }  # fmt: skip
    return json.dumps({**row}).encode()


ROWS = [
    _row(),
    _row(
        state="ended", charged_cny=0.14, ended_at_s=1.79e9, run="batch:/b.json", row_key="k",
        answer={"output": {"results": [{"url": "https://example.com/a.png"}]}, "usage": {"image_count": 1}},
    ),
    _row(state="failed", error={"error": {"code": "TaskFailed", "message": "x"}, "exit_code": 4}, lost_cny=0.5),
]  # fmt: skip
READERS: dict[str, Reader] = {
    "settings.toml": Reader(read_settings_file, SETTINGS, odd_toml),
    "models.toml": Reader(read_models_file, MODELS, odd_toml),
    "journal rows": Reader(read_row, ROWS, odd_json),
}
