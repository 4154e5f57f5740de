"""`bailian cost`: what was spent, by day and model, as the service charged it."""

from __future__ import annotations

from contextlib import closing

import click

from bailian.cli.account import with_account
from bailian.cli.options import talk_options
from bailian.language import say
from bailian.settings import Settings


@click.command(help=say("Show what was spent, by day and model.", "按日期和模型显示费用。"))
@talk_options
@with_account
def cost(here: Settings, as_json: bool, **_talk: bool) -> None:
    from bailian.cli.table import print_table
    from bailian.cli.terminal import money, talk, write_json
    from bailian.journal import Journal

    here.require_key()
    with closing(Journal(here.home)) as journal:
        spent = journal.spent_cny(here.account)
    rows: list[dict[str, object]] = [{"day": day, "model": model, "cny": round(cny, 6)} for day, model, cny in spent]
    total_cny = round(sum(cny for _, _, cny in spent), 6)
    if as_json:
        write_json({"currency": "CNY", "total": total_cny, "spent": rows})
    elif rows:
        shown = [*rows, {"day": say("total", "合计"), "model": "", "cny": total_cny}]
        print_table([{**row, "cny": money(float(str(row["cny"])))} for row in shown])
    else:
        talk(say("nothing was spent", "没有费用"))
