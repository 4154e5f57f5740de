"""Fields that hold an object of JSON, such as a schema: the object itself, as text, or the path of a file with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bailian.errors import Problem
from bailian.i18n import reason_of, tr
from bailian.modalities.recognition import hot_words
from bailian.store.paths import local_path
from bailian.text.decoding import NotText, read_text
from bailian.text.json_text import NotJson, loaded

SHOWN_AS = {"ocr_schema": "schema"}
"""A user's name for a field, where it is not ours."""

_LIST_OR_OBJECT = ("[", "{")


def read_objects(fields: dict[str, Any], names: Iterable[str], folder: Path) -> list[Problem]:
    """Put the objects in the place of their paths, which are relative to `folder`; return what is no object.

    What is wrong is taken out of the fields, so that the rest is judged without it.
    """
    problems = []
    for name in names:
        value = fields.get(name)
        if value is None or isinstance(value, dict):
            continue
        found = _object(value, folder)
        if isinstance(found, dict):
            fields[name] = found
        else:
            del fields[name]
            problems.append(Problem(SHOWN_AS.get(name, name), found))
    return problems


def read_word_lists(fields: dict[str, Any], names: Iterable[str], folder: Path) -> list[Problem]:
    """Put words and weights in the place of the paths of their files, as `read_objects` does; a file is a text with one
    word a line, or JSON."""
    problems = []
    for name in names:
        value = fields.get(name)
        if not isinstance(value, str):
            continue
        found = _words(value, folder)
        if isinstance(found, str):
            del fields[name]
            problems.append(Problem(name, found))
        else:
            fields[name] = found
    return problems


def _words(value: str, folder: Path) -> list[Any] | dict[str, Any] | str:
    def words(text: str) -> Any:
        if text.lstrip().startswith(_LIST_OR_OBJECT):
            return _json(text, (dict, list), tr("must hold words", "应含有词语"))
        return hot_words.of_text(text)

    found: list[Any] | dict[str, Any] | str = _read(value, folder, _LIST_OR_OBJECT, words)
    return found


def _object(value: object, folder: Path) -> dict[str, Any] | str:
    wrong = tr("must be a JSON object, or a file that holds one", "应为 JSON 对象，或含有 JSON 对象的文件")
    if not isinstance(value, str):
        return wrong
    found: dict[str, Any] | str = _read(value, folder, ("{",), lambda text: _json(text, dict, wrong))
    return found


def _read(value: str, folder: Path, begins: tuple[str, ...], parse: Callable[[str], Any]) -> Any:
    """Return what a text holds that begins so, or else the file of that name; or what is wrong with it."""
    try:
        return parse(value if value.lstrip().startswith(begins) else read_text(folder / local_path(value)).text)
    except NotJson as error:
        return error.placed()
    except NotText as error:
        return str(error)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name, or nested too deeply
        reason = reason_of(error)
        return tr(f"cannot read {value}: {reason}", f"无法读取 {value}：{reason}")


def _json(text: str, kind: type | tuple[type, ...], wrong: str) -> Any:
    found, doubled = loaded(text)
    if doubled:
        return tr(f"{doubled[0]} stands there twice", f"{doubled[0]} 重复出现")
    return found if isinstance(found, kind) else wrong
