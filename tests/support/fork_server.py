"""A Python that has imported everything once and forks: a process of its own for a test in a fraction of the time.

What is forked is a child of the tests, with its own arguments, variables, folder, streams, signals and session, and ends
as the interpreter ends. Linux only: elsewhere, and for whatever needs the interpreter's own start, a process is started.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import io
import os
import pickle
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
POPEN = subprocess.Popen
PR_SET_CHILD_SUBREAPER = 36
LIBRARIES = (
    "click", "concurrent.futures", "json", "PIL.Image", "PIL.JpegImagePlugin", "PIL.PngImagePlugin", "platformdirs",
    "pydantic", "requests", "rich.console", "rich.live", "rich.progress", "rich.table", "sqlite3", "tinytag", "urllib3",
    "websockets.sync.client",
)  # fmt: skip
HOUSE = (
    "bailian.cli.main", "bailian.cli.batch.run_file", "bailian.cli.guard", "bailian.engine.engine",
    "bailian.modalities.picture.image", "text2image", "image_edit", "wanx_edit", "text2text", "text2video", "audio",
    "tests.support.setting",
)  # fmt: skip
ITS_OWN_START = ("sys.modules", "importtime", "os.fork", "sys.flags", "orig_argv")
"""Words of a program that asks how its interpreter came up, or forks by itself."""


@dataclass(frozen=True)
class Order:
    """A process to fork: everything that an interpreter has when it starts."""

    words: list[str]
    env: dict[str, str]
    cwd: str
    umask: int
    new_session: bool
    has_house: bool
    """Whether the house is loaded too. A program that patches a module before others load it wants it unloaded."""


def can_fork(words: Sequence[object], env: Mapping[str, str] | None) -> bool:
    """Return whether a fork would be the same as what these words start."""
    if sys.platform != "linux" or len(words) < 2 or words[0] != sys.executable:
        return False
    how = str(words[1])
    if not (how in ("-c", "-m") and len(words) > 2) and not how.endswith(".py"):
        return False
    if how == "-c" and any(word in str(words[2]) for word in ITS_OWN_START):
        return False
    # What is ignored here would be ignored there.
    if any(signal.getsignal(number) == signal.SIG_IGN for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)):
        return False
    return _start_of(os.environ if env is None else env) == _start_of(os.environ)


def _start_of(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the interpreter itself reads when it starts."""
    begins = ("PYTHON", "LC_", "LANG", "LD_", "TZ", "MALLOC_")
    return {name: word for name, word in env.items() if name.startswith(begins) and name != "PYTHONPATH" and word}


class ForkServer:
    """The tests' end: starts the Python that forks, and hands it orders."""

    def __init__(self, *modules: str) -> None:
        self._line, theirs = socket.socketpair()
        code = f"from tests.support.fork_server import serve; run = serve({theirs.fileno()}, {modules!r}); run()"
        others = ("BAILIAN_", "DASHSCOPE_", "PYTHONPATH")
        env = {name: word for name, word in os.environ.items() if not name.startswith(others)}
        with theirs:
            self._process = POPEN(
                [sys.executable, "-c", code],
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        self._prctl = ctypes.CDLL(None).prctl
        atexit.register(self.stop)

    def stop(self) -> None:
        self._line.close()
        self._process.wait()

    def fork(self, order: Order, streams: tuple[int, int, int]) -> int:
        """Return the number of a new child of this process."""
        data = pickle.dumps(order)
        self._prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # who forks it leaves at once, and it becomes a child of ours
        try:
            socket.send_fds(self._line, [len(data).to_bytes(8, "big")], streams)
            self._line.sendall(data)
            pid = int.from_bytes(_read(self._line, 8), "big")
        except BaseException:
            self._line.close()  # it ends, and keeps no pipe of ours open
            raise
        finally:
            self._prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        return pid


def _read(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = line.recv(size - len(data))
        if not more:
            raise EOFError("the other end has gone")
        data += more
    return data


# The other end.


def serve(number: int, modules: Sequence[str]) -> Callable[[], object]:
    """Fork for each order. Returns in the children only, with what the interpreter has to run."""
    for name in modules:
        importlib.import_module(name)
    if "pydantic" in modules:  # it loads these by name
        _ = (sys.modules["pydantic"].BaseModel, sys.modules["pydantic"].TypeAdapter)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    line = socket.socket(fileno=number)
    while True:
        head, streams, _, _ = socket.recv_fds(line, 8, 3)
        if not head:
            os._exit(0)
        head += _read(line, 8 - len(head)) if len(head) < 8 else b""
        order: Order = pickle.loads(_read(line, int.from_bytes(head, "big")))
        told, tell = os.pipe()
        go, wait = os.pipe()
        parent = os.fork()
        if parent:
            os.close(tell)
            os.waitpid(parent, 0)
            line.sendall(os.read(told, 8))
            for end in (told, go, wait, *streams):
                os.close(end)
            continue
        pid = os.fork()
        if pid:
            os.write(tell, pid.to_bytes(8, "big"))
            os._exit(0)
        os.close(wait)
        os.read(go, 1)  # until who forked it is gone, and it is a child of the tests
        _become(order, streams)
        line.detach()
        return lambda: _run(order.words[1:])


def _become(order: Order, streams: Sequence[int]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if order.new_session:
        os.setsid()
    for wanted, stream in enumerate(streams):
        os.dup2(stream, wanted)
    os.closerange(3, 256)
    os.umask(order.umask)
    os.chdir(order.cwd)
    os.environ.clear()
    os.environ.update(order.env)
    _renew_streams()
    sys.path[:] = [path for path in sys.path if path not in ("", str(ROOT))]
    sys.path[:0] = [path for path in order.env.get("PYTHONPATH", "").split(os.pathsep) if path]


def _renew_streams() -> None:
    """Open stdin, stdout and stderr on what they are now, as the interpreter does when it starts."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
        raw.name = f"<{name}>"  # type: ignore[misc]
        at_once = old.write_through  # PYTHONUNBUFFERED
        buffer: Any = io.BufferedReader(raw) if number == 0 else raw if at_once else io.BufferedWriter(raw)
        by_line = not at_once and (raw.isatty() or number == 2)
        new = io.TextIOWrapper(
            buffer, old.encoding, old.errors, newline="\n", line_buffering=by_line, write_through=at_once
        )
        new.mode = "r" if number == 0 else "w"
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def _run(words: list[str]) -> None:
    how, rest = words[0], words[1:]
    if how == "-m":
        sys.path.insert(0, str(Path.cwd()))
        sys.argv[:] = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return
    main = sys.modules["__main__"].__dict__
    for name in [name for name in main if not name.startswith("__")]:
        del main[name]
    if how == "-c":
        sys.path.insert(0, "")
        sys.argv[:] = ["-c", *rest[1:]]
        code, file = rest[0], "<string>"
    else:
        sys.path.insert(0, str(Path(how).resolve().parent))
        sys.argv[:] = words
        code, file = Path(how).read_text(encoding="utf-8"), how
        main["__file__"] = file
    exec(compile(code, file, "exec"), main)
