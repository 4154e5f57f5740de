"""The paths of speech over HTTP; the socket is `speech/routes.py`.

Importing this needs starlette.
"""

from __future__ import annotations

from starlette.routing import Route

from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints
from bailian.sandbox.state import State
from bailian.sandbox.voices.enrollment import PATH, Enrollment
from bailian.sandbox.voices.models import SYNTHESIZER
from bailian.sandbox.voices.synthesizer import Synthesizer, about


class VoiceRoutes:
    """The routes of the models that are told a voice."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, endpoints: Endpoints) -> list[Route]:
        enrollment, synthesizer = Enrollment(self._state), Synthesizer(self._state)
        return [
            endpoints.route("POST", BASE_PATH + SYNTHESIZER, "sync", synthesizer.handle, about),
            endpoints.route("POST", BASE_PATH + PATH, "customization", enrollment.handle, _about_a_voice),
        ]


def _about_a_voice(call: Call) -> tuple[str, str]:
    inputs = call.body.get("input")
    return str(inputs.get("action")) if isinstance(inputs, dict) else "", str(call.body["model"])
