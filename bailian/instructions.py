"""How a user does what an error advises. The engine raises facts; whoever runs it says the words.

`fetch job X`, `take task Y for job X` are facts. A program that imports the package hears them as they stand here. The
command line replaces them by commands that can be pasted (`cli.output.shell_words`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bailian.i18n import tr

DOORS = {
    "image": "text2image",
    "image_edit": "image-edit",
    "wanx_edit": "wanx-edit",
    "video": "text2video",
    "text": "text2text",
    "speech": "audio tts",
    "transcription": "audio asr",
    "embedding": "batch run",
}
"""The command of each kind: `bailian text2image …`."""


class Instructions:
    """The words for a program."""

    def command(self, *words: str) -> str:
        """Return how a command of `bailian` is run."""
        return " ".join(["bailian", *words])

    def script(self, kind: str) -> str:
        """Return how a request of a kind is run; its options follow."""
        return self.command(DOORS.get(kind, kind))

    def with_extra(self, name: str, also: str = "") -> str:
        """Return how a part that is not installed is added; `also`: a library of the user's choice beside it."""
        en, zh = (f" and {also}", f" 和 {also}") if also else ("", "")
        return tr(f"install the toolkit with its extra [{name}]{en}", f"安装本工具时加上可选部分 [{name}]{zh}")

    def fetch(self, flags: Sequence[str], *ids: str, elsewhere: bool = False) -> str:
        """Return how the results of jobs or tasks are fetched later; `flags` name the account.

        `elsewhere`: into another folder.
        """
        own = ", ".join(f'wait("{one}"{", output=…" if elsewhere else ""})' for one in ids)
        return own or "wait_all()"

    def go_on(self, flags: Sequence[str], job_id: str) -> str:
        """Return how a text that was cut goes on; `flags` name the account."""
        return f'text2text("", go_on="{job_id}")'

    def show(self, job_id: str) -> str:
        """Return how all that is known of a job is seen."""
        return self.command("tasks show", job_id)

    def adopt(self, flags: Sequence[str], task_id: str, job_id: str) -> str:
        """Return how a task is taken for a job that has lost it."""
        return f'wait("{task_id}", adopt_for="{job_id}")'

    def list_held(self) -> str:
        """Return how the jobs that wait for a person are listed."""
        return self.command("tasks list")

    def list_remote(self) -> str:
        """Return how the tasks that the service knows are listed."""
        return tr("the list of tasks in the console", "控制台中的任务列表")

    def check(self) -> str:
        """Return how key, host and folders are checked."""
        return self.command("doctor")

    def models(self) -> str:
        """Return how the models are listed."""
        return self.command("models")

    def keep_a_key(self, profile: str) -> str:
        """Return how a key is given, and how to try without one; `profile` is "" for the usual account."""
        return tr(
            "set DASHSCOPE_API_KEY; to try without a key and without cost: `with bailian.Sandbox():`",
            "设置 DASHSCOPE_API_KEY；想先免费试用：`with bailian.Sandbox():`",
        )

    def change_the_value(self) -> str:
        """Return what helps against a value that is refused."""
        return tr("change the named value", "请修改所指的参数")

    def calls_limit(self) -> str:
        """Return what the limit of answers under way is called."""
        return "in_flight"

    def time_limit(self) -> str:
        """Return what the time limit of a run is called."""
        return "timeout_s"

    def cost_limit(self) -> str:
        """Return what the money limit of a run is called."""
        return "max_cost_cny"

    def let_it_think(self) -> str:
        """Return how a model is allowed to think."""
        return "thinking=True"

    def allow_adapting(self) -> str:
        """Return what helps where a request would be adapted, and the user has forbidden that."""
        return tr("change the request, or let it be adapted", "请修改请求，或允许调整")

    def retry_held(self) -> str:
        """Return what asks for held rows to be paid anew."""
        return "retry_held=True"

    def interrupt(self) -> str:
        """Return what a user does to end a run early."""
        return "KeyboardInterrupt"

    def caller(self, kind: str) -> str:
        """Return what runs a model of a kind, in a sentence."""
        return tr(f"kind {kind}", f"类型 {kind}")


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
