"""The server: the tools over stdin and stdout, or over HTTP on this machine. Imports `mcp`."""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio
import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from bailian import __version__
from bailian.agents.calls import Answer, Toolbox
from bailian.agents.tools import listed
from bailian.api.aio import in_thread

PATH = "/mcp"
INSTRUCTIONS = (
    "Pictures, edits, films, texts, speech and transcripts with Alibaba Bailian. Every tool of a kind costs money from the "
    "budget of this server; `budget`, `models`, `list_tasks`, `wait_task` and `fetch_tasks` are free. Results are files on "
    "this machine. A call that ended as running goes on: use `wait_task`, do not call the tool again."
)
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def server_of(toolbox: Toolbox) -> Server[Any]:
    """Return the server of a toolbox: what it lists and answers."""

    async def list_tools(_context: Any, _params: Any) -> types.ListToolsResult:
        tools = await in_thread(lambda: listed(toolbox.models()))
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    description=tool.description,
                    input_schema=tool.schema,
                    annotations=types.ToolAnnotations(
                        read_only_hint=not tool.costs, destructive_hint=False, open_world_hint=tool.costs
                    ),
                )
                for tool in tools
            ]
        )

    async def call_tool(_context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        answer = await in_thread(lambda: toolbox.call(params.name, params.arguments or {}))
        return _wired(answer)

    return Server(
        "bailian",
        version=__version__,
        title="Bailian toolkit",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _wired(answer: Answer) -> types.CallToolResult:
    content: list[Any] = [types.TextContent(text=answer.text)]
    content += [types.ImageContent(data=data, mime_type="image/jpeg") for data in answer.pictures]
    return types.CallToolResult(content=content, structured_content=dict(answer.data), is_error=answer.failed)


def serve_stdio(toolbox: Toolbox) -> None:
    """Answer one agent over stdin and stdout, until it closes them. Nothing else is printed to stdout."""

    async def run() -> None:
        server = server_of(toolbox)
        async with stdio_server() as (reader, writer):
            await server.run(reader, writer, server.create_initialization_options())

    anyio.run(run)


def serve_http(toolbox: Toolbox, port: int, token: str, ready: Callable[[str], None]) -> None:
    """Answer over HTTP, on this machine only, who has the token; `ready` is told the address.

    Raises:
        OSError: the port is taken.
    """
    app: App = with_token(server_of(toolbox).streamable_http_app(streamable_http_path=PATH, host="127.0.0.1"), token)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_config=None, access_log=False, server_header=False, lifespan="on"
    )

    class Told(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            with contextlib.suppress(SystemExit):  # uvicorn's way to say that the port is taken
                await super().startup(sockets)
            if not self.started:
                raise OSError(f"cannot listen on port {port}")
            ready(f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}{PATH}")

    Told(config).run()


def with_token(app: App, token: str) -> App:
    """Let in whoever shows the token (`Authorization: Bearer …`)."""
    wanted = f"Bearer {token}".encode()

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, wanted):
                headers = [(b"content-type", b"text/plain"), (b"www-authenticate", b"Bearer")]
                await send({"type": "http.response.start", "status": 401, "headers": headers})
                await send({"type": "http.response.body", "body": b"the token is missing or wrong\n"})
                return
        await app(scope, receive, send)

    return guarded
