"""What happens when the run of a batch is over, however it ended: the bell, and the user's own command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from bailian.batch.output.gallery import PAGE
from bailian.batch.output.records import FAILED, RESULTS
from bailian.cli.batch.before_sending import Unasked
from bailian.cli.output.bell import ring
from bailian.cli.output.opening import open_files
from bailian.cli.output.terminal import print_err
from bailian.clock import current_clock
from bailian.errors import BailianError, Exit
from bailian.files.storage.local_copies import is_file
from bailian.i18n import reason_of, tr

if TYPE_CHECKING:
    from typing_extensions import Self

    from bailian.cli.batch.batch_call import Call
    from bailian.config.settings import Settings


class Ending:
    """Stands around a run. Nothing happens after a run that was another process's, or that a person did not want."""

    def __init__(self, call: Call, here: Settings) -> None:
        self._call = call
        self._here = here
        self._started_s = current_clock().monotonic()
        self.code: int | None = None
        """How the run ended; None: it was not ours, or it raised."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        code = self.code if error is None else _code_of(error)
        if code is None:
            return
        took_s = current_clock().monotonic() - self._started_s
        if code != Exit.INTERRUPTED and not self._call.options.cron:
            ring(took_s, self._call.common, self._here)
        page = self._call.spec.folder / PAGE
        if self._call.common.opens and self.code is not None and is_file(page):
            open_files([page])
        if self._call.options.on_end:
            run_command(self._call.options.on_end, _summary(self._call, self._here, code, took_s))


def _code_of(error: BaseException) -> int | None:
    if isinstance(error, Unasked | click.exceptions.Exit):
        return None
    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    return error.exit_code if isinstance(error, BailianError) else Exit.BUG


def run_command(command: str, summary: Mapping[str, Any]) -> None:
    """Run a command of the user's by the shell, the summary as a line of JSON on its stdin.

    What it prints is talk: stdout is the batch's data. That it fails changes nothing.
    """
    # A program on Windows reads its stdin in the system's encoding, whatever that is.
    line = json.dumps(summary, ensure_ascii=os.name == "nt", default=str) + "\n"
    try:
        ended = subprocess.run(  # noqa: S602 - it is the user's own command line
            command, shell=True, input=line.encode("utf-8", "backslashreplace"), stdout=_stderr(), check=False
        )
        trouble = tr(f"exit code {ended.returncode}", f"退出码 {ended.returncode}") if ended.returncode else ""
    except KeyboardInterrupt:
        trouble = tr("interrupted", "已中断")
    except (OSError, ValueError) as error:
        trouble = reason_of(error)
    if trouble:
        print_err(tr(f"note: --on-end: {trouble}", f"提示：--on-end：{trouble}"))


def _stderr() -> int:
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # closed, or a program's own stream
        return subprocess.DEVNULL


def _summary(call: Call, here: Settings, code: int, took_s: float) -> dict[str, Any]:
    """Return how the batch stands, as `batch status --json` does, and where its files are."""
    spec = call.spec
    files = {"page": PAGE, "results": RESULTS, "failed": FAILED}
    paths = {name: spec.folder / file for name, file in files.items()}
    return {
        "summary": _totals(call, here),
        "file": None if spec.is_piped else str(Path(spec.source).absolute()),
        "run": call.options.run,
        "folder": str(spec.folder),
        "exit_code": int(code),
        "took_s": round(took_s, 1),
        **{name: str(path) if is_file(path) else None for name, path in paths.items()},
    }


def _totals(call: Call, here: Settings) -> dict[str, Any]:
    from bailian.batch.totals import totals
    from bailian.store.batches import BatchStore
    from bailian.store.jobs import Journal

    try:
        with closing(Journal(here.journal)) as journal:
            runs, run = BatchStore(journal, here.account, call.spec.kind), call.spec.run
            return totals(runs.counts(run), runs.waits_for_others(run)).to_json()
    except BailianError:  # the journal has just been said to be unreadable
        return totals([]).to_json()
