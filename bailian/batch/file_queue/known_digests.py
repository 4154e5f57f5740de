"""What files hold, remembered from run to run: a folder that is looked into every five minutes is not read every time.

It stands beside the results and may be lost: then all files are read once more.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from bailian.files.digests import sha256_of
from bailian.text.storage_path import ResultPath

FILE_NAME = ".bailian-digests"


class KnownDigests:
    """The SHA-256 of files, read anew where size or time of change differ from what was seen."""

    def __init__(self, folder: ResultPath) -> None:
        """Of a folder in storage nothing is remembered."""
        self._path = folder / FILE_NAME if isinstance(folder, Path) else None
        self._before: dict[str, list[object]] = {}
        self._now: dict[str, list[object]] = {}
        if self._path is None:
            return
        with suppress(OSError, ValueError):
            found = json.loads(self._path.read_text(encoding="ascii"))
            self._before = found if isinstance(found, dict) else {}

    def of(self, path: Path) -> str:
        """Return what a file holds.

        Raises:
            OSError: it cannot be read.
        """
        status = path.stat()
        seen: list[object] = [status.st_size, status.st_mtime_ns]
        known = self._before.get(str(path))
        is_known = isinstance(known, list) and known[:2] == seen and len(known) == 3
        digest = str(known[2]) if known and is_known else sha256_of(path)
        self._now[str(path)] = [*seen, digest]
        return digest

    def keep(self) -> None:
        """Write down what was seen, where there is a folder for it. A disk that is full costs only time."""
        if self._path is None or self._now == self._before or not self._path.parent.is_dir():
            return
        part = self._path.with_name(f"{FILE_NAME}.part")
        with suppress(OSError):
            part.write_text(json.dumps(self._now), encoding="ascii")
            part.replace(self._path)
