"""`GET /compatible-mode/v1/models`: the names that chat and vectors take, in OpenAI's shape.

Which names the real list has is not documented; that it exists, with keys and shape of OpenAI's, public clients show.
"""

from __future__ import annotations

from typing import Any

from bailian.sandbox.compatible.errors import no_such_model
from bailian.sandbox.state import State

CREATED = 1_700_000_000
"""Of every name: the days on which models came out are not imitated."""


def names_of(state: State) -> list[str]:
    taken = {*state.models.texts, *state.models.embeddings}
    return [name for name in state.models.listed() if name in taken]


def model_list(state: State) -> dict[str, Any]:
    return {"object": "list", "data": [_entry(name) for name in names_of(state)]}


def one_model(state: State, name: str) -> dict[str, Any]:
    """Return one entry.

    Raises:
        Refusal: no name of the list.
    """
    if name not in names_of(state):
        raise no_such_model(name)
    return _entry(name)


def _entry(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "system"}
