"""`bailian again`: the request of a job or a file once more, with changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bailian.cli.args.options import SharedOptions, argument, option, preview_option, shared_options
from bailian.cli.help.help_command import HelpCommand
from bailian.i18n import tr

NOT_AGAIN = ("chat",)
"""What is no part of the question."""


@click.command(
    cls=HelpCommand,
    examples=(
        ("6b2f", "6b2f"),
        ("cat.png --change seed=7 --change size=1280*720", "cat.png --change seed=7 --change size=1280*720"),
    ),
    help=tr(
        "Run the request of a job (the beginning of its id, see `bailian history`) or of a FILE once more; it is paid once more.",
        "再次运行某个任务（ID 的开头，见 `bailian history`）或某个文件的请求；会再次计费。",
    ),
)
@argument("word ID|FILE")
@option(
    "--change changes FIELD=VALUE",
    "Another value for a field; nothing behind = takes it away (repeatable).",
    "更改某个字段；= 后为空表示去掉（可重复）。",
    multiple=True,
)
@preview_option
@shared_options
def again(common: SharedOptions, word: str, changes: tuple[str, ...]) -> int:
    from bailian.cli.scripts.request import run

    kind, fields = _asked(word)
    return run(kind, _changed(kind, fields, changes), common)


def _asked(word: str) -> tuple[str, dict[str, Any]]:
    """Return the kind and the fields of a request that was made.

    Raises:
        InvalidRequest: there is no such job, or the file does not say how it was made.
    """
    from bailian.cli.commands.made import entry_of_word, file_of
    from bailian.cli.commands.show import no_recipe
    from bailian.files import recipe
    from bailian.files.storage.local_copies import local_copy

    entry = entry_of_word(word)
    if entry is not None:
        return entry.row.kind, {name: value for name, value in entry.row.request.items() if name not in NOT_AGAIN}
    with local_copy(file_of(word) or Path(word)) as copy:
        made = recipe.read(copy)
    if made is None:
        raise no_recipe(word)
    return str(made["kind"]), _known_fields(str(made["kind"]), made)


def _known_fields(kind: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a recipe is the request's, and not the answer's."""
    from bailian.batch.input.row_schema import form_of

    known = form_of(kind).known
    return {name: value for name, value in made.items() if name in known and name not in NOT_AGAIN}


def _changed(kind: str, fields: Mapping[str, Any], changes: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields with the changes.

    Raises:
        InvalidRequest: a change of no known field, or without `=`.
    """
    from bailian.batch.input.row_schema import form_of
    from bailian.errors import InvalidRequest, Problem
    from bailian.modalities.rules.values import cell

    form, changed, problems = form_of(kind), dict(fields), []
    for change in changes:
        name, equals, value = change.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            problems.append(Problem("change", tr(f"{change!r} must be FIELD=VALUE", f"{change!r} 应写作 字段=值")))
        elif name not in form.known:
            problems.append(Problem(name, form.unknown_field(name)))
        elif value:
            # As a table's cell: references=a.png leaves no voices of others behind, reference_voices=2=b.mp3 is the second's.
            own = form.modality.from_config({name: value})
            changed |= {key: cell(one, form.wanted[key]) if key in form.wanted else one for key, one in own.items()}
        else:
            for key in {name, *form.modality.from_config({name: ""})}:
                changed.pop(key, None)
    if problems:
        raise InvalidRequest(problems, advice="")
    return changed
