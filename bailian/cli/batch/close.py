"""How a run of a batch closes: results and page are written, the totals said, the exit code found."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bailian.batch.output.own_folder import written_aside
from bailian.batch.output.records import RESULTS, read_results, records, unwritten, write_results
from bailian.cli.output.report import shown_path
from bailian.cli.output.terminal import print_data, print_err, print_error
from bailian.errors import BailianError, Exit, SaveError
from bailian.i18n import reason_of, tr
from bailian.store.states import Status

if TYPE_CHECKING:
    from bailian.batch.run import PreparedBatch
    from bailian.batch.sync import BatchSpec
    from bailian.cli.batch.batch_call import Call
    from bailian.engine.engine import Engine
    from bailian.engine.step import Outcome


def write_what_came(call: Call, engine: Engine, ready: PreparedBatch, *, page: bool) -> SaveError | None:
    """Write the results, and the page if one is wanted; return why they could not be written."""
    from bailian.batch.output.vector_files import MATRIX, VectorMatrix
    from bailian.batch.run import runs_of

    spec = call.spec
    try:
        with written_aside(spec.folder) as folder:
            with ExitStack() as opened:
                matrix = opened.enter_context(VectorMatrix(folder)) if call.options.vectors == "npy" else None
                write_results(folder, records(runs_of(engine, spec), spec.run, ready.file_rows, matrix))
            if page:
                from bailian.batch.output.gallery import write_gallery

                made, sandbox = read_results(folder), engine.settings.sandbox
                write_gallery(folder, made, title=Path(spec.title).stem, sandbox=sandbox, place=spec.folder)
    except (SaveError, OSError) as failed:
        error = failed if isinstance(failed, SaveError) else unwritten(spec.folder / MATRIX, failed)
        if spec.fresh and isinstance(spec.folder, Path):
            again = spec.same_command
            error.advice = tr(
                f"make room, then {again}: nothing is paid again", f"请清理磁盘，然后{again}：不会重复计费"
            )
        return error
    return None


@dataclass
class Trouble:
    """What a run has met that its totals do not tell."""

    stopped: BailianError | None = None
    """Why the rest was not sent."""
    unsaved: Outcome | None = None
    """The first row whose paid result has no file."""
    bug: bool = False
    """A fault of this toolkit has ended a row."""
    no_model: bool = False
    """A name was refused: the next run would fail in the same way."""

    def note(self, outcome: Outcome) -> bool:
        """Take in how a row ended; return whether it is the first of its kind that cron has to hear of."""
        error = outcome.error
        if error is None:
            return False
        self.bug = self.bug or error.exit_code == Exit.BUG
        if self.stopped is None and (error.stops_all or error.exit_code == Exit.ACCOUNT):
            self.stopped = error
        first = self.unsaved is None and _is_unsaved(outcome, error)
        self.unsaved = outcome if first else self.unsaved
        no_model = error.code == "ModelNotFound" and not self.no_model
        self.no_model = self.no_model or no_model
        return first or no_model


def _is_unsaved(outcome: Outcome, error: BailianError) -> bool:
    """Return whether a paid result is left without its file."""
    fetched_in_vain = outcome.state == Status.ENDED and error.exit_code == Exit.TRY_AGAIN
    return fetched_in_vain or isinstance(error, SaveError) or error.exit_code == Exit.BUG


def sum_up(call: Call, engine: Engine, ready: PreparedBatch, digest: str, took_s: float, trouble: Trouble) -> int:
    """Write the results and the page, say how it ended; return the exit code.

    Raises:
        SaveError: results or page could not be written; how it ended was said.
    """
    from bailian.batch.run import runs_of
    from bailian.batch.totals import totals
    from bailian.cli.batch.batch_report import exit_code, print_end

    spec, runs = call.spec, runs_of(engine, call.spec)
    counts = runs.counts(spec.run)
    summary = totals(counts, runs.waits_for_others(spec.run))
    code = Exit.BUG if trouble.bug else exit_code(summary, trouble.stopped)
    if ready.left_out and code in (Exit.OK, Exit.STILL_RUNNING):
        code = Exit.SOME_FAILED
    if not call.common.quiet:
        for where, message in ready.left_out.items():
            print_err(tr(f"{where}: left out: {message}", f"{where}：已跳过：{message}"))
    lost = write_what_came(call, engine, ready, page=call.options.gallery)
    if lost is None and digest and summary.done == ready.rows == summary.rows:
        runs.summaries.finish(spec.run, digest, ready.rows, summary.to_json())
    # Cron mails what is said: that rows are left for its next run is nothing to write home about.
    quiet = (Exit.OK, Exit.STILL_RUNNING) if call.options.cron and trouble.unsaved is None else (Exit.OK,)
    if call.shown or (code not in quiet and not call.common.quiet):
        sandbox, page = engine.settings.sandbox, call.options.gallery and not call.options.cron
        print_end(spec, summary, took_s, trouble.stopped, sandbox=sandbox, page=page, written=lost is None)
    if lost is not None:
        raise lost
    if any(count.kind == "embedding" and count.state == Status.DONE for count in counts):
        _print_vectors(call)
    if spec.results_only and summary.done and not (call.common.as_json or call.options.cron):
        print_data(shown_path(spec.folder / RESULTS))
    return code


def _print_vectors(call: Call) -> None:
    """Say where the vectors are: a matrix is a file that was made, as a picture is."""
    from bailian.batch.output.vector_files import MATRIX

    if call.common.as_json or call.options.cron:
        return
    if call.options.vectors == "npy":
        print_data(shown_path(call.spec.folder / MATRIX))
    elif call.shown:
        path = shown_path(call.spec.folder / RESULTS)
        print_err(tr(f"vectors: {path}", f"向量：{path}"))


def cut_short(call: Call, engine: Engine, ready: PreparedBatch, error: BailianError | OSError) -> BailianError:
    """Write the results of a run that ends early; return the error that says why."""
    unwritten = write_what_came(call, engine, ready, page=False)
    if unwritten is not None:
        print_error(unwritten)
    return unsaid(error, call.spec) if isinstance(error, OSError | SaveError) else error


def unsaid(error: OSError | SaveError, spec: BatchSpec) -> SaveError:
    """Return what is said when stdout has taken no more in the middle of a batch."""
    reason = error.message if isinstance(error, SaveError) else reason_of(error)
    return SaveError(
        tr(f"the output takes no more: {reason}", f"无法继续输出：{reason}"),
        advice=tr(f"{spec.same_command} to go on: nothing is paid again", f"{spec.same_command}即可继续：不会重复计费"),
    )
