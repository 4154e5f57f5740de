"""How a job ended: on stdout for programs, on stderr for people, as an exit code for the shell."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.cli.output.streams import expect_results
from bailian.cli.output.terminal import (
    is_terminal,
    money,
    print_bytes,
    print_data,
    print_err,
    print_error,
    print_json,
    print_notices,
    print_text,
)
from bailian.errors import CutShort, DoesNotFit, Exit
from bailian.files.under_way import FOLDER
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.store.states import Status
from bailian.text.storage_path import ResultPath

if TYPE_CHECKING:
    from bailian.engine.job import Job
    from bailian.engine.step import Outcome

STDOUT_FOLDERS = (FOLDER, "stdout")
"""In the home folder: where files are that are on their way to stdout, each in a folder of its own (`uuid4().hex`).
An earlier version had a folder for them."""
_OWN_FOLDER = re.compile("[0-9a-f]{32}")


def report(outcome: Outcome, as_json: bool, *, shown: bool = False) -> Exit:
    """Print how a job ended; return the exit code that says so. `shown`: its text or sound was printed as it came."""
    error = outcome.error
    expect_results()
    if as_json:
        print_json(outcome_json(outcome))
    else:
        write_result(outcome, shown=shown)
        _print_vectors(outcome)
        if error is not None:
            print_error(error)
    return error.exit_code if error else Exit.OK


def write_result(outcome: Outcome, prefix: str | None = None, *, shown: bool = False) -> None:
    """Print where the files are, the task that runs, or the text; `prefix` as `shown_path` takes it."""
    job = outcome.job
    folder = job.saving.folder
    if outcome.files and isinstance(folder, Path) and is_printed(job, folder):
        for path in (path for path in outcome.files if isinstance(path, Path)):
            if not shown:
                print_bytes(path.read_bytes())
            path.unlink()
        folder.rmdir()
        return
    for file in outcome.files:
        print_data(shown_path(file, prefix))
    if outcome.state == Status.SUBMITTED and outcome.error is None:
        print_data(job.task_id or job.id)
    if job.saving.folder is None and job.answer:
        for item in modality_of(job.kind).items(job.answer, job.prepared):
            if not item.vector:
                print_text("" if shown else (item.text or "").rstrip("\n"))


def _print_vectors(outcome: Outcome) -> None:
    """Print the vectors of one request: they have no file. A batch has them in its results."""
    job = outcome.job
    if outcome.error is None and job.kind == "embedding" and job.answer:
        print_json(modality_of(job.kind).with_paths(job.answer, job.prepared, {}))


def is_printed(job: Job, folder: Path) -> bool:
    """Return whether the bytes go to stdout; who fetches them later at a terminal gets the path of a file instead."""
    if folder.parent.name not in STDOUT_FOLDERS or _OWN_FOLDER.fullmatch(folder.name) is None:
        return False
    return job.kind == "transcription" or not is_terminal(sys.stdout)


def verdict(codes: Sequence[int]) -> int:
    """Return one exit code for many jobs: theirs if they agree, else "some failed"."""
    if len(set(codes)) == 1:
        return codes[0]
    return Exit.SOME_FAILED if any(codes) else Exit.OK


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Return the seed document's answer plus local fields; of a failure, the error."""
    job, error = outcome.job, outcome.error
    kept_in_part = isinstance(error, CutShort | DoesNotFit) and job.answer
    if error is not None and not outcome.files and not kept_in_part:
        return error.to_json()
    answer = job.answer or {}
    shown: dict[str, Any] = {"request_id": job.request_id}
    if job.answer:
        shown["output"] = modality_of(job.kind).with_paths(
            answer, job.prepared, {index: str(path) for index, path in outcome.placed.items()}
        )
        if "usage" in answer:
            shown["usage"] = answer["usage"]
    else:
        shown["output"] = {"task_id": job.task_id, "task_status": "PENDING"}
    shown["files"] = [str(path) for path in outcome.files]
    shown["cost"] = {"currency": "CNY", "estimate": job.estimate_cny, "charged": job.charged_cny}
    shown["notices"] = [vars(notice) for notice in job.notices]
    if error is not None:
        shown["error"] = error.to_json()["error"]
    return shown


def print_other_names(outcome: Outcome) -> bool:
    """Say which files could not be called what they were to be called; return whether there are any."""
    told = [notice for notice in outcome.job.notices if notice.code == "other_name"]
    print_notices(told)
    return bool(told)


def prefix_here() -> str:
    """Return how the paths of this folder begin; "" if it is gone."""
    try:
        return str(Path.cwd()).rstrip(os.sep) + os.sep
    except FileNotFoundError:
        return ""


def shown_path(path: ResultPath, prefix: str | None = None) -> str:
    """Return the path as a user would type it from here; who asks ten thousand times gives `prefix_here()`."""
    return str(path).removeprefix(prefix_here() if prefix is None else prefix)


def _price(job: Job) -> str:
    """Return what a job has cost; where the answer told no figure that can be, what it may have cost."""
    if job.charged_cny is not None:
        return tr(f", {money(job.charged_cny)} CNY", f"，{money(job.charged_cny)} 元")
    if job.estimate_cny is None:
        return ""
    return tr(f", up to {money(job.estimate_cny)} CNY", f"，最多 {money(job.estimate_cny)} 元")


def summary(outcome: Outcome, took_s: float, notices_shown: int, sandbox: bool) -> None:
    """Say how long it took and what it cost, and what there is to know about the result."""
    job = outcome.job
    print_notices(job.notices[notices_shown:])
    if outcome.state != Status.DONE:
        return
    cost = _price(job) + (tr(" (sandbox: not paid)", "（沙箱：不计费）") if sandbox else "")
    if job.task_id:
        cost += tr(f", task {job.task_id}", f"，任务 {job.task_id}")
    print_err(tr(f"done in {took_s:.1f} s{cost}", f"完成，用时 {took_s:.1f} 秒{cost}"))
