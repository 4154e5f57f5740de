"""`text2text.py --go-on ID`: the request whose answer was cut, again, with that answer as its beginning."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from bailian.cli.account import settings_of
from bailian.cli.args.options import SharedOptions
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.store.ids import find_job
from bailian.store.jobs import Journal


def begun_answer(word: str, common: SharedOptions) -> dict[str, Any]:
    """Return the fields of a job whose answer was cut, with the answer as the beginning of the next.

    Raises:
        InvalidRequest: no job of a text, or one without an answer.
    """
    here = settings_of(common)
    with closing(Journal(here.home)) as journal:
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
