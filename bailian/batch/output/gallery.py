"""A batch run as one static page: `gallery.html` and its thumbnails, to be opened from the disk, without a network.

Prompts, answers and file names are untrusted. They stand in the page as JSON that cannot end its own element; the
page's script shows them as text, and the page's policy lets no other script run and no other host be asked.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from bailian.batch.output.gallery_card import Record, StoredPage, card, input_file, inputs_of, result_file
from bailian.batch.output.gallery_page import embedded, frame, plain
from bailian.batch.output.partial_files import partial
from bailian.batch.output.records import unwritten
from bailian.text.storage_path import ResultPath, StoragePath

PAGE = "gallery.html"
# A browser opens a page of some megabytes; of the rows behind these it says how many there are.
CARDS_MAX = 10_000
STATES = ("done", "failed", "held", "running", "waiting", "unsent")
THREADS = min(4, os.cpu_count() or 1)
AHEAD = 64
# The first cards are on the screen before the browser has read the rest, a block after the other.
FIRST_CARDS = 200
CARDS_A_BLOCK = 1_000


@dataclass
class Totals:
    """What the whole run came to. Times are seconds: of all jobs together, and since the epoch."""

    jobs: int = 0
    states: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    cost_cny: float | None = None
    sandbox: int = 0
    """Jobs of the sandbox, whose money is none."""
    took_s: float = 0.0
    first_at_s: float = math.inf
    last_at_s: float = -math.inf

    def add(self, record: Record) -> None:
        """Count one job in."""
        state = str(record.get("state"))
        self.jobs += 1
        self.states[state] += 1
        self.kinds[str(record.get("kind"))] += 1
        self.models[str(record.get("model"))] += 1
        if state == "failed":
            self.failed[str((record.get("error") or {}).get("code") or "InternalError")] += 1
        if record.get("sandbox"):
            self.sandbox += 1
        elif record.get("cost_cny") is not None:
            self.cost_cny = (self.cost_cny or 0.0) + record["cost_cny"]
        took_s = record.get("took_s") or 0.0
        self.took_s += took_s
        if record.get("created_at_s"):
            self.first_at_s = min(self.first_at_s, record["created_at_s"])
            self.last_at_s = max(self.last_at_s, record["created_at_s"] + took_s)

    def to_json(self) -> dict[str, Any]:
        """Return the totals as the page reads them: states in the order of a job's worry, categories by number."""
        known = [state for state in STATES if state in self.states]
        return {
            "jobs": self.jobs,
            "states": {state: self.states[state] for state in dict.fromkeys([*known, *self.states])},
            "failed": dict(self.failed.most_common()),
            "kinds": dict(self.kinds),
            "models": dict(self.models),
            "cost_cny": None if self.cost_cny is None else round(self.cost_cny, 6),
            "sandbox": self.sandbox,
            "took_s": round(self.took_s, 3),
            "first_at_s": self.first_at_s if math.isfinite(self.first_at_s) else None,
            "last_at_s": self.last_at_s if math.isfinite(self.last_at_s) else None,
        }


def write_gallery(
    folder: Path, records: Iterable[Record], *, title: str, sandbox: bool = False, place: ResultPath | None = None
) -> Path:
    """Write `folder/gallery.html` and its thumbnails; return the page's path.

    `records` are read once, one job each, in the order of the page. `files` of a record are relative to `folder`, or
    absolute; a file that is missing or damaged is a note on its card. A thumbnail whose picture has not changed is
    kept. From `CARDS_MAX` on records are counted and left out. The page takes the old one's place only when it is whole.
    `sandbox`: all of them are the sandbox's; else a record says it itself. `place`: where the page will stand, if that is
    in storage; `folder` is where it is made then.

    Raises:
        SaveError: the page cannot be written there; no half of it is left.
    """
    stored_page = StoredPage(place) if isinstance(place, StoragePath) else None
    target = folder / PAGE
    part = partial(target)
    around = frame(title)
    totals = Totals()
    marked = ({**record, "sandbox": True} for record in records) if sandbox else records
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            _text(part.open("wb")) as file,
            _text(tempfile.TemporaryFile(dir=folder)) as more,
            warnings.catch_warnings(),
        ):
            # Pillow warns of odd metadata and large pictures; what comes of them is seen on the card.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            blocks = _blocks(_cards(folder.absolute(), marked, totals, stored_page))
            first = next(blocks, "[]")
            more.writelines(around.block(block) for block in blocks)
            more.seek(0)
            file.write(
                around.head + embedded(plain(totals.to_json())) + around.before_first + first + around.before_more
            )
            shutil.copyfileobj(more, file)
            file.write(around.tail)
        part.replace(target)
    except OSError as error:
        raise unwritten(target, error) from None
    finally:
        with suppress(OSError):
            part.unlink()
    return target


def _text(file: IO[bytes]) -> TextIOWrapper:
    """Return a file of text. A lone surrogate is no UTF-8; its backslash form is what JSON has for it."""
    return TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="\n")


def _blocks(cards: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield the cards as JSON, the first few by themselves."""
    most = FIRST_CARDS
    while block := ",\n".join(embedded(one) for one in islice(cards, most)):
        yield f"[{block}]"
        most = CARDS_A_BLOCK


def _cards(
    folder: Path, records: Iterable[Record], totals: Totals, stored_page: StoredPage | None
) -> Iterator[dict[str, Any]]:
    """Yield each record as the page has it, in order; previews a little ahead are made in threads."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="previews")
    waiting: deque[_Waiting] = deque()
    try:
        for record in records:
            totals.add(record)
            if totals.jobs > CARDS_MAX:
                continue
            files = [pool.submit(result_file, folder, name, stored_page) for name in record.get("files") or ()]
            inputs = [pool.submit(input_file, folder, *given) for given in inputs_of(record)]
            waiting.append(_Waiting(record, files, inputs))
            if len(waiting) > AHEAD:
                yield waiting.popleft().card()
        while waiting:
            yield waiting.popleft().card()
    finally:
        pool.shutdown(cancel_futures=True)


class _Waiting(NamedTuple):
    """A record whose previews are being made."""

    record: Record
    files: list[Future[dict[str, Any]]]
    inputs: list[Future[dict[str, Any]]]

    def card(self) -> dict[str, Any]:
        return card(self.record, [file.result() for file in self.files], [one.result() for one in self.inputs])
