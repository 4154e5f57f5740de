"""The route of speech: a web socket that answers with audio frames and times.

Importing this needs starlette and uvicorn.
"""

from __future__ import annotations

import asyncio

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from bailian.sandbox.http.raw_sockets import Connections
from bailian.sandbox.speech.connection import Connection, ConnectionOver, TaskOf
from bailian.sandbox.speech.socket_task import SPEECH_PATH
from bailian.sandbox.state import State


class SpeechRoutes:
    """The endpoint; with and without a slash at its end.

    Args:
        state: of the running sandbox.
        connections: the open ones.
        task_of: makes the task of a frame: which it is depends on the model.
    """

    def __init__(self, state: State, connections: Connections, task_of: TaskOf) -> None:
        self._state = state
        self._connections = connections
        self._task_of = task_of

    def routes(self) -> list[WebSocketRoute]:
        return [WebSocketRoute(path, self._serve) for path in (SPEECH_PATH, SPEECH_PATH + "/")]

    async def _serve(self, socket: WebSocket) -> None:
        connection = Connection(self._state, self._connections, socket, self._task_of)
        try:
            await connection.serve()
        except ClientDisconnected:
            raise
        except (ConnectionOver, WebSocketDisconnect, RuntimeError, OSError):
            pass  # whatever is sent to a client that has left raises one of these
        except asyncio.CancelledError:  # the sandbox stops
            return
        finally:
            if socket.client is not None:
                self._connections.forget(socket.client)
