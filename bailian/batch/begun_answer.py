"""A text whose answer was cut: the request again, with that answer as its beginning."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from bailian.config.settings import Settings
from bailian.errors import InvalidRequest, Problem
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.store.ids.short_ids import find_job
from bailian.store.jobs import Journal

OF_THE_QUESTION = ("prompt", "files", "prefix")
"""What the answer that goes on has had already."""


def begun_answer(word: str, given: Mapping[str, Any], here: Settings) -> dict[str, Any]:
    """Return the fields of a job whose answer was cut, with the answer as the beginning of the next.

    Raises:
        InvalidRequest: no job of a text, one without an answer, or another question beside it.
    """
    again = [name for name in OF_THE_QUESTION if given.get(name)]
    if again:
        text = tr(
            "does not go with --go-on, which has its question and its beginning already",
            "不能与 --go-on 同用：续写沿用原来的问题和开头",
        )
        names = {"files": "file"}
        raise InvalidRequest([Problem(names.get(name, name), text) for name in again], advice="")
    with closing(Journal(here.journal)) as journal:
        row = find_job(journal, here.account, word)
    if row is None or row.kind != "text":
        raise InvalidRequest.one(
            "go-on", tr(f"{word} is no text of this account", f"本账号下没有文本任务 {word}"), advice=""
        )
    found = modality_of("text").items(row.answer or {}, row.prepared)
    if not found or not found[0].text:
        raise InvalidRequest.one(
            "go-on", tr(f"{word} has no answer to go on from", f"{word} 没有可续写的回答"), advice=""
        )
    return {**row.request, "prefix": found[0].text}
