"""Calls that are answered at once: as many under way as rate × answer time asks for, and what each costs.

`ours` runs batches against `stub_service.py`; `--sdk` runs the same texts over the official SDK's thread pool.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.batches import bailian  # noqa: E402
from tests.support.stub import Stub  # noqa: E402

TEXT_MODEL, PICTURE_MODEL = "qwen-plus", "z-image-turbo"


@dataclass(frozen=True)
class Load:
    """How many calls of a kind, how many a second the account takes, and how long an answer takes."""

    rows: int
    per_s: float
    answer_s: float

    @property
    def ideal_s(self) -> float:
        return self.rows / self.per_s + self.answer_s


def stub(texts: Load | None, pictures: Load | None) -> Stub:
    words: list[str] = []
    for name, load in (("text", texts), ("picture", pictures)):
        if load is not None:
            words += [f"--{name}-s", str(load.answer_s), f"--{name}-per-s", str(load.per_s)]
    return Stub(*words)


def overlay(home: Path, texts: Load | None, pictures: Load | None) -> None:
    home.mkdir(parents=True, exist_ok=True)
    loads = ((TEXT_MODEL, texts), (PICTURE_MODEL, pictures))
    lines = [f'[models."{model}"]\nsubmit_per_s = {load.per_s}\n' for model, load in loads if load is not None]
    (home / "models.toml").write_text("".join(lines), encoding="utf-8")


def rows_a_second(texts: Load) -> tuple[float, float]:
    """Return how many rows a second a batch brings in, and the official SDK in 32 threads."""
    with tempfile.TemporaryDirectory() as folder, stub(texts, None) as service:
        home, cwd = Path(folder) / "home", Path(folder)
        overlay(home, texts, None)
        rows = (
            json.dumps({"kind": "text", "prompt": f"第{i}题"}, ensure_ascii=False) + "\n" for i in range(texts.rows)
        )
        (cwd / "rows.jsonl").write_text("".join(rows), "utf-8")
        ours = bailian(["batch", "run", "rows.jsonl", "-q", "--no-gallery"], home, cwd, service.base_url)
        words = [sys.executable, str(Path(__file__).with_name("batches.py")), "--sdk-texts", str(texts.rows)]
        sdk = subprocess.run([*words, "--base-url", service.base_url], capture_output=True, text=True, check=True)
    return ours.delivered / ours.wall_s, float(json.loads(sdk.stdout)["rows_per_s"])


def plot(path: Path, per_s: float = 50.0, rows: int = 200) -> None:
    """Draw rows a second over the time of an answer: ours, the SDK's pool, and what the account allows."""
    from benchmarks.plot import Curve, draw

    times_s = (0.5, 1.0, 2.0, 4.0, 8.0)
    loads = [Load(rows, per_s, time_s) for time_s in times_s]
    measured = [rows_a_second(load) for load in loads]
    for load, (ours, sdk) in zip(loads, measured, strict=True):
        print(f"  {load.answer_s} s an answer: {ours:.1f} rows/s, SDK {sdk:.1f}, the account {rows / load.ideal_s:.1f}")
    curves = [
        Curve("the account's limit", (150, 150, 150), [rows / load.ideal_s for load in loads]),
        Curve("bailian batch run", (200, 40, 40), [ours for ours, _ in measured]),
        Curve("official SDK, 32 threads", (40, 80, 200), [sdk for _, sdk in measured]),
    ]
    draw(path, f"{rows} texts at {per_s:g} a second: rows a second over seconds an answer", times_s, curves)


def run(name: str, texts: Load | None, pictures: Load | None, *words: str) -> None:
    """Run one batch of both kinds and print how far it is from what the account allows."""
    rows = [{"kind": "text", "prompt": f"第{i}题"} for i in range(texts.rows if texts else 0)]
    rows += [
        {"kind": "image", "model": PICTURE_MODEL, "prompt": f"第{i}只猫"}
        for i in range(pictures.rows if pictures else 0)
    ]
    with tempfile.TemporaryDirectory() as folder, stub(texts, pictures) as service:
        home, cwd = Path(folder) / "home", Path(folder)
        overlay(home, texts, pictures)
        (cwd / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        measured = bailian(["batch", "run", "rows.jsonl", "-q", "--no-gallery", *words], home, cwd, service.base_url)
        told = service.stats()
        print(f"\n{name}: {len(rows)} rows, {measured.delivered} delivered")
        print(
            f"  {measured.wall_s:.1f} s, CPU {measured.cpu_s / len(rows) * 1000:.2f} ms a row, peak {measured.peak_mb:.0f} MB"
        )
        print(f"  at the service: {told['counts']}, at most {told['most_under_way']} under way")
        if texts and pictures:
            ends = {kind: last_end_s(home, kind) for kind in ("text", "image")}
            for kind, load in (("text", texts), ("image", pictures)):
                print(
                    f"  {kind}: {ends[kind]:.1f} s = {ends[kind] / load.ideal_s:.3f} x its ideal of {load.ideal_s:.1f} s"
                )
        else:
            load = texts or pictures
            assert load is not None
            print(f"  {measured.wall_s / load.ideal_s:.3f} x the ideal of {load.ideal_s:.1f} s")


def last_end_s(home: Path, kind: str) -> float:
    """Return the seconds from the first row's begin to the last end of a kind, by the journal."""
    import sqlite3

    with sqlite3.connect(home / "journal.sqlite3") as db:
        (first,) = db.execute("SELECT MIN(created_at_s) FROM jobs").fetchone()
        (last,) = db.execute("SELECT MAX(ended_at_s) FROM jobs WHERE kind = ?", (kind,)).fetchone()
    return float(last - first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["400", "4000", "mixed", "plot"], action="append")
    parser.add_argument("--plot", type=Path, default=ROOT / "docs" / "calls.png", help="where the picture goes")
    given = parser.parse_args()
    wanted = given.only or ["400", "4000", "mixed"]
    if "400" in wanted:
        run("400 texts at 50/s, 8 s an answer", Load(400, 50, 8.0), None)
    if "4000" in wanted:
        run("4,000 texts at 500/s, 8 s an answer", Load(4000, 500, 8.0), None)
    if "mixed" in wanted:
        run("texts beside pictures", Load(200, 10, 10.0), Load(60, 2, 30.0))
    if "plot" in wanted:
        plot(given.plot)


if __name__ == "__main__":
    main()
