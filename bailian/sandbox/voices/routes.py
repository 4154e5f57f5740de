"""The paths of speech over HTTP; the socket is `speech/routes.py`.

Importing this needs starlette.
"""

from __future__ import annotations

from starlette.routing import Route

from bailian.sandbox.http.endpoints import BASE_PATH, Endpoints
from bailian.sandbox.state import State
from bailian.sandbox.voices.models import SYNTHESIZER
from bailian.sandbox.voices.synthesizer import Synthesizer, about


class VoiceRoutes:
    """The routes of the models that are told a voice."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, endpoints: Endpoints) -> list[Route]:
        return [endpoints.route("POST", BASE_PATH + SYNTHESIZER, "sync", Synthesizer(self._state).handle, about)]
