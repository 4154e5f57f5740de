"""The ids that a journal knows, by how they begin: people type eight characters, not thirty-six."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.store.jobs import Journal
from bailian.store.schema import JobRow

MIN_CHARS = 4
SHOWN_CHARS = 8
LISTED = 5

_LIKE = """
SELECT task_id, id, request_id FROM jobs WHERE account = ?1
AND (task_id >= ?2 AND task_id < ?3 OR id >= ?2 AND id < ?3 OR request_id >= ?2 AND request_id < ?3) LIMIT ?4
"""
_NEIGHBOURS = """
SELECT (SELECT max(task_id) FROM jobs WHERE account = ?1 AND task_id < ?2),
  (SELECT min(task_id) FROM jobs WHERE account = ?1 AND task_id > ?2),
  (SELECT max(id) FROM jobs WHERE id < ?2), (SELECT min(id) FROM jobs WHERE id > ?2)
"""


def find_job(journal: Journal, account: str, word: str) -> JobRow | None:
    """Return the job with this task id, job id or request id, or the one of which an id begins so.

    Raises:
        InvalidRequest: several begin so.
    """
    exact_match = journal.find(account, word)
    if exact_match is not None or len(word) < MIN_CHARS:
        return exact_match
    high = word[:-1] + chr(min(ord(word[-1]) + 1, 0x10FFFF))
    rows = journal.database.read(_LIKE, (account, word, high, LISTED + 1))
    ids = [next(one for one in row if one and one.startswith(word)) for row in rows]
    if len(ids) > 1:
        raise several_begin_so(word, ids)
    return journal.find(account, ids[0]) if ids else None


def several_begin_so(word: str, ids: Sequence[str]) -> InvalidRequest:
    """Return the refusal of the beginning of several ids, with the ids."""
    listed = ", ".join(ids[:LISTED]) + (", …" if len(ids) > LISTED else "")
    return InvalidRequest.one(
        "id",
        tr(f"{word} begins several ids: {listed}", f"有多个 ID 以 {word} 开头：{listed}"),
        advice=tr("write more of it", "请多写几个字符"),
    )


def short_ids(journal: Journal, account: str, ids: Iterable[str]) -> dict[str, str]:
    """Return for each of these ids how it begins, so that `find_job` finds it by that."""
    return {one: _short(journal, account, one) for one in ids}


def _short(journal: Journal, account: str, whole: str) -> str:
    (neighbours,) = journal.database.read(_NEIGHBOURS, (account, whole))
    shared = max((_shared(whole, other) for other in neighbours if other), default=0)
    return whole[: max(SHOWN_CHARS, shared + 1)]


def _shared(one: str, other: str) -> int:
    """Return how many characters two ids have in common from their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
