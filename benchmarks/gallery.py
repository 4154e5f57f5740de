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
# Pixels a step, and how many steps at most: a wheel, and the bar dragged through all of it, a screen a step.
SCROLLS = ((60, 500), (1_000, 100_000))
STEP = """
new Promise((done) => {
  scrollBy(0, %d);
  requestAnimationFrame(() => requestAnimationFrame((now) => {
    const at_end = scrollY + innerHeight >= document.documentElement.scrollHeight - 1;
    setTimeout(() => done(at_end));
  }));
})
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
            page.send("Performance.enable", timeDomain="threadTicks")
            for _ in range(5):
                shown_ms = opened(page, path.as_uri())
                print(f"first cards painted after {shown_ms:.0f} ms; CPU of the page: {cpu_ms(page):.0f} ms")
            for px, steps in SCROLLS:
                scrolled(page, px, steps)
                page.run("scrollTo(0, 0)")


def cpu_ms(page: Browser) -> float:
    """Return what the page's main thread has used: the clock's time is the other processes', too."""
    metrics = {one["name"]: one["value"] for one in page.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"]) * 1000


def scrolled(page: Browser, px: int, most_steps: int) -> None:
    """Scroll step by step, two frames each, through all of it or as far as asked."""
    used_ms, at_end = [], False
    while not at_end and len(used_ms) < most_steps:
        before_ms = cpu_ms(page)
        at_end = page.run(STEP % px)
        used_ms.append(cpu_ms(page) - before_ms)
    used_ms.sort()
    print(
        f"{len(used_ms)} steps of {px} px, ms of CPU each: median {used_ms[len(used_ms) // 2]:.0f}, the longest"
        f" {', '.join(f'{one:.0f}' for one in used_ms[-5:])}, longer than 50: {sum(one > 50 for one in used_ms)};"
        f" cards in the document at the end: {page.run('document.querySelectorAll(`.card`).length')}"
    )


if __name__ == "__main__":
    main()
