"""`bailian config show`: what is set, and where each value comes from."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from bailian.cli.account import with_account
from bailian.cli.args.options import json_option
from bailian.cli.help.help_command import HelpGroup
from bailian.config.settings import Settings
from bailian.errors import BailianError
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.config.settings_file import SettingsFile


@click.group(
    cls=HelpGroup,
    examples=(
        ("show", "show"),
        ("show --profile work", "show --profile work"),
    ),
    help=tr("What is set, and where.", "查看设置及其来源。"),
)
def config() -> None:
    pass


@config.command(
    "show",
    examples=(
        ("", ""),
        ("--profile work", "--profile work"),
    ),
    help=tr("Show each setting and where it comes from.", "显示各项设置及其来源。"),
)
@json_option
@with_account
def show(here: Settings, as_json: bool) -> None:
    from bailian.cli.output.columns import print_table
    from bailian.cli.output.terminal import print_json
    from bailian.config.settings import home_folder
    from bailian.config.settings_file import read_settings_file

    file = read_settings_file(home_folder())
    rows = _rows(here, file)
    names = _profiles(file)
    if as_json:
        print_json({"settings": rows, "file": str(file.path), "profiles": names})
        return
    people = [{**row, "value": _shown(row["value"])} for row in rows]
    if names:
        people.append({"setting": "profiles", "value": ", ".join(names), "from": None})
    print_table([*people, _file_row(file)], keep=("setting", "value", "from"), gives_way="value")


def _file_row(file: SettingsFile) -> dict[str, Any]:
    there = tr("read", "已读取") if file.path.exists() else tr("not there", "不存在")
    return {"setting": "settings_file", "value": str(file.path), "from": there}


def _profiles(file: SettingsFile) -> list[str]:
    from bailian.config.settings import home_folder
    from bailian.config.user_defaults import profile_names

    return profile_names(file, home_folder())


def _rows(here: Settings, file: SettingsFile) -> list[dict[str, Any]]:
    from bailian.batch.default_fields import DefaultFields
    from bailian.cli.args.options import DEFAULT_OUTPUT
    from bailian.config.settings_file import NEVER, SCRIPT_KINDS
    from bailian.files import naming
    from bailian.i18n import language_origin

    own, default = here.defaults, tr("default", "默认")
    language, language_from = language_origin()
    checked = DefaultFields(own)
    values: dict[str, object] = {
        "profile": here.profile,
        "key": here.api_key.masked if here.api_key else None,
        "base_url": here.base_url,
        "socket_url": here.socket_url,
        "region": here.region,
        "workspace": here.workspace,
        "home": str(here.home),
        "journal": here.journal.title,
        "day_budget_cny": here.day_budget_cny,
        "month_budget_cny": here.month_budget_cny,
        "ask_above_cny": NEVER if here.ask_above_cny is None else here.ask_above_cny,
        "folder": own.folder or f"{DEFAULT_OUTPUT}/",
        "name": own.name or naming.DEFAULT_TEMPLATE,
        "sidecar": own.sidecar,
        "recipe": own.recipe,
        "bell": own.bell,
        "preview": own.preview,
        "language": language,
    }
    origins = {"language": language_from or default, "home": _home_origin() or default, **here.origins}
    rows = [
        {"setting": name, "value": value, "from": origins.get(name, default) if value is not None else None}
        for name, value in values.items()
    ]
    for script, kind in SCRIPT_KINDS.items():
        fields = checked.under(kind, {})
        model = {} if "model" in fields else {"model": _default_model(kind, here)}
        for name, value in {**model, **fields}.items():
            origin = own.field_origins.get(f"{kind}.{name}", default)
            rows.append({"setting": f"{script}.{name}", "value": value, "from": origin})
    return rows


def _default_model(kind: str, here: Settings) -> str | None:
    """Return the model of a kind that is taken today where none is named."""
    from bailian.catalog import load
    from bailian.config.settings import home_folder
    from bailian.modalities import modality_of
    from bailian.modalities.rules import choice

    with suppress(BailianError):  # this region has none of them
        names = modality_of(kind).DEFAULT_MODELS
        return choice.choose(None, kind, names, load(home_folder(), kind=kind), here.region).model.name
    return None


def _shown(value: object) -> str:
    if value is None:
        return tr("none", "无")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _home_origin() -> str:
    import os

    return "BAILIAN_HOME" if os.environ.get("BAILIAN_HOME") else ""
