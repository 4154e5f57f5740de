"""`bailian doctor`: where key, host and folders come from, and whether they work. Costs nothing."""

from __future__ import annotations

import sys
from contextlib import closing

import click

from bailian import __version__
from bailian.cli.account import with_account
from bailian.cli.options import talk_options
from bailian.language import say
from bailian.settings import Settings


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
    from bailian.settings import home_folder
    from bailian.wire.service import Service

    facts: dict[str, object] = {
        "toolkit": __version__,
        "python": sys.version.split()[0],
        "base_url": here.base_url,
        "region": here.region,
        "key": here.api_key.masked if here.api_key else say("none", "无"),
        "home": str(here.home),
        "models": str(home_folder() / "models.toml"),
    }
    code = Exit.OK
    try:
        with closing(Journal(here.home)) as journal:
            facts["journal"] = say("can be written", "可写")
            facts["open_jobs"] = len(journal.jobs(here.account, OPEN_STATES))
            facts["open_elsewhere"] = journal.open_elsewhere(here.account)
        load(home_folder())
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
