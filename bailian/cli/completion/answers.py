"""The answer to a shell that asks what may stand at the cursor. It never fails: a bug here must not break a prompt."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem, ShellComplete

from bailian.cli.completion.shells import SHELLS, Shell
from bailian.cli.completion.typed_line import Typed, typed

if TYPE_CHECKING:
    import click

ASKED = "_BAILIAN_COMPLETE"
"""Names the shell that asks."""
SOURCE = "_source"
"""`bash_source` asks for the script, as click's own completion does."""
VALUES, FILES, FOLDERS = "values", "files", "folders"
"""The first line of an answer: what the shell is to offer. Values stand behind it, each with its description."""


def answer(command: click.Command) -> None:
    """Print what the shell asks for. `_BAILIAN_LINE` is the line up to the cursor."""
    asked = os.environ.pop(ASKED)
    shell = SHELLS.get(asked.removesuffix(SOURCE))
    if shell is None:
        return
    text = shell.text
    if not asked.endswith(SOURCE):
        lines = [VALUES]
        with suppress(Exception):
            lines = lines_for(
                shell, command, os.environ.get("_BAILIAN_LINE", ""), os.environ.get("_BAILIAN_BREAKS", "")
            )
        text = "".join(f"{line}\n" for line in lines)
    with suppress(OSError):
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()


def lines_for(shell: Shell, command: click.Command, line: str, breaks: str = "") -> list[str]:
    """Return the lines of an answer."""
    at_cursor = typed(line, shell.escape)
    items = _items(command, at_cursor)
    special = {"file": FILES, "dir": FOLDERS}
    what = next((special[item.type] for item in items if item.type in special), VALUES)
    return [what, *_written(shell, at_cursor, breaks, (item for item in items if item.type not in special))]


def _items(command: click.Command, line: Typed) -> list[CompletionItem[str]]:
    asked = ShellComplete(command, {}, "bailian", ASKED)
    items = asked.get_completions(line.words[1:], line.begun)
    # Behind a finished word of a command that takes a text, its options are what may come.
    return items if items or line.begun else asked.get_completions(line.words[1:], "--")


def _written(shell: Shell, line: Typed, breaks: str, items: Iterable[CompletionItem[str]]) -> Iterator[str]:
    """Yield each value as the shell takes it: behind `--model=`, where that was typed, too."""
    name, equals, _ = line.begun.partition("=")
    before = name + equals if equals and name.startswith("-") and "--" not in line.words else ""
    for item in items:
        value = shell.written(before + item.value, line, breaks)
        about = " ".join((item.help or "").split()) if shell.descriptions else ""
        yield f"{value}\t{about}" if about else value
