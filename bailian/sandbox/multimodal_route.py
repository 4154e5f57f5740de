"""The multimodal path: pictures, texts and sounds share it, and the model's name says which room a call is for.

Importing this needs starlette.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import Route

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer
from bailian.sandbox.http.endpoints import BASE_PATH, About, Call, Endpoints, Handler
from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.images.models import MULTIMODAL


@dataclass(frozen=True)
class Room:
    """A service that takes calls of this path."""

    kind: str
    """What a fault calls such a call."""
    takes: Callable[[str], bool]
    """Whether calls with this model's name are its affair, also those that it refuses."""
    handler: Handler
    about: About


class MultimodalRoute:
    """Leads each call to the first room that takes its model; the last room takes whatever is left."""

    def __init__(self, *rooms: Room) -> None:
        self._rooms = rooms

    def route(self, endpoints: Endpoints) -> Route:
        return endpoints.route("POST", BASE_PATH + MULTIMODAL, self._kind, self._handle, self._about)

    def _room(self, call: Call) -> Room:
        try:
            name = str(call.body["model"])
        except Refusal:  # a body that cannot be read is answered by the last room
            return self._rooms[-1]
        return next((room for room in self._rooms if room.takes(name)), self._rooms[-1])

    def _kind(self, call: Call) -> str:
        return self._room(call).kind

    def _about(self, call: Call) -> tuple[str, str]:
        return self._room(call).about(call)

    async def _handle(self, call: Call, fault: Fault | None) -> Answer:
        return await self._room(call).handler(call, fault)
