"""A Dask cluster as people run one: a scheduler and workers, each a process, each worker with an environment of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from bailian.sandbox import Sandbox
from tests.support.machines import PATIENCE_S
from tests.support.postgresql import free_port
from tests.support.processes import until
from tests.support.service import FAST_MODELS
from tests.support.setting import KEY, ROOT

# A version that differs: what the command has is what is installed.
_OTHER_VERSION = "import bailian; bailian.__version__ = '0.0.9'"
_WITHOUT = "import sys; sys.modules['bailian'] = None"


class DaskScheduler:
    """A scheduler at an address that stays the same. It need not have the toolkit: this one has not."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, free_port()
        self.url = f"tcp://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        words = ("--host", "127.0.0.1", "--port", str(self.port), "--dashboard-address", "127.0.0.1:0")
        code = f"{_WITHOUT}\nfrom distributed.cli.dask_scheduler import main\nmain({list(words)!r})"
        self.log = self._folder / "scheduler.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        until(lambda: b"Scheduler at:" in self.log.read_bytes(), PATIENCE_S)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        self.log.unlink()


class DaskWorker:
    """A worker with its own home: a machine, as far as the toolkit can tell."""

    def __init__(
        self,
        folder: Path,
        scheduler: DaskScheduler,
        url: str,
        box: Sandbox,
        *,
        key: str | None = KEY,
        version: str = "",
        nanny: bool = False,
        without: bool = False,
    ) -> None:
        home = folder / "home"
        home.mkdir(parents=True)
        (home / "models.toml").write_text(FAST_MODELS, encoding="utf-8")
        environment = {
            **os.environ, "HOME": str(folder), "BAILIAN_HOME": str(home), "BAILIAN_JOURNAL": url,
            "DASHSCOPE_HTTP_BASE_URL": box.base_url, "BAILIAN_LANG": "en", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        if key is not None:
            environment["DASHSCOPE_API_KEY"] = key
        words = [scheduler.url, "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard", "--name", folder.name]
        words += [] if nanny else ["--no-nanny"]
        setup = _WITHOUT if without else _OTHER_VERSION if version else ""
        code = f"{setup}\nif __name__ == '__main__':\n  from distributed.cli.dask_worker import main\n  main({words!r})"
        self.log = folder / "worker.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)
