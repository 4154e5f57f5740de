"""`bailian doctor`: where key, host and folders come from, and whether they work. Costs nothing."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from bailian import __version__
from bailian.cli.account import loose
from bailian.cli.args.options import account_options, verbosity_options
from bailian.cli.commands.key_probe import asked_service
from bailian.cli.help.help_command import HelpCommand
from bailian.config.settings import Settings, home_folder
from bailian.i18n import tr
from bailian.instructions import how_to

if TYPE_CHECKING:
    from bailian.catalog import Catalog


HALF_A_YEAR = timedelta(days=183)


def age_of(catalog: Catalog) -> str:
    """Return as of when the package's facts about models are, and what to do when that is long ago."""
    if catalog.as_of is None:
        return tr("of unknown age", "日期未知")
    shown = tr(f"{len(catalog)} models as of {catalog.as_of}", f"{len(catalog)} 个模型，截至 {catalog.as_of}")
    if catalog.today - catalog.as_of <= HALF_A_YEAR:
        return shown
    models = how_to().models()
    return shown + tr(
        f": older than half a year; update the toolkit, or see `{models} --diff`",
        f"：已超过半年；请升级本工具，或运行 `{models} --diff` 查看差异",
    )


def _network(here: Settings) -> dict[str, object]:
    """Return what the environment says about the way to the service, for calls and the speech socket alike."""
    from bailian.service.transport.network import ca_bundle, proxy_for

    proxy, bundle = proxy_for(here.base_url), ca_bundle()
    return {
        "proxy": f"{proxy.shown} ({proxy.variable})" if proxy else tr("none", "无"),
        "trusts": f"{bundle.path} ({bundle.variable})" if bundle else tr("the public authorities", "公共证书机构"),
    }


@click.command(
    cls=HelpCommand,
    examples=(
        ("", ""),
        ("--profile work", "--profile work"),
    ),
    help=tr("Check key, host, folders and journal; nothing is paid.", "检查密钥、服务地址、目录和日志，不产生费用。"),
)
@verbosity_options
@account_options
def doctor(
    region: str | None,
    base_url: str | None,
    workspace: str | None,
    sandbox: bool,
    profile: str | None,
    as_json: bool,
    **_talk: bool,
) -> int:
    from bailian.cli.output.terminal import print_data, print_json
    from bailian.config.settings import home_folder, read_settings
    from bailian.errors import BailianError, Exit, SetupError
    from bailian.store.private import NO_HOME

    in_files: list[SetupError] = []
    here = read_settings(
        region=region, base_url=base_url, workspace=workspace, sandbox=sandbox, profile=profile, problems=in_files
    )
    problems: list[BailianError] = [*in_files]
    found: dict[str, object] = {
        "toolkit": __version__,
        "python": sys.version.split()[0],
        "base_url": here.base_url,
        "region": here.region,
        "key": here.api_key.masked if here.api_key else tr("none", "无"),
        "home": tr("none", "无") if home_folder() == NO_HOME else str(here.home),
        "models": str(home_folder() / "models.toml"),
        **_open_to_others(here),
    }
    for check in (_journal, _network, _catalog, asked_service):
        try:
            if check is not asked_service or not problems:
                found.update(check(here))
        except BailianError as error:  # noqa: PERF203 - four of them
            problems.append(error)
    if problems:
        found["problem"] = "\n".join(dict.fromkeys(error.message for error in problems))
        found["advice"] = "\n".join(dict.fromkeys(error.advice for error in problems if error.advice))
    if as_json:
        print_json(found)
    else:
        for name, value in found.items():
            first, *rest = str(value).split("\n")
            print_data("\n".join([f"{name:10} {first}", *(f"{'':10} {line}" for line in rest)]))
    return problems[0].exit_code if problems else Exit.OK


def _open_to_others(here: Settings) -> dict[str, object]:
    """Return which of key file and home other users of the machine may read. A run tightens its own folders."""
    paths = [(here.key_file, tr("the key file", "密钥文件")), (home_folder(), tr("the home folder", "数据目录"))]
    found = [text for path, what in paths if path is not None and (text := loose(path, what))]
    return {"readable": "\n".join(found)} if found else {}


def _journal(here: Settings) -> dict[str, object]:
    from bailian.store.jobs import Journal
    from bailian.store.states import OPEN_STATES

    with closing(Journal(here.journal)) as journal:
        return {
            "journal": f"{journal.database.title}: " + tr("can be written", "可写"),
            "open_jobs": len(journal.jobs(here.account, OPEN_STATES)),
            "open_elsewhere": journal.open_elsewhere(here.account),
        }


def _catalog(here: Settings) -> dict[str, object]:
    from bailian.catalog import load

    return {"catalog": age_of(load(home_folder()))}
