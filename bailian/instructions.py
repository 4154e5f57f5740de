"""How a user does what an error advises. The engine raises facts; whoever runs it says the words.

`fetch job X`, `take task Y for job X` are facts. A program that imports the package hears them as they stand here. The
command line replaces them by commands that can be pasted (`cli.output.shell_words`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bailian.i18n import tr


class Instructions:
    """The words for a program."""

    def fetch(self, flags: Sequence[str], *ids: str, elsewhere: bool = False) -> str:
        """Return how the results of jobs or tasks are fetched later; `flags` name the account.

        `elsewhere`: into another folder.
        """
        return self._in_a_shell("tasks wait", *flags, *ids, *(["-o DIR"] if elsewhere else []))

    def show(self, job_id: str) -> str:
        """Return how all that is known of a job is seen."""
        return self._in_a_shell("tasks show", job_id)

    def adopt(self, flags: Sequence[str], task_id: str, job_id: str) -> str:
        """Return how a task is taken for a job that has lost it."""
        return self._in_a_shell("tasks adopt", *flags, task_id, "--job", job_id)

    def list_held(self) -> str:
        """Return how the jobs that wait for a person are listed."""
        return self._in_a_shell("tasks list", "--state held")

    def list_remote(self) -> str:
        """Return how the tasks that the service knows are listed."""
        return self._in_a_shell("tasks list", "--remote")

    def check(self) -> str:
        """Return how key, host and folders are checked."""
        return self._in_a_shell("doctor")

    def models(self) -> str:
        """Return how the models are listed."""
        return self._in_a_shell("models")

    def time_limit(self) -> str:
        """Return what the time limit of a run is called."""
        return "timeout_s"

    def retry_held(self) -> str:
        """Return what asks for held rows to be paid anew."""
        return "retry_held=True"

    def interrupt(self) -> str:
        """Return what a user does to end a run early."""
        return "KeyboardInterrupt"

    def caller(self, kind: str) -> str:
        """Return what runs a model of a kind."""
        return tr(f"kind {kind}", f"类型 {kind}")

    @staticmethod
    def _in_a_shell(command: str, *words: str) -> str:
        return " ".join(["bailian", command, *words])


_current: Callable[[], Instructions] = Instructions


def how_to() -> Instructions:
    """Return the words of whoever runs the engine."""
    return _current()


@contextmanager
def spoken_by(instructions: Callable[[], Instructions]) -> Iterator[None]:
    """Let somebody else say the words meanwhile. For a whole process: the engine's threads speak, too."""
    global _current
    before, _current = _current, instructions
    try:
        yield
    finally:
        _current = before
