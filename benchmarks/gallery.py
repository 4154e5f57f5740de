"""A gallery of ten thousand results in the real Chromium: writing it, opening it, scrolling through all of it.

    python benchmarks/gallery.py [--cards 10000] [--pictures 500]

The results are pictures, edits with their inputs, films and texts in turn; so many different pictures stand behind them.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402

from bailian.batch.output.gallery import write_gallery  # noqa: E402
from tests.support.browser import Browser, browser  # noqa: E402

WINDOW_PX = (1400, 1000)
PICTURE_PX = 1024
# Pixels a frame, and how many frames at most: a wheel, and the bar dragged through all of it, a screen a frame.
SCROLLS = ((60, 600), (1_000, 1_000_000))
# Every frame's time is kept.
SCROLL = """
new Promise((done) => {
  const frames = [], begun = performance.now();
  let last = begun;
  const step = (now) => {
    frames.push(now - last);
    last = now;
    scrollBy(0, %d);
    if (frames.length < %d && scrollY + innerHeight < document.documentElement.scrollHeight - 1) requestAnimationFrame(step);
    else done({ frames, took_ms: performance.now() - begun, cards: document.querySelectorAll(".card").length });
  };
  requestAnimationFrame(step);
})
"""
LONG_TASKS = """
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) (globalThis.long_ms ||= []).push(entry.duration);
}).observe({ type: "longtask", buffered: true });
"""
OPENED = """
new Promise((done) => {
  const look = () => {
    if (!document.querySelector(".card")) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => done(performance.now())));
  };
  look();
})
"""


def pictures(folder: Path, count: int) -> list[str]:
    """Draw so many pictures; return their names."""
    noise = Image.effect_noise((PICTURE_PX, PICTURE_PX), 40).convert("RGB")
    for number in range(count):
        tint = Image.new("RGB", noise.size, (number * 37 % 256, number * 91 % 256, number * 53 % 256))
        Image.blend(noise, tint, 0.7).save(folder / f"{number}.jpg", quality=85)
    return [f"{number}.jpg" for number in range(count)]


def records(folder: Path, names: list[str], count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        name = names[number % len(names)]
        kind = ("image", "image", "image_edit", "text")[number % 4]
        given = (folder / names[(number + 1) % len(names)]).as_uri()
        prompt = f"第 {number} 张：一只橙色的猫坐在窗台上，晨光，水彩，细腻的笔触，柔和的背景，高清"
        yield {
            "job": f"{number:08x}-{number:012x}",
            "kind": kind,
            "where": f"image_tasks[{number}]",
            "state": "done",
            "prompt": prompt,
            "model": ("wan2.2-t2i-flash", "qwen-image-2.0")[number % 2],
            "files": [] if kind == "text" else [name],
            "text": "诗" * 300 if kind == "text" else None,
            "request": {"size": "1024*1024", "n": 1, **({"image": [given]} if kind == "image_edit" else {})},
            "cost_cny": 0.14,
            "took_s": 6.2,
            "created_at_s": 1_795_300_000.0 + number,
        }


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def written(folder: Path, names: list[str], count: int) -> tuple[Path, float]:
    begun_s = cpu_s()
    page = write_gallery(folder, records(folder, names, count), title="benchmark")
    return page, cpu_s() - begun_s


def opened(page: Browser, url: str) -> float:
    """Return the milliseconds from navigation until the first cards are painted."""
    page.send("Page.navigate", url=url)
    time.sleep(0.2)  # the new document is there; until it is, the old one would answer
    return float(page.run(OPENED))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=10_000)
    parser.add_argument("--pictures", type=int, default=500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = pictures(folder, asked.pictures)
        _, first_s = written(folder, names, asked.cards)
        path, again_s = written(folder, names, asked.cards)
        print(f"page: {path.stat().st_size / 1e6:.1f} MB")
        print(f"CPU to write it: {first_s:.1f} s with {asked.pictures} new thumbnails, {again_s:.1f} s with none")
        print(f"load of the machine: {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores")
        with browser(folder / "profile") as page:
            page.size(*WINDOW_PX)
            page.send("Page.addScriptToEvaluateOnNewDocument", source=LONG_TASKS)
            times_ms = [opened(page, path.as_uri()) for _ in range(5)]
            print(f"first cards painted after: {', '.join(f'{one:.0f}' for one in times_ms)} ms")
            print(f"long tasks while it opens: {page.run('(globalThis.long_ms || []).map(Math.round)')} ms")
            page.run("globalThis.long_ms = []")
            for px, frames in SCROLLS:
                scrolled(page, px, frames)
                page.run("scrollTo(0, 0)")


def scrolled(page: Browser, px: int, most_frames: int) -> None:
    seen = page.run(SCROLL % (px, most_frames))
    frames = sorted(seen["frames"], reverse=True)
    long = [one for one in frames if one > 50]
    tasks = page.run("(globalThis.long_ms || []).map(Math.round)")
    print(
        f"scrolled by {px} px a frame: {len(frames)} frames in {seen['took_ms'] / 1000:.0f} s, longer than 50 ms: {len(long)},"
        f" the longest {', '.join(f'{one:.0f}' for one in frames[:5])} ms, script tasks over 50 ms: {tasks},"
        f" cards in the document at the end: {seen['cards']}"
    )


if __name__ == "__main__":
    main()
