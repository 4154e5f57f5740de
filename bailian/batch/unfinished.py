"""The same request, left unfinished by an earlier run: it may be paid, and can be fetched for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import modality_of
from bailian.store.states import Status
from bailian.types import Notice, Prepared, SpeechContext

if TYPE_CHECKING:
    from bailian.engine.engine import Engine
    from bailian.store.schema import JobRow

# The service keeps a result so long.
KEPT_S = 24 * 3600
SENT_STATES = (Status.SENDING, Status.UNSETTLED, Status.SUBMITTED, Status.ENDED, Status.HELD)
LOOKED_AT = 200


def with_unfinished(engine: Engine, prepared: Sequence[Prepared]) -> list[Prepared]:
    """Return the requests, with a notice on each that an earlier run has sent and not fetched.

    A text is left out: it costs little, and is sent again by itself.
    """
    if all(modality_of(one.model.kind).RETRY_SAFE for one in prepared):
        return list(prepared)
    since_s = engine.clock.wall() - KEPT_S
    rows = engine.journal.jobs(engine.services.account, SENT_STATES, LOOKED_AT)
    left = [row for row in rows if row.created_at_s > since_s and row.run is None and _is_nobodys(engine, row)]
    return [_told(one, left, engine.settings.resume_flags) for one in prepared]


def _is_nobodys(engine: Engine, row: JobRow) -> bool:
    return row.owner is None or engine.services.lease.is_dead(row.owner)


def _told(one: Prepared, left: Sequence[JobRow], flags: Sequence[str]) -> Prepared:
    same = next((row for row in left if row.wire_model == one.wire_model and row.prepared.body == one.body), None)
    if same is None:
        return one
    in_parts = len(SpeechContext.of(one.context).parts) > 1
    if not in_parts:
        return replace(one, notices=(*one.notices, _notice(same, flags)))
    # Parts that are paid are taken, by whichever job; one that was lost is not here.
    return replace(one, notices=(*one.notices, _part_lost(same))) if same.state == Status.HELD else one


def _part_lost(row: JobRow) -> Notice:
    at, show = _at(row), how_to().show(row.id)
    return Notice(
        "same_request_held",
        tr(
            f"a part of the same text was lost at {at}, and is paid twice if it was billed; the others are kept: {show}",
            f"{at} 同一文本的一段已丢失；若已计费，这一段会重复计费；其余各段已保存：{show}",
        ),
    )


def _at(row: JobRow) -> str:
    return f"{datetime.fromtimestamp(row.sent_at_s or row.created_at_s):%H:%M:%S}"


def _notice(row: JobRow, flags: Sequence[str]) -> Notice:
    at = _at(row)
    if row.state == Status.HELD:
        show = how_to().show(row.id)
        return Notice(
            "same_request_held",
            tr(
                f"the answer to the same request of {at} was lost, and it may be paid; this run is another one: {show}",
                f"{at} 的相同请求应答已丢失，可能已计费；本次会另发一个请求：{show}",
            ),
        )
    fetch = how_to().fetch(flags, row.task_id or row.id)
    return Notice(
        "same_request_unfinished",
        tr(
            f"the same request of {at} was left unfinished and may be paid; this run is another one. To fetch it: {fetch}",
            f"{at} 的相同请求尚未取回，可能已计费；本次会另发一个请求。取回方法：{fetch}",
        ),
    )
