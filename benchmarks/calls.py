"""Calls that are answered at once: as many under way as rate × answer time asks for, and what each costs.

`ours` runs batches against `stub_service.py`; `--sdk` runs the same texts over the official SDK's thread pool.
"""

from __future__ import annotations

import argparse
import json
import statistics
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
        write_texts(cwd / "rows.jsonl", texts.rows)
        ours = bailian(["batch", "run", "rows.jsonl", "-q", "--no-gallery"], home, cwd, service.base_url)
        sdk = sdk_texts(texts.rows, service.base_url)
    return ours.delivered / ours.wall_s, sdk["rows_per_s"]


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


def cpu(rows: int, rounds: int) -> None:
    """Print what a text row costs: with a file each, with `--results-only`, and over the SDK, in turn.

    The service answers at once, so nothing but CPU counts. Each is a process with all it does, its start included.
    """
    words = {"a file each": [], "--results-only": ["--results-only"]}
    seen: dict[str, list[float]] = {name: [] for name in (*words, "SDK, 32 threads")}
    texts = Load(rows, 10_000.0, 0.0)
    # Kept to the end: for minutes after ten thousand files are deleted ext4 takes longer to make new ones.
    with tempfile.TemporaryDirectory() as folder, Stub("--text-s", "0") as service:
        for number in range(rounds):
            for name, beside in words.items():
                cwd = Path(folder) / f"{number} {name}"
                overlay(cwd / "home", texts, None)
                write_texts(cwd / "rows.jsonl", rows)
                ours = bailian(
                    ["batch", "run", "rows.jsonl", "-q", "--no-gallery", *beside], cwd / "home", cwd, service.base_url
                )
                assert ours.delivered == rows
                seen[name].append(ours.cpu_s / rows * 1000)
            seen["SDK, 32 threads"].append(sdk_texts(rows, service.base_url)["cpu_ms"])
    sdk = seen["SDK, 32 threads"]
    print(f"\n{rows} texts, an answer at once: ms of CPU a row, in {rounds} rounds")
    for name, times_ms in seen.items():
        ratio = statistics.median(own / other for own, other in zip(times_ms, sdk, strict=True))
        shown = ", ".join(f"{one:.2f}" for one in times_ms)
        print(f"  {name}: {shown}; {ratio:.2f} x the SDK's (median)")


def sdk_texts(rows: int, base_url: str) -> dict[str, float]:
    """Return how the same rows go over the SDK's pool, in a process of its own."""
    words = [sys.executable, str(Path(__file__).with_name("batches.py")), "--sdk-texts", str(rows)]
    sdk = subprocess.run([*words, "--base-url", base_url], capture_output=True, text=True, check=True)
    return dict(json.loads(sdk.stdout))


def write_texts(path: Path, rows: int) -> None:
    lines = (json.dumps({"kind": "text", "prompt": f"第{i}题"}, ensure_ascii=False) + "\n" for i in range(rows))
    path.write_text("".join(lines), "utf-8")


def last_end_s(home: Path, kind: str) -> float:
    """Return the seconds from the first row's begin to the last end of a kind, by the journal."""
    import sqlite3

    with sqlite3.connect(home / "journal.sqlite3") as db:
        (first,) = db.execute("SELECT MIN(created_at_s) FROM jobs").fetchone()
        (last,) = db.execute("SELECT MAX(ended_at_s) FROM jobs WHERE kind = ?", (kind,)).fetchone()
    return float(last - first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["400", "4000", "mixed", "cpu", "plot"], action="append")
    parser.add_argument("--plot", type=Path, default=ROOT / "docs" / "calls.png", help="where the picture goes")
    parser.add_argument("--rows", type=int, default=10_000, help="of `cpu`")
    parser.add_argument("--rounds", type=int, default=3, help="of `cpu`")
    given = parser.parse_args()
    wanted = given.only or ["400", "4000", "mixed", "cpu"]
    if "400" in wanted:
        run("400 texts at 50/s, 8 s an answer", Load(400, 50, 8.0), None)
    if "4000" in wanted:
        run("4,000 texts at 500/s, 8 s an answer", Load(4000, 500, 8.0), None)
    if "mixed" in wanted:
        run("texts beside pictures", Load(200, 10, 10.0), Load(60, 2, 30.0))
    if "cpu" in wanted:
        cpu(given.rows, given.rounds)
    if "plot" in wanted:
        plot(given.plot)


if __name__ == "__main__":
    main()
