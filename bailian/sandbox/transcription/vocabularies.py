"""The route of hot words: lists are made, listed, looked at, changed and deleted (HOT, SDK).

Importing this needs starlette.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.customization import action_of, check_prefix, listed, moment, no_such_resource, page_of
from bailian.sandbox.http.endpoints import Call
from bailian.sandbox.http.refusals import invalid, off_specification, refuses_async
from bailian.sandbox.state import State
from bailian.sandbox.tasks.requests import is_integer, parts_of
from bailian.sandbox.transcription.hot_words import Vocabulary

BIASING = "speech-biasing"
PATH = "/services/audio/asr/customization"
ACTIONS = ("create_vocabulary", "list_vocabulary", "query_vocabulary", "update_vocabulary", "delete_vocabulary")
WORDS_MAX = 500
LISTS_MAX = 10
CHARS_MAX = 15
"""HOT: of a word with other than ASCII characters; a word of ASCII has up to seven parts."""
PARTS_MAX = 7


class Vocabularies:
    """The handler of the route."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def handle(self, call: Call, fault: Fault | None) -> Answer:
        if call.body["model"] != BIASING:
            raise self._state.models.refusal_of(str(call.body["model"]), sync=True)
        if call.asks_async():
            raise refuses_async()
        inputs, _ = parts_of(call.body)
        action = action_of(inputs, ACTIONS)
        self._state.account.count_customization(BIASING)
        if action == "create_vocabulary":
            output = self._create(inputs)
        elif action == "list_vocabulary":
            rows = listed(self._state.hot_words.all(str(inputs.get("prefix") or "")), *page_of(inputs))
            output = {"vocabulary_list": [{"vocabulary_id": one.vocabulary_id, **_times(one)} for one in rows]}
        else:
            output = self._one(action, inputs)
        return json_answer({"output": output, "usage": {"count": 1}, "request_id": call.request_id})

    def _create(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        target, prefix = str(inputs.get("target_model")), check_prefix(inputs)
        if not self._takes_words(target):
            raise invalid(f"target_model {target} is not supported")
        if len(self._state.hot_words.all("")) >= LISTS_MAX:
            raise invalid(f"Maximum number of vocabularies is {LISTS_MAX}")
        now = self._state.clock()
        vocabulary_id = f"vocab-{prefix}-{secrets.token_hex(16)}"
        self._state.hot_words.put(Vocabulary(vocabulary_id, target, prefix, _entries(inputs), now, now))
        return {"vocabulary_id": vocabulary_id}

    def _takes_words(self, model: str) -> bool:
        """Live models take hot words, too, although the sandbox does not play them."""
        found = self._state.models.recognizers.get(model)
        return "realtime" in model or "streaming" in model or (found is not None and found.hot_words)

    def _one(self, action: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        vocabulary = self._state.hot_words.get(str(inputs.get("vocabulary_id")))
        if vocabulary is None:
            raise no_such_resource()
        if action == "delete_vocabulary":
            self._state.hot_words.delete(vocabulary.vocabulary_id)
            return {}
        if action == "update_vocabulary":
            self._state.hot_words.put(replace(vocabulary, entries=_entries(inputs), modified=self._state.clock()))
            return {}
        return {**_times(vocabulary), "target_model": vocabulary.target_model, "vocabulary": vocabulary.entries}


def _times(vocabulary: Vocabulary) -> dict[str, Any]:
    return {"gmt_create": moment(vocabulary.created), "gmt_modified": moment(vocabulary.modified), "status": "OK"}


def _entries(inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = inputs.get("vocabulary")
    if not isinstance(entries, list) or not 1 <= len(entries) <= WORDS_MAX:
        raise off_specification(f"vocabulary must have 1 to {WORDS_MAX} words")
    if not all(isinstance(entry, dict) and _is_right(entry) for entry in entries):
        raise off_specification("vocabulary has a word that is not supported")
    return entries


def _is_right(entry: Mapping[str, Any]) -> bool:
    text = entry.get("text")
    if not isinstance(text, str) or not text.strip() or not is_integer(entry.get("weight"), 1, 5):
        return False
    short = len(text.split(" ")) <= PARTS_MAX if text.isascii() else len(text) <= CHARS_MAX
    return short and isinstance(entry.get("lang", ""), str)
