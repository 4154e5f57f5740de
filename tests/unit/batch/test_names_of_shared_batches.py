"""Where several machines share a journal a batch has a name, whoever runs it; and more than one process may."""

from __future__ import annotations

from pathlib import Path

import pytest

from bailian.batch.sync import BatchSpec, only_one, require_name
from bailian.errors import InvalidRequest
from bailian.store.backends.journal_place import JournalPlace

HERE, THERE = JournalPlace(Path()), JournalPlace(Path(), "postgresql://nobody@127.0.0.1:1/none")


def test_a_batch_on_a_shared_journal_has_a_name() -> None:
    require_name(None, HERE)
    require_name("shop", THERE)
    with pytest.raises(InvalidRequest, match="by its name"):
        require_name(None, THERE)


def test_several_may_run_it_only_there(tmp_path: Path) -> None:
    spec = BatchSpec(tmp_path / "rows.jsonl", "batch:shop", tmp_path)
    with only_one(spec, THERE, "me") as one, only_one(spec, THERE, "me") as other:
        assert (one, other) == (True, True)
    home = JournalPlace(tmp_path)
    (tmp_path / "running").mkdir()
    with only_one(spec, home, "me") as one, only_one(spec, home, "me") as other:
        assert (one, other) == (True, False)
