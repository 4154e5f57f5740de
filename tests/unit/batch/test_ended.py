"""What a file is known by is found without holding it in memory."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, cast

import pytest

from bailian.batch.sync import BatchSpec
from bailian.cli.batch import ended
from bailian.cli.batch.batch_call import BatchOptions, Call
from bailian.cli.batch.ended import digest_of


def digest(path: Path) -> str:
    return digest_of(Call(BatchSpec(path, "batch:a", path.parent), {}, cast("Any", None), BatchOptions()))


@pytest.mark.parametrize("read_bytes", [1, 3, 11, 4096])
def test_a_file_read_in_pieces_has_the_digest_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_bytes: int
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content := b'{"prompt": "a"}\n' * 9)
    whole = hashlib.sha256(content + json.dumps([str(tmp_path), None, False, False, {}, ""]).encode()).hexdigest()
    monkeypatch.setattr(ended, "READ_BYTES", read_bytes)
    assert digest(path) == whole
    path.write_bytes(b'{"prompt_file": "a.txt"}\n')
    assert digest(path) != digest(path), "what it names may have changed"
