"""The HTTP face: the routes of all services in one application.

Importing this needs starlette, uvicorn and Pillow.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from bailian.sandbox.account.routes import AccountRoutes
from bailian.sandbox.anthropic.errors import anthropic_error, key_of
from bailian.sandbox.anthropic.routes import AnthropicRoutes
from bailian.sandbox.batches.routes import BatchRoutes
from bailian.sandbox.compatible.errors import compatible_error, file_error
from bailian.sandbox.compatible.native_files import NativeFileRoutes
from bailian.sandbox.compatible.routes import CompatibleRoutes
from bailian.sandbox.control.admin import Admin
from bailian.sandbox.embeddings.routes import EmbeddingRoutes
from bailian.sandbox.faults import Fault
from bailian.sandbox.http import refusals
from bailian.sandbox.http.answers import Answer
from bailian.sandbox.http.endpoints import Call, Endpoints
from bailian.sandbox.http.hosts import Hosts, OnlyKnownHosts
from bailian.sandbox.http.last_slash import WithoutLastSlash
from bailian.sandbox.http.raw_sockets import Connections
from bailian.sandbox.multimodal_route import MultimodalRoute
from bailian.sandbox.picture_routes import PictureRoutes
from bailian.sandbox.rerank.routes import RerankRoutes
from bailian.sandbox.responses.routes import ResponseRoutes
from bailian.sandbox.results import result_of
from bailian.sandbox.speech.routes import SpeechRoutes
from bailian.sandbox.state import State
from bailian.sandbox.storage.routes import StorageRoutes
from bailian.sandbox.tasks.routes import TaskRoutes
from bailian.sandbox.text.routes import TextRoutes
from bailian.sandbox.transcription.instant import InstantRecognition
from bailian.sandbox.transcription.routes import TranscriptionRoutes
from bailian.sandbox.voices.qwen_tts import QwenTts
from bailian.sandbox.voices.routes import VoiceRoutes
from bailian.sandbox.voices.socket_task import task_of

_SERVICE_PATHS = ("/api/", "/apps/")
"""What begins so may be a route of the real service."""

_log = logging.getLogger("bailian.sandbox")


async def _crashed(request: Request, error: Exception) -> Response:
    """A bug of the sandbox must not look like a fault of the service."""
    _log.error("the sandbox failed at %s %s", request.method, request.url.path, exc_info=error)
    body: dict[str, Any] = {"code": "Sandbox.Bug", "message": repr(error), "request_id": ""}
    return JSONResponse(body, 500)


async def _not_there(call: Call, fault: Fault | None) -> Answer:
    if call.path.startswith(_SERVICE_PATHS):
        raise refusals.not_imitated(f"{call.request.method} {call.path}")
    raise refusals.Refusal(404, "NotFound", f"There is nothing at {call.path}.")


def routes(state: State, connections: Connections) -> list[BaseRoute]:
    """Return the routes of every service."""
    endpoints = Endpoints(state, connections)
    nested, of_files = (Endpoints(state, connections, shape) for shape in (compatible_error, file_error))
    compatible = CompatibleRoutes(state)
    pictures, transcription, texts = PictureRoutes(state), TranscriptionRoutes(state), TextRoutes(state)
    answers = {
        "image": pictures.task_answer,
        "edit": pictures.task_answer,
        "message": pictures.task_answer,
        "film": pictures.task_answer,
        "transcription": transcription.task_answer,
    }
    rooms = (texts.room(), QwenTts(state).room(), InstantRecognition(state).room(), pictures.room())
    return [
        *Admin(state).routes(),
        *SpeechRoutes(state, connections, task_of).routes(),
        *BatchRoutes(state).routes(of_files),
        *compatible.routes(nested, of_files),
        *pictures.routes(endpoints),
        *texts.routes(endpoints),
        *EmbeddingRoutes(state).routes(endpoints),
        *ResponseRoutes(state).routes(nested),
        *AnthropicRoutes(state).routes(Endpoints(state, connections, anthropic_error, key_of)),
        *RerankRoutes(state).routes(endpoints, nested),
        *NativeFileRoutes(state).routes(endpoints),
        MultimodalRoute(*rooms).route(endpoints),
        *VoiceRoutes(state).routes(endpoints),
        *transcription.routes(endpoints),
        *StorageRoutes(state, partial(result_of, state.store)).routes(endpoints),
        *AccountRoutes(state).routes(endpoints),
        *TaskRoutes(state, answers).routes(endpoints),
        *compatible.rest(nested),
        endpoints.route("GET POST PUT PATCH DELETE", "/{anything:path}", "other", _not_there),  # takes everything else
    ]


def build(state: State, connections: Connections, hosts: Hosts) -> Starlette:
    """Return the ASGI application."""
    guard = [Middleware(OnlyKnownHosts, hosts=hosts), Middleware(WithoutLastSlash)]
    return Starlette(routes=routes(state, connections), exception_handlers={Exception: _crashed}, middleware=guard)
