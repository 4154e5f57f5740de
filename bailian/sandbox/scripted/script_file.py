"""Where scripted answers come from: a YAML file, a JSON list, keyword arguments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bailian.i18n import tr
from bailian.sandbox.scripted.answers import ScriptedAnswer, picture_of_data_url, read_answer
from bailian.sandbox.scripted.fields import WrongEntry, WrongField, read_numbered


def read_script(path: Path) -> list[ScriptedAnswer]:
    """Return the answers of a YAML file: a list, or a mapping with `answers`; pictures are named beside it.

    Raises:
        WrongEntry: with the file's line and the allowed names.
        ModuleNotFoundError: pyyaml, of the extra `[sandbox]`, is not installed.
    """
    from bailian.sandbox.scripted.yaml_file import list_of, read_each, read_yaml

    def read(entry: Any) -> ScriptedAnswer:
        return read_answer(entry, lambda name: _picture(path.parent, name))

    return read_each(path, list_of(path, read_yaml(path), "answers"), read)


def read_entries(entries: Any) -> list[ScriptedAnswer]:
    """Return the answers of JSON: a list, or one object.

    Raises:
        WrongEntry: with the entry's number and the allowed names.
    """
    given = entries if isinstance(entries, list) else [entries]
    return read_numbered(given, lambda entry: read_answer(entry, picture_of_data_url), "answer")


def read_here(entry: Mapping[str, Any]) -> ScriptedAnswer:
    """Return the answer that a program of this computer describes; a picture may be a path.

    Raises:
        WrongEntry: it describes none.
    """
    told = {name: str(value) if isinstance(value, Path) else value for name, value in entry.items()}
    try:
        return read_answer(told, lambda name: _picture(Path.cwd(), name))
    except WrongField as error:
        raise WrongEntry(error.problem) from None


def _picture(folder: Path, name: str) -> bytes:
    if name.startswith("data:"):
        return picture_of_data_url(name)
    try:
        return (folder / Path(name).expanduser()).read_bytes()
    except OSError as error:
        told = tr(f"{name!r} cannot be read: {error.strerror}", f"无法读取 {name!r}：{error.strerror}")
        raise ValueError(told) from None
