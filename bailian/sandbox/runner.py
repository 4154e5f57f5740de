"""Runs the application on a socket, in a thread of its own.

Importing this needs starlette, uvicorn and Pillow.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from bailian.sandbox.http.hosts import Hosts
from bailian.sandbox.http.raw_sockets import Connections
from bailian.sandbox.state import State

STOP_S = 5.0

Certificate = tuple[Path, Path]
"""The files of a certificate and of its key, PEM."""


class _Server(uvicorn.Server):
    """Tells when it listens, and stops at once: in a sandbox no answer is worth waiting for."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._connections = connections
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()

    async def main_loop(self) -> None:
        assert self._stopping is not None  # noqa: S101  # startup has run
        while not self._stopping.is_set():
            await self.on_tick(0)  # once a second: the Date header
            try:
                await asyncio.wait_for(self._stopping.wait(), 1.0)
            except asyncio.TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        self._connections.drop()
        await self._end_requests()
        for sock in sockets or []:
            sock.close()

    async def _end_requests(self) -> None:
        await asyncio.sleep(0)  # lets every request learn that its line is down
        under_way = {task for task in self.server_state.tasks if task is not asyncio.current_task()}
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way, timeout=1.0)

    async def end_others(self, client: object) -> None:
        """End what is under way, so that nothing of it is noted later; connections at rest stay, and the client's own."""
        self._connections.drop(only_busy=True, but=client)
        await self._end_requests()

    def end_requests(self) -> None:
        """The same from another thread, for every client."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self.end_others(None), self._loop).result(STOP_S)

    def stop(self) -> None:
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)


def sandbox_runner(state: State, sock: socket.socket, hosts: Hosts, certificate: Certificate | None = None) -> Runner:
    """Return the server of a sandbox."""
    from bailian.sandbox.app import build

    connections = Connections()
    runner = Runner(build(state, connections, hosts), connections, sock, certificate)
    state.end_others = runner.end_others
    return runner


class Runner:
    """One server in one daemon thread."""

    def __init__(
        self, app: ASGIApp, connections: Connections, sock: socket.socket, certificate: Certificate | None = None
    ) -> None:
        config = uvicorn.Config(
            app,
            ssl_certfile=certificate[0] if certificate else None,
            ssl_keyfile=certificate[1] if certificate else None,
            http=connections.protocol_class(),
            ws=WebSocketsSansIOProtocol,
            ws_per_message_deflate=False,
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            headers=[("x-bailian-sandbox", "1")],
            timeout_keep_alive=60,
        )
        if certificate:
            config.load()  # here, so that whoever starts it hears what is wrong with it
        self._server = _Server(config, connections)
        self.end_others = self._server.end_others
        self._sock = sock
        self._thread = threading.Thread(target=self._server.run, args=([sock],), name="bailian-sandbox", daemon=True)

    def start(self, within_s: float) -> None:
        self._thread.start()
        if not self._server.ready.wait(within_s):
            raise RuntimeError("the sandbox did not start")

    def end_requests(self) -> None:
        self._server.end_requests()

    def stop(self) -> None:
        self._server.stop()
        self._thread.join(STOP_S)
        self._sock.close()
