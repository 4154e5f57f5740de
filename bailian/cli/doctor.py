"""`bailian doctor`: where key, host and folders come from, and whether they work. Costs nothing."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from bailian import __version__
from bailian.cli.account import with_account
from bailian.cli.options import talk_options
from bailian.language import say
from bailian.settings import Settings

if TYPE_CHECKING:
    from bailian.catalog import Catalog


HALF_A_YEAR = timedelta(days=183)


def age_of(catalog: Catalog) -> str:
    """Return as of when the package's facts about models are, and what to do when that is long ago."""
    if catalog.as_of is None:
        return say("of unknown age", "日期未知")
    shown = say(f"{len(catalog)} models as of {catalog.as_of}", f"{len(catalog)} 个模型，截至 {catalog.as_of}")
    if catalog.today - catalog.as_of <= HALF_A_YEAR:
        return shown
    return shown + say(
        ": older than half a year; update the toolkit, or see `bailian models --diff`",
        "：已超过半年；请升级本工具，或运行 `bailian models --diff` 查看差异",
    )


def _network(base_url: str) -> dict[str, str]:
    """Return what the environment says about the way to the service, for calls and the speech socket alike."""
    from bailian.wire.network import ca_bundle, proxy_for

    proxy, bundle = proxy_for(base_url), ca_bundle()
    return {
        "proxy": f"{proxy.shown} ({proxy.variable})" if proxy else say("none", "无"),
        "trusts": f"{bundle.path} ({bundle.variable})" if bundle else say("the public authorities", "公共证书机构"),
    }


@click.command(
    help=say("Check key, host, folders and journal; nothing is paid.", "检查密钥、服务地址、目录和日志，不产生费用。")
)
@talk_options
@with_account
def doctor(here: Settings, as_json: bool, **_talk: bool) -> int:
    from bailian.catalog import load
    from bailian.cli.run import service
    from bailian.cli.terminal import write_data, write_json
    from bailian.errors import BailianError, Exit
    from bailian.journal import OPEN_STATES, Journal
    from bailian.settings import NO_HOME, home_folder
    from bailian.wire.service import Service

    facts: dict[str, object] = {
        "toolkit": __version__,
        "python": sys.version.split()[0],
        "base_url": here.base_url,
        "region": here.region,
        "key": here.api_key.masked if here.api_key else say("none", "无"),
        "home": say("none", "无") if home_folder() == NO_HOME else str(here.home),
        "models": str(home_folder() / "models.toml"),
    }
    code = Exit.OK
    try:
        with closing(Journal(here.home)) as journal:
            facts["journal"] = say("can be written", "可写")
            facts["open_jobs"] = len(journal.jobs(here.account, OPEN_STATES))
            facts["open_elsewhere"] = journal.open_elsewhere(here.account)
        facts.update(_network(here.base_url))
        facts["catalog"] = age_of(load(home_folder()))
        here.require_key()
        with service(here, quiet=True) as there, closing(Service(there)) as asked:
            facts["base_url"] = there.base_url
            asked.task("00000000-0000-0000-0000-000000000000")
        facts["service"] = say("answers, the key is accepted", "应答正常，密钥有效")
    except BailianError as error:
        facts["problem"] = error.message
        facts["advice"] = error.advice
        code = error.exit_code
    if as_json:
        write_json(facts)
    else:
        for name, value in facts.items():
            write_data(f"{name:10} {value}")
    return code
