"""Batches of a test: rows to write, what became of each, and that nothing was paid twice, lost or left half."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image

from bailian.advice import CATEGORIES
from bailian.errors import LOCAL_CODES
from bailian.files import png
from bailian.sandbox import Sandbox
from tests.support.journals import named, opened

GATE = (
    "import os, pathlib, time, requests, pydantic, bailian.cli.batch.run_file, bailian.engine.engine, bailian.modalities.picture.image; "
    "from bailian.cli.main import bailian as main; pathlib.Path(f'ready-{os.getpid()}').touch(); "
    "exec('while not os.path.exists(\"go\"): time.sleep(0.01)')"
)
"""Waits with everything loaded, so that all processes begin together."""


def write(rows: Any, name: str = "all.json") -> str:
    Path(name).write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return name


def pictures(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"kind": "image", "prompt": f"第{i}只猫。", "size": "512*512"} for i in range(first, first + count)]


def texts(count: int) -> list[dict[str, Any]]:
    return [{"kind": "text", "prompt": f"第{i}道题。"} for i in range(count)]


def most_at_once(box: Sandbox) -> int:
    """Return how many answers were waited for at once."""
    moments = sorted([(call.created, 1) for call in box.sync_calls] + [(call.ended, -1) for call in box.sync_calls])
    count = most = 0
    for _, change in moments:
        count += change
        most = max(most, count)
    return most


COUNTS = (110, 40, 10, 10, 3, 16, 16)


def mixed(scale: int = 1, counts: Sequence[int] = COUNTS) -> list[dict[str, Any]]:
    """Return rows of all seven kinds, 205 for each of `scale`; no prompt stands in another."""
    Image.new("RGB", (512, 512), "red").save("原图.png")
    edit = {"image": "原图.png"}
    kinds: tuple[tuple[dict[str, Any], str], ...] = (
        ({"kind": "text"}, "prompt"),
        ({"kind": "image", "size": "512*512"}, "prompt"),
        ({"kind": "image_edit", **edit}, "prompt"),
        ({"kind": "wanx_edit", "function": "stylization_all", **edit}, "prompt"),
        ({"kind": "video", "resolution": "832*480"}, "prompt"),
        ({"kind": "speech"}, "text"),
        ({"kind": "transcription"}, "file"),
    )
    rows = []
    for count, (row, field) in zip(counts, kinds, strict=True):
        for i in range(count * scale):
            said = f"https://example.com/{i}.wav" if field == "file" else f"{row['kind']}的第{i}行。"
            rows.append({**row, field: said})
    random.Random(1907).shuffle(rows)
    return rows


def records(folder: str = "outputs/all") -> list[dict[str, Any]]:
    lines = (Path(folder) / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def states(folder: str = "outputs/all") -> Counter[str]:
    return Counter(row["state"] for row in records(folder))


def jobs() -> list[dict[str, Any]]:
    """Return every job of the journal, oldest first."""
    with closing(opened(Path("bailian"))) as db:
        rows = named(db.execute("SELECT * FROM jobs ORDER BY rowid"))
    return [{**row, "said": _said(json.loads(row["request"]))} for row in rows]


def _said(request: dict[str, Any]) -> str | None:
    found = request.get("prompt") or request.get("text")
    return found or next(iter(request.get("file") or ()), None)


def executed(box: Sandbox) -> Counter[str]:
    """Return how often each prompt was carried out at the service and billed; texts may be twice (they cost little)."""
    works = [work for work in [*box.tasks, *box.sync_calls] if work.order.kind != "text"]
    return Counter(work.order.prompt for work in works if not (work.blocking and work.fate.failed))


def is_whole(path: Path) -> bool:
    data = path.read_bytes()
    if path.suffix == ".png":
        return png.is_complete(data)
    if path.suffix == ".mp4":
        return data[4:8] == b"ftyp" and b"moov" in data
    if path.suffix == ".wav":
        return data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") == len(data) - 8
    return len(data.decode("utf-8")) > 0


def check(box: Sandbox, rows: int, folder: str = "outputs/all") -> None:
    """One line a row, each done or told why not; no work at the service that nobody intended; every file whole."""
    told = records(folder)
    assert len(told) == rows
    assert len({row["row"] for row in told}) == rows
    for row in told:
        if row["state"] == "done":
            assert row["files"], row
        else:
            assert row["state"] in ("failed", "held", "unsent"), row
            assert row["error"]["code"] in (*CATEGORIES, *LOCAL_CODES), row
            assert row["error"]["message"], row
    intended = Counter(job["said"] for job in jobs() if job["sent_at_s"])
    assert not executed(box) - intended, "executed more often than intended"
    named = Counter(name for row in told for name in row["files"])
    assert set(named.values()) <= {1}, "two rows have the same file"
    assert all(is_whole(Path(name)) for name in named)
    ours = {"results.jsonl", "failed.jsonl", "gallery.html", "gallery", ".bailian-batch"}
    there = {path.name for path in Path(folder).iterdir() if ".broken-off." not in path.name} - ours
    assert there == {Path(name).name for name in named}, "files that no row knows, or parts left behind"
