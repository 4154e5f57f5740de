"""Every page of help, as a process of its own writes it in one language: help texts are fixed when modules load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import click

from tests.support.setting import ROOT

WIDTHS = (60, 80, 120)


@dataclass(frozen=True)
class Page:
    """The help of one command at one width."""

    command: str
    columns: int
    text: str
    options: list[list[str]]
    """The names of each option that is shown."""
    examples: list[list[str]]
    """What stands behind the command, in English and in Chinese."""

    @property
    def groups(self) -> dict[str, list[str]]:
        """Return the lines under each title: what stands before the first is the usage, and what the command does."""
        groups: dict[str, list[str]] = {}
        for line in self.text.splitlines():
            if line.endswith(":") and not line.startswith(" "):
                groups[line[:-1]] = []
            elif groups and line:
                groups[list(groups)[-1]].append(line)
        return groups

    @property
    def option_lines(self) -> list[str]:
        return [line for title, lines in self.groups.items() if title not in ("Examples", "示例") for line in lines]


def commands(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[click.Context]:
    """Yield a context for a command and all below it."""
    context = command.context_class(command, info_name=name, parent=parent, help_option_names=["-h", "--help"])
    yield context
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from commands(found, below, context)


@cache
def pages(language: str) -> list[Page]:
    """Return all pages of `bailian` in a language, at each width."""
    ran = subprocess.run(
        [sys.executable, "-u", "-m", "tests.support.help_pages"],
        env={**os.environ, "BAILIAN_LANG": language, "PYTHONIOENCODING": "utf-8"},
        capture_output=True, text=True, encoding="utf-8", check=True, cwd=ROOT,
    )  # fmt: skip
    return [Page(**page) for page in json.loads(ran.stdout)]


def _all_pages() -> Iterator[Page]:
    from bailian.cli.main import bailian

    for context in commands(bailian, "bailian"):
        command = context.command
        shown = [one for one in command.get_params(context) if isinstance(one, click.Option) and not one.hidden]
        options = [[*one.opts, *one.secondary_opts] for one in shown]
        examples = [list(pair) for pair in getattr(command, "examples", ())]
        for columns in WIDTHS:
            context.terminal_width = columns
            yield Page(context.command_path, columns, command.get_help(context), options, examples)


if __name__ == "__main__":
    sys.stdout.write(json.dumps([vars(page) for page in _all_pages()]))
