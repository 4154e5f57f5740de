"""A relative path in a config file is relative to that file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bailian.inputs.lookup import OPEN_PLACES, has_foreign_scheme
from bailian.text.storage_path import is_storage
from bailian.types.result_of import PREFIX as RESULT_OF

NOT_PATHS = ("http://", "https://", "oss://", "data:", RESULT_OF)


def place_inputs(fields: dict[str, Any], names: Iterable[str], folder: Path) -> None:
    """Put `folder` before the relative paths in these fields; links, `data:`, `-`, open places and other rows' results
    stay as they are."""
    for name in names:
        words = fields.get(name)
        if isinstance(words, str):
            fields[name] = placed_path(words, folder)
        elif isinstance(words, list):
            fields[name] = [_placed(name, word, folder) for word in words]


def _placed(name: str, word: Any, folder: Path) -> Any:
    is_path = isinstance(word, str) and (word or name not in OPEN_PLACES)
    return placed_path(word, folder) if is_path else word


def placed_path(word: str, folder: Path) -> str:
    """Return where a path or `file://…` in a config file in `folder` leads to."""
    from bailian.store.paths import local_path

    is_path = word not in ("", "-") and not word.startswith(NOT_PATHS) and not has_foreign_scheme(word)
    is_path = is_path and not is_storage(word)
    return str(folder / local_path(word)) if is_path else word
