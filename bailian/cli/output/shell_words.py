"""What an error advises, as the shell says it: commands that can be pasted where the user is, options, keys."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bailian.i18n import tr
from bailian.instructions import DOORS, Instructions
from bailian.text.quoting import quoted

SCRIPTS = {
    "image": "text2image.py",
    "image_edit": "image_edit.py",
    "wanx_edit": "wanx_edit.py",
    "video": "text2video.py",
    "text": "text2text.py",
    "speech": "audio.py tts",
    "transcription": "audio.py asr",
}
"""The files in the clone that are the same commands; vectors have none."""


class ShellWords(Instructions):
    def command(self, *words: str) -> str:
        return " ".join([_bailian(), *words])

    def script(self, kind: str) -> str:
        here = _script_here()
        if here is None or kind not in SCRIPTS:
            return self.command(DOORS.get(kind, kind))
        name, *subcommand = SCRIPTS[kind].split()
        return " ".join([_python(), _pasted(here.with_name(name)), *subcommand])

    def caller(self, kind: str) -> str:
        if kind not in DOORS:
            return kind
        return self.command(DOORS[kind]) if _script_here() is None or kind not in SCRIPTS else SCRIPTS[kind]

    def with_extra(self, name: str, also: str = "") -> str:
        from bailian.cli.output.own_install import line_that_adds

        return line_that_adds(name, _pasted(Path(sys.executable)), also)

    def fetch(self, flags: Sequence[str], *ids: str, elsewhere: bool = False) -> str:
        return self.command("tasks", "wait", *_joined(flags), *ids, *(["-o DIR"] if elsewhere else []))

    def go_on(self, flags: Sequence[str], job_id: str) -> str:
        return " ".join([self.script("text"), *_joined(flags), "--go-on", job_id])

    def adopt(self, flags: Sequence[str], task_id: str, job_id: str) -> str:
        return self.command("tasks", "adopt", *_joined(flags), task_id, "--job", job_id)

    def keep_a_key(self, profile: str) -> str:
        login = self.command("login", *(("--profile", profile) if profile else ()))
        return tr(
            f"`{login}` keeps it (or `export DASHSCOPE_API_KEY=sk-…`); to try without a key and without cost, add --sandbox",
            f"用 `{login}` 保存（或 `export DASHSCOPE_API_KEY=sk-…`）；想先免费试用，请加 --sandbox",
        )

    def change_the_value(self) -> str:
        models = self.command("models")
        return tr(
            f"change the named value; `{models} NAME` shows what a model takes",
            f"请修改所指的参数；`{models} 模型名` 列出该模型允许的取值",
        )

    def calls_limit(self) -> str:
        return "--in-flight"

    def list_held(self) -> str:
        return self.command("tasks list", "--state held")

    def list_remote(self) -> str:
        return self.command("tasks list", "--remote")

    def time_limit(self) -> str:
        return "--timeout"

    def cost_limit(self) -> str:
        return "--max-cost"

    def let_it_think(self) -> str:
        return "--thinking"

    def allow_adapting(self) -> str:
        return tr(
            "--strict refuses what would be adapted: change the request, or leave --strict out",
            "--strict 拒绝需要调整的请求：请修改请求，或去掉 --strict",
        )

    def retry_held(self) -> str:
        return "--retry-held"

    def interrupt(self) -> str:
        return "Ctrl-C"


def _joined(flags: Sequence[str]) -> list[str]:
    return [quoted(flag) for flag in flags]


def _bailian() -> str:
    """Return how `bailian` is called here: by its name, by its path, or through Python."""
    if shutil.which("bailian"):
        return "bailian"
    beside = Path(sys.executable).with_name("bailian.exe" if os.name == "nt" else "bailian")
    return _pasted(beside) if beside.exists() else f"{_python()} -m bailian"


def _python() -> str:
    """Return how this Python is called: by a name that leads to it, else by its path."""
    for name in ("python", "python3"):
        found = shutil.which(name)
        if found and Path(found).absolute() == Path(sys.executable):
            return name
    return _pasted(Path(sys.executable))


def _script_here() -> Path | None:
    """Return the script of the clone that this process runs; None if it is `bailian` or a program."""
    started = Path(sys.argv[0])
    return started if started.name in {script.split()[0] for script in SCRIPTS.values()} else None


def _pasted(path: Path) -> str:
    """Return a path as it can be pasted: relative where it is below this folder."""
    with_folder = os.path.relpath(path) if path.is_absolute() and path.is_relative_to(Path.cwd()) else str(path)
    return quoted(with_folder)
