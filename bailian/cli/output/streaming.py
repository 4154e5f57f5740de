"""An answer in pieces, as it arrives: text or sound on stdout, thoughts on stderr."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from bailian.cli.output.progress import ProgressLine
from bailian.cli.output.report import is_printed
from bailian.cli.output.streams import expect_results
from bailian.cli.output.terminal import is_terminal, print_bytes, print_err_chunk, print_text
from bailian.errors import BailianError

if TYPE_CHECKING:
    from bailian.engine.job import Job

FAINT, PLAIN = "\x1b[2m", "\x1b[0m"


class StreamedText(ProgressLine):
    """A progress line that makes way for the text."""

    def __init__(self, shown: bool, verbose: bool = False, pieces: bool = True) -> None:
        super().__init__(shown, verbose)
        self._pieces = pieces
        self._thoughts = shown
        self._shown_jobs: set[str] = set()
        self._thinking = False
        self._failed: OSError | BailianError | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pieces = False  # an answer that nobody waits for may be on its way still
        super().__exit__(kind, error, trace)

    def shown(self, job: Job) -> bool:
        """Return whether the job's text is on stdout already.

        Raises:
            OSError, SaveError: stdout broke while it was shown.
        """
        if self._failed is not None:
            raise self._failed
        return job.id in self._shown_jobs

    def on_chunk(self, job: Job, text: str, thought: str) -> None:
        if (text or thought) and self._pieces:
            self.stop()
        if thought and self._thoughts and self._pieces:
            self._thinking = True
            _think(thought)
        if text and self._pieces:
            if self._thinking:
                self._thinking = False
                print_err_chunk("\n\n")
            self._shown_jobs.add(job.id)
            expect_results()
            try:
                print_text(text, end="")
            except (OSError, BailianError) as error:  # the answer is paid: it is read to its end all the same
                self._pieces, self._failed = False, error

    def on_sound(self, job: Job, data: bytes) -> None:
        """Play what goes to stdout anyway; a file with a name is whole before it has it."""
        folder = job.saving.folder
        if not self._pieces or not isinstance(folder, Path) or not is_printed(job, folder):
            return
        self.stop()
        self._shown_jobs.add(job.id)
        expect_results()
        try:
            print_bytes(data)
        except (OSError, BailianError) as error:  # the sound is paid: it is read to its end all the same
            self._pieces, self._failed = False, error


def _think(thought: str) -> None:
    """Show a thought; faint on a terminal. The marks are ours, so they are not made visible like a server's."""
    if not is_terminal(sys.stderr):
        print_err_chunk(thought)
        return
    sys.stderr.write(FAINT)
    print_err_chunk(thought)
    sys.stderr.write(PLAIN)
    sys.stderr.flush()
