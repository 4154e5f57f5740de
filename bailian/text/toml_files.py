"""The user's TOML files: read whole, or refused with the file's name. Whatever stands in one, it is no bug of ours."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bailian.errors import SetupError
from bailian.i18n import reason_of, tr
from bailian.instructions import how_to
from bailian.text.decoding import NotText, read_text

if sys.version_info >= (3, 11):
    import tomllib as toml
else:
    import tomli as toml

# Nothing that we read is nested deeper than five.
MOST_DEEP = 20
SHOWN_CHARS = 60


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text; ValueError if it is none."""
    try:
        tables: dict[str, Any] = toml.loads(text)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    level: list[Any] = [tables]
    for _ in range(MOST_DEEP):
        level = [inner for value in level for inner in (value.values() if isinstance(value, dict) else value)]
        level = [value for value in level if isinstance(value, dict | list)]
        if not level:
            return tables
    raise ValueError(_too_deep())


def _too_deep() -> str:
    return tr(f"tables are nested deeper than {MOST_DEEP}", f"表的嵌套超过 {MOST_DEEP} 层")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a user's file; none if there is no such file.

    Raises:
        SetupError: it cannot be read, or is not TOML in UTF-8.
    """
    try:
        found = read_text(path)
        if found.remark:  # prices and limits are not guessed at
            raise _not_utf8(path)
        return parse_toml(found.text)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SetupError(
            tr(f"cannot read {path}: {reason_of(error)}", f"无法读取 {path}：{reason_of(error)}"),
            advice=put_right(path),
        ) from None
    except NotText:
        raise _not_utf8(path) from None
    except ValueError as error:
        raise SetupError(
            tr(f"{path} is not valid TOML: {error}", f"{path} 不是合法的 TOML：{error}"), advice=put_right(path)
        ) from None


def _not_utf8(path: Path) -> SetupError:
    return SetupError(
        tr(
            f"{path} is not UTF-8: save the file as UTF-8, without an encoding of its own",
            f"{path} 不是 UTF-8 编码，请另存为 UTF-8",
        ),
        advice=put_right(path),
    )


def refused(path: Path, where: str, value: object, allowed: str) -> SetupError:
    """Return the error for a value that is not allowed there."""
    space = " " if allowed.isascii() or allowed[:1].isascii() else ""
    return SetupError(
        tr(
            f"{path}: {where} = {shown(value)}: it must be {allowed}",
            f"{path}：{where} = {shown(value)}：应为{space}{allowed}",
        ),
        advice=put_right(path),
    )


def shown(value: object) -> str:
    """Return a value, short."""
    try:
        text = repr(value)
    except ValueError:  # a hexadecimal number of thousands of digits
        return tr("a number too long to show", "过长的数字")
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def put_right(path: Path) -> str:
    doctor = how_to().command("doctor")
    return tr(
        f"correct {path.name}, or take it away; `{doctor}` checks it",
        f"请修正 {path.name} 或将其移走；可用 `{doctor}` 检查",
    )
