"""Starts and stops a recorder or a replayer: in a program or a test, or alone in a shell."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bailian.i18n import tr
from bailian.sandbox.http.listening import closed_on_failure, is_loopback, listening_socket, root_url_of
from bailian.sandbox.recording.exchanges import RecordingFile, read_recording_file

if TYPE_CHECKING:
    from bailian.sandbox.runner import Runner

UPSTREAM = "https://dashscope.aliyuncs.com"
START_S = 10.0
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class _Server:
    """What both have in common; a context manager."""

    def __init__(
        self, host: str, port: int, allow_hosts: Collection[str], certificate: tuple[Path, Path] | None
    ) -> None:
        self._address = (host, port)
        self._allow_hosts = allow_hosts
        self._certificate = certificate
        self._runner: Runner | None = None

    def start(self, handle: Callable[..., Any], commands: dict[str, Callable[..., Any]]) -> None:
        from starlette.applications import Starlette
        from starlette.middleware import Middleware
        from starlette.routing import Route

        from bailian.sandbox.control.access import guarded
        from bailian.sandbox.http.hosts import Hosts, OnlyKnownHosts
        from bailian.sandbox.http.raw_sockets import Connections
        from bailian.sandbox.runner import Runner

        sock = listening_socket(self._address)
        self._address = (self._address[0], sock.getsockname()[1])
        connections = Connections()
        routes = [
            *(Route(f"/_sandbox/{name.split()[1]}", guarded("", command), methods=[name.split()[0]])
              for name, command in commands.items()),
            Route("/_sandbox/{anything:path}", guarded("", _no_command), methods=METHODS),
            Route("/{anything:path}", handle, methods=METHODS),
        ]  # fmt: skip
        guard = [Middleware(OnlyKnownHosts, hosts=Hosts(self._address[0], self._allow_hosts))]
        with closed_on_failure(sock):
            runner = Runner(Starlette(routes=routes, middleware=guard), connections, sock, self._certificate)
            runner.start(START_S)
        self._runner = runner

    def stop(self) -> None:
        if self._runner is not None:
            self._runner.stop()
            self._runner = None

    @property
    def root_url(self) -> str:
        return root_url_of(self._address, tls=self._certificate is not None)

    @property
    def base_url(self) -> str:
        return f"{self.root_url}/api/v1"


class RecordingProxy(_Server):
    """Stands before the real service and writes down what passes, without key; a context manager.

    Args:
        path: JSON lines; what is there stays.
        upstream: where the service is; https, or an address of this computer.
        host: the address to listen on; port: 0 takes any free one.
        allow_hosts: names by which clients may call it.
        certificate: files of a certificate and its key (PEM).

    Raises:
        ValueError: the upstream would get the key in the clear.
    """

    def __init__(
        self, path: Path, *, upstream: str = UPSTREAM, host: str = "127.0.0.1", port: int = 0,
        allow_hosts: Collection[str] = (), certificate: tuple[Path, Path] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(host, port, allow_hosts, certificate)
        check_upstream(upstream)
        self._path, self._upstream = path, upstream

    def __enter__(self) -> RecordingProxy:
        from bailian.sandbox.recording.recorder import Recorder

        self._recorder = Recorder(self._upstream, RecordingFile(self._path, self._upstream))
        self.start(self._recorder.handle, {})
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self._recorder.close()


class Replay(_Server):
    """Answers from a recording; a context manager.

    Raises:
        BadRecording: the file is none.
        OSError: it cannot be read.
    """

    def __init__(
        self, path: Path, *, host: str = "127.0.0.1", port: int = 0, allow_hosts: Collection[str] = (),
        certificate: tuple[Path, Path] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(host, port, allow_hosts, certificate)
        self._exchanges = read_recording_file(path)

    def __enter__(self) -> Replay:
        from bailian.sandbox.recording.replayer import Replayer

        replayer = Replayer(self._exchanges)

        async def state(request: object) -> Any:
            return replayer.state()

        async def reset(request: object) -> Any:
            replayer.reset()
            return {"reset": True}

        self.start(replayer.handle, {"GET state": state, "POST reset": reset})
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


async def _no_command(request: object) -> Any:
    raise ValueError("not while it records or replays")


def check_upstream(upstream: str) -> None:
    """Refuse an address to which the key would go in the clear, or that is none.

    Raises:
        ValueError: it is one.
    """
    parts = urlsplit(upstream)
    if parts.scheme == "https" and parts.hostname and parts.path in ("", "/"):
        return
    if parts.scheme == "http" and is_loopback(parts.hostname or "") and parts.path in ("", "/"):
        return
    raise ValueError(
        tr(
            f"{upstream!r} is no https:// address without a path, like {UPSTREAM}",
            f"{upstream!r} 不是不带路径的 https:// 地址，例如 {UPSTREAM}",
        )
    )
